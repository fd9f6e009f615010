//! `jit setup`: makes a host one that vendors log in to with grants only, and can't lock anybody out of it.
//!
//! Read it as the specification: look, plan, try on a stage (`sshd -t`, every door of PAM, real logins), write the journal,
//! arm what takes everything back, change, reload, and wait for a person. Installing packages changes no login; this does.

use std::fmt::Write as _;
use std::path::Path;

use nix::unistd::{User, geteuid};

mod change;
mod confirm;
mod error;
mod host_files;
mod marked;
mod pam_lines;
mod place;
mod plan;
mod preview;
mod reload;
mod removal;
mod replace;
mod scopes;
mod sshd_block;
mod stage;
mod state;
mod trial_key;
mod trial_login;
mod units;

pub use error::{Result, SetupError};
pub use host_files::Wanted;
pub use marked::{BEGIN, END};
pub use place::Place;
pub use preview::dry_run;
pub use removal::remove;

use crate::recorder::clock::Boottime;
use confirm::Answer;
use plan::{Change, Plan};
use stage::Stage;
use state::{Lock, State};
use trial_login::{Login, Trial};

/// How a host is to be set up.
#[derive(Debug, Clone)]
pub struct Request {
    /// sshd.
    pub place: Place,
    /// What host.toml says, where it is missing.
    pub wanted: Wanted,
    /// Who must be able to get in afterwards.
    pub administrator: String,
    /// Whether the trial logins are confirmation enough.
    pub yes: bool,
    /// Seconds in which it must be confirmed.
    pub wait: u64,
}

/// Where progress is told, a line at a time.
pub type Say<'a> = &'a mut dyn FnMut(&str);

/// Sets the host up.
///
/// # Errors
/// If any step fails: then everything is as before, or the sentence says what is not.
pub fn install(request: &Request, say: Say<'_>) -> Result<()> {
    must_be_root()?;
    let place = &request.place;
    let lock = Lock::take()?;
    let mut state = State::read()?;
    tidy_up(&mut state, say)?;
    let sshd = look(place)?;
    let plan = plan::install(place, &sshd.service, &request.wanted, &state.installed)?;
    if plan.is_empty() {
        say("nothing to change: this host is set up");
        state.installed.know(place);
        state.write()?;
        // It may have been set up before there was anything that the units could go by.
        go_on(say);
        return Ok(());
    }
    try_it(request, &plan, &sshd, say)?;

    let id = confirm::new_id()?;
    let end = Boottime::now().plus_secs(request.wait);
    change::begin(&mut state, &plan, place, &id)?;
    let made = confirm::arm(&id, request.wait).and_then(|()| {
        change::apply(&plan)?;
        if touches_scopes(&plan.changes) {
            scopes::reload()?;
        }
        if touches_sshd(place, &plan.changes) {
            reload::test(place, &place.sshd_config)?;
            say(&reloaded(&reload::reload(place)?));
        }
        if let Some(pending) = &mut state.pending {
            pending.live = true;
        }
        state.write()
    });
    if let Err(error) = made {
        return Err(match change::restore(&mut state) {
            Ok(said) => {
                confirm::disarm(&id);
                said.iter().fold(error.and("everything is as before"), |error, more| error.and(more))
            }
            // What was armed tries it again.
            Err(second) => error.and(&format!("and taking it back failed: {}; {}", second.whole(), again())),
        });
    }
    plan.changes.iter().for_each(|change| say(&told(change)));
    plan.lost.iter().for_each(|lost| say(lost));
    if request.yes {
        state.end(true)?;
        confirm::disarm(&id);
        say("done: the host is set up");
        go_on(say);
        return Ok(());
    }
    // Whoever confirms or takes back meanwhile needs the lock.
    drop(lock);
    say(&format!(
        "live for {} seconds. Log in from another terminal now; if you get in, type yes here, or run `jit setup --confirm` there. \
         Without that it is taken back then, also when this is interrupted",
        request.wait
    ));
    match confirm::wait(&id, end)? {
        Answer::Typed => confirm(say),
        Answer::Confirmed => {
            say("confirmed: the host is set up");
            go_on(say);
            Ok(())
        }
        Answer::TakenBack | Answer::Silence => {
            restore(Some(&id), say).map_err(|error| error.and(&again()))?;
            // Somebody may have confirmed it at the last moment.
            if State::read()?.last.is_some_and(|last| last.id == id && last.confirmed) {
                say("confirmed: the host is set up");
                go_on(say);
                return Ok(());
            }
            Err(SetupError::new("not confirmed: everything is as before"))
        }
    }
}

/// Confirms the change that waits for it.
///
/// # Errors
/// If none does.
pub fn confirm(say: Say<'_>) -> Result<()> {
    must_be_root()?;
    let _lock = Lock::wait()?;
    let mut state = State::read()?;
    match &state.pending {
        Some(pending) if pending.taken_back || change::is_half(pending) => {
            Err(SetupError::new("the change is being taken back, and a part of it is gone already")
                .hint("run `jit setup --restore` to its end, then `jit setup` again"))
        }
        Some(pending) if pending.live => {
            let id = pending.id.clone();
            state.end(true)?;
            confirm::disarm(&id);
            say("confirmed: the host is set up");
            go_on(say);
            Ok(())
        }
        Some(_) => Err(SetupError::new("the change under way did not come to its end")
            .hint("run `jit setup --restore`, or `jit setup` again")),
        None => Err(SetupError::new("nothing waits to be confirmed")
            .hint("a change that is not confirmed in time is taken back; run `jit setup` again")),
    }
}

/// Takes an unconfirmed change back now; with `change`, that one only.
///
/// # Errors
/// If a file can't be put back: the change stays under way, and this can be run again.
pub fn restore(change: Option<&str>, say: Say<'_>) -> Result<()> {
    must_be_root()?;
    if let Some(id) = change
        && !State::read()?.is_pending(id)
    {
        // It was confirmed, or taken back, and nothing of ours may even be there any more.
        return Ok(());
    }
    let _lock = Lock::wait()?;
    // Nobody else is at work: what is on the stage was left by a kill.
    stage::clear();
    let mut state = State::read()?;
    let pending = state.pending.as_ref().filter(|pending| change.is_none_or(|id| id == pending.id));
    let Some(id) = pending.map(|pending| pending.id.clone()) else {
        if change.is_none() {
            // A kill may have come before the change was one.
            state::clear_saved(&state);
            say("nothing to take back: no change is under way");
        }
        return Ok(());
    };
    change::restore(&mut state)?.iter().for_each(|line| say(line));
    confirm::disarm(&id);
    say("restored: everything is as before");
    Ok(())
}

/// Waits in a session of its own, then takes the change back; again and again, until it is. Nobody reads what it says, so
/// why it can't goes to the log.
///
/// # Errors
/// If it can't leave its terminal.
pub fn restore_later(change: &str, seconds: u64, say: Say<'_>) -> Result<()> {
    confirm::detach(change, seconds)?;
    let mut last = String::new();
    while let Err(error) = restore(Some(change), say) {
        let said = error.and(&again()).whole();
        if said != last {
            confirm::log(&said);
            last = said;
        }
        std::thread::sleep(confirm::AGAIN);
    }
    Ok(())
}

/// That what failed does not rest.
fn again() -> String {
    format!("it is tried again every {} s, until it succeeds", confirm::AGAIN.as_secs())
}

fn must_be_root() -> Result<()> {
    if geteuid().is_root() {
        return Ok(());
    }
    Err(SetupError::new("only root can set a host up").hint("run it with sudo"))
}

/// sshd as it is.
struct Sshd {
    /// Its PAM service.
    service: String,
    /// Whether that is an option of it.
    named_by_option: bool,
}

/// Asks sshd; it must use PAM.
fn look(place: &Place) -> Result<Sshd> {
    let effective = reload::effective(place)?;
    if effective.other_than("usepam", &["yes"]).is_some() {
        return Err(SetupError::new("sshd does not use PAM, and without it no vendor's grant is checked")
            .hint("set `UsePAM yes` in the global section of sshd_config"));
    }
    let sshd = crate::check::sshd::Sshd { program: place.sshd.clone(), config: place.sshd_config.clone() };
    Ok(Sshd {
        service: sshd.pam_service(&effective),
        named_by_option: effective.first("pamservicename").is_some(),
    })
}

/// What a kill left: the stage, saved bytes, and a change that nobody confirmed, which is taken back.
fn tidy_up(state: &mut State, say: Say<'_>) -> Result<()> {
    stage::clear();
    if let Some(id) = state.pending.as_ref().map(|pending| pending.id.clone()) {
        say("a change was not confirmed: it is taken back first");
        change::restore(state)?.iter().for_each(|line| say(line));
        confirm::disarm(&id);
    }
    state::clear_saved(state);
    Ok(())
}

/// Everything that can be known before anything is live.
fn try_it(request: &Request, plan: &Plan, sshd: &Sshd, say: Say<'_>) -> Result<()> {
    let place = &request.place;
    let administrator = &request.administrator;
    if !User::from_name(administrator).is_ok_and(|user| user.is_some()) {
        return Err(SetupError::new(format!("there is no account {administrator:?}"))
            .hint("name an administrator's account: --admin USER"));
    }
    let stage = Stage::set(place, plan, &sshd.service)?;
    let (accounts, _) = crate::check::accounts::look(place::GROUP);
    stage.look(place, &sshd.service, &accounts.vendors)?;
    say("sshd accepts the new configuration");
    let trial =
        Trial::prepare(place, sshd.named_by_option, &sshd.service, administrator, &stage.sshd_config)?;
    if let Login::Refused(said) = trial.login(administrator, &stage.sshd_config, &stage.service)? {
        return Err(refused(&trial, administrator, &said, sshd)?);
    }
    say(&format!("trial login: {administrator} gets in"));
    if let Some(vendor) = accounts.vendors.iter().next() {
        if trial.login(vendor, &stage.sshd_config, &stage.service)? == Login::Entered {
            return Err(SetupError::new(format!("trial login: the vendor account {vendor} gets in with a plain key"))
                .hint("an earlier Match block of sshd_config beats ours: run `jit check` for the account, and mend it"));
        }
        say(&format!("trial login: the vendor account {vendor} is refused without a grant"));
    }
    Ok(())
}

/// Why the administrator does not get in: because of us, or already now.
fn refused(trial: &Trial<'_>, administrator: &str, said: &str, sshd: &Sshd) -> Result<SetupError> {
    let service = Path::new(place::PAM).join(&sshd.service);
    let present = plan::read(&service)?.unwrap_or_default();
    Ok(match trial.login(administrator, trial.live_config(), &present)? {
        Login::Entered => {
            SetupError::new(format!("trial login: {administrator} would be locked out, so nothing was changed ({said})"))
                .hint("look at what PAM says in the log; `jit setup --dry-run` shows the new lines")
        }
        Login::Refused(said) => SetupError::new(format!(
            "trial login: {administrator} does not get in with the present files either, so it proves nothing ({said})"
        ))
        .hint(format!(
            "name an administrator who may log in over ssh with a key: --admin USER; the trial comes from {}",
            trial_login::LOOPBACK
        )),
    })
}

/// What follows once it stays: the units, and what a vendor's login needs besides. Administrators are not concerned.
fn go_on(say: Say<'_>) {
    for file in host_files::from_the_authority() {
        say(&format!("vendors are refused until {} is there: it comes from the authority", file.display()));
    }
    match hostfile::HostConfig::load(Path::new(hostfile::DEFAULT_CONFIG)) {
        Ok(_) => units::start(say),
        Err(error) => say(&format!("vendors are refused until host.toml is complete: {error}")),
    }
    say("`jit check` names what is still open");
}

fn touches_sshd(place: &Place, changes: &[Change]) -> bool {
    changes.iter().any(|change| change::is_sshds(place, &change.path))
}

fn touches_scopes(changes: &[Change]) -> bool {
    changes.iter().any(|change| scopes::is_drop_in(&change.path))
}

fn reloaded(done: &reload::Reloaded) -> String {
    use reload::Reloaded;
    match done {
        Reloaded::Unit(unit, _) => format!("{unit} was reloaded"),
        Reloaded::Process(pid) => format!("sshd, process {pid}, was told to reload"),
        Reloaded::BySocket(pid) => {
            format!(
                "sshd, process {pid}, was told to reload and ended: its socket starts it anew with the next login"
            )
        }
        Reloaded::PerConnection => {
            "a socket starts sshd when somebody connects, and it reads the files then".to_owned()
        }
        Reloaded::Nothing => done.to_say().unwrap_or_default(),
    }
}

fn told(change: &Change) -> String {
    let mut line = String::new();
    let what = match (&change.before, &change.after) {
        (None, _) => "made",
        (_, None) => "deleted",
        _ => "changed",
    };
    let _ = write!(line, "{what} {}", change.path.display());
    line
}

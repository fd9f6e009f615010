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
mod reload;
mod replace;
mod scopes;
mod sshd_block;
mod stage;
mod state;
mod trial_login;
mod units;

pub use error::{Result, SetupError};
pub use host_files::Wanted;
pub use marked::{BEGIN, END};
pub use place::Place;

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

/// Prints what [`install`] or, with `removing`, [`remove`] would change, as a unified diff. Changes nothing.
///
/// # Errors
/// If what is there can't be understood.
pub fn dry_run(place: &Place, wanted: &Wanted, removing: Option<bool>) -> Result<String> {
    must_be_root()?;
    let state = State::read()?;
    let plan = match removing {
        Some(purge) => plan::remove(&with_services(&state.installed.places(place)), &state.installed, purge)?,
        None => plan::install(place, &look(place)?.service, wanted, &state.installed)?,
    };
    let pending =
        state.pending.map(|_| "# a change is under way: what was before it is not shown\n".to_owned());
    let kept = plan.kept.iter().map(|kept| format!("# kept {kept}\n"));
    let kept = kept.chain(plan.lost.iter().map(|lost| format!("# {lost}\n")));
    let diff = pending.into_iter().chain(kept).chain([plan.diff()]).collect::<String>();
    Ok(if diff.is_empty() {
        "# nothing to change".to_owned()
    } else {
        diff.trim_end_matches('\n').to_owned()
    })
}

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
            Err(second) => {
                error.and(&format!("and taking it back failed: {}; {}", second.whole(), again()))
            }
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
        "live for {} seconds. Log in from another terminal now; if you get in, type yes here, or run `jit setup --confirm` there",
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

/// Takes everything out again: sshd's block first, so that until the last PAM line is gone vendors are refused. In between
/// `end_sessions` ends those that are open, and says what a person should know about it.
///
/// # Errors
/// If a file can't be changed; what is left is taken out by the next run.
pub fn remove(
    place: &Place,
    purge: bool,
    end_sessions: &mut dyn FnMut() -> Option<String>,
    say: Say<'_>,
) -> Result<()> {
    must_be_root()?;
    let _lock = Lock::take()?;
    let mut state = State::read()?;
    tidy_up(&mut state, say)?;
    let places = state.installed.places(place);
    let plan = plan::remove(&with_services(&places), &state.installed, purge)?;
    let guards_something = !plan.is_empty();
    let is_sshds = |change: &Change| places.iter().any(|place| change::is_sshds(place, &change.path));
    let (sshds, others): (Vec<Change>, Vec<Change>) = plan.changes.into_iter().partition(is_sshds);
    let lines_go = others.iter().any(|change| change.path.starts_with(place::PAM));
    let sshds = Plan { changes: sshds, ..Plan::default() };
    change::apply(&sshds)?;
    sshds.changes.iter().for_each(|change| say(&told(change)));
    plan.kept.iter().for_each(|kept| say(&format!("kept {kept}")));
    plan.lost.iter().for_each(|lost| say(lost));
    for place in &places {
        // Also where its files have none of our lines any more: a kill may have come between them and sshd.
        if lines_go || touches_sshd(place, &sshds.changes) {
            match leave_sshd(place, &mut *say) {
                Err(error) if lines_go => {
                    let kept = "sshd may still let certificates in, so PAM keeps the lines that ask for a grant";
                    return Err(error.and(kept));
                }
                Err(error) => say(&error.whole()),
                Ok(()) => {}
            }
        }
    }
    // Nobody enters any more; who is in goes before what guards it does.
    if guards_something && let Some(said) = end_sessions() {
        say(&said);
    }
    let others = Plan { changes: others, group: plan.group, ..Plan::default() };
    change::apply(&others)?;
    others.changes.iter().for_each(|change| say(&told(change)));
    if touches_scopes(&others.changes)
        && let Err(error) = scopes::reload()
    {
        say(&format!("process 1 did not read its units again: {error}"));
    }
    let (accounts, _) = crate::check::accounts::look(place::GROUP);
    if !accounts.vendors.is_empty() {
        let names = accounts.vendors.into_iter().collect::<Vec<_>>().join(", ");
        say(&format!(
            "passwords and authorized_keys of these accounts count again, lock or delete them: {names}"
        ));
    }
    change::forget(&state.installed);
    say("done: logins are as before `jit setup`");
    Ok(())
}

fn must_be_root() -> Result<()> {
    if geteuid().is_root() {
        return Ok(());
    }
    Err(SetupError::new("only root can set a host up")
        .hint("run it with sudo; --dry-run shows what it would do"))
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

/// Lets sshd read that our block is out, and looks whether it is.
fn leave_sshd(place: &Place, say: Say<'_>) -> Result<()> {
    let done = reload::reload(place)?;
    if done == reload::Reloaded::Nothing
        && let Some(address) = reload::answering(place)
    {
        return Err(SetupError::new(format!("sshd answers at {address}, and which process it is is not known"))
            .hint("name the listening process: --sshd-pid PID"));
    }
    if let Some(left) = sshd_block::left(place).or_else(|| still_trusted(place)) {
        return Err(SetupError::new(format!("{left} still trusts the keys in {}", place::OURS)).hint(
            "`jit setup` did not write that: take the whole block out of sshd's configuration, then run this again",
        ));
    }
    say(&reloaded(&done));
    Ok(())
}

/// What sshd itself says about the vendor accounts.
fn still_trusted(place: &Place) -> Option<String> {
    use crate::check::{connection, sshd::Sshd};
    let sshd = Sshd { program: place.sshd.clone(), config: place.sshd_config.clone() };
    let (accounts, _) = crate::check::accounts::look(place::GROUP);
    let asked = connection::ordinary().into_iter().next()?;
    let trusts = |account: &String| {
        let answer = sshd.effective(account, &asked);
        answer.is_ok_and(|answer| answer.set("trustedusercakeys").is_some_and(|keys| keys.starts_with(place::OURS)))
    };
    let account = accounts.vendors.into_iter().find(trusts)?;
    Some(format!("{}, for {account},", place.sshd_config.display()))
}

/// Each sshd with its PAM service.
fn with_services(places: &[Place]) -> Vec<(Place, String)> {
    places.iter().map(|place| (place.clone(), service_or_usual(place))).collect()
}

/// The service also of an sshd that is gone or broken: taking out goes on without it.
fn service_or_usual(place: &Place) -> String {
    look(place).map_or_else(|_| "sshd".to_owned(), |sshd| sshd.service)
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
    let trial = Trial::prepare(place, sshd.named_by_option, administrator)?;
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
        .hint("name an administrator who may log in over ssh with a key: --admin USER"),
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
            format!("sshd, process {pid}, was told to reload and ended: its socket starts it anew with the next login")
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

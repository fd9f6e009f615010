//! Taking everything out: sshd's block first, PAM's lines last, and never these while sshd may have that.
//!
//! A certificate that sshd lets in is worth nothing while PAM asks for its grant; without PAM's lines it is all that somebody
//! needs. So whatever hinders sshd's part stops the removal before PAM's.

use super::error::{Result, SetupError};
use super::place::{self, Place};
use super::plan::{self, Change, Plan};
use super::state::{Lock, State};
use super::{
    Say, change, look, must_be_root, reload, reloaded, scopes, sshd_block, tidy_up, told, touches_scopes,
    touches_sshd,
};

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
        if touches_sshd(place, &sshds.changes) || lines_go && is_concerned(&state, place) {
            match leave_sshd(place, &mut *say) {
                Err(error) if lines_go => {
                    let kept =
                        "sshd may still let certificates in, so PAM keeps the lines that ask for a grant";
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

/// Whether this sshd may have something of ours: it was set up, or nobody remembers which was, or one of its files says so.
fn is_concerned(state: &State, place: &Place) -> bool {
    let known = &state.installed.places;
    known.is_empty() || known.contains_key(&place.sshd_config) || sshd_block::left(place).is_some()
}

/// Lets sshd read that our block is out, and looks whether it is.
fn leave_sshd(place: &Place, say: Say<'_>) -> Result<()> {
    let done = reload::reload(place)?;
    if done == reload::Reloaded::Nothing
        && let Some(address) = reload::answering(place)
    {
        return Err(SetupError::new(format!(
            "sshd answers at {address}, and which process it is is not known"
        ))
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
        answer.is_ok_and(|answer| {
            answer.set("trustedusercakeys").is_some_and(|keys| keys.starts_with(place::OURS))
        })
    };
    let account = accounts.vendors.into_iter().find(trusts)?;
    Some(format!("{}, for {account},", place.sshd_config.display()))
}

/// Each sshd with its PAM service.
pub(super) fn with_services(places: &[Place]) -> Vec<(Place, String)> {
    places.iter().map(|place| (place.clone(), service_or_usual(place))).collect()
}

/// The service also of an sshd that is gone or broken: taking out goes on without it.
fn service_or_usual(place: &Place) -> String {
    look(place).map_or_else(|_| "sshd".to_owned(), |sshd| sshd.service)
}

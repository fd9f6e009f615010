//! The end of a session: `session.close` is logged by the `stage=last` line. It never fails.
//!
//! What was kept decides, not the vendor group: a session that was opened is closed in the log even if the account
//! has left the group meanwhile. A login that was refused has opened nothing, and closes nothing.

use std::ffi::CStr;

use audit::{Event, Facts};
use pam::constants::PamResultCode;

use crate::arguments::{Arguments, Stage, default_config};
use crate::hook::{Place, probe};
use crate::login::{Admitted, Login};
use crate::refused::facts_of;

/// The end of whatever this PAM handle opened.
pub(crate) fn close(login: &mut impl Login, words: &[&CStr]) -> PamResultCode {
    let Some(Admitted { terms, source, session: Some(session) }) = login.kept() else {
        return PamResultCode::PAM_IGNORE;
    };
    probe();
    let arguments = Arguments::parse(words).ok();
    if arguments.as_ref().and_then(|arguments| arguments.stage) == Some(Stage::Last) {
        let file = arguments.map_or_else(default_config, |arguments| arguments.config);
        let place = Place::of(login, &login.host_config(&file));
        place.log(login, Event::SessionClose, Facts { session: Some(session), ..facts_of(&terms, source) });
    }
    PamResultCode::PAM_SUCCESS
}

#[cfg(test)]
#[path = "close_tests.rs"]
mod tests;

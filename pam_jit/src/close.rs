//! The end of a session: `session.close` is logged by the `stage=last` line. It never fails.
//!
//! What was kept decides, not the vendor group: a session that was opened is closed in the log even if the account
//! has left the group meanwhile. A login that was refused has opened nothing, and closes nothing.

use std::ffi::CStr;

use audit::handover::Message;
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
        let host = login.host_config(&file);
        match host.as_ref().ok().and_then(|host| host.recorder.clone()) {
            // The recorder writes session.close when the last process is gone; this is only the connection's end.
            Some(recorder) => {
                let _ = login.tell_recorder(&recorder, &Message::Logout { session });
            }
            None => {
                let facts = Facts { session: Some(session), ..facts_of(&terms, source) };
                Place::of(login, &host).log(login, Event::SessionClose, facts);
            }
        }
    }
    PamResultCode::PAM_SUCCESS
}

#[cfg(test)]
#[path = "close_tests.rs"]
mod tests;

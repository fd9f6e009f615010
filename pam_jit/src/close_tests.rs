//! Promises of the end of a session.

use super::*;
use crate::hook::hook;
use crate::open::open;
use crate::scripted::{Scripted, Step, broken};

fn opened(script: Vec<Step>) -> Scripted {
    let opening =
        vec![Step::Keep { opened: false }, Step::Keep { opened: true }, Step::Log("session.open", None)];
    let mut login = Scripted::new([opening, script].concat());
    for word in [c"stage=first", c"stage=last"] {
        assert_eq!(
            hook(&mut login, &[word], PamResultCode::PAM_SESSION_ERR, open),
            PamResultCode::PAM_SUCCESS
        );
    }
    login
}

#[test]
fn the_last_line_logs_the_end_under_the_sessions_id() {
    let mut login = opened(vec![Step::Log("session.close", None)]);
    let open = login.last_record().clone();
    assert_eq!(close(&mut login, &[c"stage=first"]), PamResultCode::PAM_SUCCESS);
    assert_eq!(close(&mut login, &[c"stage=last"]), PamResultCode::PAM_SUCCESS);
    assert_eq!(login.last_record().facts, open.facts);
    login.done();
}

#[test]
fn the_end_is_logged_even_if_the_host_broke_or_the_account_left_the_group() {
    let mut login = opened(vec![Step::Log("session.close", None)]);
    login.config = Err(broken());
    login.trust = Err(broken());
    login.vendor = Ok(false);
    assert_eq!(close(&mut login, &[c"stage=last"]), PamResultCode::PAM_SUCCESS);
    login.done();
}

#[test]
fn what_was_never_opened_is_not_closed() {
    let mut login = Scripted::new([]);
    assert_eq!(close(&mut login, &[c"stage=last"]), PamResultCode::PAM_IGNORE);
    login.done();

    let mut login = Scripted::new([Step::Keep { opened: false }]);
    hook(&mut login, &[c"stage=first"], PamResultCode::PAM_SESSION_ERR, open);
    assert_eq!(close(&mut login, &[c"stage=last"]), PamResultCode::PAM_IGNORE);
    login.done();
}

#[test]
fn a_wrong_argument_does_not_fail_the_end() {
    let mut login = opened(vec![]);
    assert_eq!(close(&mut login, &[c"nonsense"]), PamResultCode::PAM_SUCCESS);
    login.done();
}

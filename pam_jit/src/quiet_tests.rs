//! Promises about panics. That nothing reaches standard error is shown on a real sshd, in crate `e2e`.

use std::sync::MutexGuard;

use super::*;
use crate::scripted::{Scripted, Step};

/// One at a time: the panic hook is the whole process's, and sshd has one hook call at a time too.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn a_panic_refuses_and_is_logged_with_its_place_but_not_its_message() {
    let _turn = turn();
    let mut login = Scripted::new([Step::Log("login.refuse", Some("panic"))]);
    let code = quietly(&mut login, |_| panic!("secret"));
    assert_eq!(code, PamResultCode::PAM_ABORT);
    let text = login.last_record().facts.reason_text.clone().unwrap();
    assert!(text.starts_with("pam_jit panicked at ") && text.contains("quiet_tests.rs:"), "{text}");
    assert!(!text.contains("secret"));
    login.done();
}

#[test]
fn a_panic_while_logging_the_panic_still_refuses() {
    let _turn = turn();
    // An empty script: the double panics on the first effect.
    let mut login = Scripted::new([]);
    assert_eq!(quietly(&mut login, |_| panic!("once")), PamResultCode::PAM_ABORT);
}

#[test]
fn without_a_panic_the_answer_is_the_works() {
    let _turn = turn();
    let mut login = Scripted::new([]);
    assert_eq!(quietly(&mut login, |_| PamResultCode::PAM_IGNORE), PamResultCode::PAM_IGNORE);
    login.done();
}

//! The tier of libpam: the module as PAM calls it, without sshd, so that each variable and argument can be wrong.
#![allow(clippy::expect_used, reason = "in a test a failed step ends it with that sentence")]

mod a_login_without_one_certificate_is_refused;
mod a_module_argument_that_is_wrong_refuses_vendors;
mod a_panic_in_the_module_refuses;
mod a_single_altered_byte_refuses;
mod everybody_else_passes;
mod the_module_is_quiet;
mod the_two_stands_belong_together;

use e2e::pam_host::{Answer, PamHost};
use e2e::refusal::record_of;

/// Demands that the step was refused, with one line for the person, and this reason in the record.
#[track_caller]
fn assert_refused(pam: &PamHost, answer: &Answer, step: &str, code: &str) {
    assert_ne!(answer.code(step), 0, "{answer:?}");
    let told = answer.told();
    assert!(told.len() == 1 && told[0].starts_with("access refused: "), "{answer:?}");
    let record = pam.host.wait_for_log(code, |line| line.contains("login.refuse") && answer.is_in(line));
    assert_eq!(record_of(&record)["jit"]["reason"], code, "{record}");
}

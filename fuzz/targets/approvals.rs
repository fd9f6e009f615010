//! The approvals of a certificate, and a signature file. None holds but the ones that approvers made.
#![no_main]

use fuzz::{DOCUMENT, SCENE, assert_one_line};
use grant::{Approval, Approvals};
use libfuzzer_sys::fuzz_target;

fn check(approval: &Approval) {
    assert_eq!(Approval::from_blob(approval.as_blob()).as_ref(), Ok(approval));
    assert_eq!(Approval::from_armored(&approval.to_armored()).as_ref(), Ok(approval));
    assert_eq!(approval.verify(DOCUMENT.as_bytes()).is_ok(), SCENE.made(approval));
}

fuzz_target!(|text: &str| {
    match Approvals::parse(text) {
        Ok(approvals) => {
            assert_eq!(approvals.to_string(), text);
            assert!(!approvals.is_empty());
            approvals.iter().for_each(check);
        }
        Err(error) => assert_one_line(&error.to_string()),
    }
    match Approval::from_armored(text) {
        Ok(approval) => check(&approval),
        Err(error) => assert_one_line(&error.to_string()),
    }
});

//! FIDO keys as approvers: a touch counts, and nothing else does.

use std::rc::Rc;

use grant::{Approval, SignatureError};

use crate::software_sk::{PIN, SoftwareSk, TOUCHED, sk_ecdsa, sk_ed25519};
use crate::support::case::{Case, approvers, kim};
use crate::support::soft_key::Key;
use crate::support::sshsig::approval;
use crate::support::verdicts::{allowed, refused, refused_and_told};

/// The same key in both kinds.
const KINDS: [fn(u8, u8) -> SoftwareSk; 2] = [sk_ed25519, sk_ecdsa];
/// Bits that mean something else, or nothing (PROTOCOL.u2f).
const NOT_TOUCHED: [u8; 6] = [0, PIN, 0x02, 0x40, 0x80, 0xfe];

fn approved_by(key: SoftwareSk) -> Case {
    let mut case = Case::allowed();
    case.trust.approvers = approvers(&[("max", "", &key), ("kim", "", &kim())]);
    case.approved_by = vec![Rc::new(key)];
    case
}

#[test]
fn an_approval_by_a_touched_security_key_counts() {
    for kind in KINDS {
        for flags in [TOUCHED, TOUCHED | PIN, 0xff] {
            for counter in [0, 1, u32::MAX] {
                let case = approved_by(kind(12, flags).counter(counter));
                assert_eq!(allowed(case.verdict()).approved_by, ["max".parse().unwrap()]);
            }
        }
    }
}

#[test]
fn an_approval_by_a_security_key_without_touch_does_not_count() {
    let told = "grant G-7F3K9Q has 0 of the 1 approvals needed here (not counted: one by max without touching the security key); ask another approver to sign it";
    for kind in KINDS {
        for flags in NOT_TOUCHED {
            let mut case = approved_by(kind(12, flags));
            refused_and_told(case.verdict(), "too-few-approvals", told);
            // It does no harm beside one that counts.
            case.approved_by.push(Rc::new(kim()));
            assert_eq!(allowed(case.verdict()).approved_by, ["kim".parse().unwrap()]);
        }
    }
}

#[test]
fn an_approval_without_touch_does_not_hold() {
    for kind in KINDS {
        let document = Case::allowed().document();
        let untouched = Approval::from_blob(&approval(&kind(12, 0), &document)).unwrap();
        assert_eq!(untouched.verify(document.as_bytes()), Err(SignatureError::NoTouch));
        assert_eq!(untouched.verify(b"something else"), Err(SignatureError::Wrong));
        let touched = Approval::from_blob(&approval(&kind(12, TOUCHED), &document)).unwrap();
        assert_eq!(touched.verify(document.as_bytes()), Ok(()));
        assert_eq!(touched.verify(b"something else"), Err(SignatureError::Wrong));
    }
}

#[test]
fn a_touch_can_not_be_added_afterwards() {
    for kind in KINDS {
        let case = approved_by(kind(12, 0));
        let mut blob = case.approvals().remove(0);
        let flags = blob.len() - 5;
        assert_eq!(blob[flags], 0);
        blob[flags] = TOUCHED;
        let certificate = case.certificate_with(&[blob]);
        refused(case.verdict_on_certificate(&certificate), "bad-approval");
    }
}

#[test]
fn a_security_key_of_another_application_is_another_key() {
    for kind in KINDS {
        let mut case = approved_by(kind(12, TOUCHED));
        case.approved_by = vec![Rc::new(kind(12, TOUCHED).application("ssh:other"))];
        refused(case.verdict(), "too-few-approvals");
    }
}

#[test]
fn a_security_key_and_a_plain_key_of_one_point_are_two_keys() {
    let plain = crate::support::soft_key::ed25519(12);
    let mut case = approved_by(sk_ed25519(12, TOUCHED));
    case.approved_by = vec![Rc::new(plain)];
    refused(case.verdict(), "too-few-approvals");
    assert_ne!(sk_ed25519(12, TOUCHED).public().fingerprint(), case.approved_by[0].public().fingerprint());
}

//! No single changed byte of a certificate, a document or an approval is ever allowed.
//!
//! Exhaustive over every byte: each of its bits flipped, and a few values that parsers like.

use std::rc::Rc;

use grant::{Approval, Grant, Verdict};

use crate::software_sk::{TOUCHED, sk_ecdsa, sk_ed25519};
use crate::support::case::{Case, approvers, kim, lee};
use crate::support::raw_certificate::text;
use crate::support::soft_key::{Key, ecdsa};
use crate::support::verdicts::{allowed, refused, sane};

/// The byte with each of its bits flipped.
fn flipped(byte: u8) -> Vec<u8> {
    (0..8).map(|bit| byte ^ (1 << bit)).collect()
}

/// The same, and values that parsers like.
fn changed(byte: u8) -> Vec<u8> {
    let values = [0, b'\n', b' ', b',', b'-', 0x7f, 0xff, byte.wrapping_add(1), byte.wrapping_sub(1)];
    let mut all = flipped(byte);
    all.extend(values.iter().filter(|value| **value != byte));
    all.sort_unstable();
    all.dedup();
    all
}

/// Calls `check` with `bytes` in every form that `changes` of one byte make.
fn each(bytes: &[u8], changes: fn(u8) -> Vec<u8>, mut check: impl FnMut(&[u8], usize)) {
    let mut altered = bytes.to_vec();
    for at in 0..bytes.len() {
        for value in changes(bytes[at]) {
            altered[at] = value;
            check(&altered, at);
        }
        altered[at] = bytes[at];
    }
}

fn must_refuse(verdict: Verdict, at: usize) {
    match verdict {
        Verdict::Refuse(refusal) => sane(&refusal.reason),
        Verdict::Allow(_) => panic!("allowed with byte {at} changed"),
    }
}

fn certificate_of(ca: Rc<dyn Key>, changes: fn(u8) -> Vec<u8>) {
    let mut case = Case::allowed();
    case.trust.ca_keys = vec![ca.public()];
    case.ca = ca;
    let blob = case.blob();
    allowed(case.verdict_on(&blob));
    each(&blob, changes, |altered, at| must_refuse(case.verdict_on(altered), at));
    allowed(case.verdict_on(&blob));
}

#[test]
fn no_changed_byte_of_a_certificate_is_allowed() {
    certificate_of(Rc::new(kim()), changed);
}

#[test]
fn no_changed_byte_of_a_certificate_by_an_ecdsa_ca_is_allowed() {
    certificate_of(Rc::new(ecdsa(20)), flipped);
}

#[test]
fn no_changed_byte_of_a_certificate_by_a_security_key_is_allowed() {
    certificate_of(Rc::new(sk_ed25519(21, TOUCHED)), flipped);
}

#[test]
fn no_changed_byte_of_a_document_is_allowed_even_with_the_ca_key() {
    let case = Case::allowed();
    let document = case.document().into_bytes();
    let approvals = case.approvals();
    let mut grants = 0;
    each(&document, changed, |altered, at| {
        // The thief signs the old certificate with the changed document in it ...
        let mut certificate = case.certificate_with(&approvals);
        *certificate.extension("grant@pam-jit") = text(altered);
        must_refuse(case.verdict_on_certificate(&certificate), at);
        // ... and, when the document is one, a certificate that says all of what it says now.
        if let Ok(grant) = Grant::parse(altered) {
            let mut theft = case.clone();
            theft.fields = (*grant).clone();
            must_refuse(theft.verdict_on_certificate(&theft.certificate_with(&approvals)), at);
            grants += 1;
        }
    });
    assert!(grants > 1_000, "only {grants} changed documents are documents: this proves little");
}

#[test]
fn no_changed_byte_of_an_approval_is_allowed_even_with_the_ca_key() {
    let signers: [Rc<dyn Key>; 3] =
        [Rc::new(kim()), Rc::new(sk_ed25519(12, TOUCHED)), Rc::new(sk_ecdsa(13, TOUCHED))];
    for signer in signers {
        let mut case = Case::allowed();
        case.trust.approvers = approvers(&[("max", "", &*signer), ("lee", "", &lee())]);
        case.approved_by = vec![signer];
        let blob = case.approvals().remove(0);
        allowed(case.verdict_on_certificate(&case.certificate_with(std::slice::from_ref(&blob))));
        each(&blob, flipped, |altered, at| {
            must_refuse(case.verdict_on_certificate(&case.certificate_with(&[altered.to_vec()])), at);
        });
    }
}

#[test]
fn no_changed_byte_of_an_ecdsa_approval_holds() {
    let document = Case::allowed().document();
    let blob = crate::support::sshsig::approval(&ecdsa(20), &document);
    let holds = |blob: &[u8]| Approval::from_blob(blob).is_ok_and(|a| a.verify(document.as_bytes()).is_ok());
    assert!(holds(&blob));
    each(&blob, flipped, |altered, at| assert!(!holds(altered), "byte {at}"));
}

#[test]
fn no_changed_byte_of_the_list_of_approvals_is_allowed_even_with_the_ca_key() {
    let mut case = Case::allowed();
    case.fields.approvals = 2;
    case.approved_by = vec![Rc::new(kim()), Rc::new(lee())];
    let list = crate::support::sshsig::approvals_text(&case.approvals());
    let mut certificate = case.certificate();
    each(list.as_bytes(), flipped, |altered, at| {
        *certificate.extension("approvals@pam-jit") = text(altered);
        must_refuse(case.verdict_on_certificate(&certificate), at);
    });
}

#[test]
fn a_certificate_cut_or_stretched_anywhere_is_refused() {
    let case = Case::allowed();
    let blob = case.blob();
    for at in 0..blob.len() {
        let without = [&blob[..at], &blob[at + 1..]].concat();
        must_refuse(case.verdict_on(&without), at);
        let with = [&blob[..at], &[0], &blob[at..]].concat();
        must_refuse(case.verdict_on(&with), at);
    }
}

#[test]
fn two_certificates_do_not_make_a_third() {
    // The head of one and the tail of another, at every byte: what a splice could gain.
    let case = Case::allowed();
    let mut other = Case::allowed();
    other.fields.hosts = ["db2.prod".parse().unwrap()].into();
    let (ours, theirs) = (case.blob(), other.blob());
    refused(case.verdict_on(&theirs), "other-host");
    assert_eq!(ours.len(), theirs.len());
    for at in 1..ours.len() {
        let spliced = [&theirs[..at], &ours[at..]].concat();
        if spliced != ours && spliced != theirs {
            must_refuse(case.verdict_on(&spliced), at);
        }
    }
}

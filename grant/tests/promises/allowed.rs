//! What is let in, and on what terms.

use std::rc::Rc;

use grant::{Approval, Approvals, Issue, Verdict};

use crate::software_sk::{TOUCHED, sk_ecdsa, sk_ed25519};
use crate::support::case::{Case, approvers, at, jo, kim, lee};
use crate::support::soft_key::{Key, ecdsa};
use crate::support::verdicts::{allowed, refused};

#[test]
fn a_login_inside_its_grant_is_allowed_on_the_terms_of_the_grant() {
    let case = Case::allowed();
    let terms = allowed(case.verdict());
    assert_eq!(terms.grant.render(), case.document());
    assert_eq!(terms.digest, case.grant().digest());
    assert_eq!(terms.account.as_str(), "acme-support");
    assert_eq!(terms.serial, 42);
    assert_eq!(terms.key, jo().public().fingerprint());
    assert_eq!(terms.valid_before, at("2026-11-24T14:14:00Z"));
    assert_eq!(terms.approved_by, ["kim".parse().unwrap()]);
}

#[test]
fn a_grant_for_a_role_is_good_on_each_host_of_that_role() {
    let mut case = Case::allowed();
    case.fields.hosts = [].into();
    case.fields.roles = ["db".parse().unwrap(), "cache".parse().unwrap()].into();
    allowed(case.verdict());
    case.trust.host = "db7.staging".parse().unwrap();
    allowed(case.verdict());
    case.trust.roles = ["cache".parse().unwrap(), "web".parse().unwrap()].into();
    allowed(case.verdict());
    case.trust.roles = ["web".parse().unwrap()].into();
    refused(case.verdict(), "other-host");
    case.trust.roles = [].into();
    refused(case.verdict(), "other-host");
}

#[test]
fn a_host_named_like_a_role_does_not_have_it() {
    let mut case = Case::allowed();
    case.fields.hosts = [].into();
    case.fields.roles = ["web".parse().unwrap()].into();
    case.trust.host = "web".parse().unwrap();
    refused(case.verdict(), "other-host");
}

#[test]
fn each_account_of_a_grant_can_be_entered() {
    let mut case = Case::allowed();
    case.fields.accounts = ["acme-batch".parse().unwrap(), "acme-support".parse().unwrap()].into();
    for account in ["acme-batch", "acme-support"] {
        case.login.account = account.to_owned();
        assert_eq!(allowed(case.verdict()).account.as_str(), account);
    }
}

#[test]
fn an_ipv4_mapped_source_counts_as_the_ipv4_address_that_it_is() {
    allowed(Case::allowed().from("::ffff:192.0.2.7").verdict());
    refused(Case::allowed().from("::ffff:192.0.3.7").verdict(), "other-source");
    let mut case = Case::allowed().from("::ffff:192.0.2.7");
    case.fields.sources = "2001:db8::/32".parse().unwrap();
    refused(case.verdict(), "other-source");
}

#[test]
fn the_edges_of_a_source_network_are_exact() {
    for (source, inside) in [
        ("192.0.1.255", false),
        ("192.0.2.0", true),
        ("192.0.2.255", true),
        ("192.0.3.0", false),
        ("2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", false),
        ("2001:db8::", true),
        ("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", true),
        ("2001:db9::", false),
        ("::192.0.2.7", false),
        ("64:ff9b::192.0.2.7", false),
    ] {
        let verdict = Case::allowed().from(source).verdict();
        assert_eq!(matches!(verdict, Verdict::Allow(_)), inside, "{source}");
    }
}

#[test]
fn a_grant_from_anywhere_needs_no_source_address() {
    let mut case = Case::allowed().from("203.0.113.9");
    case.fields.sources = "any".parse().unwrap();
    assert!(case.certificate().critical_options.is_empty());
    allowed(case.verdict());
}

#[test]
fn every_accepted_kind_of_ca_key_signs() {
    let keys: [Rc<dyn Key>; 4] = [
        Rc::new(ecdsa(20)),
        Rc::new(sk_ed25519(21, TOUCHED)),
        Rc::new(sk_ecdsa(22, TOUCHED)),
        Rc::new(kim()),
    ];
    for ca in keys {
        let mut case = Case::allowed();
        case.trust.ca_keys.push(ca.public());
        case.ca = ca;
        allowed(case.verdict());
    }
}

#[test]
fn every_accepted_kind_of_key_logs_in() {
    let keys: [Rc<dyn Key>; 3] =
        [Rc::new(ecdsa(20)), Rc::new(sk_ed25519(21, TOUCHED)), Rc::new(sk_ecdsa(22, TOUCHED))];
    for key in keys {
        let mut case = Case::allowed();
        case.fields.keys.insert(key.public().fingerprint());
        case.key = key;
        allowed(case.verdict());
    }
}

#[test]
fn every_enrolled_key_of_the_person_logs_in() {
    let mut case = Case::allowed();
    case.key = Rc::new(crate::support::case::jo_at_home());
    allowed(case.verdict());
}

#[test]
fn a_limit_that_the_host_enforces_is_allowed() {
    let mut case = Case::allowed();
    case.fields.uses = "3".parse().ok();
    case.fields.sessions = "1".parse().ok();
    case.fields.extendable_to = Some(at("2026-11-24T15:00:00Z"));
    case.fields.features.sudo = true;
    refused(case.verdict(), "not-enforced");
    case.trust.enforced = grant::Enforced { uses: true, sessions: true, extendable_to: true, sudo: true };
    let terms = allowed(case.verdict());
    assert_eq!(terms.grant.uses.map(u32::from), Some(3));
}

#[test]
fn all_features_of_a_grant_stand_in_its_certificate() {
    let mut case = Case::allowed();
    case.fields.features = "pty,sftp,forward=db.internal:5432,agent".parse().unwrap();
    allowed(case.verdict());
    case.fields.features = "-".parse().unwrap();
    allowed(case.verdict());
}

#[test]
fn a_grant_on_the_largest_scale_is_allowed() {
    let mut case = Case::allowed();
    case.fields.reason = "x".repeat(grant::limits::REASON).parse().unwrap();
    case.fields.approvals = 8;
    let signers: Vec<_> = (100..108).map(ecdsa).collect();
    let names: Vec<_> = (0..8).map(|n| format!("approver-{n}")).collect();
    let list: Vec<_> = names.iter().zip(&signers).map(|(n, k)| (n.as_str(), "", k as &dyn Key)).collect();
    case.trust.approvers = approvers(&list);
    case.approved_by = signers.into_iter().map(|key| Rc::new(key) as Rc<dyn Key>).collect();
    assert_eq!(allowed(case.verdict()).approved_by.len(), 8);
}

#[test]
fn the_specification_and_the_issuer_make_the_same_bytes() {
    let mut case = Case::allowed();
    case.fields.features = "pty,sftp,forward=db.internal:5432,agent".parse().unwrap();
    case.fields.roles = ["db".parse().unwrap(), "web".parse().unwrap()].into();
    case.fields.accounts = ["acme-batch".parse().unwrap(), "acme-support".parse().unwrap()].into();
    case.approved_by = vec![Rc::new(kim()), Rc::new(lee()), Rc::new(sk_ecdsa(9, TOUCHED))];
    for approved in [true, false] {
        let blobs = if approved { case.approvals() } else { Vec::new() };
        let approvals = blobs.iter().map(|blob| Approval::from_blob(blob).unwrap());
        let issued = Issue {
            grant: &case.grant(),
            approvals: &Approvals::new(approvals).unwrap(),
            key: &case.key.public(),
            serial: case.serial,
            valid_after: case.valid_after,
            valid_before: case.valid_before,
            nonce: [9; 32],
        };
        let keypair = ssh_key::private::Ed25519Keypair::from_seed(&[2; 32]);
        let key = ssh_key::PrivateKey::from(keypair);
        let issued = issued.sign(&key).unwrap().to_bytes().unwrap();
        assert_eq!(issued, case.certificate_with(&blobs).signed_by(&*case.ca));
    }
}

//! Good certificates at the wrong place, for the wrong account, from the wrong place, too late.

use std::rc::Rc;

use crate::support::case::{Case, at, kim};
use crate::support::soft_key::{Key, ed25519};
use crate::support::verdicts::{allowed, refused, refused_and_told};

#[test]
fn a_grant_of_another_authority_is_refused() {
    let mut case = Case::allowed();
    case.fields.authority = ed25519(77).public().fingerprint();
    let told = "the grant is of another authority than this host's";
    refused_and_told(case.verdict(), "other-authority", told);
    // The same seen from the other side, with everything else alike, the CA key included.
    let mut case = Case::allowed();
    case.trust.authority = ed25519(77).public().fingerprint();
    refused_and_told(case.verdict(), "other-authority", told);
}

#[test]
fn a_grant_that_is_not_yet_open_is_refused() {
    let mut case = Case::allowed();
    case.now = at("2026-11-24T13:35:00Z");
    refused_and_told(case.verdict(), "not-yet-open", "grant G-7F3K9Q opens at 14:00 UTC, in 25 minutes");
    case.now = at("2026-11-23T13:35:00Z");
    let told = "grant G-7F3K9Q opens at 2026-11-24 14:00 UTC, in 25 hours";
    refused_and_told(case.verdict(), "not-yet-open", told);
    case.now = at("2026-11-24T13:59:59Z");
    refused_and_told(case.verdict(), "not-yet-open", "grant G-7F3K9Q opens at 14:00 UTC, in 1 second");
}

#[test]
fn a_grant_that_is_closed_is_refused() {
    let mut case = Case::allowed();
    case.now = at("2026-11-24T14:30:00Z");
    let told = "grant G-7F3K9Q closed at 14:30 UTC, 0 seconds ago; ask for a new one";
    refused_and_told(case.verdict(), "closed", told);
    case.now = at("2027-11-24T14:30:00Z");
    let told = "grant G-7F3K9Q closed at 2026-11-24 14:30 UTC, 365 days ago; ask for a new one";
    refused_and_told(case.verdict(), "closed", told);
}

#[test]
fn a_grant_for_another_key_is_refused() {
    let mut case = Case::allowed();
    case.key = Rc::new(ed25519(33));
    let told = "grant G-7F3K9Q is not for this key; use a key that was enrolled when the grant was made";
    refused_and_told(case.verdict(), "key-not-listed", told);
    // An approver's own key is no way in either.
    case.key = Rc::new(kim());
    refused_and_told(case.verdict(), "key-not-listed", told);
}

#[test]
fn a_grant_for_another_host_is_refused() {
    let mut case = Case::allowed();
    case.trust.host = "db2.prod".parse().unwrap();
    let told = "grant G-7F3K9Q is not for this host, db2.prod; ask for a grant that names it";
    refused_and_told(case.verdict(), "other-host", told);
    for near in ["db1", "prod", "db1.prod.example", "xdb1.prod", "db11.prod"] {
        case.trust.host = near.parse().unwrap();
        refused(case.verdict(), "other-host");
    }
}

#[test]
fn a_grant_for_another_account_is_refused() {
    let mut case = Case::allowed();
    let told = "grant G-7F3K9Q is for the account acme-support; log in as that";
    for account in
        ["root", "", "acme-suppor", "acme-support2", "ACME-SUPPORT", "acme-support ", "acme-support\0", "a\n"]
    {
        case.login.account = account.to_owned();
        refused_and_told(case.verdict(), "other-account", told);
    }
}

#[test]
fn a_login_from_another_network_is_refused() {
    let told = |source| {
        format!("grant G-7F3K9Q is not for logins from {source}; connect from a network that it names")
    };
    refused_and_told(Case::allowed().from("198.51.100.1").verdict(), "other-source", &told("198.51.100.1"));
    refused_and_told(
        Case::allowed().from("::ffff:198.51.100.1").verdict(),
        "other-source",
        &told("198.51.100.1"),
    );
    refused_and_told(Case::allowed().from("2001:db9::1").verdict(), "other-source", &told("2001:db9::1"));
    refused_and_told(Case::allowed().from("::1").verdict(), "other-source", &told("::1"));
}

#[test]
fn a_limit_that_nothing_enforces_is_refused() {
    type Change = fn(&mut Case);
    let limits: [(&str, Change, Change); 4] = [
        ("uses", |c| c.fields.uses = "1".parse().ok(), |c| c.trust.enforced.uses = true),
        ("sessions", |c| c.fields.sessions = "1".parse().ok(), |c| c.trust.enforced.sessions = true),
        (
            "extendable-to",
            |c| c.fields.extendable_to = Some(at("2026-11-24T15:00:00Z")),
            |c| c.trust.enforced.extendable_to = true,
        ),
        ("sudo", |c| c.fields.features.sudo = true, |c| c.trust.enforced.sudo = true),
    ];
    for (limit, ask, enforce) in limits {
        let mut case = Case::allowed();
        ask(&mut case);
        for (other, _, enforce_other) in limits {
            if other != limit {
                enforce_other(&mut case);
            }
        }
        let told = format!(
            "grant G-7F3K9Q uses `{limit}`, which this host does not enforce; ask for a grant without it"
        );
        refused_and_told(case.verdict(), "not-enforced", &told);
        enforce(&mut case);
        allowed(case.verdict());
    }
}

#[test]
fn a_revoked_grant_is_refused() {
    let mut case = Case::allowed();
    case.trust.revoked.grants.insert(case.grant().digest());
    refused_and_told(case.verdict(), "revoked", "grant G-7F3K9Q was revoked; ask who approved it");
    // A grant of the same id that says something else is another grant.
    case.fields.reason = "restore the other index".parse().unwrap();
    allowed(case.verdict());
}

#[test]
fn a_revoked_certificate_is_refused() {
    let mut case = Case::allowed();
    case.trust.revoked.serials.insert(42);
    let told = "the certificate of grant G-7F3K9Q was revoked; ask who approved it";
    refused_and_told(case.verdict(), "revoked", told);
    case.serial = 43;
    allowed(case.verdict());
}

#[test]
fn a_revoked_person_is_refused() {
    let mut case = Case::allowed();
    case.trust.revoked.persons.insert("acme/al".parse().unwrap());
    allowed(case.verdict());
    case.trust.revoked.persons.insert("acme/jo".parse().unwrap());
    let told = "the person of grant G-7F3K9Q was revoked; ask who approved it";
    refused_and_told(case.verdict(), "revoked", told);
}

#[test]
fn every_person_of_a_revoked_vendor_is_refused() {
    let mut case = Case::allowed();
    case.trust.revoked.vendors.insert("umbrella".parse().unwrap());
    allowed(case.verdict());
    case.trust.revoked.vendors.insert("acme".parse().unwrap());
    let told = "the vendor of grant G-7F3K9Q was revoked; ask who approved it";
    refused_and_told(case.verdict(), "revoked", told);
}

#[test]
fn a_list_of_revocations_that_went_through_its_file_revokes_the_same() {
    let mut case = Case::allowed();
    case.trust.revoked.grants.insert(case.grant().digest());
    case.trust.revoked = grant::Revoked::parse(&case.trust.revoked.render()).unwrap();
    refused(case.verdict(), "revoked");
}

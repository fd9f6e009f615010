//! The verdict alone: `grant::decide` on a certificate with two approvals, beside one signature verification.
//!
//! The verdict verifies three signatures (the CA's and the approvals'), reads a certificate, a grant document and two
//! SSHSIGs, and checks five points for soundness. Files, clock and PAM are not in it; the login's number has those.

use std::collections::BTreeSet;

use grant::ssh_key::private::Ed25519Keypair;
use grant::ssh_key::{PrivateKey, Signature};
use grant::{
    Approval, Approvals, Approvers, Enforced, Grant, Issue, Login, PublicKey, Revoked, Trust, UnixTime,
    Verdict, decide,
};
use signature::{Signer, Verifier};

use crate::measure::{in_turns, timed, used};
use crate::row::Row;

pub(crate) fn rows(runs: usize) -> Vec<Row> {
    let made = Made::new();
    let verdict = || decide(&made.certificate, &made.trust, &made.login, made.now);
    let allowed = verdict();
    assert!(matches!(allowed, Verdict::Allow(_)), "the verdict that is measured must allow: {allowed:?}");
    let ca_key = made.ca.public_key().key_data().clone();
    let message = vec![0x5a; made.certificate.len()];
    let signature: Signature = Signer::sign(&made.ca, &message);
    let mut ours = || timed(|| used(verdict()));
    let mut theirs = || timed(|| ca_key.verify(&message, &signature).expect("a good signature"));
    let [ours, baseline] = in_turns(runs, [&mut ours, &mut theirs]);
    vec![Row::ratio(
        "verdict: certificate and 2 approvals",
        &ours,
        ("one ed25519 verification", &baseline),
        5.0,
    )]
}

struct Made {
    certificate: Vec<u8>,
    trust: Trust,
    login: Login,
    now: UnixTime,
    ca: PrivateKey,
}

impl Made {
    fn new() -> Self {
        let [ca, root, jo, second, kim, lee] = [1, 2, 3, 4, 5, 6].map(key);
        let now: UnixTime = "2026-11-24T14:10:00Z".parse().expect("a time");
        let document = format!(
            "pam-jit grant 1\nauthority: {}\ngrant: G-7F3K9Q\nvendor: acme\nperson: acme/jo\nkeys: {}\nhosts: db1.prod\n\
             roles: -\naccounts: acme-support\nfrom: 192.0.2.0/24\nfeatures: pty,sftp\nopens: 2026-11-24T14:00:00Z\n\
             closes: 2026-11-24T14:30:00Z\nextendable-to: -\nuses: unlimited\nsessions: unlimited\n\
             reason: restore the billing index\nticket: OPS-1234\napprovals: 2\n",
            public(&root).fingerprint(),
            in_order([&jo, &second]),
        );
        let grant = Grant::parse(document.as_bytes()).expect("a grant");
        let approvals = Approvals::new([&kim, &lee].map(|approver| {
            let signature = Signer::sign(approver, &Approval::signed_data(document.as_bytes()));
            Approval::from_signature(&public(approver), signature).expect("an approval")
        }));
        let approvals = approvals.expect("two approvals");
        let (key, closes) = (public(&jo), grant.window.closes());
        let (valid_after, valid_before) = (now.minus(60), now.plus(300).min(closes));
        let (serial, nonce) = (1, [7; 32]);
        let issue = Issue {
            grant: &grant,
            approvals: &approvals,
            key: &key,
            serial,
            valid_after,
            valid_before,
            nonce,
        };
        let certificate = issue.sign(&ca).and_then(|made| made.to_bytes()).expect("a certificate");
        let approvers: String = [("kim", &kim), ("lee", &lee), ("sam", &key_of_sam())]
            .map(|(name, key)| format!("{name} namespaces=\"grant@pam-jit\" {}\n", public(key)))
            .concat();
        let trust = Trust {
            authority: grant.authority,
            host: "db1.prod".parse().expect("a host name"),
            roles: BTreeSet::new(),
            ca_keys: vec![public(&ca)],
            approvers: Approvers::parse(&approvers).expect("an approvers file"),
            minimum_approvals: 1,
            revoked: Revoked::nothing(grant.authority),
            enforced: Enforced::default(),
            maximum_age: None,
        };
        let login = Login { account: "acme-support".to_owned(), source: [192, 0, 2, 7].into() };
        Self { certificate, trust, login, now, ca }
    }
}

fn key(seed: u8) -> PrivateKey {
    PrivateKey::from(Ed25519Keypair::from_seed(&[seed; 32]))
}

fn key_of_sam() -> PrivateKey {
    key(9)
}

fn public(key: &PrivateKey) -> PublicKey {
    PublicKey::from_ssh(key.public_key().key_data().clone()).expect("a sound key")
}

fn in_order(keys: [&PrivateKey; 2]) -> String {
    let fingerprints: BTreeSet<_> = keys.iter().map(|key| public(key).fingerprint()).collect();
    fingerprints.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

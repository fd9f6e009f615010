//! docs/grant-format.md against the crate that it specifies: numbers, reasons, and the worked example.

use std::collections::BTreeSet;
use std::process::Command;

use base64ct::{Base64, Encoding as _};
use e2e::process::{clean, run};
use grant::{
    Approval, Approvers, Digest, Enforced, Grant, Login, PublicKey, Revoked, Trust, UnixTime, Verdict, decide,
};

use super::tree::{fences, none_of, quoted, read, rows};

/// `8192` as a person writes it: `8,192`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[test]
fn the_format_has_every_limit_of_the_code() {
    let format = read("docs/grant-format.md");
    let limits = read("grant/src/limits.rs");
    let mut missing = Vec::new();
    let value = |text: &str| -> Option<u64> {
        text.split('*').map(|factor| factor.trim().replace('_', "").parse::<u64>().ok()).product()
    };
    for line in limits.lines().filter_map(|line| line.strip_prefix("pub const ")) {
        let (name, text) = line.split_once(" = ").expect("a constant's value");
        let number = match text.trim_end_matches(';') {
            "2 * SIGNATURE" => u64::try_from(grant::limits::ARMORED_SIGNATURE).ok(),
            "3600 + BACKDATE" => Some(grant::limits::CERTIFICATE_LIFETIME),
            "253_370_764_799" => continue, // Written as a date.
            text => value(text),
        };
        let number = grouped(number.unwrap_or_else(|| panic!("the value of {line}")));
        if !format
            .split(|c: char| !c.is_ascii_digit() && c != ',')
            .any(|word| word.trim_end_matches(',') == number)
        {
            missing.push(format!("{name}: {number}"));
        }
    }
    none_of("limits that docs/grant-format.md does not have", &missing);
    assert!(format.contains("9998-12-31T23:59:59Z"));
}

#[test]
fn the_format_has_every_reason_of_the_code() {
    let reason = read("grant/src/reason.rs");
    let body = reason.split("pub fn code(&self)").nth(1).and_then(|rest| rest.split("\n    }\n").next());
    let codes: BTreeSet<_> =
        body.expect("the function code").split('"').skip(1).step_by(2).map(str::to_owned).collect();
    let rows = rows(&read("docs/grant-format.md"), &["#", "step", "code if it fails"]);
    let said: BTreeSet<_> =
        rows.iter().flat_map(|row| quoted(&row[2]).map(str::to_owned).collect::<Vec<_>>()).collect();
    assert_eq!(said, codes);
}

/// The one block of the specification that is fenced as `kind`.
fn example(kind: &str) -> String {
    let found = fences(&read("docs/grant-format.md")).into_iter().filter(|(fence, _)| fence == kind);
    let mut found: Vec<_> = found.map(|(_, text)| text).collect();
    assert_eq!(found.len(), 1, "blocks fenced as {kind}");
    found.remove(0)
}

/// A host that believes the example's authority.
fn trust(grant: &Grant) -> Trust {
    Trust {
        authority: grant.authority,
        host: "db1.prod".parse().expect("a host's name"),
        roles: BTreeSet::new(),
        ca_keys: vec![PublicKey::parse_line(&example("ca-key")).expect("the example's CA key")],
        approvers: Approvers::parse(&example("approvers")).expect("the example's approvers"),
        minimum_approvals: 1,
        revoked: Revoked::nothing(grant.authority),
        enforced: Enforced::default(),
        maximum_age: None,
    }
}

#[test]
fn the_worked_example_holds() {
    let format = read("docs/grant-format.md");
    let document = example("document");
    let grant = Grant::parse(document.as_bytes()).expect("the example's document");
    assert!(format.contains(&Digest::of(document.as_bytes()).to_string()), "the digest is not shown");
    assert!(
        format.contains(&grant.key_id())
            && grant.principals().iter().all(|principal| format.contains(principal.as_str()))
    );
    let approval = Approval::from_armored(&example("approval")).expect("the example's approval");
    assert_eq!(approval.verify(document.as_bytes()), Ok(()));

    let line = example("certificate");
    let blob =
        Base64::decode_vec(line.trim().split(' ').nth(1).expect("a certificate line")).expect("base64");
    let login = Login { account: "acme-support".into(), source: "192.0.2.7".parse().expect("an address") };
    let trust = trust(&grant);
    let read = ssh_key::Certificate::from_bytes(&blob).expect("the example's certificate");
    let now = UnixTime::from_secs(read.valid_after()).plus(grant::limits::BACKDATE);
    match decide(&blob, &trust, &login, now) {
        Verdict::Allow(terms) => assert_eq!(terms.approved_by.len(), 1),
        Verdict::Refuse(refusal) => panic!("{refusal}"),
    }
    match decide(&blob, &trust, &login, grant.window.closes()) {
        Verdict::Allow(_) => panic!("the window has no end"),
        Verdict::Refuse(refusal) => assert_eq!(refusal.reason.code(), "closed"),
    }
    let elsewhere = Login { source: "198.51.100.7".parse().expect("an address"), ..login };
    match decide(&blob, &trust, &elsewhere, now) {
        Verdict::Allow(_) => panic!("the source is not the grant's"),
        Verdict::Refuse(refusal) => assert_eq!(refusal.reason.code(), "other-source"),
    }
}

#[test]
fn the_worked_examples_approval_is_verified_by_ssh_keygen_alone() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    for (name, kind) in [("approvers", "approvers"), ("document", "document"), ("approval", "approval")] {
        std::fs::write(folder.path().join(name), example(kind)).expect("writes a part of the example");
    }
    let mut verify: Command = clean("/bin/sh");
    let words = "ssh-keygen -Y verify -f approvers -I kim -n grant@pam-jit -s approval < document";
    verify.current_dir(folder.path()).args(["-c", words]);
    let outcome = run(verify).ok();
    assert!(outcome.stdout.contains("Good \"grant@pam-jit\" signature for kim"), "{outcome:?}");
}

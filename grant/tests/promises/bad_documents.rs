//! Bad documents: one clear sentence with the place, whatever is wrong, and nothing believed.

use grant::{Grant, limits};

use crate::support::case::Case;
use crate::support::verdicts::unprintable;

/// What is said of the standard document after one replacement.
#[track_caller]
pub(crate) fn said(from: &str, to: &str) -> String {
    let document = Case::allowed().document();
    assert!(document.contains(from), "{from}");
    said_of(document.replacen(from, to, 1).as_bytes())
}

#[track_caller]
pub(crate) fn said_of(document: &[u8]) -> String {
    let said = Grant::parse(document).unwrap_err().to_string();
    assert!(!said.chars().any(unprintable), "{said:?}");
    said
}

#[test]
fn an_oversized_document_is_refused_before_it_is_read() {
    let said = said_of(&[0xff; limits::DOCUMENT + 1]);
    assert_eq!(said, "the grant document has 8193 bytes, at most 8192 fit");
    assert_eq!(said_of(&[0xff; limits::DOCUMENT]), "the grant document is not UTF-8 at byte 0");
}

#[test]
fn another_encoding_is_refused_with_the_byte() {
    let document = Case::allowed().document();
    let mut latin1 = document.clone().into_bytes();
    let at = document.find("index").unwrap();
    latin1[at] = 0xfc;
    assert_eq!(said_of(&latin1), format!("the grant document is not UTF-8 at byte {at}"));
    // UTF-16 as an editor on Windows writes it.
    let utf16: Vec<u8> = document.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(said_of(&utf16), "not a grant document: its first line is not `pam-jit grant 1`");
    // Surrogates and overlong forms are no UTF-8.
    for bytes in [&b"\xed\xa0\x80"[..], b"\xc0\xaf", b"\xf4\x90\x80\x80", b"\xe2\x82"] {
        let broken = [&document.as_bytes()[..at], bytes, &document.as_bytes()[at..]].concat();
        assert_eq!(said_of(&broken), format!("the grant document is not UTF-8 at byte {at}"));
    }
}

#[test]
fn a_byte_order_mark_is_refused() {
    let document = format!("\u{feff}{}", Case::allowed().document());
    assert_eq!(said_of(document.as_bytes()), "not a grant document: its first line is not `pam-jit grant 1`");
}

#[test]
fn something_else_is_refused() {
    let told = "not a grant document: its first line is not `pam-jit grant 1`";
    for other in [
        "",
        "\n",
        "pam-jit grant 1",
        "PAM-JIT GRANT 1\n",
        " pam-jit grant 1\n",
        "pam-jit revoked 1\n",
        "{}\n",
    ] {
        assert_eq!(said_of(other.as_bytes()), told, "{other:?}");
    }
}

#[test]
fn a_later_version_is_named() {
    let version = |v: &str| said("grant 1\n", &format!("grant {v}\n"));
    let told = |v: &str| format!("the grant document has version `{v}`, and only version 1 is known here");
    assert_eq!(version("2"), told("2"));
    assert_eq!(version("1 "), told("1 "));
    assert_eq!(version("01"), told("01"));
    assert_eq!(version(""), told(""));
    assert_eq!(version("\u{202e}1"), told("\\u{202e}1"));
    assert_eq!(version(&"9".repeat(100)), told(&"9".repeat(16)));
}

#[test]
fn a_windows_line_end_is_refused_with_the_line() {
    assert_eq!(
        said("vendor: acme\n", "vendor: acme\r\n"),
        "line 4 of the grant document is not in canonical form"
    );
    assert_eq!(said("index\n", "index\r\n"), "line 17 of the grant document is not in canonical form");
    let document = Case::allowed().document().replace('\n', "\r\n");
    assert_eq!(said_of(document.as_bytes()), "line 1 of the grant document is not in canonical form");
}

#[test]
fn more_after_the_end_is_refused() {
    for more in ["\n", " ", "approvals: 1\n", "\0", "x"] {
        let document = Case::allowed().document() + more;
        assert_eq!(
            said_of(document.as_bytes()),
            "the grant document does not end after its last line",
            "{more:?}"
        );
    }
}

#[test]
fn a_document_without_its_last_newline_is_refused() {
    // What `$(cat document)` makes of it.
    let document = Case::allowed().document();
    let told = "the grant document does not end after its last line";
    assert_eq!(said_of(document.trim_end().as_bytes()), told);
}

#[test]
fn a_duplicate_field_is_refused_with_the_line() {
    assert_eq!(said("person:", "vendor: acme\nperson:"), "line 5 of the grant document is not `person: ...`");
    assert_eq!(
        said("approvals: 1\n", "approvals: 1\napprovals: 0\n"),
        "the grant document does not end after its last line"
    );
}

#[test]
fn each_bad_value_is_refused_with_its_line() {
    for (from, to, told) in [
        (
            ": SHA256:",
            ": sha256:",
            "line 2 of the grant document, `authority`: a key fingerprint is written `SHA256:` and 43 characters of base64",
        ),
        (
            ": SHA256:",
            ": MD5:",
            "line 2 of the grant document, `authority`: a key fingerprint is written `SHA256:` and 43 characters of base64",
        ),
        (
            "G-7F3K9Q",
            "G-7F3K90",
            "line 3 of the grant document, `grant`: `G-7F3K90` is not a grant id: written like G-7F3K9Q, without 0 1 I L O U",
        ),
        (
            "G-7F3K9Q",
            "-",
            "line 3 of the grant document, `grant`: `-` is not a grant id: written like G-7F3K9Q, without 0 1 I L O U",
        ),
        (
            "vendor: acme",
            "vendor: Acme",
            "line 4 of the grant document, `vendor`: `Acme` is not a vendor name: 1 to 32 of a-z, 0-9 and inner hyphens",
        ),
        (
            "vendor: acme",
            "vendor:  acme",
            "line 4 of the grant document, `vendor`: ` acme` is not a vendor name: 1 to 32 of a-z, 0-9 and inner hyphens",
        ),
        (
            "vendor: acme",
            "vendor: ",
            "line 4 of the grant document, `vendor`: `` is not a vendor name: 1 to 32 of a-z, 0-9 and inner hyphens",
        ),
        ("vendor: acme", "vendor:acme", "line 4 of the grant document is not `vendor: ...`"),
        ("vendor: acme", "Vendor: acme", "line 4 of the grant document is not `vendor: ...`"),
        (
            "vendor: acme",
            "vendor: umbrella",
            "the grant's `person`: the person is not of the vendor that the document names",
        ),
        (
            "acme/jo",
            "jo",
            "line 5 of the grant document, `person`: `jo` is not a person: written vendor/name, each part 1 to 32 of a-z, 0-9 and inner hyphens",
        ),
        (
            "keys: SHA256",
            "keys: ,SHA256",
            "line 6 of the grant document, `keys`: a key fingerprint is written `SHA256:` and 43 characters of base64",
        ),
        (
            "hosts: db1.prod",
            "hosts: db1.prod,db1.prod",
            "line 7 of the grant document, `hosts`: a value stands twice",
        ),
        (
            "hosts: db1.prod",
            "hosts: db2.prod,db1.prod",
            "line 7 of the grant document is not in canonical form",
        ),
        (
            "hosts: db1.prod",
            "hosts: db1.prod,",
            "line 7 of the grant document, `hosts`: `` is not a host name: lower case labels of a-z, 0-9 and inner hyphens, joined by dots, at most 128 bytes",
        ),
        (
            "hosts: db1.prod",
            "hosts: db1.prod,-",
            "line 7 of the grant document, `hosts`: `-` is not a host name: lower case labels of a-z, 0-9 and inner hyphens, joined by dots, at most 128 bytes",
        ),
        ("hosts: db1.prod", "hosts: -", "the grant's `hosts`: at least one is needed"),
        (
            "hosts: db1.prod",
            "hosts: *",
            "line 7 of the grant document, `hosts`: `*` is not a host name: lower case labels of a-z, 0-9 and inner hyphens, joined by dots, at most 128 bytes",
        ),
        (
            "roles: -",
            "roles: role:db",
            "line 8 of the grant document, `roles`: `role:db` is not a role name: 1 to 32 of a-z, 0-9 and inner hyphens",
        ),
        ("accounts: acme-support", "accounts: -", "the grant's `accounts`: at least one is needed"),
        (
            "accounts: acme-support",
            "accounts: acme@db",
            "line 9 of the grant document, `accounts`: `acme@db` is not an account name: 1 to 32 of a-z, 0-9, - _ and ., beginning with a letter or _",
        ),
        (
            "192.0.2.0/24",
            "192.0.2.1/24",
            "line 10 of the grant document, `from`: `192.0.2.1/24` names an address inside a network; the network is 192.0.2.0/24",
        ),
        ("192.0.2.0/24", "192.0.2.0", "line 10 of the grant document is not in canonical form"),
        (
            "192.0.2.0/24",
            "192.0.2.0/024",
            "line 10 of the grant document, `from`: `192.0.2.0/024` is not a network like 192.0.2.0/24 or 2001:db8::/32",
        ),
        (
            "192.0.2.0/24",
            "192.0.2.0/33",
            "line 10 of the grant document, `from`: `192.0.2.0/33` is not a network like 192.0.2.0/24 or 2001:db8::/32",
        ),
        (
            "192.0.2.0/24",
            "::ffff:192.0.2.0/120",
            "line 10 of the grant document, `from`: `::ffff:192.0.2.0/120` is an IPv4-mapped network: write it as IPv4",
        ),
        ("2001:db8::/32", "2001:DB8::/32", "line 10 of the grant document is not in canonical form"),
        (
            "from: 192.0.2.0/24",
            "from: any",
            "line 10 of the grant document, `from`: `any` is not a network like 192.0.2.0/24 or 2001:db8::/32",
        ),
        (
            "features: pty,sftp",
            "features: sftp,pty",
            "line 11 of the grant document is not in canonical form",
        ),
        (
            "features: pty,sftp",
            "features: pty,pty",
            "line 11 of the grant document, `features`: `pty` is named twice",
        ),
        (
            "features: pty,sftp",
            "features: x11",
            "line 11 of the grant document, `features`: `x11` is not a feature: pty, sftp, forward=HOST:PORT, agent, sudo",
        ),
        (
            "features: pty,sftp",
            "features: forward=db:0",
            "line 11 of the grant document, `features`: `db:0` is not a forward target like db.internal:5432 or [2001:db8::1]:5432",
        ),
        (
            "features: pty,sftp",
            "features: forward=*:22",
            "line 11 of the grant document, `features`: `*:22` is not a forward target like db.internal:5432 or [2001:db8::1]:5432",
        ),
        (
            "14:00:00Z",
            "14:00Z",
            "line 12 of the grant document, `opens`: a time is written like 2026-11-24T14:00:00Z, in UTC and whole seconds",
        ),
        (
            "14:00:00Z",
            "14:00:00+01:00",
            "line 12 of the grant document, `opens`: a time is written like 2026-11-24T14:00:00Z, in UTC and whole seconds",
        ),
        (
            "2026-11-24T14:00:00Z",
            "2026-02-29T14:00:00Z",
            "line 12 of the grant document, `opens`: a time is written like 2026-11-24T14:00:00Z, in UTC and whole seconds",
        ),
        (
            "14:30:00Z",
            "14:00:00Z",
            "line 13 of the grant document, `closes`: the window closes at 2026-11-24T14:00:00Z, not after it opens at 2026-11-24T14:00:00Z",
        ),
        (
            "2026-11-24T14:30",
            "2026-12-25T14:30",
            "line 13 of the grant document, `closes`: the window is longer than 31 days",
        ),
        (
            "extendable-to: -",
            "extendable-to: 2026-11-24T14:30:00Z",
            "the grant's `extendable-to`: it must be after the window closes",
        ),
        (
            "extendable-to: -",
            "extendable-to: 2027-11-24T14:30:00Z",
            "the grant's `extendable-to`: it is too long after the window opens",
        ),
        (
            "extendable-to: -",
            "extendable-to: never",
            "line 14 of the grant document, `extendable-to`: a time is written like 2026-11-24T14:00:00Z, in UTC and whole seconds",
        ),
        ("uses: unlimited", "uses: 01", "line 15 of the grant document is not in canonical form"),
        ("uses: unlimited", "uses: 10001", "the grant's `uses`: the number is too large"),
        ("sessions: unlimited", "sessions: +1", "line 16 of the grant document is not in canonical form"),
        (
            "reason: restore",
            "reason:  restore",
            "line 17 of the grant document, `reason`: the reason begins or ends with a blank",
        ),
        (
            "index\n",
            "index \n",
            "line 17 of the grant document, `reason`: the reason begins or ends with a blank",
        ),
        (
            "reason: restore the billing index",
            "reason: ",
            "line 17 of the grant document, `reason`: a reason is needed: say why in one line",
        ),
        (
            "OPS-1234",
            "OPS 1234",
            "line 18 of the grant document, `ticket`: a ticket is 1 to 64 of letters, digits and - _ . # / : and begins with a letter, a digit or #",
        ),
        ("approvals: 1", "approvals: 0", "the grant's `approvals`: at least one is needed"),
        ("approvals: 1", "approvals: 9", "the grant's `approvals`: at most 8 fit"),
        ("approvals: 1", "approvals: 01", "line 19 of the grant document is not in canonical form"),
    ] {
        assert_eq!(said(from, to), told, "{from:?} -> {to:?}");
    }
}

#[test]
fn a_number_that_is_none_is_refused_with_its_line() {
    for (from, to, line) in [
        ("uses: unlimited", "uses: 0", "line 15 of the grant document, `uses`: "),
        ("uses: unlimited", "uses: -1", "line 15 of the grant document, `uses`: "),
        ("uses: unlimited", "uses: 4294967296", "line 15 of the grant document, `uses`: "),
        ("sessions: unlimited", "sessions: -", "line 16 of the grant document, `sessions`: "),
        ("sessions: unlimited", "sessions: Unlimited", "line 16 of the grant document, `sessions`: "),
        ("approvals: 1", "approvals: 256", "line 19 of the grant document, `approvals`: "),
        ("approvals: 1", "approvals: one", "line 19 of the grant document, `approvals`: "),
    ] {
        let said = said(from, to);
        assert!(said.starts_with(line) && said.len() > line.len(), "{said}");
    }
}

#[test]
fn a_count_on_more_than_one_host_is_refused() {
    let told =
        "the grant's `uses`: it is counted per host, so the grant must name exactly one host and no role";
    for (from, to) in [
        ("hosts: db1.prod\n", "hosts: db1.prod,db2.prod\n"),
        ("roles: -\n", "roles: db\n"),
        ("hosts: db1.prod\nroles: -\n", "hosts: -\nroles: db\n"),
    ] {
        let document = Case::allowed().document().replace(from, to).replace("uses: unlimited", "uses: 1");
        assert_eq!(said_of(document.as_bytes()), told);
    }
}

#[test]
fn too_many_values_are_refused() {
    let list = |count: usize, text: &dyn Fn(usize) -> String| {
        (10..10 + count).map(text).collect::<Vec<_>>().join(",")
    };
    for (from, to, told) in [
        (
            "roles: -",
            format!("roles: {}", list(32, &|n| format!("r{n}"))),
            "the grant's `hosts`: at most 32 fit",
        ),
        (
            "accounts: acme-support",
            format!("accounts: {}", list(33, &|n| format!("a{n}"))),
            "the grant's `accounts`: at most 32 fit",
        ),
        (
            "from: 192.0.2.0/24",
            format!("from: {}", list(33, &|n| format!("10.0.{n}.0/24"))),
            "line 10 of the grant document, `from`: more than 32 source networks",
        ),
        (
            "features: pty,sftp",
            format!("features: {}", list(17, &|n| format!("forward=h{n}:22"))),
            "line 11 of the grant document, `features`: more than 16 forward targets",
        ),
    ] {
        assert_eq!(said(from, &to), told);
    }
}

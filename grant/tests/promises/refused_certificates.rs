//! Certificates that are no way in, whatever the grant: one test for each reason.

use std::rc::Rc;

use grant::{AuthInfo, limits};

use crate::software_sk::sk_ed25519;
use crate::support::case::{Case, at, kim};
use crate::support::raw_certificate::{HOST, text};
use crate::support::soft_key::{Key, ecdsa, ed25519};
use crate::support::verdicts::{allowed, refused, refused_and_told, sane};
use crate::support::wire::Wire;

#[test]
fn a_login_without_a_certificate_is_refused() {
    let reason = AuthInfo::parse(format!("publickey {}\n", kim().line()).as_bytes()).unwrap_err();
    sane(&reason);
    assert_eq!(reason.code(), "no-certificate");
    assert_eq!(
        reason.told(),
        "access refused: this account can be entered only with a certificate of a grant; ask for access first"
    );
    // The empty value of the account phase is no success either.
    assert_eq!(AuthInfo::parse(b"").unwrap_err(), reason);
}

#[test]
fn a_login_with_two_certificates_is_refused() {
    let line = "publickey ssh-ed25519-cert-v01@openssh.com AAAA\n";
    let reason = AuthInfo::parse(line.repeat(2).as_bytes()).unwrap_err();
    sane(&reason);
    assert_eq!(reason.code(), "two-certificates");
    assert_eq!(reason.told(), "access refused: more than one certificate was shown; log in with one");
}

#[test]
fn an_unreadable_account_of_the_authentication_is_refused() {
    let reason = AuthInfo::parse(b"publickey ssh-ed25519-cert-v01@openssh.com !\n").unwrap_err();
    sane(&reason);
    assert_eq!(reason.code(), "auth-info");
    assert_eq!(
        reason.told(),
        "access refused: sshd's account of the authentication is not readable; tell the host's administrator"
    );
}

#[test]
fn an_oversized_certificate_is_refused_before_it_is_read() {
    let mut case = Case::allowed();
    let told = "the certificate has 65537 bytes, more than a certificate may have";
    let zeros = vec![0; limits::CERTIFICATE + 1];
    refused_and_told(case.verdict_on(&zeros), "certificate-too-large", told);
    refused(case.verdict_on(&zeros[1..]), "certificate-unreadable");
    // Nothing but its size is wrong with this one.
    let mut certificate = case.certificate();
    let size = certificate.signed_by(&*case.ca).len();
    certificate.nonce = vec![9; 32 + limits::CERTIFICATE - size];
    let blob = certificate.signed_by(&*case.ca);
    assert_eq!(blob.len(), limits::CERTIFICATE);
    allowed(case.verdict_on(&blob));
    certificate.nonce.push(9);
    refused_and_told(case.verdict_on_certificate(&certificate), "certificate-too-large", told);
    // Neither trust nor time matters.
    case.trust.ca_keys.clear();
    refused(case.verdict_on_certificate(&certificate), "certificate-too-large");
}

#[test]
fn a_truncated_or_padded_certificate_is_refused() {
    let case = Case::allowed();
    let blob = case.blob();
    let told = "the certificate is not readable; ask for a new one";
    for end in 0..blob.len() {
        refused_and_told(case.verdict_on(&blob[..end]), "certificate-unreadable", told);
    }
    for more in [&b"\0"[..], b"\0\0\0\0", b"\n", b"x"] {
        refused_and_told(case.verdict_on(&[&blob, more].concat()), "certificate-unreadable", told);
    }
}

#[test]
fn what_is_no_certificate_is_refused() {
    let case = Case::allowed();
    for blob in [kim().blob(), b"\xff\xff\xff\xff".to_vec(), b"ssh-ed25519-cert-v01@openssh.com".to_vec()] {
        refused(case.verdict_on(&blob), "certificate-unreadable");
    }
}

#[test]
fn altered_bytes_that_still_mean_the_same_are_refused() {
    let case = Case::allowed();
    let mut certificate = case.certificate();
    // permit-pty with an empty text reads like permit-pty without data.
    *certificate.extension("permit-pty") = text("");
    let told = "the certificate's bytes were altered; ask for a new one";
    refused_and_told(case.verdict_on_certificate(&certificate), "certificate-not-canonical", told);
}

#[test]
fn a_certificate_of_another_authority_is_refused() {
    let mut case = Case::allowed();
    case.ca = Rc::new(ed25519(66));
    let told = "the certificate is signed by a key that this host does not trust";
    refused_and_told(case.verdict(), "untrusted-authority", told);
    assert_eq!(refused(case.verdict(), "untrusted-authority").claim, None);
    let mut case = Case::allowed();
    case.trust.ca_keys.clear();
    refused_and_told(case.verdict(), "untrusted-authority", told);
}

#[test]
fn the_trust_root_itself_signs_no_certificates() {
    let mut case = Case::allowed();
    case.ca = Rc::new(crate::support::case::trust_root());
    refused(case.verdict(), "untrusted-authority");
}

#[test]
fn a_signature_by_another_key_than_the_one_named_is_refused() {
    let case = Case::allowed();
    let signed = case.certificate().signed_part(&*case.ca);
    let told = "the certificate's signature does not hold; ask for a new one";
    for forger in [&ed25519(66) as &dyn Key, &ecdsa(66)] {
        let blob = Wire::new().raw(&signed).string(forger.sign(&signed)).done();
        refused_and_told(case.verdict_on(&blob), "bad-signature", told);
        assert_eq!(refused(case.verdict_on(&blob), "bad-signature").claim, None);
    }
}

#[test]
fn a_ca_security_key_that_was_not_touched_signs_nothing() {
    let mut case = Case::allowed();
    let ca = sk_ed25519(21, 0);
    case.trust.ca_keys = vec![ca.public()];
    case.ca = Rc::new(ca);
    refused(case.verdict(), "bad-signature");
}

#[test]
fn a_host_certificate_is_refused() {
    let case = Case::allowed();
    let mut certificate = case.certificate();
    certificate.kind = HOST;
    let told = "a host certificate is no way in";
    refused_and_told(case.verdict_on_certificate(&certificate), "not-a-user-certificate", told);
    for kind in [0, 3, u32::MAX] {
        certificate.kind = kind;
        refused(case.verdict_on_certificate(&certificate), "certificate-unreadable");
    }
}

#[test]
fn a_certificate_for_a_weak_key_is_refused() {
    let case = Case::allowed();
    let told = "the certificate is for a kind of key that is not accepted";
    let mut certificate = case.certificate();
    certificate.key = Wire::new().string([0; 32]).done();
    refused_and_told(case.verdict_on_certificate(&certificate), "certified-key", told);
    let rsa = |bits: usize, exponent: &[u8]| {
        let mut modulus = vec![0xff; bits / 8];
        modulus[0] = 0x80;
        Wire::new().mpint(exponent).mpint(&modulus).done()
    };
    certificate.algorithm = "ssh-rsa-cert-v01@openssh.com".to_owned();
    for (bits, exponent, logged) in [
        (
            2048,
            &[1, 0, 1][..],
            "the certified key is not accepted: the rsa key has 2048 bits: 3072 to 4096 are accepted",
        ),
        (
            8192,
            &[1, 0, 1],
            "the certified key is not accepted: the rsa key has 8192 bits: 3072 to 4096 are accepted",
        ),
        (3072, &[3], "the certified key is not accepted: the rsa key's exponent is not accepted"),
        (3072, &[1, 0, 2], "the certified key is not accepted: the rsa key's exponent is not accepted"),
    ] {
        certificate.key = rsa(bits, exponent);
        let refusal = refused(case.verdict_on_certificate(&certificate), "certified-key");
        assert_eq!(refusal.reason.logged(), logged);
    }
    // A sound one goes on to the next question: whose it is.
    certificate.key = rsa(3072, &[1, 0, 1]);
    refused(case.verdict_on_certificate(&certificate), "key-not-listed");
}

#[test]
fn a_certificate_without_a_grant_is_refused() {
    let case = Case::allowed();
    let mut certificate = case.certificate();
    certificate.remove_extension("grant@pam-jit");
    let told = "the certificate carries no grant";
    refused_and_told(case.verdict_on_certificate(&certificate), "no-grant", told);
    // A grant among the critical options is none.
    certificate.critical_options.insert(0, ("grant@pam-jit".to_owned(), text(case.document())));
    refused_and_told(case.verdict_on_certificate(&certificate), "no-grant", told);
}

#[test]
fn a_certificate_with_two_grants_is_refused() {
    let case = Case::allowed();
    let mut other = case.clone();
    other.fields.hosts = ["db2.prod".parse().unwrap()].into();
    for second in [case.document(), other.document()] {
        let mut certificate = case.certificate();
        certificate.add_extension("grant@pam-jit", text(second));
        refused(case.verdict_on_certificate(&certificate), "certificate-unreadable");
        certificate.extensions.reverse();
        refused(case.verdict_on_certificate(&certificate), "certificate-unreadable");
    }
}

#[test]
fn extensions_out_of_order_are_refused() {
    let case = Case::allowed();
    let mut certificate = case.certificate();
    certificate.extensions.reverse();
    refused(case.verdict_on_certificate(&certificate), "certificate-unreadable");
}

#[test]
fn an_unreadable_grant_is_refused_with_the_place() {
    let case = Case::allowed();
    let mut certificate = case.certificate();
    *certificate.extension("grant@pam-jit") = text(case.document().replace("db1.prod", "db1..prod"));
    let told = "the certificate's grant is not readable: line 7 of the grant document, `hosts`: `db1..prod` is not a host name: lower case labels of a-z, 0-9 and inner hyphens, joined by dots, at most 128 bytes";
    refused_and_told(case.verdict_on_certificate(&certificate), "document", told);
}

#[test]
fn a_grant_of_an_unknown_version_is_refused() {
    let case = Case::allowed();
    let mut certificate = case.certificate();
    *certificate.extension("grant@pam-jit") = text(case.document().replace("grant 1\n", "grant 2\n"));
    let told = "the grant has a version that this host does not know; tell its administrator";
    refused_and_told(case.verdict_on_certificate(&certificate), "unknown-version", told);
}

#[test]
fn a_certificate_that_says_otherwise_than_its_grant_is_refused() {
    type Change = fn(&mut crate::support::raw_certificate::RawCertificate);
    let changes: [(&str, &str, Change); 22] = [
        ("no serial", "serial", |c| c.serial = 0),
        ("another key id", "key id", |c| c.key_id = "G-7F3K9Q acme/al".to_owned()),
        ("an empty key id", "key id", |c| c.key_id.clear()),
        ("no principals, which is every principal to some", "principals", |c| c.principals.clear()),
        ("one more principal", "principals", |c| c.principals.push("root@db1.prod".to_owned())),
        ("a bare account", "principals", |c| c.principals = vec!["acme-support".to_owned()]),
        ("a principal twice", "principals", |c| c.principals.push(c.principals[0].clone())),
        ("an empty principal", "principals", |c| c.principals.push(String::new())),
        ("no source-address", "critical options", |c| c.critical_options.clear()),
        ("a wider source-address", "critical options", |c| c.critical_options[0].1 = text("0.0.0.0/0")),
        ("an empty source-address", "critical options", |c| c.critical_options[0].1.clear()),
        ("an unknown critical option", "critical options", |c| {
            c.critical_options.push(("unknown@pam-jit".to_owned(), text("1")));
        }),
        ("force-command", "critical options", |c| {
            c.critical_options.insert(0, ("force-command".to_owned(), text("/bin/sh")));
        }),
        ("verify-required", "critical options", |c| {
            c.critical_options.push(("verify-required".to_owned(), Vec::new()));
        }),
        ("less than granted", "extensions", |c| c.remove_extension("permit-pty")),
        ("port forwarding", "extensions", |c| c.add_extension("permit-port-forwarding", Vec::new())),
        ("agent forwarding", "extensions", |c| c.add_extension("permit-agent-forwarding", Vec::new())),
        ("X11 forwarding", "extensions", |c| c.add_extension("permit-X11-forwarding", Vec::new())),
        ("the person's rc file", "extensions", |c| c.add_extension("permit-user-rc", Vec::new())),
        ("no touch", "extensions", |c| c.add_extension("no-touch-required", Vec::new())),
        ("an unknown extension", "extensions", |c| c.add_extension("unknown@pam-jit", Vec::new())),
        ("data where none belongs", "extensions", |c| *c.extension("permit-pty") = text("yes")),
    ];
    let case = Case::allowed();
    for (change, field, make) in changes {
        let mut certificate = case.certificate();
        make(&mut certificate);
        let refusal = refused(case.verdict_on_certificate(&certificate), "certificate-differs");
        let told = format!("access refused: the certificate's {field} differs from its grant");
        assert_eq!(refusal.reason.told(), told, "{change}");
    }
}

#[test]
fn principals_in_another_order_are_refused() {
    let mut case = Case::allowed();
    case.fields.accounts = ["acme-batch".parse().unwrap(), "acme-support".parse().unwrap()].into();
    let mut certificate = case.certificate();
    certificate.principals.reverse();
    refused(case.verdict_on_certificate(&certificate), "certificate-differs");
}

#[test]
fn a_certificate_that_outlives_the_window_is_refused() {
    let mut case = Case::allowed();
    case.valid_before = at("2026-11-24T14:30:00Z");
    allowed(case.verdict());
    case.valid_before = at("2026-11-24T14:30:01Z");
    let told = "the certificate's end of validity differs from its grant";
    refused_and_told(case.verdict(), "certificate-differs", told);
}

#[test]
fn a_claim_is_recorded_only_of_what_a_trusted_ca_signed() {
    let mut case = Case::allowed();
    case.trust.host = "db2.prod".parse().unwrap();
    let claim = refused(case.verdict(), "other-host").claim.unwrap();
    assert_eq!((claim.serial, claim.key), (42, case.key.public().fingerprint()));
    let grant = claim.grant.unwrap();
    assert_eq!(
        (grant.id.as_str(), grant.vendor.as_str(), grant.person.as_str()),
        ("G-7F3K9Q", "acme", "acme/jo")
    );
    assert_eq!(grant.digest, case.grant().digest());
    let mut certificate = case.certificate();
    certificate.remove_extension("grant@pam-jit");
    let claim = refused(case.verdict_on_certificate(&certificate), "no-grant").claim.unwrap();
    assert_eq!((claim.serial, claim.grant), (42, None));
    case.ca = Rc::new(ed25519(66));
    assert_eq!(refused(case.verdict(), "untrusted-authority").claim, None);
}

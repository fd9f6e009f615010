//! Trust bundles: one text for one meaning, one clear sentence for each wrong one, and no changed byte accepted.

use base64ct::{Base64, Encoding};
use grant::bundle::{NAMESPACE, made_in};
use grant::{Approvers, Bundle, BundleError, BundleFields, Digest, PublicKey, Revoked, SignedBundle, limits};
use proptest::prelude::*;

use crate::support::case::{approvers, at, kim, lee, trust_root};
use crate::support::soft_key::{Key, ecdsa, ed25519};
use crate::support::sshsig::{SshSig, armored};
use crate::support::verdicts::unprintable;

fn fields() -> BundleFields {
    let authority = trust_root().public().fingerprint();
    let mut revoked = Revoked::nothing(authority);
    revoked.grants.insert(Digest::of(b"a document"));
    revoked.serials.extend([7, 11]);
    revoked.persons.insert("acme/jo".parse().unwrap());
    revoked.vendors.insert("umbrella".parse().unwrap());
    BundleFields {
        authority,
        host: "db1.prod".parse().unwrap(),
        version: 17,
        made: at("2026-11-24T14:00:00Z"),
        roles: ["db".parse().unwrap(), "billing".parse().unwrap()].into(),
        ca_keys: vec![ed25519(2).public(), ecdsa(2).public()],
        approvers: approvers(&[("lee", ",valid-after=\"20261001000000Z\"", &lee()), ("kim", "", &kim())]),
        revoked,
        // Made by `ssh-keygen -k -z 16 /dev/null`.
        krl: Base64::decode_vec("U1NIS1JMCgAAAAABAAAAAAAAABAAAAAAawXZqQAAAAAAAAAAAAAAAAAAAAA=").unwrap(),
    }
}

fn text() -> String {
    Bundle::new(fields()).unwrap().render()
}

fn sshsig<'a>() -> SshSig<'a> {
    SshSig { namespace: NAMESPACE, ..SshSig::approval() }
}

fn signed(key: &dyn Key, text: &str) -> String {
    format!("{text}{}", armored(&sshsig().by(key, text.as_bytes())))
}

/// The sentence about a wrong text, which is one line that can be shown.
fn said(text: &str) -> String {
    let said = Bundle::parse(text.as_bytes()).unwrap_err().to_string();
    assert!(!said.chars().any(unprintable) && said.len() < 400, "{said:?}");
    said
}

#[test]
fn a_bundle_is_the_text_that_its_specification_shows() {
    let text = text();
    let lines: Vec<_> = text.lines().map(|line| line.split_at(line.len().min(24)).0).collect();
    assert_eq!(
        lines,
        [
            "pam-jit trust 1",
            &format!("authority: {}", trust_root().public().fingerprint())[..24],
            "host: db1.prod",
            "version: 17",
            "made: 2026-11-24T14:00:0",
            "roles: billing,db",
            "ca-key: ecdsa-sha2-nistp",
            "ca-key: ssh-ed25519 AAAA",
            "approver: kim namespaces",
            "approver: lee namespaces",
            &format!("revoked: grant: {}", Digest::of(b"a document"))[..24],
            "revoked: serial: 7",
            "revoked: serial: 11",
            "revoked: person: acme/jo",
            "revoked: vendor: umbrell",
            &text.lines().nth(15).unwrap()[..24],
            "end: 16",
        ]
    );
    assert!(text.lines().nth(15).unwrap().starts_with("krl: "));
    assert!(text.ends_with("\nend: 16\n"));
}

#[test]
fn the_vector_is_this_bundle() {
    // The fuzzer begins with it, and docs/trust-format.md shows it.
    let vector = include_str!("../golden/db1.bundle");
    assert_eq!(signed(&trust_root(), &text()), vector);
    assert_eq!(SignedBundle::read(vector.as_bytes()).unwrap().to_file(), vector);
}

#[test]
fn a_bundle_round_trips() {
    for change in [
        |_: &mut BundleFields| (),
        |fields: &mut BundleFields| fields.roles.clear(),
        |fields: &mut BundleFields| fields.revoked = Revoked::nothing(fields.authority),
        |fields: &mut BundleFields| fields.version = u64::MAX,
        |fields: &mut BundleFields| fields.krl = b"SSHKRL\n\0".to_vec(),
    ] {
        let mut fields = fields();
        change(&mut fields);
        let bundle = Bundle::new(fields).unwrap();
        let again = Bundle::parse(bundle.render().as_bytes()).unwrap();
        assert_eq!(again.render(), bundle.render());
        assert_eq!(again.revoked, bundle.revoked);
        assert_eq!((again.version, &again.roles, &again.krl), (bundle.version, &bundle.roles, &bundle.krl));
        assert_eq!(again.digest(), Digest::of(bundle.render().as_bytes()));
        // What it writes for a host is what a host reads.
        assert_eq!(Approvers::parse(&again.approvers_file()).unwrap().iter().count(), 2);
        assert!(again.ca_keys_file().lines().all(|line| PublicKey::parse_line(line).is_ok()));
        assert_eq!(made_in(bundle.render().as_bytes()), Some(bundle.made));
    }
}

#[test]
fn each_wrong_bundle_is_refused_with_one_sentence_and_its_place() {
    let text = text();
    let line = |number: usize| text.lines().nth(number - 1).unwrap().to_owned();
    let without = |number: usize| {
        let left = text.lines().enumerate().filter(|(index, _)| index + 1 != number);
        left.map(|(_, line)| format!("{line}\n")).collect::<String>()
    };
    let swapped = |number: usize| {
        let mut lines: Vec<_> = text.lines().collect();
        lines.swap(number - 1, number);
        lines.iter().map(|line| format!("{line}\n")).collect::<String>()
    };
    for (bad, told) in [
        (String::new(), "not a trust bundle: its first line is not `pam-jit trust 1`".to_owned()),
        (
            "pam-jit grant 1\n".to_owned(),
            "not a trust bundle: its first line is not `pam-jit trust 1`".to_owned(),
        ),
        (
            text.replace("trust 1\n", "trust 2\n"),
            "the bundle has version `2`, and only version 1 is known here".to_owned(),
        ),
        (text.replace("host: db1", "hast: db1"), "line 3 of the bundle is not `host: ...`".to_owned()),
        (
            text.replace("host: db1.prod", "host: db1 prod"),
            "line 3 of the bundle, `host`: `db1 prod` is not a host name".to_owned(),
        ),
        (
            text.replace("version: 17", "version: -1"),
            "line 4 of the bundle, `version`: invalid digit".to_owned(),
        ),
        (
            text.replace("version: 17", "version: 017"),
            "line 4 of the bundle is not in canonical form".to_owned(),
        ),
        (
            text.replace("version: 17", "version: +17"),
            "line 4 of the bundle is not in canonical form".to_owned(),
        ),
        (
            text.replace("version: 17", "version: 0"),
            "the bundle's `version`: versions begin with 1".to_owned(),
        ),
        (
            text.replace("2026-11-24T14:00:00Z", "2026-11-24 14:00:00Z"),
            "line 5 of the bundle, `made`: a time is written like".to_owned(),
        ),
        (
            text.replace("billing,db", "db,billing"),
            "line 6 of the bundle is not in canonical form".to_owned(),
        ),
        (
            text.replace("billing,db", "db,db"),
            "line 6 of the bundle, `roles`: a value stands twice".to_owned(),
        ),
        (
            text.replace(&line(7), "ca-key: ssh-dss AAAA"),
            "line 7 of the bundle, `ca-key`: not an OpenSSH public key line".to_owned(),
        ),
        (
            text.replace(&line(7), &(line(7) + " kim@host")),
            "line 7 of the bundle is not in canonical form".to_owned(),
        ),
        (text.replace(&line(7), &line(8)), "the bundle's `ca-key`: a key stands twice".to_owned()),
        (swapped(7), "line 7 of the bundle is not in canonical form".to_owned()),
        (swapped(9), "line 9 of the bundle is not in canonical form".to_owned()),
        (
            text.replace("approver: kim", "approver: *"),
            "line 9 of the bundle, `approver`: `*` is not an approver name".to_owned(),
        ),
        (
            text.replace("approver: kim", "approver: #kim"),
            "line 9 of the bundle, `approver`: no approver stands there".to_owned(),
        ),
        (
            text.replace(&line(10), &line(9)),
            "line 10 of the bundle, `approver`: the key stands in the file already".to_owned(),
        ),
        (
            text.replace("serial: 11", "serial: 7"),
            "line 13 of the bundle, `revoked`: not a new grant, serial, person or vendor".to_owned(),
        ),
        (
            text.replace("revoked: serial: 7", "revoked: end: 0"),
            "line 12 of the bundle, `revoked`: not a grant, serial, person or vendor".to_owned(),
        ),
        (swapped(12), "line 12 of the bundle is not in canonical form".to_owned()),
        (text.replace(&line(16), "krl: !"), "line 16 of the bundle, `krl`: not base64".to_owned()),
        (
            text.replace(&line(16), "krl: AAAA"),
            "the bundle's `krl`: it is not a key revocation list of OpenSSH".to_owned(),
        ),
        (without(11), "the bundle does not end where its line `end: 15` belongs".to_owned()),
        (without(17), "the bundle does not end where its line `end: 16` belongs".to_owned()),
        (text.clone() + "\n", "the bundle does not end where its line `end: 16` belongs".to_owned()),
        (text.trim_end().to_owned(), "the bundle does not end where its line `end: 16` belongs".to_owned()),
        (
            text.replace("db1", "db1\u{202e}"),
            "line 3 of the bundle holds a byte that is not printable ASCII".to_owned(),
        ),
        (
            text.replace('\n', "\r\n"),
            "line 1 of the bundle holds a byte that is not printable ASCII".to_owned(),
        ),
        (
            text.replace("roles: ", "roles:\t"),
            "line 6 of the bundle holds a byte that is not printable ASCII".to_owned(),
        ),
    ] {
        let said = said(&bad);
        assert!(said.starts_with(&told), "{said}\n{told}");
    }
}

#[test]
fn fields_that_do_not_hold_together_make_no_bundle() {
    let wrong = |change: &dyn Fn(&mut BundleFields)| {
        let mut fields = fields();
        change(&mut fields);
        Bundle::new(fields).unwrap_err().to_string()
    };
    let root = || trust_root().public();
    for (said, told) in [
        (wrong(&|f| f.ca_keys.clear()), "the bundle's `ca-key`: a host needs 1 to 16 CA keys"),
        (wrong(&|f| f.ca_keys.push(root())), "the bundle's `ca-key`: a CA key is the trust root"),
        (
            wrong(&|f| f.ca_keys.push(kim().public())),
            "the bundle's `ca-key`: a CA key is also the key of the approver kim",
        ),
        (
            wrong(&|f| f.approvers = Approvers::default()),
            "the bundle's `approver`: a host needs at least one approver",
        ),
        (
            wrong(&|f| f.revoked = Revoked::nothing(kim().public().fingerprint())),
            "the bundle's `revoked`: it is the list of another authority",
        ),
        (
            wrong(&|f| f.krl.resize(limits::KRL + 1, 0)),
            "the bundle's `krl`: it has 4194305 bytes, at most 4194304 fit",
        ),
        (
            wrong(&|f| f.roles = (0..=limits::ROLES).map(|n| format!("r{n}").parse().unwrap()).collect()),
            "the bundle's `roles`: at most 32 fit",
        ),
    ] {
        assert!(said.starts_with(told), "{said}\n{told}");
    }
}

#[test]
fn only_a_bundle_signed_by_the_root_that_it_names_is_one() {
    let text = text();
    let whole = signed(&trust_root(), &text);
    let read = SignedBundle::read(whole.as_bytes()).unwrap();
    assert_eq!((read.text(), read.to_file()), (text.as_str(), whole.clone()));
    assert_eq!(read.bundle().version, 17);

    let refused = |file: &str| SignedBundle::read(file.as_bytes()).unwrap_err();
    assert_eq!(refused(&text), BundleError::Unsigned);
    assert_eq!(refused(""), BundleError::NotABundle);
    assert_eq!(refused("pam-jit revoked 1\n"), BundleError::NotABundle);
    assert!(matches!(refused(&signed(&kim(), &text)), BundleError::OtherSigner { .. }));
    let approval = armored(&SshSig::approval().by(&trust_root(), text.as_bytes()));
    assert_eq!(refused(&(text.clone() + &approval)), BundleError::Namespace("grant@pam-jit".to_owned()));
    assert_eq!(refused(&(whole.clone() + "\n")), BundleError::SignatureNotCanonical);
    assert_eq!(refused(&whole.replace("-----\nU1", "-----\n U1")), BundleError::Unreadable);
    assert!(matches!(refused(&("\n".to_owned() + &whole)), BundleError::Signature(_)));
    assert!(matches!(refused(&(text.clone() + &whole)), BundleError::Signature(_)));
    let other = signed(&trust_root(), &text.replace("version: 17", "version: 18"));
    let signature = &other[other.find("-----BEGIN").unwrap()..];
    assert!(matches!(refused(&(text.clone() + signature)), BundleError::Signature(_)));
    assert!(matches!(SignedBundle::put_together(text.as_bytes(), signature), Err(BundleError::Signature(_))));
    // Signed, and wrong all the same.
    assert_eq!(refused(&signed(&trust_root(), &text.replace("17", "017"))), BundleError::NotCanonical(4));
    let long = "x".repeat(limits::BUNDLE + 1);
    assert_eq!(refused(&long), BundleError::TooLong(limits::BUNDLE + 1));
}

#[test]
fn no_changed_byte_of_a_bundle_is_accepted() {
    let whole = signed(&trust_root(), &text()).into_bytes();
    let mut altered = whole.clone();
    for at in 0..whole.len() {
        for value in [whole[at] ^ 1, whole[at] ^ 0x20, b'\n', b' ', 0, 0xff] {
            if value == whole[at] {
                continue;
            }
            altered[at] = value;
            let said = SignedBundle::read(&altered).unwrap_err().to_string();
            assert!(!said.chars().any(unprintable), "{said:?}");
        }
        altered[at] = whole[at];
        assert!(SignedBundle::read(&whole[..at]).is_err(), "cut at {at}");
    }
    assert!(SignedBundle::read(&whole).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]

    #[test]
    fn what_parses_as_a_bundle_is_what_renders(
        version in 1..=u64::MAX,
        made in 0..limits::LAST_SECOND,
        serials in proptest::collection::btree_set(any::<u64>(), 0..20),
        krl in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let mut fields = fields();
        fields.version = version;
        fields.made = grant::UnixTime::from_secs(made);
        fields.revoked.serials = serials;
        fields.krl.extend(krl);
        let text = Bundle::new(fields).unwrap().render();
        prop_assert_eq!(Bundle::parse(text.as_bytes()).unwrap().render(), text);
    }

    #[test]
    fn a_bundle_with_bytes_put_in_or_taken_out_is_refused(at in any::<prop::sample::Index>(), bytes in "[ -~\n]{0,8}", out in 0_usize..8) {
        let whole = signed(&trust_root(), &text());
        let at = at.index(whole.len());
        let mut altered = whole.clone();
        altered.replace_range(at..(at + out).min(whole.len()), &bytes);
        prop_assert!(altered == whole || SignedBundle::read(altered.as_bytes()).is_err());
    }
}

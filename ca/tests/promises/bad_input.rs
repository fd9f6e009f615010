//! Bad input: one clear sentence with the place, exit code 1 or 2, no panic, and nothing is changed.
//!
//! The same hostile files go through every command that reads a file; the same hostile texts through every
//! command that takes one.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::scene::{Ran, Scene};

/// Bytes that no reader may choke on.
fn hostile() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("empty", Vec::new()),
        ("newlines", b"\n\n\n".to_vec()),
        ("nul", vec![0; 100]),
        ("not-utf8", b"ssh-ed25519 \xff\xfe AAAA".to_vec()),
        ("bom", b"\xef\xbb\xbfssh-ed25519 AAAA".to_vec()),
        ("override", "ssh-ed25519 \u{202e}AAAA jo".as_bytes().to_vec()),
        ("escape", b"\x1b[2J\x1b]0;owned\x07".to_vec()),
        ("huge-line", vec![b'A'; 200_000]),
        ("huge", vec![b'\n'; 10_000_000]),
        ("base64-only", b"AAAAC3NzaC1lZDI1NTE5AAAAI".to_vec()),
        ("pem", b"-----BEGIN SSH SIGNATURE-----\n-----END SSH SIGNATURE-----\n".to_vec()),
        (
            "private",
            b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n".to_vec(),
        ),
    ]
}

#[track_caller]
fn expect_one_sentence(ran: &Ran, place: &str, what: &str) {
    assert_eq!(ran.code, 1, "{what}: {ran:?}");
    assert!(ran.out.is_empty(), "{what}: {ran:?}");
    assert!(ran.error().contains(place), "{what}: {ran:?}");
    assert!(ran.err.lines().all(|line| line.starts_with("error: ") || line.starts_with("hint: ")), "{ran:?}");
    assert!(!ran.err.contains(['\u{1b}', '\u{202e}', '\u{7}', '\0']), "{what}: {ran:?}");
    assert!(ran.err.len() < 1000, "{what}: {} bytes", ran.err.len());
}

#[test]
fn hostile_files_are_refused_everywhere() {
    let scene = Scene::new();
    let id = scene.grant(&[]);
    let before = scene.events().len();
    for (name, bytes) in hostile() {
        let path = scene.write(name, bytes);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let commands: [&[&str]; 8] = [
            &["person", "add", "acme/al", "--key", name],
            &["approver", "add", "al", "--key", name],
            &["person", "end", "acme/jo", "--key", name],
            &["approve", &id, "--as", "kim", "--key", name],
            &["approve", &id, "--as", "kim", "--signature", name],
            &["sign", &id, "--key", name, "-o", "-"],
            &["inspect", name],
            &["--dir", "elsewhere", "init", "--no-passphrase", "--trust-root", name],
        ];
        for command in commands {
            let mut ran = scene.ca(command);
            // `approve` shows what would be signed before it opens a key.
            if command[0] == "approve" {
                ran.out.clear();
            }
            expect_one_sentence(&ran, name, &format!("{command:?}"));
        }
    }
    assert_eq!(scene.events().len(), before);
    assert!(!scene.path("elsewhere").join("ca.toml").exists());
    scene.expect_well();
}

#[test]
fn hostile_configuration_is_refused_with_its_line() {
    let scene = Scene::new();
    let good = scene.read("ca/ca.toml");
    for (name, bytes) in hostile() {
        scene.write("ca/ca.toml", bytes);
        expect_one_sentence(&scene.ca(["list"]), "ca.toml", name);
    }
    let lines = good.lines().count();
    for (line, problem) in [
        ("lifetime = \"1m\"", "duplicate key"),
        ("colour = \"red\"", "unknown field `colour`"),
        ("lifetime = ", "string values must be quoted"),
        ("# \u{202e} is not seen", "the character U+202E does not belong here"),
    ] {
        scene.write("ca/ca.toml", format!("{good}{line}\n"));
        let ran = scene.ca(["list"]);
        expect_one_sentence(&ran, &format!("ca.toml line {}: ", lines + 1), line);
        assert!(ran.error().contains(problem) || problem.starts_with("string"), "{ran:?}");
    }
    scene.write("ca/ca.toml", &good);
    scene.expect_well();
}

#[test]
fn every_truncation_of_a_certificate_is_read_or_refused() {
    let scene = Scene::new();
    scene.signed(&[]);
    let certificate = scene.read("jo-cert.pub");
    for end in (0..certificate.trim_end().len() - " acme/jo".len()).step_by(97) {
        scene.write("cut-cert.pub", &certificate[..end]);
        expect_one_sentence(&scene.ca(["inspect", "cut-cert.pub"]), "cut-cert.pub", &end.to_string());
    }
}

#[test]
fn a_changed_letter_in_a_certificate_is_never_accepted() {
    let scene = Scene::new();
    scene.signed(&[]);
    let certificate = scene.read("jo-cert.pub").into_bytes();
    let start = certificate.iter().position(|b| *b == b' ').unwrap() + 1;
    let end = certificate.iter().rposition(|b| *b == b' ').unwrap();
    for at in (start..end).step_by(61) {
        let mut altered = certificate.clone();
        altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
        scene.write("altered-cert.pub", &altered);
        let ran = scene.ca(["inspect", "altered-cert.pub"]);
        if ran.code == 0 {
            assert!(ran.out.contains("accepted now: no"), "{at}: {ran:?}");
            assert!(ran.out.contains("does not have this certificate"), "{at}: {ran:?}");
        } else {
            expect_one_sentence(&ran, "altered-cert.pub", &at.to_string());
        }
    }
}

#[test]
fn hostile_arguments_are_refused() {
    let scene = Scene::new();
    let before = scene.events().len();
    let names = [
        "",
        " ",
        "a b",
        "a\nb",
        "\u{202e}a",
        "../../etc",
        "a'; DROP TABLE vendor; --",
        "-x",
        "é",
        "a\u{0301}",
    ];
    for name in names {
        for command in [
            vec!["vendor", "add", "--until", "2099-12-31", "--", name],
            vec!["host", "add", "--", name],
            vec!["person", "add", "--key", "jo.pub", "--", name],
            vec!["grant", "show", "--", name],
            vec!["deny", "--as", "kim", "--reason", "no", "--", name],
        ] {
            let ran = scene.ca(&command);
            assert_eq!(ran.code, 2, "{command:?}: {ran:?}");
            assert!(!ran.error().is_empty() && !ran.err.contains('\u{202e}'), "{command:?}: {ran:?}");
        }
    }
    for reason in ["a\nb", "a\u{202e}b", "a\u{200b}b", " a", "\u{1b}[2J"] {
        let ran = scene.ca(["vendor", "end", "acme", "--reason", reason]);
        assert_eq!(ran.code, 2, "{ran:?}");
        let ran = scene.ca(["revoke", "--vendor", "acme", "--reason", reason]);
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(!ran.err.contains(['\u{202e}', '\u{1b}', '\u{200b}']), "{ran:?}");
    }
    assert_eq!(scene.events().len(), before);
}

#[test]
fn a_private_key_that_others_can_read_is_refused() {
    let scene = Scene::new();
    let id = scene.approved(&[]);
    for (path, command) in [
        ("kim", vec!["approve", &id, "--as", "lee", "--key", "kim"]),
        ("ca/ca_key", vec!["sign", &id, "--key", "jo.pub"]),
    ] {
        for mode in [0o644, 0o640, 0o604, 0o660] {
            fs::set_permissions(scene.path(path), fs::Permissions::from_mode(mode)).unwrap();
            let ran = scene.ca(&command);
            assert!(
                ran.error().ends_with(&format!("{path} can be read by others (mode {mode:04o})")),
                "{ran:?}"
            );
            assert!(ran.err.contains("hint: make it private: chmod 600 "), "{ran:?}");
        }
        fs::set_permissions(scene.path(path), fs::Permissions::from_mode(0o600)).unwrap();
    }
}

#[test]
fn a_reader_who_hangs_up_ends_the_command_quietly() {
    let scene = Scene::new();
    let ran = scene.shell("ca log --all 2>err | true; cat err");
    assert_eq!(ran.out, "", "{ran:?}");
}

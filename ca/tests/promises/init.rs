//! `ca init` makes an authority once, whole or not at all, and never overwrites anything.
//!
//! Also what stands around an authority: modes, passphrases and where they come from, and that `ca check`
//! names what somebody did to the files.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use crate::scene::Scene;

fn mode(path: &std::path::Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

#[test]
fn an_authority_is_private() {
    let scene = Scene::new();
    assert_eq!(mode(&scene.authority()), 0o700);
    for name in ["ca_key", "trust_root", "ledger.db", "ledger.db-wal", "ledger.db-shm"] {
        assert_eq!(mode(&scene.authority().join(name)), 0o600, "{name}");
    }
}

#[test]
fn nothing_is_overwritten() {
    for present in ["ca_key", "ca_key.pub", "trust_root", "trust_root.pub", "ledger.db", "ca.toml"] {
        let scene = Scene::empty();
        fs::create_dir(scene.authority()).unwrap();
        fs::set_permissions(scene.authority(), fs::Permissions::from_mode(0o700)).unwrap();
        scene.write(&format!("ca/{present}"), "mine");
        scene.ca(["init", "--no-passphrase"]).refused_with(&format!("holds {present} already"));
        assert_eq!(scene.read(&format!("ca/{present}")), "mine");
        assert_eq!(fs::read_dir(scene.authority()).unwrap().count(), 1, "nothing was added");
    }
}

#[test]
fn an_existing_empty_directory_can_become_an_authority() {
    let scene = Scene::empty();
    fs::create_dir(scene.authority()).unwrap();
    fs::set_permissions(scene.authority(), fs::Permissions::from_mode(0o770)).unwrap();
    scene.ca(["init", "--no-passphrase"]).refused_with("can be written by others");
    fs::set_permissions(scene.authority(), fs::Permissions::from_mode(0o700)).unwrap();
    scene.ca(["init", "--no-passphrase"]).ok();
    scene.expect_well();
}

#[test]
fn keys_are_encrypted_and_each_use_asks() {
    let scene = Scene::empty();
    for name in ["jo", "kim"] {
        scene.make_key(name, "ed25519");
    }
    scene.write("passphrase", "correct horse\nnot this line\n");
    scene.shell("ca init --passphrase-fd 3 3< passphrase").ok();
    // OpenSSH can open it with the same passphrase, and not without.
    scene.run("ssh-keygen", ["-y", "-P", "correct horse", "-f", "ca/ca_key"]).ok();
    assert_ne!(scene.run("ssh-keygen", ["-y", "-P", "wrong", "-f", "ca/ca_key"]).code, 0);
    assert_ne!(scene.run("ssh-keygen", ["-y", "-P", "", "-f", "ca/trust_root"]).code, 0);
    scene.expect_well();
    scene.ca(["vendor", "add", "acme", "--until", "2099-12-31"]).ok();
    scene.ca(["person", "add", "acme/jo", "--key", "jo.pub"]).ok();
    scene.ca(["approver", "add", "kim", "--key", "kim.pub"]).ok();
    scene.ca(["host", "add", "db1.prod"]).ok();
    let id = scene.approved(&[]);
    let no_terminal = scene.run("setsid", ["-w", crate::scene::CA, "sign", &id, "--key", "jo.pub"]);
    assert!(no_terminal.error().contains("there is no terminal"), "{no_terminal:?}");
    assert_eq!(no_terminal.code, 1);
    let sign =
        |how: &str| scene.shell(&format!("{how} ca sign {id} --key jo.pub --passphrase-fd 3 3< given"));
    scene.write("given", "wrong horse\n");
    sign("").refused_with("the passphrase does not open");
    scene.write("given", "correct horse");
    sign("").ok();
    for (given, problem) in [("\n", "is empty"), ("a\u{0}\n", "does not open"), ("x", "does not open")] {
        scene.write("given", given);
        sign("").refused_with(problem);
    }
    scene.write("given", [b'x'; 2000]);
    sign("").refused("the passphrase from file descriptor 3 is too long");
    scene.write("given", b"\xff\xfe\n");
    sign("").refused("the passphrase from file descriptor 3 is not UTF-8");
    // As systemd hands it over.
    fs::create_dir(scene.path("credentials")).unwrap();
    scene.write("credentials/ca-passphrase", "correct horse\n");
    scene.shell(&format!("CREDENTIALS_DIRECTORY=credentials ca sign {id} --key jo.pub")).ok();
}

#[test]
fn nobody_thinks_of_a_passphrase_for_an_authority_that_cannot_be_made() {
    let scene = Scene::empty();
    scene.write("file", "");
    for place in ["file/ca", "file/below/ca", "file"] {
        let refused = scene.run("setsid", ["-w", crate::scene::CA, "--dir", place, "init"]);
        refused.refused_with("cannot write file");
    }
    for place in ["new", "new/below", "./new", "."] {
        let asks = scene.run("setsid", ["-w", crate::scene::CA, "--dir", place, "init"]);
        assert!(asks.error().contains("there is no terminal"), "{place}: {asks:?}");
    }
}

#[test]
fn a_short_passphrase_is_refused_and_nothing_is_made() {
    let scene = Scene::empty();
    scene.shell("echo short | ca init --passphrase-fd 0").refused_with("is shorter than 8 characters");
    assert!(!scene.authority().exists());
}

#[test]
fn a_trust_root_can_be_kept_elsewhere() {
    let scene = Scene::empty();
    scene.make_key("root", "ed25519");
    scene.ca(["init", "--no-passphrase", "--trust-root", "root.pub"]).ok();
    assert!(!scene.authority().join("trust_root").exists());
    let shown = scene.run("ssh-keygen", ["-l", "-f", "root.pub"]).ok();
    let fingerprint = shown.split_whitespace().nth(1).unwrap();
    assert!(scene.read("ca/ca.toml").contains(fingerprint));
    scene.expect_well();
}

#[test]
fn check_names_what_is_wrong() {
    let scene = Scene::new();
    scene.signed(&[]);
    let found = |number: u16, part: &str| {
        let checked = scene.ca(["check"]);
        assert_eq!(checked.code, 1, "{checked:?}");
        let line = checked.out.lines().find(|line| line.starts_with(&format!("error {number}: ")));
        assert!(line.is_some_and(|line| line.contains(part)), "{number} {part}: {checked:?}");
        assert!(checked.out.contains("\n  means  ") && checked.out.contains("\n  mend   "), "{checked:?}");
        let shown = scene.ca(["check", "--json"]);
        assert_eq!(shown.code, 1, "{shown:?}");
        let shown: serde_json::Value = serde_json::from_str(&shown.out).unwrap();
        let findings = shown["findings"].as_array().unwrap();
        assert!(findings.iter().any(|finding| finding["number"] == number), "{shown}");
        assert_eq!(shown["errors"], findings.len(), "{shown}");
    };
    scene.expect_well();
    let set = |name: &str, mode: u32| {
        fs::set_permissions(scene.authority().join(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    set("ca_key", 0o640);
    found(102, "can be read by others (mode 0640)");
    scene.ca(["sign", "G-222222", "--key", "jo.pub"]).refused("there is no grant G-222222");
    set("ca_key", 0o600);
    set("ledger.db", 0o666);
    found(101, "ledger.db can be written by others (mode 0666)");
    scene.ca(["list"]).refused_with("can be written by others");
    set("ledger.db", 0o600);
    scene.expect_well();

    let pub_key = scene.read("ca/ca_key.pub");
    scene.write("ca/ca_key.pub", scene.read("kim.pub"));
    found(103, "are not of one key");
    scene.write("ca/ca_key.pub", pub_key);
    let root = scene.read("ca/trust_root.pub");
    scene.write("ca/trust_root.pub", scene.read("kim.pub"));
    found(101, "is not the trust root that ca.toml names");
    scene.write("ca/trust_root.pub", root);
    scene.expect_well();

    let key = scene.read("ca/ca_key");
    fs::remove_file(scene.path("ca/ca_key")).unwrap();
    found(104, "the CA key file is missing");
    scene.write("ca/ca_key", key);
    set("ca_key", 0o600);

    let ledger = rusqlite::Connection::open(scene.authority().join("ledger.db")).unwrap();
    ledger.execute_batch("DROP TRIGGER event_remains; DELETE FROM event WHERE number = 3").unwrap();
    drop(ledger);
    found(202, "and numbers up to");
}

#[test]
fn check_names_what_should_have_been_ended() {
    let scene = Scene::new();
    let id = scene.approved(&[]);
    scene.ca(["host", "end", "db1.prod"]).ok();
    let checked = scene.ca(["check"]);
    assert_eq!(checked.code, 1);
    assert!(
        checked.out.contains(&format!("warning 402: grant {id} is for the host db1.prod which ended")),
        "{checked:?}"
    );
    let ledger = rusqlite::Connection::open(scene.authority().join("ledger.db")).unwrap();
    ledger.execute_batch("UPDATE vendor SET until = 86400 * 365").unwrap();
    drop(ledger);
    let checked = scene.ca(["check"]).out;
    assert!(
        checked.contains(
            "warning 401: the vendor acme's last day was 1970-12-31, and it still has 1 enrolled person"
        ),
        "{checked}"
    );
}

//! `ca check`: each kind of finding, made by doing to an authority what it is about. (Owners: `another_user.rs`; bundles:
//! `bundles.rs`; the rest: `init.rs`.)

use std::fs;
use std::os::unix::fs::PermissionsExt;

use ca::finding::KINDS;
use grant::UnixTime;

use crate::scene::{Ran, Scene};

/// The numbers and the sentences of what was found.
fn findings(checked: &Ran) -> Vec<(u16, String)> {
    let shown: serde_json::Value =
        serde_json::from_str(&checked.out).unwrap_or_else(|_| panic!("{checked:?}"));
    assert_eq!(checked.code, 1, "{checked:?}");
    let found = shown["findings"].as_array().unwrap().iter();
    found
        .map(|finding| {
            let number = finding["number"].as_u64().unwrap();
            (number.try_into().unwrap(), finding["seen"].as_str().unwrap().to_owned())
        })
        .collect()
}

fn check(scene: &Scene) -> Vec<(u16, String)> {
    findings(&scene.ca(["check", "--json"]))
}

#[track_caller]
fn expect_one(found: &[(u16, String)], number: u16, part: &str) {
    assert!(
        found.len() == 1 && found[0].0 == number && found[0].1.contains(part),
        "{number} {part}: {found:?}"
    );
}

fn set_mode(scene: &Scene, name: &str, mode: u32) {
    fs::set_permissions(scene.authority().join(name), fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn of_a_directory_without_an_authority_nothing_else_is_said() {
    let scene = Scene::empty();
    for dir in ["/etc", "/nowhere"] {
        let found = findings(&scene.ca(["--dir", dir, "check", "--json"]));
        expect_one(&found, 101, &format!("there is no authority in {dir}"));
    }
    // What is left of one is.
    let scene = Scene::bare();
    fs::remove_file(scene.path("ca/ca.toml")).unwrap();
    fs::create_dir(scene.path("ca/.init-77")).unwrap();
    set_mode(&scene, ".", 0o755);
    set_mode(&scene, "ca_key", 0o644);
    let numbers: Vec<_> = check(&scene).into_iter().map(|(number, _)| number).collect();
    assert_eq!(numbers, [101, 102, 106]);
}

#[test]
fn ca_works_with_what_others_can_read_except_with_their_keys() {
    let scene = Scene::new();
    let id = scene.approved(&[]);
    let meaning = KINDS.iter().find(|kind| kind.number == 102).unwrap().meaning;
    assert!(
        meaning.contains(
            "`ca` signs with no key that others can read, and works in no folder and with no ledger"
        )
    );
    for (name, mode, was) in [(".", 0o755, 0o700), ("ledger.db", 0o644, 0o600)] {
        set_mode(&scene, name, mode);
        expect_one(&check(&scene), 102, "can be read by others");
        scene.ca(["sign", &id, "--key", "jo.pub"]).ok();
        set_mode(&scene, name, mode | 0o022);
        scene.ca(["list"]).refused_with("can be written by others");
        set_mode(&scene, name, was);
    }
    set_mode(&scene, "ca_key", 0o640);
    expect_one(&check(&scene), 102, "can be read by others");
    scene.ca(["sign", &id, "--key", "jo.pub"]).refused_with("can be read by others");
    set_mode(&scene, "ca_key", 0o600);
    set_mode(&scene, "trust_root", 0o640);
    scene.ca(["host", "bundle", "db1.prod", "-o", "b"]).refused_with("can be read by others");
    set_mode(&scene, "trust_root", 0o600);
    scene.expect_well();
}

#[test]
fn another_ca_key_than_the_ledgers_is_found() {
    let scene = Scene::new();
    scene.make_key("other", "ed25519");
    fs::copy(scene.path("other"), scene.path("ca/ca_key")).unwrap();
    fs::copy(scene.path("other.pub"), scene.path("ca/ca_key.pub")).unwrap();
    expect_one(&check(&scene), 105, "ca_key.pub is not the CA key that the ledger began with");
}

#[test]
fn what_could_not_be_looked_at_is_found() {
    let scene = Scene::new();
    scene.write("ca/ca.toml", scene.read("ca/ca.toml").replace("\"file\"", "\"agent\""));
    expect_one(&check(&scene), 107, "no ssh-agent");
}

#[test]
fn a_clock_behind_the_ledger_is_found() {
    let scene = Scene::new();
    let last = scene.events().last().unwrap()["at"].as_str().unwrap().parse::<UnixTime>().unwrap();
    let found = |behind: u64| ca::check::check(&scene.authority(), UnixTime::from_secs(last.secs() - behind));
    assert_eq!(found(ca::limits::CLOCK_BEHIND), []);
    let found = found(ca::limits::CLOCK_BEHIND + 3600);
    assert_eq!(found.iter().map(|finding| finding.kind.number).collect::<Vec<_>>(), [301]);
    assert!(found[0].what.starts_with("the clock is 61 minutes behind the last event"), "{found:?}");
}

#[test]
fn a_disk_that_is_nearly_full_is_found() {
    let scene = Scene::empty();
    // A file system of its own, gone with this shell: as large as what has to be free, so that any file is too much.
    let checked = scene.shell(&format!(
        "mkdir -m 700 ca && unshare --mount sh -c 'mount -t tmpfs -o mode=700,size={} none ca && \
         ca init --no-passphrase >made && exec ca check --json'",
        ca::limits::FREE_SPACE
    ));
    expect_one(&findings(&checked), 501, "99 MiB are free where the ledger is");
}

#[test]
fn every_kind_of_finding_has_a_test() {
    // The number as an argument, a word of a finding's line, or an element: never a part of another number.
    let tests = [
        include_str!("check.rs"),
        include_str!("init.rs"),
        include_str!("another_user.rs"),
        include_str!("bundles.rs"),
        include_str!("ledger.rs"),
    ];
    let words: Vec<&str> =
        tests.iter().flat_map(|text| text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')).collect();
    for kind in KINDS {
        assert!(words.contains(&kind.number.to_string().as_str()), "{}: {}", kind.number, kind.meaning);
    }
}

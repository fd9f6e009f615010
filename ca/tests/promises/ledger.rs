//! What the ledger keeps: facts stay, events have no gaps, foreign files are refused.
//!
//! Some tests write into the ledger file as a thief or a bug would, with SQLite itself, and ask what `ca`
//! says to that.

use crate::scene::Scene;

#[test]
fn facts_cannot_be_changed_or_deleted() {
    let scene = Scene::new();
    scene.signed(&[]);
    scene.ca(["revoke", "--serial", "1", "--reason", "copied"]).ok();
    let ledger = rusqlite::Connection::open(scene.authority().join("ledger.db")).unwrap();
    for statement in [
        "UPDATE event SET by_whom = 'nobody'",
        "DELETE FROM event",
        "UPDATE certificate SET valid_before = 0",
        "DELETE FROM certificate",
        "UPDATE grant_document SET closes = closes + 1",
        "DELETE FROM grant_document",
        "UPDATE approval SET approver = 'lee'",
        "DELETE FROM approval",
        "UPDATE revocation SET reason = 'none'",
        "DELETE FROM revocation",
        "DELETE FROM enrolled_key",
    ] {
        let refused = ledger.execute_batch(statement).unwrap_err().to_string();
        assert!(refused.contains("never"), "{statement}: {refused}");
    }
    drop(ledger);
    scene.expect_well();
}

#[test]
fn every_change_is_an_event() {
    let scene = Scene::new();
    let id = scene.signed(&[]);
    scene.ca(["revoke", &id, "--reason", "done"]).ok();
    let events = scene.events();
    let kinds: Vec<_> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(
        kinds,
        [
            "authority.init",
            "vendor.add",
            "person.add",
            "key.add",
            "approver.add",
            "key.add",
            "approver.add",
            "key.add",
            "host.add",
            "host.add",
            "request.create",
            "request.approve",
            "cert.issue",
            "grant.revoke",
        ]
    );
    for (number, event) in (1..).zip(&events) {
        assert_eq!(event["number"], number);
        assert!(event["at"].as_str().unwrap().ends_with('Z'));
        assert!(!event["by"].as_str().unwrap().is_empty());
    }
    // Who approved what can be proved from the event alone.
    let approve = &events[11]["detail"];
    assert!(approve["signature"].as_str().unwrap().starts_with("-----BEGIN SSH SIGNATURE-----"));
    assert_eq!(approve["digest"], events[10]["detail"]["digest"]);
}

#[test]
fn a_refused_command_changes_nothing() {
    let scene = Scene::new();
    let before = scene.events().len();
    scene.make_key("al", "ed25519");
    // The second key is taken, so the first is not enrolled either.
    scene.ca(["person", "add", "acme/al", "--key", "al.pub", "--key", "kim.pub"]).refused_with("belongs to");
    scene.ca(["person", "show", "acme/al"]).refused("there is no person acme/al");
    scene.ca(["person", "add", "acme/al", "--key", "al.pub"]).ok();
    assert_eq!(scene.events().len(), before + 2);
}

#[test]
fn a_file_that_is_no_ledger_of_ours_is_refused() {
    let scene = Scene::new();
    let other = Scene::bare();
    let path = scene.authority().join("ledger.db");
    let put = |bytes: &[u8]| {
        for name in ["ledger.db-wal", "ledger.db-shm"] {
            let _ = std::fs::remove_file(scene.authority().join(name));
        }
        std::fs::write(&path, bytes).unwrap();
    };
    put(&std::fs::read(other.authority().join("ledger.db")).unwrap());
    scene.ca(["list"]).refused_with("the ledger belongs to the authority");
    put(&[b'x'; 8192]);
    scene.ca(["list"]).refused_with("is not a ledger");
    put(b"");
    let empty = scene.ca(["list"]);
    assert_eq!(empty.code, 1, "{empty:?}");
    let foreign = rusqlite::Connection::open(scene.path("foreign.db")).unwrap();
    foreign.execute_batch("CREATE TABLE t (a); PRAGMA user_version = 1").unwrap();
    drop(foreign);
    put(&std::fs::read(scene.path("foreign.db")).unwrap());
    scene.ca(["list"]).refused_with("is not a ledger");
    let newer = rusqlite::Connection::open(scene.path("foreign.db")).unwrap();
    newer.execute_batch("PRAGMA user_version = 99").unwrap();
    drop(newer);
    put(&std::fs::read(scene.path("foreign.db")).unwrap());
    scene.ca(["list"]).refused("the ledger has version 99, and this ca knows versions up to 1");
}

#[test]
fn a_damaged_document_is_no_grant() {
    let scene = Scene::new();
    let id = scene.approved(&[]);
    let ledger = rusqlite::Connection::open(scene.authority().join("ledger.db")).unwrap();
    ledger
        .execute_batch(
            "DROP TRIGGER grant_stays;
             UPDATE grant_document SET document = CAST(replace(CAST(document AS TEXT), 'acme-support', 'root')
             AS BLOB)",
        )
        .unwrap();
    drop(ledger);
    let damaged = format!("the ledger is damaged at {id}: digest: it is not the document's");
    scene.ca(["sign", &id, "--key", "jo.pub"]).refused(&damaged);
    let checked = scene.ca(["check"]);
    assert!(checked.code == 1 && checked.out.contains(&format!("error 201: {damaged}")), "{checked:?}");
}

#[test]
fn a_listing_is_cut_and_says_so() {
    let scene = Scene::new();
    for _ in 0..52 {
        scene.grant(&[]);
    }
    let listed = scene.ca(["list"]);
    assert_eq!(listed.out.lines().count(), 51);
    assert!(listed.err.contains("only 50 are shown; --all shows the rest"), "{listed:?}");
    assert_eq!(scene.ca(["list", "--all"]).ok().lines().count(), 53);
    assert_eq!(scene.ca(["list", "--pending", "--all"]).ok().lines().count(), 53);
    assert_eq!(scene.ca(["list", "--vendor", "acme"]).ok().lines().count(), 51);
    assert_eq!(scene.ca(["list", "--open"]).ok(), "no grants\n");
}

#[test]
fn log_follows_new_events() {
    use std::io::{BufRead, BufReader};
    let scene = Scene::new();
    let mut following = scene
        .command(crate::scene::CA)
        .args(["log", "--follow", "--json"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(following.stdout.take().unwrap()).lines();
    let mut next = || -> serde_json::Value { serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap() };
    for number in 1..=10 {
        assert_eq!(next()["number"], number);
    }
    scene.ca(["host", "add", "new.prod"]).ok();
    let event = next();
    assert_eq!((&event["number"], &event["subject"]), (&11.into(), &"new.prod".into()));
    following.kill().unwrap();
    following.wait().unwrap();
}

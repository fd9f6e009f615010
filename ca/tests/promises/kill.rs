//! kill -9 at any moment leaves the whole change or none of it.
//!
//! Each round lets a command run a little longer before it is killed, from before its first line to after
//! its last, so that every stage of it is met. The seed is fixed: the spread of delays is the same each time.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::scene::{CA, Scene};

const ROUNDS: u32 = 40;

fn spawn(scene: &Scene, args: &[&str]) -> Child {
    scene.command(CA).args(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// How long the command takes when nobody kills it.
fn duration(scene: &Scene, args: &[&str]) -> Duration {
    let began = Instant::now();
    assert!(spawn(scene, args).wait().unwrap().success());
    began.elapsed()
}

/// Starts the command and kills it after a part of its usual duration.
fn kill_at(scene: &Scene, args: &[&str], usual: Duration, round: u32) {
    let mut child = spawn(scene, args);
    // Not a wait for something to happen: the moment of the kill is what varies.
    std::thread::sleep(usual * round * 5 / (ROUNDS * 4));
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_killed_sign_leaves_a_certificate_in_the_ledger_or_none() {
    let scene = Scene::new();
    let id = scene.approved(&[]);
    let usual = duration(&scene, &["sign", &id, "--key", "jo.pub", "-o", "warm-cert.pub"]);
    let mut written = 0;
    for round in 0..ROUNDS {
        let name = format!("r{round}-cert.pub");
        kill_at(&scene, &["sign", &id, "--key", "jo.pub", "-o", &name], usual, round);
        if scene.path(&name).exists() {
            written += 1;
            let found = scene.json(["inspect", &name]);
            assert_eq!((&found["in_ledger"], &found["verdict"]["accepted"]), (&true.into(), &true.into()));
        }
        // The ledger is whole, and the next command works, after each kill.
        assert_eq!(scene.ca(["list"]).code, 0);
    }
    scene.expect_well();
    let events = scene.events();
    let issued: Vec<_> = events.iter().filter_map(|event| event["serial"].as_u64()).collect();
    assert_eq!(issued, (1..=issued.len() as u64).collect::<Vec<_>>(), "serials have no gaps");
    assert!(issued.len() > written, "the warm one, and every written one");
}

#[test]
fn a_killed_create_leaves_a_request_with_its_event_or_neither() {
    let scene = Scene::new();
    let args = ["grant", "create", "--person", "acme/jo", "--host", "db1.prod", "--account", "acme-support"];
    let args: Vec<_> = args.iter().copied().chain(["--for", "30m", "--reason", "work"]).collect();
    let usual = duration(&scene, &args);
    for round in 0..ROUNDS {
        kill_at(&scene, &args, usual, round);
    }
    scene.expect_well();
    let grants = scene.json(["list", "--all"]).as_array().unwrap().len();
    let events = scene.events();
    assert_eq!(events.iter().filter(|event| event["event"] == "request.create").count(), grants);
    assert!(grants >= 1);
}

#[test]
fn a_killed_init_leaves_no_authority_or_a_complete_one() {
    let usual = {
        let scene = Scene::empty();
        duration(&scene, &["init", "--no-passphrase"])
    };
    for round in 0..ROUNDS {
        let scene = Scene::empty();
        kill_at(&scene, &["init", "--no-passphrase"], usual, round);
        if scene.authority().join("ca.toml").exists() {
            // Complete, but for the staging directory that `ca check` names.
            let checked = scene.ca(["check"]);
            let only_staging = checked
                .out
                .lines()
                .filter(|l| l.starts_with(|c: char| c.is_ascii_digit()))
                .all(|l| l.contains("interrupted"));
            assert!(only_staging, "{checked:?}");
            scene.ca(["vendor", "add", "acme", "--until", "2099-12-31"]).ok();
        } else {
            // Not usable, and said so; where nothing is in the way, init simply runs again.
            assert_eq!(scene.ca(["list"]).code, 1);
            let again = scene.ca(["init", "--no-passphrase"]);
            if again.code != 0 {
                assert!(again.err.contains("a `ca init` was interrupted there"), "{again:?}");
            } else {
                scene.expect_well();
            }
        }
    }
}

#[test]
fn a_killed_export_leaves_the_old_list_or_the_new_one() {
    let scene = Scene::new();
    scene.signed(&[]);
    let usual = duration(&scene, &["krl", "-o", "krl"]);
    scene.ca(["revoke", "--serial", "1", "--reason", "copied"]).ok();
    for round in 0..ROUNDS / 2 {
        kill_at(&scene, &["krl", "-o", "krl"], usual, round * 2);
        let listed = scene.run("ssh-keygen", ["-Q", "-l", "-f", "krl"]).ok();
        assert!(listed.contains("KRL version"), "{listed}");
    }
}

//! Several `ca` processes at once are safe: they take turns, and nothing is lost or doubled.
//!
//! The processes are started together and all must succeed, or exactly one where only one can. The events
//! are the witness.

use std::collections::BTreeSet;
use std::process::{Child, Stdio};

use crate::scene::{CA, Scene};

const PROCESSES: usize = 12;

fn all_at_once(scene: &Scene, command: impl Fn(usize) -> Vec<String>) -> Vec<String> {
    let children: Vec<Child> = (0..PROCESSES)
        .map(|n| {
            let mut process = scene.command(CA);
            process.args(command(n)).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    let ended = children.into_iter().map(|child| child.wait_with_output().unwrap());
    ended
        .map(|output| {
            assert!(output.status.success(), "{output:?}");
            String::from_utf8(output.stdout).unwrap()
        })
        .collect()
}

fn words(line: &str) -> Vec<String> {
    line.split(' ').map(str::to_owned).collect()
}

#[test]
fn serials_are_unique_and_without_gaps() {
    let scene = Scene::new();
    let id = scene.approved(&[]);
    let signed = all_at_once(&scene, |n| words(&format!("sign {id} --key jo.pub -o c{n}-cert.pub --json")));
    let serials: BTreeSet<u64> = signed
        .iter()
        .map(|text| serde_json::from_str::<serde_json::Value>(text).unwrap()["serial"].as_u64().unwrap())
        .collect();
    assert_eq!(serials, (1..=PROCESSES as u64).collect());
    let events = scene.events();
    let issued: Vec<_> = events.iter().filter_map(|event| event["serial"].as_u64()).collect();
    assert_eq!(issued, (1..=PROCESSES as u64).collect::<Vec<_>>());
    assert!((1..).zip(&events).all(|(n, event)| event["number"] == n));
    scene.expect_well();
}

#[test]
fn requests_at_once_are_all_there() {
    let scene = Scene::new();
    let create =
        "grant create --person acme/jo --host db1.prod --account acme-support --for 30m --reason work";
    let ids: BTreeSet<_> = all_at_once(&scene, |_| words(create))
        .iter()
        .map(|text| text.lines().last().unwrap().to_owned())
        .collect();
    assert_eq!(ids.len(), PROCESSES);
    let listed = scene.json(["list", "--pending"]);
    let listed: BTreeSet<_> =
        listed.as_array().unwrap().iter().map(|grant| grant["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(listed, ids);
    scene.expect_well();
}

#[test]
fn one_key_enrolled_by_many_at_once_gets_one_owner() {
    let scene = Scene::new();
    scene.make_key("shared", "ed25519");
    let children: Vec<_> = (0..PROCESSES)
        .map(|n| {
            let noun = if n % 2 == 0 { ["person", "add"] } else { ["approver", "add"] };
            let name = if n % 2 == 0 { format!("acme/p{n}") } else { format!("a{n}") };
            let mut process = scene.command(CA);
            process.args(noun).args([&name, "--key", "shared.pub"]);
            process.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
        })
        .collect();
    let succeeded =
        children.into_iter().filter_map(|mut child| child.wait().unwrap().success().then_some(()));
    assert_eq!(succeeded.count(), 1);
    scene.expect_well();
}

#[test]
fn two_inits_at_once_make_one_authority() {
    let scene = Scene::empty();
    let children: Vec<_> = (0..6)
        .map(|_| {
            let mut process = scene.command(CA);
            process
                .args(["init", "--no-passphrase"])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    let succeeded =
        children.into_iter().filter_map(|mut child| child.wait().unwrap().success().then_some(()));
    assert_eq!(succeeded.count(), 1);
    scene.expect_well();
}

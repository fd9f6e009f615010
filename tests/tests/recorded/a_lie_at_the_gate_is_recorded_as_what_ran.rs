//! A program that changes its arguments between the gate and the kernel is recorded with what really ran, every time, and
//! the difference is counted.

use std::collections::HashMap;

use e2e::recording::Recording;
use e2e::recording::probe::{self, PROBE};
use e2e::recording::session::arguments_of;

/// How often the racer runs.
const RUNS: usize = 500;

/// Words before a command that give it process numbers of its own.
pub(crate) const IN_A_PID_NAMESPACE: &str = "unshare --user --map-root-user --pid --fork ";

#[test]
fn five_hundred_of_five_hundred_records_show_what_ran() {
    assert_records_show_what_ran("");
}

#[test]
fn in_a_pid_namespace_of_its_own_too() {
    // There the process has another number, and only the kernel knows which exec is whose.
    assert_records_show_what_ran(IN_A_PID_NAMESPACE);
}

fn assert_records_show_what_ran(inside: &str) {
    let recording = Recording::fresh();
    probe::install(&recording.world.host);
    assert!(every_lie_is_found(&recording, inside) > 0);
}

/// The same with whichever source of the kernel's copy this host has. Gives how many lies there were.
pub(crate) fn every_lie_is_found(recording: &Recording, inside: &str) -> usize {
    let (outcome, session) =
        recording.exec(&recording.client(), &format!("{inside}probe racer {PROBE} /tmp/saw {RUNS}"));
    drop(outcome.ok());
    let close = session.close();

    // What each run was really called with, by its own word.
    let saw = recording.world.host.read("/tmp/saw");
    let saw: HashMap<&str, &str> = saw.lines().filter_map(|line| line.split_once(' ')).collect();
    assert_eq!(saw.len(), RUNS);

    let (mut right, mut differences) = (0, 0);
    for record in session.commands() {
        let arguments = arguments_of(&record);
        let [_, word, _, number, own, shared] = &arguments[..] else { continue };
        if word != "saw" {
            continue;
        }
        assert_eq!(record["jit"]["argv_source"], "kernel", "{record}");
        assert_eq!(saw[number.as_str()], format!("{own} {shared}"), "{record}");
        right += 1;
        if record["jit"]["differs"] == true {
            differences += 1;
            let shown = record["jit"]["shown"].as_str().unwrap_or_default();
            assert_ne!(shown, arguments.join(" "), "what was shown is kept: {record}");
        }
    }
    assert_eq!(right, RUNS);
    assert!(differences > 0, "the racer raced: {close}");
    assert_eq!(close["jit"]["differences"], differences, "{close}");
    let shown = recording.jit(["show", &session.id]).ok().stdout;
    assert_eq!(shown.matches("(differs from what was shown)").count(), differences, "{close}");
    differences
}

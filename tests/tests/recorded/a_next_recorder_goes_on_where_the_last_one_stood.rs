//! A recorder that is killed leaves everything that the next one needs, however long ago it began.

use e2e::deadline;
use e2e::recording::session::Session;
use e2e::recording::{Recording, TABLE, probe};

/// Segments so small that a few hundred commands fill several.
const SMALL: &str = "segment_kib = 64\nshared_accounts = true\n";

fn segments(recording: &Recording) -> usize {
    std::fs::read_dir(recording.world.host.path("/var/lib/jit/spool")).map_or(0, Iterator::count)
}

#[test]
fn a_command_that_stays_in_the_kernel_while_segments_fill_is_not_lost_with_the_recorder() {
    let mut recording = Recording::prepared(&format!("{TABLE}{SMALL}"), probe::install);
    let words = "cp /bin/true /tmp/leased && exec probe leased /tmp/leased";
    let (running, session) = recording.start(&recording.client(), words, "probe leased");
    let id = session.id.clone();
    let gates = |recording: &Recording| {
        let gate = format!("{{\"gate\":{{\"session\":\"{id}\"");
        recording.spool_text().lines().filter(|line| line.starts_with(&gate)).count()
    };
    deadline::until("it stands at the gate", || gates(&recording) == 4);
    let before = segments(&recording);
    let busy = "for i in $(seq 400); do /bin/true $i; done";
    drop(recording.exec(&recording.client(), busy).0.ok());
    assert!(segments(&recording) >= before + 3, "{} segments, {before} before", segments(&recording));
    let lines = Session { recording: &recording, id: id.clone() }.lines();
    assert!(!lines.iter().any(|line| line == "/tmp/leased"), "it is on its way: {lines:?}");

    recording.restart_recorder();
    let session = Session { recording: &recording, id: id.clone() };
    let close = session.close();
    let record = session.command("/tmp/leased");
    assert_eq!(record["event"]["outcome"], "unknown", "{record}");
    assert_eq!(close["jit"]["commands"], gates(&recording), "{close}");
    assert_eq!(recording.counted()[&id], gates(&recording) as u64);
    drop(running);
}

//! However many programs a session starts, from however many loops at once, there are exactly as many records, numbered
//! without a gap and in the order of each loop.

use std::time::Duration;

use e2e::deadline;
use e2e::process::Running;
use e2e::recording::Recording;
use e2e::recording::probe;
use e2e::recording::session::arguments_of;

/// Loops that run at once.
const LOOPS: usize = 8;
/// Executions of each.
const EACH: usize = 2_500;
/// How long they may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(150);

#[test]
fn twenty_thousand_executions_are_twenty_thousand_records() {
    let recording = Recording::fresh();
    probe::install(&recording.world.host);
    each_is_recorded(&recording, EACH);
}

/// Runs so many programs in each loop, with whichever source of the kernel's copy this host has.
pub(crate) fn each_is_recorded(recording: &Recording, each: usize) {
    let client = recording.client();
    let words = format!("exec probe loops /bin/true {LOOPS} {each}");
    let mut running = Running::start(client.ssh(&[], &[&words]), b"");
    assert!(deadline::poll(PATIENCE, || running.has_ended().then_some(())).is_some(), "the loops end");
    drop(running.finish().ok());
    let session = recording.session(&client);
    let close = session.close();

    let mut next = [0; LOOPS];
    let commands = session.commands();
    for record in &commands {
        assert_eq!(record["jit"]["argv_source"], "kernel", "{record}");
        let arguments = arguments_of(record);
        let [_, name, number] = &arguments[..] else { continue };
        let Some(number_of_loop) = name.strip_prefix("loop-") else { continue };
        let at: usize = number_of_loop.parse().expect("a loop's number");
        assert_eq!(number, &next[at].to_string(), "in the order of {name}");
        next[at] += 1;
    }
    assert_eq!(next, [each; LOOPS]);
    // The loops themselves, and what started them.
    let started = LOOPS * each + 2;
    assert_eq!(commands.len(), started);
    assert_eq!(close["jit"]["commands"], started, "{close}");
    assert_eq!(
        (&close["jit"]["differences"], &close["jit"]["unrecorded"]),
        (&0.into(), &0.into()),
        "{close}"
    );
    let mut numbers: Vec<_> =
        commands.iter().filter_map(|record| record["jit"]["session_seq"].as_u64()).collect();
    numbers.sort_unstable();
    assert!(numbers.iter().copied().eq(1..=started as u64));
}

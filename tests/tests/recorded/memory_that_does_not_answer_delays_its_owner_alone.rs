//! A program whose arguments lie in memory that does not answer (here a file on FUSE; a dead network does the same)
//! can't be recorded, so it does not run; all others go on, and who keeps doing it is put out.

use e2e::authority::Request;
use e2e::client::Client;
use e2e::deadline;
use e2e::process::Running;
use e2e::recording::probe::PROBE;
use e2e::recording::session::Session;
use e2e::recording::{Recording, probe};

/// ETIMEDOUT.
const TIMED_OUT: i64 = 110;
/// Where a file system is mounted whose server never answers a read. (One that a vendor mounts in a user namespace of her own
/// answers nobody else: the kernel refuses root's reads there at once.)
const MOUNTED: &str = "/var/lib/stalls";

#[test]
fn what_can_not_be_read_in_time_does_not_run_and_the_third_time_ends_the_session() {
    assert_ended(&format!("probe stalls /bin/true {MOUNTED}/file 20"));
}

#[test]
fn many_at_once_that_can_not_be_read_cost_the_others_no_more_than_three() {
    assert_ended(&format!("probe stalling-crowd /bin/true {MOUNTED}/file 60"));
}

#[test]
fn memory_that_is_slow_to_answer_again_and_again_ends_the_session_too() {
    let recording = Recording::fresh();
    let server = served(&recording, "200");
    let (client, other) = two_clients(&recording);
    let (beside, calm) = recording.start(&other, "while :; do /bin/true; done", "/bin/true");
    let (outcome, session) = recording.exec(&client, &format!("probe dawdles /bin/true {MOUNTED}/file"));
    assert!(!outcome.succeeded(), "{outcome:?}");
    let close = session.close();
    assert_eq!(close["jit"]["reason"], "recorder_lost", "{outcome:?} {close}");
    let why = session.parts("recorder.full");
    assert_eq!(why.len(), 1, "{why:?}");
    assert!(why[0]["message"].as_str().is_some_and(|text| text.contains("too slow to be read")), "{why:?}");
    // What was read before was run.
    assert!(session.commands().len() > 3);
    assert_goes_on(&calm);
    drop((beside.kill(), server.kill()));
}

/// A file system in [`MOUNTED`] that answers a read after so many milliseconds, or, with 0, never.
fn served(recording: &Recording, millis: &str) -> Running {
    probe::install(&recording.world.host);
    let host = &recording.world.host;
    let device = "set -- $(tr : ' ' </sys/class/misc/fuse/dev) && mknod /var/lib/fuse c $1 $2 && mkdir /var/lib/stalls";
    drop(host.run(["sh", "-c", device]).ok());
    let mut server = host.command(PROBE);
    server.args(["serves", "/var/lib/fuse", MOUNTED, millis]);
    let server = Running::start(server, b"");
    deadline::until("the file system is there", || host.run(["mountpoint", "-q", MOUNTED]).succeeded());
    server
}

fn two_clients(recording: &Recording) -> (Client, Client) {
    let identity = recording.world.granted(&Request::default());
    (recording.world.client(&identity), recording.world.client(&identity))
}

#[track_caller]
fn assert_goes_on(session: &Session<'_>) {
    let before = session.lines().len();
    deadline::until("the other session runs programs", || session.lines().len() > before + 20);
}

/// Three execs are waited for in vain, and no other; then this session ends, and another goes on.
fn assert_ended(line: &str) {
    let recording = Recording::fresh();
    let server = served(&recording, "0");
    let (client, other) = two_clients(&recording);
    let (beside, calm) = recording.start(&other, "while :; do /bin/true; done", "/bin/true");

    let (outcome, session) = recording.exec(&client, line);
    assert!(!outcome.succeeded(), "{outcome:?}");
    let close = session.close();
    assert_eq!(close["jit"]["reason"], "recorder_lost", "{outcome:?} {close}");
    let commands = session.commands();
    let stalled: Vec<_> = commands.iter().filter(|record| record["jit"]["errno"] == TIMED_OUT).collect();
    assert_eq!(stalled.len(), 3, "{commands:#?}");
    assert!(stalled.iter().all(|record| record["jit"]["argv_unreadable"] == TIMED_OUT), "{stalled:#?}");
    // Numbered without a gap, those that could not be read too. A refused one is told at once, one that ran a moment later.
    let mut numbers: Vec<_> =
        commands.iter().filter_map(|record| record["jit"]["session_seq"].as_u64()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=commands.len() as u64).collect::<Vec<_>>());
    assert_eq!(close["jit"]["commands"], commands.len(), "{close}");

    // The other session went on, and still does.
    assert_goes_on(&calm);
    drop((beside.kill(), server.kill()));
}

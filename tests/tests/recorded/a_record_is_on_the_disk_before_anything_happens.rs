//! What is said to be durable is: the recorder's own system calls show a sync of the spool between a line and what waits
//! for it, the program's start and the login.

use e2e::deadline;
use e2e::process::{Running, program};
use e2e::recording::Recording;

/// Where strace writes, on the host.
const TRACE: &str = "/tmp/recorder.trace";
/// The calls that matter: a line is written, synced, and answered.
const CALLS: &str = "trace=pwrite64,fdatasync,ioctl,sendto";

/// The calls that were made, each with its result; a call that another thread's interrupted is where it ended.
fn calls(trace: &str) -> Vec<&str> {
    trace.lines().filter(|line| !line.ends_with("<unfinished ...>")).collect()
}

/// Between the line with `text` and the first `answer` after it the spool was synced.
#[track_caller]
fn assert_synced_between(calls: &[&str], text: &str, answer: &str) {
    let written = calls.iter().position(|call| call.contains("pwrite64(") && call.contains(text));
    let written = written.unwrap_or_else(|| panic!("{text} was never written: {calls:#?}"));
    let spool = calls[written].split_once("pwrite64(").and_then(|(_, rest)| rest.split(',').next());
    let sync = format!("fdatasync({})", spool.expect("the spool's descriptor"));
    let after = &calls[written + 1..];
    let synced = after.iter().position(|call| call.contains(&sync) && call.ends_with("= 0"));
    let answered = after.iter().position(|call| call.contains(answer));
    let (synced, answered) = (synced.unwrap_or(usize::MAX), answered.unwrap_or(usize::MAX));
    assert!(
        synced < answered && answered < usize::MAX,
        "{text}: synced after {synced} calls, answered after {answered}: {:#?}",
        &after[..after.len().min(20)]
    );
}

#[test]
fn a_program_starts_and_a_login_is_confirmed_only_after_a_sync() {
    let _present = program("strace", "strace");
    let recording = Recording::fresh();
    let host = &recording.world.host;
    let mut strace = host.command("strace");
    strace.args(["-f", "-y", "-s", "2000", "-e", CALLS, "-o", TRACE, "-p"]);
    strace.arg(recording.recorder_pid().to_string());
    let strace = Running::start(strace, b"");
    deadline::until("strace looks on", || strace.so_far().1.contains("attached"));

    let (outcome, session) =
        recording.exec(&recording.client(), "for i in 1 2 3 4 5 6 7 8; do /bin/true durable-$i; done");
    drop(outcome.ok());
    drop(session.close());
    let trace = std::fs::read_to_string(host.path(TRACE)).expect("reads the trace");
    let calls = calls(&trace);
    assert_synced_between(&calls, "session.open", "\"open\"");
    for number in 1..=8 {
        assert_synced_between(&calls, &format!("durable-{number}"), "SECCOMP_IOCTL_NOTIF_SEND");
    }
    drop(strace.kill());
}

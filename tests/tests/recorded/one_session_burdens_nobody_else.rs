//! What one session makes expensive it pays for itself: megabytes of arguments, programs that the kernel is made to hold
//! back, commands that are remembered.

use e2e::deadline;
use e2e::recording::session::{Session, line_of};
use e2e::recording::{Recording, TABLE, probe};

/// Programs of the other session.
const PROGRAMS: usize = 20;
/// Programs with megabytes of arguments that may be recorded for each of them: the one that is being read, and what
/// comes while the other session gets to its next one.
const FOR_EACH: usize = 8;

fn recording() -> Recording {
    let recording = Recording::with(&format!("{TABLE}shared_accounts = true\n"));
    probe::install_heavy(&recording.world.host);
    recording
}

/// Resident memory of the recorder, in KiB.
fn resident(recording: &Recording) -> u64 {
    let path = format!("/proc/{}/status", recording.recorder_pid());
    let status = std::fs::read_to_string(recording.world.host.path(&path)).expect("the recorder's status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its resident memory");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// How many execs the spool has of a session at its gate.
fn stood(recording: &Recording, session: &Session<'_>) -> usize {
    let begins = format!("{{\"gate\":{{\"session\":\"{}\"", session.id);
    recording.spool_text().lines().filter(|line| line.starts_with(&begins)).count()
}

#[test]
fn a_flood_of_megabytes_of_arguments_gets_its_turn_and_no_more() {
    let recording = recording();
    let (flood, of_flood) = recording.start(&recording.client(), "exec heavy flood 64 4", "/bin/true");
    deadline::until("the flood has begun", || stood(&recording, &of_flood) > 2);
    let before = stood(&recording, &of_flood);
    let (outcome, modest) =
        recording.exec(&recording.client(), &format!("for i in $(seq {PROGRAMS}); do /bin/true $i; done"));
    drop(outcome.ok());
    let meanwhile = stood(&recording, &of_flood) - before;
    // Its login started a few programs more.
    let programs = stood(&recording, &modest);
    assert!(programs > PROGRAMS, "{programs}");
    assert!(
        meanwhile <= programs * FOR_EACH,
        "{meanwhile} programs of the flood for {programs} of the other session"
    );
    drop(recording.jit(["end", &of_flood.id, "--reason", "seen"]).ok());
    drop((of_flood.close(), flood.finish()));
}

#[test]
fn programs_that_the_kernel_is_made_to_hold_back_weigh_little_however_long_their_arguments() {
    const HELD: usize = 50;
    let recording = recording();
    let before = resident(&recording);
    let (held, session) =
        recording.start(&recording.client(), &format!("exec heavy held {HELD} 4000"), "heavy");
    let leased = |session: &Session<'_>| {
        let text = recording.spool_text();
        text.lines()
            .filter(|line| line.contains(&session.id) && line.contains("\"path\":\"/tmp/leased\""))
            .count()
    };
    deadline::until("all of them stand in the kernel", || leased(&session) >= HELD);
    let grown = resident(&recording).saturating_sub(before);
    assert!(grown < 40 * 1024, "{HELD} programs with 4 MB of arguments each weigh {grown} KiB");
    recording.world.host.write("/tmp/released", "");
    let said = held.finish().ok().stdout;
    assert_eq!(said, format!("held\nran {HELD} again 0 other 0\n"));
    let close = session.close();
    assert_eq!(close["jit"]["unrecorded"], 0, "{close}");
    let commands = session.commands();
    let ran =
        commands.iter().filter(|record| line_of(record).starts_with("/tmp/leased ")).collect::<Vec<_>>();
    assert_eq!(ran.len(), HELD);
    for record in ran {
        assert_eq!(record["jit"]["argv_source"], "kernel", "{record}");
        assert_eq!(record["jit"]["argv_cut"], true, "{record}");
    }
}

#[test]
fn more_than_a_few_megabytes_of_them_are_refused_to_their_owner_alone() {
    let recording = recording();
    let (held, session) = recording.start(&recording.client(), "exec heavy held 200 60", "heavy");
    let refused = |session: &Session<'_>| {
        let commands = session.commands();
        commands.iter().filter(|record| record["jit"]["errno"] == 11).count()
    };
    deadline::until("some are refused", || refused(&session) > 50);
    let (outcome, other) = recording.exec(&recording.client(), "/bin/true while-others-are-held");
    drop(outcome.ok());
    drop(other.command("/bin/true while-others-are-held"));
    recording.world.host.write("/tmp/released", "");
    let said = held.finish().ok().stdout;
    let numbers: Vec<usize> = said.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    assert!(numbers[0] > 40 && numbers[0] + numbers[1] == 200 && numbers[2] == 0, "{said}");
    let close = session.close();
    assert_eq!(close["jit"]["commands"], session.lines().len(), "{close}");
}

#[test]
fn commands_that_are_remembered_for_their_units_take_little_room() {
    let recording = recording();
    let words = "cp /bin/true /tmp/systemd-run; long=$(printf '%100000s' x); \
                 for i in $(seq 40); do /tmp/systemd-run --unit=x$i $long $long $long; done; exec sleep 1000";
    let (running, session) = recording.start(&recording.client(), words, "sleep 1000");
    let state = session.state().expect("the session's state");
    let asked = state["asked"].as_array().expect("what it asked process 1 for");
    assert!((30..=40).contains(&asked.len()), "{}", asked.len());
    let bytes = state.to_string().len();
    assert!(bytes < 400_000, "{bytes} bytes");
    drop(recording.jit(["end", &session.id, "--reason", "seen"]).ok());
    drop((session.close(), running.finish()));
}

#[test]
fn a_storm_of_programs_ends_with_its_session_like_any_other() {
    let recording = recording();
    let (storm, session) = recording.start(&recording.client(), "exec heavy storm 64 0", "/nobody-is-here");
    deadline::until("it storms", || session.lines().len() > 200);
    // Each asks again as soon as it is refused.
    drop(recording.jit(["end", &session.id, "--reason", "seen"]).ok());
    let close = session.close();
    assert_eq!(close["jit"]["reason"], "ended_by", "{close}");
    drop(storm.finish());
}

//! A disk without room: nothing more runs, with a sentence that says why; endings are written all the same; and with room
//! again it goes on as if nothing had been. A host may choose to go on unrecorded, and then counts; a session that has
//! used its share up stops alone.

use std::io::Write;

use e2e::authority::Request;
use e2e::deadline;
use e2e::host::Host;
use e2e::process::Running;
use e2e::recording::session::Session;
use e2e::recording::{Recording, TABLE, probe};
use e2e::refusal::{assert_enters, assert_module_refuses};

/// Segments so small that a new one is soon needed.
const SMALL: &str = "segment_kib = 64\n";
/// What fills the disk.
const FILLER: &str = "/var/lib/jit/filler";
/// What an exec says that finds no room.
const NO_ROOM: &str = "No space left on device";

/// A disk of a megabyte for the recorder alone.
fn small_disk(host: &Host) {
    drop(host.run(["mkdir", "/var/lib/jit"]).ok());
    drop(host.run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=755", "tmpfs", "/var/lib/jit"]).ok());
}

/// Fills the disk to the last byte.
fn fill(recording: &Recording) {
    let path = recording.world.host.path(FILLER);
    let mut file = std::fs::File::create(path).expect("makes a file");
    while file.write_all(&[0; 4096]).is_ok() {}
    while file.write_all(&[0]).is_ok() {}
}

/// What became of the tries so far, in order; what else stands on the terminal is left out.
fn tries_of(running: &Running) -> Vec<String> {
    let said = running.so_far().0;
    let lines = said.lines().map(|line| line.trim_end_matches('\r'));
    lines.filter(|line| ["ran", NO_ROOM].contains(line)).map(str::to_owned).collect()
}

fn until_it_says(running: &Running, what: &str, wanted: &[&str]) {
    deadline::until(what, || tries_of(running) == wanted);
}

/// The doors about room that `jit check` finds open.
fn doors_of_room(recording: &Recording) -> Vec<u64> {
    let said = recording.world.host.run(["jit", "check", "--json"]).stdout;
    let report: serde_json::Value =
        serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"));
    let numbers = report["findings"].as_array().into_iter().flatten();
    numbers
        .filter_map(|finding| finding["number"].as_u64())
        .filter(|number| [908, 909].contains(number))
        .collect()
}

/// How many commands the spool has of a session.
fn recorded(session: &Session<'_>) -> u64 {
    session.lines().len() as u64
}

#[test]
fn nothing_more_runs_until_there_is_room_again() {
    let recording = Recording::prepared(&format!("{TABLE}{SMALL}"), small_disk);
    probe::install(&recording.world.host);
    let identity = recording.world.granted(&Request::default());
    let client = recording.world.client(&identity);
    let (tries, session) = recording.start_with(&client, &["-tt"], "exec probe tries /bin/true", "/bin/true");
    let other = recording.world.client(&identity);
    let (idle, ended) = recording.start(&other, "exec sleep 1000", "sleep");
    until_it_says(&tries, "a first program ran", &["ran"]);

    fill(&recording);
    until_it_says(&tries, "an exec finds no room", &["ran", NO_ROOM]);
    deadline::until("the person is told", || {
        tries.so_far().0.contains("*** commands can not be recorded: no space is left")
    });
    let told = assert_module_refuses(&recording.world.host, &recording.world.client(&identity), "no-space");
    assert!(told.contains("no space is left"), "{told}");
    assert_eq!(recording.world.admin().exec("id -un").ok().stdout, "ada\n", "others are not concerned");
    // An ending has room of its own.
    drop(recording.jit(["end", &ended.id, "--reason", "while it is full"]).ok());
    assert_eq!(ended.close()["jit"]["reason"], "ended_by");
    drop(idle.finish());
    assert!(!recording.records("recorder.full").is_empty());
    assert_eq!(doors_of_room(&recording), [908], "whoever watches the host by jit check is told");

    recording.world.host.remove(FILLER);
    until_it_says(&tries, "programs run again", &["ran", NO_ROOM, "ran"]);
    assert_eq!(doors_of_room(&recording), [909], "a megabyte is little");
    assert_enters(&recording.world.host, &recording.world.client(&identity));
    drop(recording.jit(["end", &session.id, "--reason", "seen"]).ok());
    let close = session.close();
    assert_eq!(close["jit"]["commands"], recorded(&session), "{close}");
    assert!(close["jit"]["unrecorded"].as_u64() > Some(0), "{close}");
    drop(tries.finish());
    drop(recording.counted());
}

#[test]
fn a_refusal_that_the_spool_has_no_room_for_is_in_the_log_at_once() {
    let mut recording = Recording::prepared(&format!("{TABLE}{SMALL}"), small_disk);
    probe::install(&recording.world.host);
    let used = recording.world.granted(&Request::default().with("--uses", "1"));
    drop(recording.world.client(&used).exec("/bin/true").ok());
    drop(recording.closed(1));
    let (tries, _) = recording.start(&recording.client(), "exec probe tries /bin/true", "/bin/true");
    until_it_says(&tries, "a first program ran", &["ran"]);
    fill(&recording);
    until_it_says(&tries, "an exec finds no room", &["ran", NO_ROOM]);

    let before = recording.records("login.refuse").len();
    let sources: Vec<String> = (0..6)
        .map(|_| {
            let client = recording.world.client(&used);
            assert!(!client.exec("/bin/true").succeeded());
            client.source().to_string()
        })
        .collect();
    // What it had in memory alone is gone with it.
    recording.kill_recorder();
    let kept = recording.records("login.refuse");
    let is_kept = |source: &String| kept.iter().any(|record| record["source"]["ip"] == source.as_str());
    assert!(kept.len() < before + sources.len(), "there was room after all: {kept:?}");
    let log = recording.world.host.log_lines();
    for source in sources.iter().filter(|source| !is_kept(source)) {
        let logged = |line: &String| line.contains("login.refuse") && line.contains(source.as_str());
        assert!(log.iter().any(logged), "the refusal of {source} is nowhere: {log:#?}");
    }
    drop(tries);
}

#[test]
fn a_host_may_choose_to_go_on_unrecorded_and_counts() {
    let table = format!("{TABLE}{SMALL}on_audit_failure = \"continue\"\n");
    let recording = Recording::prepared(&table, small_disk);
    probe::install(&recording.world.host);
    let client = recording.client();
    let (tries, session) = recording.start(&client, "exec probe tries /bin/true", "/bin/true");
    fill(&recording);
    deadline::until("a program runs unrecorded", || !recording.records("recorder.full").is_empty());
    assert_eq!(tries_of(&tries), ["ran"], "none has failed");
    let full = recording.records("recorder.full");
    assert!(full[0]["message"].as_str().is_some_and(|text| text.contains("runs although")), "{full:?}");
    drop(recording.jit(["end", &session.id, "--reason", "seen"]).ok());
    let close = session.close();
    assert!(close["jit"]["unrecorded"].as_u64() > Some(0), "{close}");
    assert_eq!(close["jit"]["commands"], recorded(&session), "{close}");
    drop(tries.finish());
}

#[test]
fn a_session_that_has_used_its_share_up_stops_alone() {
    let recording = Recording::with(&format!("{TABLE}session_kib = 64\n"));
    probe::install(&recording.world.host);
    let identity = recording.world.granted(&Request::default());
    let (greedy_client, modest_client) =
        (recording.world.client(&identity), recording.world.client(&identity));
    let (greedy, of_greedy) = recording.start(&greedy_client, "exec probe tries /bin/true", "/bin/true");
    until_it_says(&greedy, "its share is used up", &["ran", NO_ROOM]);
    let (modest, of_modest) = recording.start(&modest_client, "exec probe tries /bin/true", "/bin/true");
    until_it_says(&modest, "another session's programs run", &["ran"]);
    assert_eq!(tries_of(&greedy), ["ran", NO_ROOM], "it has no more than its share");
    for session in [&of_greedy, &of_modest] {
        drop(recording.jit(["end", &session.id, "--reason", "seen"]).ok());
    }
    assert!(of_greedy.close()["jit"]["unrecorded"].as_u64() > Some(0));
    drop((greedy.finish(), modest.finish()));
    let full = recording.records("recorder.full");
    assert!(full[0]["message"].as_str().is_some_and(|text| text.contains("its share")), "{full:?}");
    let bytes: usize = recording
        .spool_text()
        .lines()
        .filter(|line| line.contains(&of_greedy.id))
        .map(|line| line.len() + 1)
        .sum();
    assert!((32 * 1024..=68 * 1024).contains(&bytes), "{bytes} bytes of a share of 65,536");
    drop(recording.counted());
}

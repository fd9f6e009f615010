//! Whatever dies of what serves a session - its client, its monitor, the recorder - nothing runs unrecorded, nothing stays
//! for ever, and the close says what happened.

use std::time::{Duration, Instant};

use e2e::authority::Request;
use e2e::deadline::{self, SOON};
use e2e::process::Running;
use e2e::recording::session::Session;
use e2e::recording::{Recording, probe};
use e2e::refusal::{assert_enters, assert_module_refuses};

/// How long a refused connection that asks for nothing may stay.
const REFUSED_STAYS: Duration = Duration::from_secs(8);

#[test]
fn a_session_whose_monitor_is_killed_ends() {
    let recording = Recording::fresh();
    let client = recording.client();
    let (running, session) = recording.start(&client, "setsid sleep 1001 & exec sleep 1000", "sleep 1000");
    let audit_session = session.audit_session();
    recording.signal("KILL", session.monitor());
    let close = session.close();
    assert_eq!(close["jit"]["reason"], "recorder_lost", "{close}");
    assert_eq!(recording.processes_of(audit_session), [], "{close}");
    assert!(close["jit"]["lateness_ms"].as_u64() <= Some(1_000), "{close}");
    drop(running.finish());
}

#[test]
fn a_session_whose_client_vanished_is_closed_and_what_it_detached_stays_until_the_deadline() {
    let recording = Recording::fresh();
    let request = Request { length: "20s".into(), ..Request::default() };
    let identity = recording.world.granted(&request);
    let client = recording.world.client(&identity);
    let (running, session) = recording.start(&client, "setsid sleep 1001 & exec sleep 1000", "sleep 1000");
    let gone = recording.world.client(&identity);
    let (shell, at_once) = recording.shell(&gone, &[], "/bin/true started\n", "started");
    drop(running.kill());
    drop(shell.kill());
    assert_eq!(at_once.close()["jit"]["reason"], "logout");
    let detached = deadline::poll(SOON, || session.shown().filter(|open| open["detached"] == true));
    let detached = detached.unwrap_or_else(|| panic!("{:#?}", recording.open_sessions()));
    assert_eq!(detached["person"], "acme/jo", "{detached}");
    let table = recording.jit(["sessions"]).ok().stdout;
    assert!(table.contains("(detached)"), "{table}");
    assert!(session.processes().iter().any(|(_, name)| name == "sleep"), "{:?}", session.processes());
    let close = session.close_within(Duration::from_secs(40));
    assert_eq!(close["jit"]["reason"], "window_closed", "{close}");
}

#[test]
fn without_a_recorder_nothing_runs_nobody_enters_and_what_runs_goes_on() {
    let mut recording = Recording::fresh();
    probe::install(&recording.world.host);
    let client = recording.client();
    let (running, session) = recording.start(&client, "exec probe tries /bin/true", "/bin/true");
    let audit_session = session.audit_session();
    let id = session.id.clone();
    deadline::until("a first program ran", || running.so_far().0 == "ran\n");
    let commands = |recording: &Recording| recording.records("session.command").len();

    recording.kill_recorder();
    deadline::until("an exec fails", || running.so_far().0 == "ran\nFunction not implemented\n");
    assert!(!recording.processes_of(audit_session).is_empty(), "what runs goes on");
    let recorded = commands(&recording);
    let told = assert_module_refuses(&recording.world.host, &recording.client(), "recorder");
    assert!(told.contains("can't be recorded on this host now"), "{told}");
    assert_eq!(recording.world.admin().exec("id -un").ok().stdout, "ada\n", "others are not concerned");
    assert_eq!(commands(&recording), recorded, "nothing ran");

    // Without a store for its listener the session is lost, and the next recorder says so.
    recording.start_recorder();
    let session = Session { recording: &recording, id };
    let close = session.close();
    assert_eq!(close["jit"]["reason"], "recorder_lost", "{close}");
    assert_eq!(close["jit"]["proved"], false, "{close}");
    assert_eq!(recording.processes_of(audit_session), [], "{close}");
    assert_eq!(close["jit"]["commands"], session.lines().len(), "{close}");
    let counted = recording.counted();
    assert_eq!(counted[&session.id], session.lines().len() as u64);
    drop(running.finish());
    assert_enters(&recording.world.host, &recording.client());
}

#[test]
fn a_refused_connection_that_asks_for_nothing_is_ended() {
    let recording = Recording::fresh();
    let client = recording.client_for(&Request::default().with("--sessions", "1"));
    let (running, session) = recording.start(&client, "exec sleep 1000", "sleep");
    let began = Instant::now();
    let mut idle = Running::start(client.ssh(&["-N"], &[]), b"");
    let ended = deadline::poll(SOON, || idle.has_ended().then(|| began.elapsed()));
    let said = idle.so_far();
    let took = ended.unwrap_or_else(|| panic!("the connection stays: {said:?}"));
    assert!(took < REFUSED_STAYS, "{took:?}: {said:?}");
    // Nothing was asked to run, so sshd had no channel to say why.
    assert!(!idle.finish().succeeded());
    assert!(session.shown().is_some(), "the admitted session is not concerned");
    drop(running);
}

#[test]
fn a_session_goes_on_when_sshd_is_restarted() {
    let mut recording = Recording::fresh();
    let client = recording.client();
    let words =
        "while ! test -e /tmp/restarted; do sleep 0.05; done; /bin/true after-restart; exec sleep 1000";
    let (running, session) = recording.start(&client, words, "sleep");
    let id = session.id;
    recording.world.host.restart_sshd(e2e::sshd_config::MATCH_BLOCK);
    recording.world.host.write("/tmp/restarted", "");
    let session = Session { recording: &recording, id };
    drop(session.command("/bin/true after-restart"));
    assert!(session.shown().is_some(), "it goes on");
    drop(recording.jit(["end", &session.id, "--reason", "seen"]).ok());
    drop(running.finish());
    assert_enters(&recording.world.host, &recording.client());
}

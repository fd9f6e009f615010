//! The third line of ending: with the recorder dead or hanging, one `jit sweep` ends what should be over, all of it; what
//! is in time it leaves alone, and a second one finds nothing.

use std::time::Duration;

use e2e::authority::Request;
use e2e::deadline;
use e2e::process::Running;
use e2e::recording::session::Session;
use e2e::recording::{Recording, TABLE, probe};
use e2e::refusal::{assert_enters, assert_module_refuses};
use e2e::world::World;

/// Long enough to have everything running before it closes, on a busy machine.
const WINDOW: &str = "20s";
/// Until then the window has closed.
const CLOSED: Duration = Duration::from_secs(40);
/// Until then a recorder that is gone does not come back.
const MISSING: Duration = Duration::from_secs(60);
/// What a sweep leaves that found no recorder.
const MISSED: &str = "/run/jit/recorder.missing";
/// What a sweep says that found nothing.
const NOTHING: &str = "nothing to sweep\n";

/// A recorded host with a busy session that the window's end finds open: its client, its id and its audit session.
fn busy() -> (Recording, Running, String, u64) {
    let recording = Recording::fresh();
    probe::install(&recording.world.host);
    let request = Request { length: WINDOW.into(), ..Request::default() };
    let client = recording.client_for(&request);
    let input = "setsid sleep 1001 &\nprobe bomb 3 &\n/bin/true all-started\n";
    let (shell, session) = recording.shell(&client, &[], input, "all-started");
    let (id, audit_session) = (session.id.clone(), session.audit_session());
    assert_eq!(recording.jit(["sweep"]).ok().stdout, NOTHING, "it is in time");
    assert!(session.shown().is_some_and(|open| open["left"].as_u64() >= Some(2)), "too slow for {WINDOW}");
    (recording, shell, id, audit_session)
}

/// Sweeps until something was found, which the end of the window is; then nothing of the session is left.
#[track_caller]
fn assert_sweep_ends(recording: &Recording, id: &str, audit_session: u64) {
    let said = deadline::poll(CLOSED, || {
        let said = recording.jit(["sweep"]).ok().stdout;
        (said != NOTHING).then_some(said)
    });
    let said = said.expect("a sweep that ends the session");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(
        said.starts_with(&format!("the sweep ended session {id}, because its deadline had passed: ")),
        "{said}"
    );
    assert!(said.ends_with(", 0 left\n"), "{said}");
    assert_eq!(recording.processes_of(audit_session), []);
    assert_eq!(recording.jit(["sweep"]).ok().stdout, NOTHING, "a second sweep");
}

#[test]
fn it_ends_a_session_whose_recorder_hangs() {
    let (recording, shell, id, audit_session) = busy();
    let recorder = recording.recorder_pid();
    recording.signal("STOP", recorder);
    assert_sweep_ends(&recording, &id, audit_session);
    assert!(!shell.finish().succeeded());
    recording.signal("CONT", recorder);
    let session = Session { recording: &recording, id };
    let close = session.close();
    assert_eq!(close["jit"]["reason"], "window_closed", "{close}");
    assert_eq!(close["jit"]["proved"], true, "{close}");
    // What the sweep had to say waited for the recorder.
    deadline::until("the sweep is recorded", || session.parts("sweep.end").len() == 1);
    assert_eq!(recording.jit(["sweep"]).ok().stdout, NOTHING, "after the close");
}

#[test]
fn it_ends_a_session_whose_recorder_is_dead() {
    let (mut recording, shell, id, audit_session) = busy();
    recording.kill_recorder();
    let state = Session { recording: &recording, id: id.clone() }.state().expect("its file");
    let end = state["deadline"].as_u64().expect("a deadline");
    assert!(deadline::poll(CLOSED, || (boottime() > end).then_some(())).is_some());
    assert_sweep_ends(&recording, &id, audit_session);
    assert!(!shell.finish().succeeded());
    let session = Session { recording: &recording, id: id.clone() };
    assert_eq!(session.parts("sweep.end").len(), 1, "recorded without a recorder");
    recording.start_recorder();
    let session = Session { recording: &recording, id };
    let close = session.close();
    let reason = close["jit"]["reason"].as_str().unwrap_or_default();
    assert!(["window_closed", "recorder_lost"].contains(&reason), "{close}");
    assert_eq!(close["jit"]["commands"], session.lines().len(), "{close}");
    drop(recording.client().exec("/bin/true in").ok());
}

/// As docs/by-hand.md has it for a container: no process 1 of systemd's, recorder and sweep in the foreground.
#[test]
fn without_systemd_a_sweep_in_the_foreground_ends_what_a_dead_recorder_leaves() {
    let (mut recording, shell, id, audit_session) = busy();
    let sweep = Running::start(recording.jit_command(["sweep", "--every", "1s"]), b"");
    recording.kill_recorder();
    assert!(
        deadline::poll(CLOSED, || recording.processes_of(audit_session).is_empty().then_some(())).is_some()
    );
    assert!(!shell.finish().succeeded());
    let ended = format!("the sweep ended session {id}, because its deadline had passed: ");
    deadline::until("the sweep says so", || sweep.so_far().0.contains(&ended));
    // It goes on beside a next recorder, and leaves what is in time alone.
    recording.start_recorder();
    drop(recording.client().exec("/bin/true in").ok());
    let (said, errors) = sweep.so_far();
    assert_eq!((said.lines().count(), errors.as_str()), (1, ""), "{said}");
    drop(sweep.kill());
}

/// Nanoseconds since boot, as the recorder counts deadlines.
fn boottime() -> u64 {
    let uptime = std::fs::read_to_string("/proc/uptime").expect("reads the uptime");
    let seconds: f64 = uptime.split(' ').next().and_then(|text| text.parse().ok()).expect("seconds");
    Duration::from_secs_f64(seconds).as_nanos().try_into().expect("a time since boot")
}

#[test]
fn it_ends_sessions_that_nobody_serves_or_records_any_more() {
    let mut recording = Recording::fresh();
    let client = recording.client();
    let (running, served) = recording.start(&client, "exec sleep 1000", "sleep");
    let (other, unserved) = recording.start(&client, "exec sleep 1001", "sleep");
    let (kept, lost, monitor) = (served.audit_session(), unserved.audit_session(), unserved.monitor());
    recording.kill_recorder();
    recording.signal("KILL", monitor);
    deadline::until("the monitor is gone", || {
        !recording.processes_of(lost).iter().any(|(pid, _)| i64::from(*pid) == monitor)
    });
    // Not at once, however often somebody sweeps by hand; but when none came back for nearly as long as the timer takes.
    for _ in 0..3 {
        assert_eq!(recording.jit(["sweep"]).ok().stdout, NOTHING);
    }
    assert!(!recording.processes_of(kept).is_empty());
    let said = deadline::poll(MISSING, || {
        let said = recording.jit(["sweep"]).ok().stdout;
        (said != NOTHING).then_some(said)
    });
    let said = said.expect("a sweep that ends the sessions");
    let why = ", because no recorder runs: ";
    assert_eq!(said.lines().filter(|line| line.contains(why)).count(), 2, "{said}");
    assert_eq!((recording.processes_of(kept), recording.processes_of(lost)), (Vec::new(), Vec::new()));
    assert_eq!(recording.jit(["sweep"]).ok().stdout, NOTHING);
    drop((running.finish(), other.finish()));
}

#[test]
fn in_the_moment_of_a_restart_it_ends_nothing_that_goes_on_detached() {
    let mut recording = Recording::fresh();
    let words = "setsid sleep 1001 & exec sleep 1000";
    let (running, session) = recording.start(&recording.client(), words, "sleep 1000");
    let (id, audit_session) = (session.id.clone(), session.audit_session());
    drop(running.kill());
    deadline::until("it goes on detached", || session.shown().is_some_and(|open| open["detached"] == true));
    assert_eq!(session.state().expect("its file")["logged_out"], true, "a next recorder knows that it may");
    let stays =
        |recording: &Recording| recording.processes_of(audit_session).iter().any(|(_, name)| name == "sleep");
    recording.kill_recorder();
    assert_eq!(recording.jit(["sweep"]).ok().stdout, NOTHING, "{id}");
    assert!(stays(&recording));
    assert!(recording.world.host.has(MISSED), "it has seen that none runs");
    recording.start_recorder();
    assert!(!recording.world.host.has(MISSED), "and the next time that is no second time in a row");
}

#[test]
fn it_leaves_alone_what_is_in_time_and_tidies_up_what_a_kill_left() {
    let recording = Recording::fresh();
    let client = recording.client();
    let (running, session) = recording.start(&client, "exec sleep 1000", "sleep");
    let before = session.processes();
    let half = "/var/lib/jit/sessions/.S-22222222.new";
    recording.world.host.write(half, "{");
    drop(recording.world.host.run(["touch", "-d", "10 minutes ago", half]).ok());
    assert_eq!(recording.jit(["sweep"]).ok().stdout, format!("removed {half}\n"));
    for _ in 0..3 {
        assert_eq!(recording.jit(["sweep"]).ok().stdout, NOTHING);
    }
    assert_eq!(session.processes(), before);
    assert!(recording.records("sweep.end").is_empty());
    drop(running);
}

#[test]
fn what_carries_a_closed_sessions_audit_id_is_ended_whoever_knows_of_it() {
    let mut recording = Recording::fresh();
    let client = recording.client();
    let (running, session) = recording.start(&client, "setsid sleep 1001 & exec sleep 1000", "sleep 1000");
    let (other, spared) = recording.start(&client, "exec sleep 1002", "sleep");
    let (audit_session, kept) = (session.audit_session(), spared.audit_session());
    let state = session.state().expect("its file");
    let name = format!(
        "/var/lib/jit/sessions/{:020}.{}.json",
        state["deadline"].as_u64().expect("a deadline"),
        session.id
    );
    // As a recorder leaves a session that it takes to be over, while something of it is there after all.
    recording.kill_recorder();
    recording.world.host.remove(&name);
    recording.world.host.write(&format!("/run/jit/closed/{audit_session}"), "");
    let said = recording.jit(["sweep"]).ok().stdout;
    assert!(said.starts_with("the sweep killed "), "{said}");
    assert!(
        said.ends_with(&format!(" processes of a session that was closed (audit session {audit_session})\n")),
        "{said}"
    );
    deadline::until("nothing of it is left", || recording.processes_of(audit_session).is_empty());
    assert!(!recording.processes_of(kept).is_empty(), "another session's are left alone");
    assert_eq!(recording.records("sweep.end").len(), 1, "recorded without a recorder");
    assert_eq!(recording.jit(["sweep"]).ok().stdout, NOTHING);
    drop((running.finish(), other));
}

#[test]
fn what_sessions_that_are_gone_left_is_tidied_up_and_what_is_needed_stays() {
    let recording = Recording::fresh();
    let host = &recording.world.host;
    let request = Request::default().allowing("pty,sudo").with("--uses", "2");
    let client = recording.client_for(&request);
    let (running, session) = recording.start(&client, "exec sleep 1000", "sleep");
    let marker = format!("/run/jit/sudo/{}", session.audit_session());
    host.write("/run/jit/sudo/4000000000", "S-22222222");
    // Of a grant that closed in 2001.
    let over = format!("/var/lib/jit/uses/{:020}.{}", 1_000_000_000, "ab".repeat(32));
    host.write(&over, "1\n");
    // The hierarchy of version 2, alone or beside the others.
    let mut roots = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"].into_iter();
    let root = roots.find(|root| host.has(&format!("{root}/cgroup.procs"))).expect("cgroups");
    let cgroup = &format!("{root}/jit-S-22222222");
    drop(host.run(["mkdir", "-p", cgroup]).ok());
    drop(host.run(["touch", "-d", "10 minutes ago", cgroup]).ok());
    let said = recording.jit(["sweep"]).ok().stdout;
    let mut lines: Vec<&str> = said.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["removed /run/jit/sudo/4000000000", &format!("removed {over}")]);
    assert!(!host.has(cgroup));
    assert!(host.has(&marker), "the open session may use sudo");
    assert_eq!(recording.jit(["sweep"]).ok().stdout, NOTHING);
    // What it has used is still counted.
    drop(recording.jit(["end", &session.id, "--reason", "seen"]).ok());
    drop(running.finish());
    assert_enters(host, &client);
    drop(assert_module_refuses(host, &client, "uses"));
}

#[test]
fn a_recorder_that_can_not_start_is_missing_all_the_same() {
    let recording = Recording::without_recorder(World::fresh(), TABLE);
    let host = &recording.world.host;
    host.write("/run/jit/recorder.missing", "1");
    // It has the lock, and no spool.
    host.write("/var/lib/jit/spool", "not a folder");
    let failed = recording.jit(["recorder"]);
    assert!(!failed.succeeded() && failed.stderr.contains("can't open the spool"), "{failed:?}");
    assert!(host.has("/run/jit/recorder.missing"), "the next sweep still knows");
}

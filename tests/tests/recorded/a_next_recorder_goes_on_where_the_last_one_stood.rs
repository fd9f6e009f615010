//! A recorder that is killed leaves everything that the next one needs, however long ago it began.

use e2e::authority::Request;
use e2e::client::Client;
use e2e::deadline;
use e2e::recording::session::Session;
use e2e::recording::{Recording, TABLE, probe};
use e2e::refusal::{assert_enters, assert_module_refuses};

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

/// Clients of somebody else: for the usual account, and for another one.
fn others(recording: &Recording) -> (Client, Client) {
    let sam = recording.person("acme/sam");
    let request = Request { person: "acme/sam".into(), ..Request::default() };
    let (_, here) = recording.grant(&request, &sam);
    let (_, elsewhere) = recording.grant(&request.as_account("acme-two"), &sam);
    (recording.world.client(&here), Client::new(&recording.world.host, "acme-two", &elsewhere))
}

fn configs(recording: &Recording) -> String {
    let all = recording.records("recorder.config");
    all.iter().map(|record| record["message"].to_string()).collect()
}

#[test]
fn a_session_that_could_not_be_taken_up_still_counts() {
    let mut recording = Recording::fresh();
    let request = Request::default().allowing("pty,sudo").with("--sessions", "1");
    let identity = recording.world.granted(&request);
    let (running, session) = recording.start(&recording.world.client(&identity), "exec sleep 1000", "sleep");
    let audit_session = session.audit_session();
    let (here, elsewhere) = others(&recording);
    recording.kill_recorder();
    // Nowhere to note that sudo is allowed.
    drop(recording.world.host.run(["rm", "-r", "/run/jit/sudo"]).ok());
    recording.world.host.write("/run/jit/sudo", "");
    recording.start_recorder();
    assert!(configs(&recording).contains("can't be taken up"), "{}", configs(&recording));
    assert!(!recording.processes_of(audit_session).is_empty());
    let host = &recording.world.host;
    drop(assert_module_refuses(host, &recording.world.client(&identity), "sessions"));
    drop(assert_module_refuses(host, &here, "account-in-use"));
    assert_enters(host, &elsewhere);
    drop(running);
}

#[test]
fn a_session_whose_file_is_broken_keeps_others_out() {
    let mut recording = Recording::fresh();
    let (running, session) = recording.start(&recording.client(), "exec sleep 1000", "sleep");
    let (here, elsewhere) = others(&recording);
    let mut state = session.state().expect("its file");
    let name =
        format!("/var/lib/jit/sessions/{:020}.{}.json", state["deadline"].as_u64().unwrap_or(0), session.id);
    assert!(recording.world.host.has(&name), "{name}");
    // As of another release: whose it is can be read.
    state["scope"] = 7.into();
    recording.kill_recorder();
    recording.world.host.write(&name, state.to_string());
    recording.start_recorder();
    assert!(configs(&recording).contains("its account is taken"), "{}", configs(&recording));
    drop(assert_module_refuses(&recording.world.host, &here, "account-in-use"));
    assert_enters(&recording.world.host, &elsewhere);
    // As of a broken disk: nothing can.
    recording.kill_recorder();
    recording.world.host.write(&name, "{");
    recording.start_recorder();
    assert!(configs(&recording).contains("nobody enters while it is there"), "{}", configs(&recording));
    let told = assert_module_refuses(&recording.world.host, &elsewhere, "session-file");
    assert!(told.contains("tell its administrator"), "{told}");
    assert_eq!(recording.world.admin().exec("id -un").ok().stdout, "ada\n", "others are not concerned");
    recording.world.host.remove(&name);
    assert_enters(&recording.world.host, &elsewhere);
    drop(running);
}

//! The end of the window is the end of the session: within a second nothing of it is left, whatever it has started and
//! however it is connected, and the person was told before and is told why.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use e2e::authority::Request;
use e2e::deadline::{self, SOON};
use e2e::host::free_port;
use e2e::process::Running;
use e2e::recording::session::Session;
use e2e::recording::{Recording, probe};
use serde_json::Value;

/// Long enough to have everything running before it closes, on a busy machine.
const WINDOW: &str = "20s";
/// The longest that the end may come after the window's, in milliseconds.
const LATEST: u64 = 1_000;

/// A server that says hello and keeps every connection open.
fn keeps_connections() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("binds a port");
    let port = listener.local_addr().expect("its address").port();
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        for mut connection in listener.incoming().flatten() {
            drop(connection.write_all(b"hello"));
            kept.push(connection);
        }
    });
    port
}

/// A connection through a forwarding that has said hello.
fn connect_through(local: u16) -> TcpStream {
    let connection = deadline::poll(SOON, || TcpStream::connect(("127.0.0.1", local)).ok());
    let mut connection = connection.expect("ssh listens for -L");
    connection.set_read_timeout(Some(SOON)).expect("sets a deadline");
    let mut hello = [0; 5];
    connection.read_exact(&mut hello).expect("hears hello through the forwarding");
    connection
}

#[track_caller]
fn assert_window_closed(session: &Session<'_>) -> Value {
    // Known before the end, when its file is gone.
    let close = session.close_within(Duration::from_secs(40));
    assert_eq!(close["jit"]["reason"], "window_closed", "{close}");
    assert_eq!(close["jit"]["proved"], true, "{close}");
    let lateness = close["jit"]["lateness_ms"].as_u64().expect("a lateness");
    assert!(lateness <= LATEST, "{lateness} ms late: {close}");
    close
}

#[test]
fn everything_of_it_is_gone_within_a_second() {
    let recording = Recording::fresh();
    probe::install(&recording.world.host);
    let port = keeps_connections();
    let features = format!("pty,sftp,forward=127.0.0.1:{port}");
    let request = Request { length: WINDOW.into(), ..Request::default() }.allowing(&features);
    let identity = recording.world.granted(&request);

    // A shell with a detached process, a fork loop and a forwarding.
    let client = recording.world.client(&identity);
    let local = free_port();
    let forward = format!("127.0.0.1:{local}:127.0.0.1:{port}");
    let input = "setsid sleep 1001 &\nprobe bomb 3 &\n/bin/true all-started\n";
    let (shell, session) = recording.shell(&client, &["-L", &forward], input, "all-started");
    let mut through = connect_through(local);
    let audit_session = session.audit_session();

    // A connection for forwarding only.
    let forwarder = recording.world.client(&identity);
    let local = free_port();
    let forward = format!("127.0.0.1:{local}:127.0.0.1:{port}");
    let (only, forwarded) = recording.start_with(&forwarder, &["-N", "-L", &forward], "", "");
    let mut through_only = connect_through(local);

    // A shared connection with a channel opened late.
    let sharer = recording.world.client(&identity);
    let socket = format!("ControlPath={}", sharer.folder().join("control").display());
    let flags = ["-M", "-N", "-o", "ControlMaster=yes", "-o", &socket];
    let (master, shared) = recording.start_with(&sharer, &flags, "", "");
    deadline::until("the control socket is there", || sharer.folder().join("control").exists());
    let late =
        Running::start(sharer.ssh(&["-o", &socket, "-o", "ControlMaster=no"], &["exec sleep 1002"]), b"");
    drop(shared.command("sleep 1002"));

    let running: Vec<String> = session.processes().into_iter().map(|(_, name)| name).collect();
    for name in ["bash", "sleep", "probe", "sshd"] {
        assert!(running.iter().any(|process| process == name), "{name} runs: {running:?}");
    }

    let close = assert_window_closed(&session);
    assert_eq!(recording.processes_of(audit_session), [], "{close}");
    assert!(close["jit"]["killed"].as_u64() >= Some(5), "{close}");
    drop(assert_window_closed(&forwarded));
    drop(assert_window_closed(&shared));
    for connection in [&mut through, &mut through_only] {
        let mut rest = Vec::new();
        drop(connection.read_to_end(&mut rest));
        assert_eq!(rest, b"", "the forwarding is shut");
    }
    let said = shell.finish().stdout;
    assert!(said.contains(" seconds, with all its processes"), "it began in its last minute: {said:?}");
    assert!(said.contains("*** this session is over: the window of your grant has closed"), "{said:?}");
    for client in [only, master, late] {
        let outcome = client.finish();
        assert!(!outcome.succeeded(), "put out: {outcome:?}");
    }
    // What is over stays over.
    let again = recording.world.client(&identity).exec("/bin/true again");
    assert!(!again.succeeded(), "{again:?}");
    assert_eq!(recording.jit(["sweep"]).ok().stdout, "nothing to sweep\n");
}

#[test]
fn the_hosts_own_maximum_counts_where_it_is_sooner() {
    let recording = Recording::with("[recorder]\nrequire_scope = false\nmaximum_session_minutes = 1\n");
    let client = recording.client();
    let (running, session) = recording.start(&client, "exec sleep 1000", "sleep");
    let left = session.shown().and_then(|open| open["left"].as_u64()).expect("an open session");
    assert!((30..=60).contains(&left), "{left} seconds left");
    let state = session.state().expect("its file");
    assert_eq!(state["limit"], "host_limit", "{state}");
    let close = session.close_within(Duration::from_secs(90));
    assert_eq!(close["jit"]["reason"], "host_limit", "{close}");
    assert!(close["jit"]["lateness_ms"].as_u64() <= Some(LATEST), "{close}");
    assert!(close["event"]["duration"].as_u64() >= Some(59_000_000_000), "{close}");
    drop(running.finish());
}

/// Longer than the last warning is told before the end.
#[test]
fn a_minute_before_the_end_it_is_told_and_not_earlier() {
    let recording = Recording::fresh();
    let request = Request { length: "75s".into(), ..Request::default() };
    let client = recording.client_for(&request);
    let (shell, session) = recording.shell(&client, &[], "/bin/true started\n", "started");
    let left = || session.shown().and_then(|open| open["left"].as_u64()).expect("an open session");
    let told = || {
        let said = shell.so_far().0;
        let last = said.matches("*** this session ends in one minute").count();
        (last, said.matches("*** this session ends in ").count())
    };
    // Whole seconds, rounded down. Asked in this order, nothing can come in between that makes a liar of a busy machine.
    let first = left();
    assert!(first > 61, "too slow for a window of 75 s: {first}");
    let before = deadline::poll(Duration::from_secs(40), || {
        let (told, left) = (told().0, left());
        (told > 0).then_some(left)
    });
    let before = before.unwrap_or_else(|| panic!("not told: {:?}", shell.so_far()));
    assert!(before <= 60, "told with {before} s left");
    assert!(before >= 45, "told as late as {before} s before the end");
    assert_eq!(told(), (1, 2), "once, and once at its beginning: {:?}", shell.so_far());
    drop(recording.jit(["end", &session.id, "--reason", "seen"]).ok());
    drop(shell.finish());
}

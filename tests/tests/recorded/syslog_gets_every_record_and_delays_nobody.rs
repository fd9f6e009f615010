//! Syslog gets a copy of every record, byte for byte, in order, at least once; and a syslog that is stopped, gone, or back
//! again delays no command and loses nothing.

use std::collections::HashSet;
use std::io::{BufReader, Read};
use std::net::TcpListener;
use std::os::unix::net::UnixDatagram;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use e2e::deadline;
use e2e::log_socket::LogSocket;
use e2e::recording::session::Session;
use e2e::recording::{Recording, TABLE, probe};
use e2e::refusal::record_of;
use serde_json::Value;

/// Where the host's log daemon listens.
const SOCKET: &str = "/run/records";

fn table() -> String {
    format!("[log]\nsocket = \"{SOCKET}\"\nformat = \"rfc5424\"\n{TABLE}")
}

/// The records of a session in the spool, as they are.
fn originals(recording: &Recording, id: &str) -> Vec<String> {
    let spool = recording.spool_text();
    let lines = spool.lines().filter(|line| !line.starts_with("{\"gate\"") && line.contains(id));
    lines.map(str::to_owned).collect()
}

/// The records of a session among frames, each the first time that it arrived.
fn copies<'a>(frames: impl IntoIterator<Item = &'a String>, id: &str) -> Vec<String> {
    let mut seen = HashSet::new();
    let records = frames.into_iter().filter(|frame| frame.contains(id));
    let records = records.map(|frame| frame[frame.find('{').unwrap_or(0)..].to_owned());
    records.filter(|record| seen.insert(record.clone())).collect()
}

/// Waits until everything of a closed session has arrived, and demands that it is what the spool has, in its order.
#[track_caller]
fn assert_all_arrives(recording: &Recording, id: &str, frames: impl Fn() -> Vec<String>) {
    let wanted = originals(recording, id);
    assert!(wanted.last().is_some_and(|line| line.contains("session.close")), "{wanted:#?}");
    let all = deadline::poll(2 * deadline::SOON, || {
        let arrived = copies(&frames(), id);
        (arrived.len() >= wanted.len()).then_some(arrived)
    });
    let all =
        all.unwrap_or_else(|| panic!("{} of {} records arrived", copies(&frames(), id).len(), wanted.len()));
    assert_eq!(all, wanted);
}

#[test]
fn a_session_arrives_whole_and_in_order_and_forges_nothing() {
    let syslog = Mutex::new(None);
    let recording = Recording::prepared(&table(), |host| {
        *syslog.lock().unwrap_or_else(PoisonError::into_inner) = Some(LogSocket::bind(&host.path(SOCKET)));
    });
    let syslog = syslog.into_inner().unwrap_or_else(PoisonError::into_inner).expect("a log socket");
    probe::install(&recording.world.host);
    let (outcome, session) = recording.exec(
        &recording.client(),
        "probe bytes /bin/true; probe many /bin/true 3000 4; probe raw /bin/missing",
    );
    assert_eq!(outcome.code, Some(10), "{outcome:?}");
    drop(session.close());
    assert_all_arrives(&recording, &session.id, || syslog.lines());

    for frame in syslog.lines().iter().filter(|frame| frame.contains(&session.id)) {
        let record: Value = record_of(frame);
        let action = record["event"]["action"].as_str().unwrap_or_default();
        let (head, rest) = frame.split_once(" [jit@32473 ").unwrap_or_else(|| panic!("{frame}"));
        let head: Vec<&str> = head.split(' ').collect();
        assert_eq!((head[0], head[2], head[3], head[5]), ("<86>1", "db1.prod", "pam-jit", action), "{frame}");
        assert_eq!(record["@timestamp"], head[1], "{frame}");
        let grant = record["jit"]["grant"].as_str().unwrap_or_default();
        let (data, _) = rest.split_once("] {").unwrap_or_else(|| panic!("{frame}"));
        for word in [
            format!("session=\"{}\"", session.id),
            format!("grant=\"{grant}\""),
            "person=\"acme/jo\"".into(),
            "account=\"acme-support\"".into(),
        ] {
            assert!(data.contains(&word), "{word}: {frame}");
        }
        if let Some(number) = record["jit"]["session_seq"].as_u64() {
            assert!(data.contains(&format!("seq=\"{number}\"")), "{frame}");
        }
        assert!(frame.len() <= 8_096 && frame.bytes().all(|b| (b' '..=b'~').contains(&b)), "{frame}");
    }
}

#[test]
fn a_stopped_syslog_delays_no_command() {
    let reader = Mutex::new(None);
    let recording = Recording::prepared(&table(), |host| {
        // It is bound, and nobody reads.
        let socket = UnixDatagram::bind(host.path(SOCKET)).expect("binds the log socket");
        *reader.lock().unwrap_or_else(PoisonError::into_inner) = Some(socket);
    });
    let reader = reader.into_inner().unwrap_or_else(PoisonError::into_inner).expect("a log socket");
    probe::install(&recording.world.host);
    let began = Instant::now();
    // More than a socket holds.
    let (outcome, session) = recording.exec(&recording.client(), "probe loops /bin/true 2 600");
    drop(outcome.ok());
    drop(session.close());
    assert!(began.elapsed() < deadline::SOON, "{:?}", began.elapsed());

    reader.set_read_timeout(Some(Duration::from_millis(100))).expect("sets a deadline");
    let arrived = Mutex::new(Vec::new());
    assert_all_arrives(&recording, &session.id, || {
        let mut arrived = arrived.lock().unwrap_or_else(PoisonError::into_inner);
        let mut buffer = vec![0; 16 * 1024];
        while let Ok(length) = reader.recv(&mut buffer) {
            arrived.push(String::from_utf8_lossy(&buffer[..length]).into_owned());
        }
        arrived.clone()
    });
}

#[test]
fn a_syslog_that_was_gone_gets_what_it_missed_also_from_the_next_recorder() {
    let syslog = Mutex::new(None);
    let mut recording = Recording::prepared(&table(), |host| {
        *syslog.lock().unwrap_or_else(PoisonError::into_inner) = Some(LogSocket::bind(&host.path(SOCKET)));
    });
    let first = syslog.into_inner().unwrap_or_else(PoisonError::into_inner).expect("a log socket");
    let run = |recording: &Recording, words: &str| {
        let (outcome, session) = recording.exec(&recording.client(), words);
        drop(outcome.ok());
        drop(session.close());
        session.id
    };
    let before = run(&recording, "for n in 1 2 3; do /bin/true before-$n; done");
    assert_all_arrives(&recording, &before, || first.lines());
    recording.world.host.remove(SOCKET);
    drop(first);
    let meanwhile = run(&recording, "for n in 1 2 3; do /bin/true meanwhile-$n; done");
    recording.restart_recorder();
    let later = run(&recording, "for n in 1 2 3; do /bin/true later-$n; done");
    let second = LogSocket::bind(&recording.world.host.path(SOCKET));
    for id in [&meanwhile, &later] {
        assert_all_arrives(&recording, id, || second.lines());
    }
    // And another that dies right after it has got something.
    recording.world.host.remove(SOCKET);
    drop(second);
    let third = LogSocket::bind(&recording.world.host.path(SOCKET));
    let last = run(&recording, "/bin/true last");
    assert_all_arrives(&recording, &last, || third.lines());
}

#[test]
fn a_syslog_over_tcp_gets_frames_that_say_their_length() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("binds a port");
    let port = listener.local_addr().expect("its address").port();
    let frames: Arc<Mutex<Vec<String>>> = Arc::default();
    std::thread::spawn({
        let frames = Arc::clone(&frames);
        move || {
            for connection in listener.incoming().flatten() {
                let mut reader = BufReader::new(connection);
                while let Some(frame) = next_frame(&mut reader) {
                    frames.lock().unwrap_or_else(PoisonError::into_inner).push(frame);
                }
            }
        }
    });
    let recording = Recording::with(&format!("[log]\ntcp = \"127.0.0.1:{port}\"\n{TABLE}"));
    let (outcome, session): (_, Session<'_>) =
        recording.exec(&recording.client(), "for n in 1 2 3; do /bin/true number-$n; done");
    drop(outcome.ok());
    drop(session.close());
    assert_all_arrives(&recording, &session.id, || {
        frames.lock().unwrap_or_else(PoisonError::into_inner).clone()
    });
}

/// One frame of RFC 6587, section 3.4.1: its length, a space, itself.
fn next_frame(reader: &mut impl Read) -> Option<String> {
    let mut length = String::new();
    loop {
        let mut byte = [0];
        reader.read_exact(&mut byte).ok()?;
        match byte[0] {
            b' ' => break,
            digit => length.push(digit.into()),
        }
    }
    let mut frame = vec![0; length.parse().unwrap_or_else(|_| panic!("a length, not `{length}`"))];
    reader.read_exact(&mut frame).ok()?;
    String::from_utf8(frame).ok()
}

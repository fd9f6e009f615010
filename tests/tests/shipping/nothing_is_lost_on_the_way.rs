//! A syslog that is killed, stopped or not the one it should be costs time, and no record.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use e2e::deadline;

use crate::keys::Keys;
use crate::origin::{Origin, command};
use crate::syslog::{Daemon, Forwarder, LOG_HOST_NAME, LogHost, reserved_port};

/// Records in one test.
const MANY: u64 = 2_000;

fn numbered(numbers: std::ops::Range<u64>) -> impl Iterator<Item = String> {
    numbers.flat_map(|seq| command(seq, &[b"true", seq.to_string().as_bytes()]))
}

/// Repetitions are allowed, and stand behind the first; those come in the order of the session.
fn assert_in_order(arrived: &[String], wanted: &[String]) {
    let mut first = BTreeMap::new();
    for (place, line) in arrived.iter().enumerate() {
        first.entry(line).or_insert(place);
    }
    let places: Vec<_> = wanted.iter().map(|line| first[line]).collect();
    assert!(places.is_sorted(), "the first arrivals are out of order");
    assert_eq!(first.len(), wanted.len(), "something else arrived");
}

#[test]
fn a_killed_and_restarted_rsyslog_loses_no_record() {
    let (keys, port) = (Keys::make(), reserved_port());
    let log_host = LogHost::start(&keys, LOG_HOST_NAME, port);
    let mut forwarder = Forwarder::start(&keys, port);
    let mut origin = Origin::new();
    origin.ship_to(&forwarder.socket());

    let quarter = MANY / 4;
    // A kill while it works, and a stop in good order, each before it has caught up.
    let blows: [fn(&mut Daemon); 3] = [Daemon::kill, Daemon::stop, Daemon::kill];
    for (part, blow) in (0..).zip(blows) {
        origin.record(numbered(part * quarter + 1..(part + 1) * quarter + 1));
        let some = origin.frames()[usize::try_from(part * quarter).expect("a number")..].to_vec();
        drop(log_host.wait_for(&some[..1], &forwarder.daemon));
        blow(&mut forwarder.daemon);
        forwarder.daemon.start();
    }
    origin.record(numbered(3 * quarter + 1..MANY + 1));

    let frames = origin.frames();
    let arrived = log_host.wait_for(&frames, &forwarder.daemon);
    assert_in_order(&arrived, &frames);
}

#[test]
fn a_log_host_that_is_away_delays_nobody_and_everything_arrives_later() {
    let (keys, port) = (Keys::make(), reserved_port());
    let mut forwarder = Forwarder::start(&keys, port);
    let mut origin = Origin::new();
    origin.ship_to(&forwarder.socket());
    let mut slowest = Duration::ZERO;
    for seq in 1..=MANY {
        let start = Instant::now();
        origin.record(numbered(seq..seq + 1));
        slowest = slowest.max(start.elapsed());
    }
    assert!(slowest < Duration::from_secs(5), "a record waited for syslog: {slowest:?}");

    // Killed while it has a backlog, and once more.
    for _ in 0..2 {
        forwarder.daemon.kill();
        forwarder.daemon.start();
    }
    let log_host = LogHost::start(&keys, LOG_HOST_NAME, port);
    let frames = origin.frames();
    let arrived = log_host.wait_for(&frames, &forwarder.daemon);
    assert_in_order(&arrived, &frames);
}

#[test]
fn a_log_host_with_another_name_gets_nothing() {
    let (keys, port) = (Keys::make(), reserved_port());
    let mut impostor = LogHost::start(&keys, "other.example", port);
    let forwarder = Forwarder::start(&keys, port);
    let mut origin = Origin::new();
    origin.ship_to(&forwarder.socket());
    origin.record(numbered(1..11));
    deadline::until("the forwarder says that the name is not permitted", || {
        forwarder.daemon.says().contains("peer name not authorized")
    });
    impostor.daemon.stop();
    assert_eq!(impostor.lines(), Vec::<String>::new());

    let log_host = LogHost::start(&keys, LOG_HOST_NAME, port);
    let frames = origin.frames();
    assert_in_order(&log_host.wait_for(&frames, &forwarder.daemon), &frames);
}

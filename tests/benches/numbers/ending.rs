//! How late the end comes: after the window's end, and after an administrator's order, until the session's last process is
//! gone. Both are watched from outside; the records' own word stands beside.

use std::thread::sleep;
use std::time::{Duration, Instant};

use e2e::authority::Request;
use e2e::clock;
use e2e::deadline;
use e2e::process::Running;
use e2e::recording::TABLE;

use crate::crowd::{self, Watched};
use crate::fresh::Fresh;
use crate::measure::{Times, duration};
use crate::recorded::Recorded;
use crate::row::Row;

/// Between two looks at the processes.
const LOOK: Duration = Duration::from_millis(2);
/// Budget of both.
const LATEST: Duration = Duration::from_secs(1);
/// When a session counts as never ended.
const NEVER: Duration = Duration::from_secs(30);

pub(crate) fn rows(runs: usize) -> Vec<Row> {
    let mut rows = vec![at_window_close(runs)];
    rows.extend(by_order(runs));
    rows
}

/// Sessions that each have a grant of their own, so that their windows close one after another as they opened.
fn at_window_close(count: usize) -> Row {
    let recorded = Recorded::with(&format!("{TABLE}shared_accounts = true\n"));
    let world = &recorded.recording.world;
    // Long enough to have all of them open before the first one closes.
    let window = 45 + count * 3 / 4;
    let request = Request { length: format!("{window}s"), ..Request::default() };
    let members = crowd::open(&world.host, count, || world.granted(&request));
    let mut open: Vec<Watched> =
        members.iter().map(|member| Watched::of(&recorded.recording, member)).collect();
    let ids: Vec<String> = open.iter().map(|session| session.id.clone()).collect();
    let first = open.iter().map(|session| session.closes).min().expect("a session");
    assert!(
        clock::since_1970() < first,
        "all are open before the first one closes: a longer window is needed"
    );

    let mut late = Vec::new();
    while !open.is_empty() {
        let now = clock::since_1970();
        open.retain_mut(|session| {
            let Some(since) = now.checked_sub(session.closes) else { return true };
            assert!(since < NEVER, "{} does not end", session.id);
            let gone = session.is_gone(&world.host);
            late.extend(gone.then_some(since));
            !gone
        });
        sleep(LOOK);
    }
    // The last process is gone a moment before its record is written.
    let closed = || {
        let closes = recorded.recording.records("session.close");
        let of_one =
            |id: &String| closes.iter().find(|close| close["jit"]["session"] == id.as_str()).cloned();
        ids.iter().map(of_one).collect::<Option<Vec<_>>>()
    };
    let closes = deadline::poll(deadline::SOON, closed).expect("each session is closed in the records");
    let mut recorded_late: Vec<u64> = Vec::new();
    for close in &closes {
        assert_eq!(close["jit"]["reason"], "window_closed", "{close}");
        recorded_late.push(close["jit"]["lateness_ms"].as_u64().expect("a lateness"));
    }
    let recorded_late: Times = recorded_late.into_iter().map(Duration::from_millis).collect();
    ended("end of the window until the last process is gone", &late.into_iter().collect(), &recorded_late)
}

fn by_order(count: usize) -> Vec<Row> {
    let recorded = Recorded::fresh();
    let recording = &recorded.recording;
    let mut certificate = Fresh::of(&recording.world);
    let members = crowd::open(&recording.world.host, count, || certificate.next().clone());
    let (mut gone, mut returned, mut late) = (Vec::new(), Vec::new(), Vec::new());
    for member in &members {
        let mut session = Watched::of(recording, member);
        let id = session.id.clone();
        let start = Instant::now();
        let mut jit = Running::start(recording.jit_command(["end", &id, "--reason", "measured"]), b"");
        let (mut is_gone, mut has_returned) = (None, None);
        while is_gone.is_none() || has_returned.is_none() {
            let now = start.elapsed();
            assert!(now < NEVER, "{id} does not end");
            if is_gone.is_none() && session.is_gone(&recording.world.host) {
                is_gone = Some(now);
            }
            if has_returned.is_none() && jit.has_ended() {
                has_returned = Some(now);
            }
            sleep(LOOK / 2);
        }
        drop(jit.finish().ok());
        gone.extend(is_gone);
        returned.extend(has_returned);
        let close = recording.session(&member.client).close();
        late.push(Duration::from_millis(close["jit"]["lateness_ms"].as_u64().expect("a lateness")));
    }
    vec![
        ended(
            "`jit end` until the last process is gone",
            &gone.into_iter().collect(),
            &late.into_iter().collect(),
        ),
        Row::spread("`jit end` until it comes back", &returned.into_iter().collect()),
    ]
}

fn ended(what: &str, seen: &Times, recorded: &Times) -> Row {
    let [ours, theirs] = [seen, recorded].map(|times| {
        let [half, most, worst] = [0.5, 0.99, 1.0].map(|share| duration(times.at(share)));
        format!("p50 {half}, p99 {most}, worst {worst}")
    });
    Row::alone(what, format!("worst {}", duration(seen.at(1.0))), seen.count())
        .beside(ours, format!("{theirs} (as recorded)"))
        .within("≤ 1 s", seen.at(1.0) <= LATEST)
}

//! The recorder with 200 idle sessions: its memory, its wake-ups, what it still gets through, and how long one order for
//! all of them takes.

use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};

use e2e::client::Client;
use e2e::deadline;
use e2e::process::Running;
use e2e::world::ACCOUNT;

use crate::crowd::{self, Watched};
use crate::fresh::Fresh;
use crate::measure::{Times, duration};
use crate::recorded::{Recorded, span};
use crate::row::Row;

const SESSIONS: usize = 200;
/// How long nothing may wake the recorder.
const IDLE: Duration = Duration::from_secs(30);
/// How long it may take until it has nothing left to do: the shipper looks after its receiver for ten seconds.
const SETTLES: Duration = Duration::from_secs(60);
/// Sessions that start programs at once, and programs of each.
const BUSY: u32 = 8;
const EACH: u32 = 500;
const GO: &str = "/tmp/go";
/// As the kernel names the parts of `VmRSS`.
const PARTS: [&str; 4] = ["VmRSS", "RssAnon", "RssFile", "RssShmem"];

pub(crate) fn rows(runs: usize) -> Vec<Row> {
    let recorded = Recorded::fresh();
    let recording = &recorded.recording;
    let host = &recording.world.host;
    let recorder = host.path(&format!("/proc/{}", recording.recorder_pid()));
    let mut certificate = Fresh::of(&recording.world);
    // One session and one listing, so that what a recorder needs once is not counted as a session's.
    drop(crowd::open(host, 1, || certificate.next().clone()));
    let none = memory(&recorder);
    let members = crowd::open(host, SESSIONS, || certificate.next().clone());
    let mut sessions: Vec<Watched> = members.iter().map(|member| Watched::of(recording, member)).collect();

    let (wakes, threads) = wakes_while_idle(&recorder);
    let many = memory(&recorder);
    let text = |memory: [u64; 4]| {
        let [_, anonymous, file, shared] = memory;
        format!("anonymous {anonymous}, files {file}, shared {shared} kB")
    };
    #[allow(clippy::cast_precision_loss, reason = "a process's memory")]
    let megabytes = many[0] as f64 * 1024.0 / 1e6;
    let mut rows = vec![
        Row::alone("recorder with 200 idle sessions, resident", format!("{megabytes:.1} MB"), 1)
            .beside(text(many), format!("{} kB: {} (no session)", none[0], text(none)))
            .within("≤ 20 MB", megabytes <= 20.0),
        Row::alone("its wake-ups in 30 s", wakes.to_string(), 1)
            .beside(format!("{threads} threads"), String::new())
            .within("0", wakes == 0),
    ];
    rows.push(programs_a_second(runs, &recorded, &mut certificate));

    let start = Instant::now();
    let mut jit = Running::start(recording.jit_command(["end", "--all", "--reason", "measured"]), b"");
    deadline::until("all sessions are gone", || {
        sessions.retain_mut(|session| !session.is_gone(host));
        sessions.is_empty()
    });
    let gone = start.elapsed();
    deadline::until("`jit end --all` comes back", || jit.has_ended());
    drop(jit.finish().ok());
    rows.push(Row::alone("`jit end --all` until the last of 200 sessions is gone", duration(gone), 1));
    rows
}

/// What the kernel says of a process, in kB: each of [`PARTS`].
fn memory(process: &std::path::Path) -> [u64; 4] {
    let status = std::fs::read_to_string(process.join("status")).expect("reads the recorder's status");
    PARTS.map(|part| {
        let line = status.lines().find_map(|line| line.strip_prefix(part)?.strip_prefix(':'));
        let number = line.and_then(|line| line.trim().strip_suffix(" kB"));
        number.and_then(|number| number.parse().ok()).expect("a number of kB")
    })
}

/// How often its threads have gone to sleep so far, and how many there are.
fn sleeps(process: &std::path::Path) -> (u64, usize) {
    let threads: Vec<PathBuf> = std::fs::read_dir(process.join("task"))
        .expect("reads the recorder's threads")
        .flatten()
        .map(|thread| thread.path().join("status"))
        .collect();
    let of_one = |path: &PathBuf| {
        let status = std::fs::read_to_string(path).expect("reads a thread's status");
        let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        line.and_then(|number| number.trim().parse::<u64>().ok()).expect("a number of switches")
    };
    (threads.iter().map(of_one).sum(), threads.len())
}

fn wakes_while_idle(process: &std::path::Path) -> (u64, usize) {
    // What is still to be done after the last login: until it has slept two seconds without a break, at most a minute.
    let end = Instant::now() + SETTLES;
    let mut last = (sleeps(process).0, Instant::now());
    while last.1.elapsed() < Duration::from_secs(2) && Instant::now() < end {
        sleep(Duration::from_millis(100));
        let now = sleeps(process).0;
        if now != last.0 {
            last = (now, Instant::now());
        }
    }
    let (before, _) = sleeps(process);
    sleep(IDLE);
    let (after, threads) = sleeps(process);
    (after - before, threads)
}

/// Programs that several sessions start at once, while the idle ones stay.
fn programs_a_second(runs: usize, recorded: &Recorded, certificate: &mut Fresh<'_>) -> Row {
    let host = &recorded.recording.world.host;
    let words = format!("echo ready; exec forks 1 {EACH} /bin/true {GO}");
    let mut together = |ours: bool| {
        recorded.with_us(ours);
        // A client's folder must be there as long as its ssh.
        let (clients, running): (Vec<Client>, Vec<Running>) = (0..BUSY)
            .map(|_| {
                let client = Client::new(host, ACCOUNT, certificate.next());
                let running = Running::start(client.ssh(&[], &[&words]), b"");
                (client, running)
            })
            .unzip();
        crowd::all_say("ready", running.iter());
        host.write(GO, "");
        let spans: Vec<_> = running.into_iter().map(|one| span(&one.finish().ok().stdout)).collect();
        drop(clients);
        host.remove(GO);
        let start = spans.iter().map(|(start, _)| *start).min().expect("a span");
        spans.iter().map(|(_, end)| *end).max().expect("a span") - start
    };
    let (mut ours, mut without) = (Vec::new(), Vec::new());
    for _ in 0..runs {
        ours.push(together(true));
        without.push(together(false));
    }
    let [ours, without]: [Times; 2] = [ours, without].map(|times| times.into_iter().collect());
    let rate = |times: &Times| f64::from(BUSY * EACH) / times.median().as_secs_f64();
    Row::alone(
        "programs a second, 8 sessions at once",
        format!("{:.2} × the time", ours.ratio_to(&without)),
        runs,
    )
    .beside(format!("{:.0} /s", rate(&ours)), format!("{:.0} /s (without us)", rate(&without)))
}

//! Programs started in a recorded session beside the same programs in the same sshd without us: what the gate, the durable
//! record and the kernel's copy cost.

use std::cell::RefCell;

use e2e::client::Client;
use e2e::world::ACCOUNT;

use crate::fresh::Fresh;
use crate::measure::in_turns;
use crate::recorded::Recorded;
use crate::row::Row;

/// Programs of one run.
pub(crate) const PROGRAMS: u64 = 2_000;

/// Lines whose way to the disk is timed.
const LINES: usize = 1_000;

/// The loop in C.
pub(crate) const LOOP: &str = "exec forks 1 2000 /bin/true";

/// The same behind a gate that is no recorder.
const FLOOR: &str = "exec floor 2000 /bin/true /var/lib/floor/line";

/// What is timed: its words on the host, and what the table calls it.
const SHAPES: [(&str, &str); 3] = [
    (LOOP, "2,000 × fork and exec of `/bin/true`"),
    ("exec forks 8 250 /bin/true", "the same from 8 loops at once"),
    ("exec forks 1 1 /usr/local/bin/sh-loop", "the same from a loop of `sh`"),
];

/// 2,000 programs one after the other, as a shell starts them.
const SH_LOOP: &str = "\
#!/bin/sh
i=0
while [ $i -lt 2000 ]; do /bin/true; i=$((i + 1)); done
";

pub(crate) fn rows(runs: usize) -> Vec<Row> {
    let recorded = Recorded::fresh();
    recorded.recording.world.host.put_text("/usr/local/bin/sh-loop", SH_LOOP);
    let mut rows: Vec<Row> =
        SHAPES.into_iter().map(|(words, what)| beside_the_same_sshd(runs, &recorded, words, what)).collect();
    // The budget is for the first: several loops wait for the disk together, and `sh` starts programs without a copy of itself.
    rows = rows.into_iter().enumerate().map(|(n, row)| if n == 0 { row } else { row.unlimited() }).collect();
    rows.push(floor(runs, &recorded));
    let what = "2,000 programs, the spool in memory: what is not the disk's";
    rows.push(beside_the_same_sshd(runs, &Recorded::in_memory(), LOOP, what).unlimited());
    let [line] = in_turns(LINES, [&mut || recorded.timed_durable_line()]);
    rows.push(Row::spread(&format!("one durable line on this disk ({})", recorded.file_system()), &line));
    rows
}

/// The least that a gate can cost which waits for this disk before each program.
fn floor(runs: usize, recorded: &Recorded) -> Row {
    drop(recorded.recording.world.host.run(["install", "-d", "-o", ACCOUNT, "/var/lib/floor"]).ok());
    recorded.with_us(false);
    let certificate = RefCell::new(Fresh::of(&recorded.recording.world));
    let client = || Client::new(&recorded.recording.world.host, ACCOUNT, certificate.borrow_mut().next());
    let [least, without] =
        in_turns(runs, [&mut || Recorded::timed(&client(), FLOOR), &mut || Recorded::timed(&client(), LOOP)]);
    let what = "2,000 programs behind a gate that writes one durable line and does nothing else";
    Row::ratio(what, &least, ("the same sshd without us", &without), 1.25).unlimited()
}

fn beside_the_same_sshd(runs: usize, recorded: &Recorded, words: &str, what: &str) -> Row {
    let world = &recorded.recording.world;
    let certificate = RefCell::new(Fresh::of(world));
    let client = |ours: bool| {
        recorded.with_us(ours);
        Client::new(&world.host, ACCOUNT, certificate.borrow_mut().next())
    };
    let [ours, without] = in_turns(
        runs,
        [&mut || recorded.timed_recorded(&client(true), words, PROGRAMS), &mut || {
            Recorded::timed(&client(false), words)
        }],
    );
    Row::ratio(what, &ours, ("the same sshd without us", &without), 1.25)
}

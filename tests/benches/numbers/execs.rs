//! Programs started in a recorded session beside the same programs in the same sshd without us: what the gate, the durable
//! record and the kernel's copy cost.

use e2e::client::Client;
use e2e::world::ACCOUNT;

use crate::fresh::Fresh;
use crate::measure::in_turns;
use crate::recorded::Recorded;
use crate::row::Row;

/// Programs of one run.
pub(crate) const PROGRAMS: u64 = 2_000;

/// The loop in C.
pub(crate) const LOOP: &str = "exec forks 1 2000 /bin/true";

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
    let world = &recorded.recording.world;
    world.host.put_text("/usr/local/bin/sh-loop", SH_LOOP);
    let mut certificate = Fresh::of(world);
    let mut rows = Vec::new();
    for (number, (words, what)) in SHAPES.into_iter().enumerate() {
        let certificate = std::cell::RefCell::new(&mut certificate);
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
        let row = Row::ratio(what, &ours, ("the same sshd without us", &without), 1.25);
        // The budget is for one loop: with several the disk is waited for together.
        rows.push(if number == 0 { row } else { row.unlimited() });
    }
    let [line] = in_turns(PROGRAMS as usize, [&mut || recorded.timed_durable_line()]);
    rows.push(Row::spread(&format!("one durable line on this disk ({})", recorded.file_system()), &line));
    rows
}

//! kill -9 of the recorder, and the next one finds a full disk: a program whose line was on the disk by then runs under
//! that line, the others are told that there is no room, and no number is used twice.

use std::collections::BTreeSet;

use e2e::authority::Request;
use e2e::booted::host::Host;
use e2e::booted::records::Records;
use e2e::booted::world::World;
use e2e::deadline::{self, SOON};
use e2e::process::Running;

use crate::a_killed_recorder_loses_nothing::lines;

const RECORDER: &str = "jit-recorder.service";
const LOOPS: usize = 8;
const KILLS: usize = 10;
/// Records between two of them.
const BETWEEN: usize = 100;
/// Segments so small that a new one is soon needed.
const SMALL: &str = "segment_kib = 64\n";
/// A disk for the records alone, large enough for all that the loops run between the kills.
const DISK: &str = "mount -t tmpfs -o size=200m,mode=755 tmpfs /var/lib/jit";
/// Fills it to the last byte before the next recorder starts, but not before the first.
const FILL: &str = "\
[Service]
ExecStartPre=+-/bin/sh -c 'test ! -e /run/full || cat /dev/zero >/var/lib/jit/filler'
";

fn on_a_disk_of_its_own(host: &Host) {
    drop(host.script(&format!("mkdir -p /var/lib/jit && {DISK}"), []).ok());
    host.install();
}

#[test]
fn ten_kills_before_a_full_disk_refuse_or_record_each_program_and_number_none_twice() {
    let world = World::with(SMALL, on_a_disk_of_its_own);
    world.host.edit_unit(RECORDER, FILL);
    world.host.put("/run/full", "", 0o644);
    let client = world.client(&world.granted(&Request::default()));
    // A word of the shell's own says which programs did not run.
    let script = format!(
        "for n in $(seq {LOOPS}); do (i=0; until test -e /tmp/enough; do /bin/true $n $((++i)) 2>/dev/null || echo $n $i; done; echo last $n $i) & done; wait"
    );
    let loops = Running::start(client.ssh(&[], &[&script]), b"");
    let session = world.host.session_of(&client);
    for _ in 0..KILLS {
        let before = lines(&world, &session);
        world.host.wait(SOON, "programs run", || lines(&world, &session) >= before + BETWEEN);
        let killed = world.host.main_process(RECORDER);
        drop(world.host.run(["kill", "-KILL", &killed.to_string()]).ok());
        world.host.wait(SOON, "the next recorder runs", || {
            let main = world.host.main_process(RECORDER);
            main != killed && world.host.is_active(RECORDER)
        });
        let refused = loops.so_far().0.len();
        world.host.wait(SOON, "programs are refused", || loops.so_far().0.len() > refused);
        drop(world.host.run(["rm", "/var/lib/jit/filler"]).ok());
    }
    drop(world.host.script("touch /tmp/enough && ls -l /tmp/enough", []).ok());
    let said = loops.finish().ok().stdout;

    let close = world.host.close_of(&session, SOON);
    let records = Records::of(&world.host);
    assert_eq!(records.action("recorder.start").count(), KILLS + 2, "one more for the edited unit");
    let commands = records.commands(&session);
    assert_eq!(records.repetitions(&session), 0, "no number twice");
    let numbers: BTreeSet<u64> = commands.iter().map(|command| command.seq).collect();
    assert_eq!(numbers.len(), commands.len());
    assert_eq!(close["jit"]["commands"], commands.len(), "{close}");

    // Each program of each loop: it ran and is recorded, or was refused; one that was recorded and refused says so.
    let mut refused = BTreeSet::new();
    let mut last = Vec::new();
    for line in said.lines() {
        match line.split(' ').collect::<Vec<_>>()[..] {
            ["last", n, i] => last.push((n.to_owned(), i.parse::<usize>().expect("a number"))),
            [n, i] => drop(refused.insert(vec!["/bin/true".to_owned(), n.to_owned(), i.to_owned()])),
            _ => panic!("{line}"),
        }
    }
    assert_eq!(last.len(), LOOPS, "{said}");
    let ran: Vec<_> = last
        .iter()
        .flat_map(|(n, end)| (1..=*end).map(|i| vec!["/bin/true".to_owned(), n.clone(), i.to_string()]))
        .filter(|argv| !refused.contains(argv))
        .collect();
    let recorded: BTreeSet<_> = commands.iter().map(|command| &command.argv).collect();
    let missing: Vec<_> = ran.iter().filter(|argv| !recorded.contains(argv)).collect();
    assert!(missing.is_empty(), "they ran unrecorded: {missing:?}");
    let both: Vec<_> = commands
        .iter()
        .filter(|command| refused.contains(&command.argv) && command.outcome != "failure")
        .map(|command| &command.record)
        .collect();
    assert!(both.is_empty(), "recorded as run, and refused: {both:#?}");
    assert_eq!(deadline::poll(SOON, || world.host.is_active(RECORDER).then_some(())), Some(()));
}

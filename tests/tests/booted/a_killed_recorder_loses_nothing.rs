//! kill -9 of the recorder, twenty times, while eight loops start 20,000 programs: every one of them ran, and every one
//! is recorded once.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use e2e::authority::Request;
use e2e::booted::records::Records;
use e2e::booted::world::World;
use e2e::deadline;
use e2e::process::Running;

const LOOPS: usize = 8;
const EACH: usize = 2_500;
const KILLS: usize = 20;
/// Enough for a slow machine that is busy with other tests.
const LIMIT: Duration = Duration::from_secs(400);

const RECORDER: &str = "jit-recorder.service";

#[test]
fn twenty_kills_during_20_000_executions_lose_no_command_and_repeat_none() {
    let world = World::new();
    let client = world.client(&world.granted(&Request::default()));
    let script = format!(
        "for n in $(seq {LOOPS}); do (for ((i = 1; i <= {EACH}; i++)); do /bin/true $n $i || echo failed $n $i: $?; done) & done; wait; echo all-done"
    );
    let started = Instant::now();
    let mut loops = Running::start(client.ssh(&[], &[&script]), b"");
    let session = world.host.session_of(&client);

    // Spread over the work: the next kill comes when another share of it is recorded.
    let mut killed = world.host.main_process(RECORDER);
    for number in 1..=KILLS {
        let share = LOOPS * EACH * number / (KILLS + 2);
        let reached =
            deadline::poll(LIMIT, || (loops.has_ended() || lines(&world, &session) >= share).then_some(()));
        assert!(
            reached.is_some() && !loops.has_ended(),
            "the loops run while the recorder is killed, kill {number}: {:?}",
            loops.so_far()
        );
        drop(world.host.run(["kill", "-KILL", &killed.to_string()]).ok());
        let before = killed;
        world.host.wait(deadline::SOON, "the next recorder runs", || {
            killed = world.host.main_process(RECORDER);
            killed != before && world.host.is_active(RECORDER)
        });
    }
    let ended = deadline::poll(LIMIT, || loops.has_ended().then_some(()));
    assert!(ended.is_some(), "the loops end: {:?}", loops.so_far());
    println!("{} executions with {KILLS} kills took {:?}", LOOPS * EACH, started.elapsed());
    let outcome = loops.finish().ok();
    assert_eq!(outcome.stdout, "all-done\n", "no command failed: {outcome:?}");

    let close = world.host.close_of(&session, Duration::from_secs(60));
    assert_eq!(close["jit"]["reason"], "logout", "{close}");
    let records = Records::of(&world.host);
    let commands = records.commands(&session);
    let trues: Vec<_> = commands
        .iter()
        .filter(|command| command.argv.first().is_some_and(|word| word == "/bin/true"))
        .collect();
    assert_eq!(trues.len(), LOOPS * EACH, "as many records as executions");
    assert_eq!(records.repetitions(&session), 0, "lines of the spool that are there twice");
    let mut each: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for command in &trues {
        each.entry(&command.argv[1]).or_default().push(command.argv[2].parse().expect("a number"));
    }
    for (number, order) in each {
        assert_eq!(
            order,
            (1..=EACH).collect::<Vec<_>>(),
            "loop {number}: each once, in the order in which it ran"
        );
    }
    let numbers: Vec<u64> = commands.iter().map(|command| command.seq).collect();
    assert_eq!(numbers, (1..=commands.len() as u64).collect::<Vec<_>>(), "no gap");
    assert_eq!(close["jit"]["commands"], commands.len(), "{close}");
    assert_eq!(records.action("recorder.start").count(), KILLS + 1);
    let unknown = commands.iter().filter(|command| command.outcome == "unknown").count();
    assert!(
        unknown <= KILLS * 64,
        "the kernel tells of all but what ran while no recorder was there: {unknown}"
    );
}

/// How many commands of the session are recorded, without parsing them.
pub(crate) fn lines(world: &World, session: &str) -> usize {
    let mut count = 0;
    for entry in std::fs::read_dir(world.host.path("/var/lib/jit/spool")).into_iter().flatten().flatten() {
        let text = std::fs::read(entry.path()).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        count += text
            .lines()
            .filter(|line| line.contains("\"session.command\"") && line.contains(session))
            .count();
    }
    count
}

//! Two hundred sessions at once on one host: all recorded, all ended together by one order.

use std::time::{Duration, Instant};

use e2e::authority::Request;
use e2e::booted::records::Records;
use e2e::booted::world::World;
use e2e::deadline;
use e2e::process::Running;

const SESSIONS: usize = 200;
/// Logins that are under way at one time: two hundred handshakes at once are a test of the processor.
const AT_ONCE: usize = 20;
const LIMIT: Duration = Duration::from_secs(240);

#[test]
fn two_hundred_sessions_are_recorded_and_end_within_a_second_of_the_order() {
    let world = World::new();
    let client = world.client(&world.granted(&Request::default()));
    let mut running: Vec<Running> = Vec::new();
    let open = || Records::of(&world.host).sessions(&client);
    let started = Instant::now();
    while running.len() < SESSIONS {
        let share = AT_ONCE.min(SESSIONS - running.len());
        for number in running.len()..running.len() + share {
            running.push(client.start(&format!("/bin/echo {number}; exec /bin/sleep 1000")));
        }
        let all_said = deadline::poll(LIMIT, || {
            running.iter_mut().for_each(|one| assert!(!one.has_ended(), "{:?}", one.so_far()));
            running.iter().all(|one| !one.so_far().0.is_empty()).then_some(())
        });
        assert!(all_said.is_some(), "{} sessions open", open().len());
    }
    println!("{SESSIONS} sessions were open after {:?}", started.elapsed());
    let sessions = open();
    assert_eq!(sessions.len(), SESSIONS);
    let memory =
        world.host.read(&format!("/proc/{}/status", world.host.main_process("jit-recorder.service")));
    println!("the recorder: {}", memory.lines().find(|line| line.starts_with("VmRSS")).unwrap_or_default());

    let ended = world.host.run(["jit", "end", "--all", "--reason", "incident 12"]).ok();
    assert!(ended.stdout.contains("200 sessions ended"), "{ended:?}");
    let records = Records::of(&world.host);
    let mut worst = 0;
    for session in &sessions {
        let close =
            records.close(session).unwrap_or_else(|| panic!("{session} is closed when `jit end` returns"));
        assert_eq!(close["jit"]["reason"], "ended_by", "{close}");
        assert_eq!(close["jit"]["proved"], true, "{close}");
        worst = worst.max(close["jit"]["lateness_ms"].as_u64().unwrap_or(u64::MAX));
        let commands = records.commands(session);
        assert_eq!(close["jit"]["commands"], commands.len(), "{close}");
        assert_eq!(commands.len(), 3, "bash, echo, sleep: {commands:#?}");
    }
    println!("the last process of the last session was gone {worst} ms after the order");
    assert!(worst <= 1000, "{worst} ms");
}

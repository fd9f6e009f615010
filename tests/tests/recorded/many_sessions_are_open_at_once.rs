//! Many sessions at once: each is recorded for itself, all are listed, and one order ends them all.

use e2e::authority::Request;
use e2e::deadline;
use e2e::process::Running;
use e2e::recording::Recording;

/// Sessions at once.
const COUNT: usize = 200;
/// Logins at once.
const AT_ONCE: usize = 20;

#[test]
fn two_hundred_sessions_are_recorded_listed_and_ended() {
    let recording = Recording::fresh();
    let identity = recording.world.granted(&Request::default());
    let sleeps = || recording.spool_text().matches("ran: sleep 1000\"").count();
    let mut clients = Vec::new();
    for number in 0..COUNT {
        let client = recording.world.client(&identity);
        let words = format!("/bin/true session-{number}; exec sleep 1000");
        let running = Running::start(client.ssh(&[], &[&words]), b"");
        clients.push((client, running));
        // sshd gives a login half a minute, which two hundred at once would not keep on a busy machine.
        if clients.len() % AT_ONCE == 0 {
            deadline::until("these are in", || sleeps() == clients.len());
        }
    }
    let open = recording.open_sessions();
    assert_eq!(open.len(), COUNT);
    assert!(open.iter().all(|session| session["commands"] == 3), "{open:#?}");

    let ended = recording.jit(["end", "--all", "--reason", "maintenance"]).ok();
    assert_eq!(ended.stdout, format!("{COUNT} sessions ended\n"));
    assert_eq!(recording.open_sessions().len(), 0);
    let closes = recording.records("session.close");
    assert_eq!(closes.len(), COUNT);
    for close in &closes {
        assert_eq!(close["jit"]["commands"], 3, "{close}");
        assert!(close["jit"]["lateness_ms"].as_u64() <= Some(1_000), "{close}");
    }
    let counted = recording.counted();
    assert!(counted.len() == COUNT && counted.values().all(|count| *count == 3), "{counted:?}");
    for (client, running) in clients {
        let session = recording.session(&client);
        assert!(
            session.lines().iter().any(|line| line.starts_with("/bin/true session-")),
            "{:?}",
            session.lines()
        );
        drop(running.finish());
    }
}

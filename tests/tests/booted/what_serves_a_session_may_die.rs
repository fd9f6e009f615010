//! sshd, its monitor and the client can die; the session is recorded to its end all the same, and does end.

use std::time::Duration;

use e2e::authority::Request;
use e2e::booted::records::Records;
use e2e::booted::world::World;
use e2e::deadline::{self, SOON};

use crate::busy::{Busy, request};

#[test]
fn a_monitor_that_is_killed_takes_its_session_with_it() {
    let world = World::new();
    let mut busy = Busy::open(&world, &request("30m"));
    let monitor = busy.processes().into_iter().find(|process| {
        let status = world.host.read(&format!("/proc/{}/status", process.pid));
        process.name == "sshd" && status.lines().any(|line| line.starts_with("Uid:\t0\t0"))
    });
    let monitor = monitor.expect("the monitor belongs to the session").pid;
    let killed = std::time::Instant::now();
    drop(world.host.run(["kill", "-KILL", &monitor.to_string()]).ok());
    let late = busy.gone_after(killed, SOON, |busy| busy.processes().len());
    println!("all of it was gone {late:?} after its monitor");
    busy.assert_client_is_cut_off();
    let close = world.host.close_of(&busy.session, SOON);
    assert_eq!(close["jit"]["reason"], "recorder_lost", "{close}");
    assert_eq!(close["jit"]["proved"], true, "{close}");
}

#[test]
fn a_restart_of_sshd_and_a_lost_client_end_no_recording() {
    let world = World::new();
    let client = world.client(&world.granted(&Request::default()));
    let mut shell = client.open_shell(&[], "/bin/echo one-$((40 + 1))\n");
    let shows = |shell: &e2e::booted::client::OpenShell, text: &str| {
        let shown = deadline::poll(SOON, || shell.screen().contains(text).then_some(()));
        assert!(shown.is_some(), "{text} in:\n{}", shell.screen());
    };
    shows(&shell, "one-41");
    drop(world.host.run(["systemctl", "restart", "ssh.service"]).ok());
    shell.types("/bin/echo two-$((40 + 2))\n");
    shows(&shell, "two-42");

    // What is detached goes on without its client, and is recorded; the session is over when the last of it is.
    shell.types("(trap '' HUP; setsid nohup sh -c 'until [ -e /tmp/enough ]; do /bin/sleep 0.2; done; /bin/echo last' >/dev/null 2>&1 </dev/null) & sleep 1; echo three-$((40 + 3))\n");
    shows(&shell, "three-43");
    let session = world.host.session_of(&client);
    drop(shell);
    let detached =
        || world.host.run(["jit", "sessions", "--json"]).ok().stdout.contains("\"detached\": true");
    world.host.wait(SOON, "the session goes on without its connection", detached);
    assert!(Records::of(&world.host).close(&session).is_none());
    world.host.put("/tmp/enough", "", 0o644);
    let close = world.host.close_of(&session, SOON);
    assert_eq!(close["jit"]["reason"], "logout", "{close}");
    let commands = Records::of(&world.host).commands(&session);
    for argv in [&["/bin/echo", "one-41"][..], &["/bin/echo", "two-42"], &["/bin/echo", "last"]] {
        assert!(commands.iter().any(|command| command.argv == argv), "{argv:?} in {commands:#?}");
    }
    assert_eq!(close["jit"]["commands"], commands.len());
}

#[test]
fn a_revoked_list_that_is_replaced_ends_the_sessions_it_names_within_a_second() {
    let world = World::new();
    let mut busy = Busy::open(&world, &request("30m"));
    // Another grant's session goes on.
    let other = e2e::booted::client::Client::new(
        &world.host,
        "acme-two",
        &world.granted_to(
            &world.max,
            &Request { person: "acme/max".into(), ..Request::default() }.as_account("acme-two"),
        ),
    );
    let mut shell = other.open_shell(&[], "echo here-$((40 + 4))\n");
    world.host.wait(SOON, "the other session is open", || shell.screen().contains("here-44"));

    drop(world.authority.ca(["revoke", "--person", "acme/jo", "--reason", "left the company"]).ok());
    let list = world.authority.revoked();
    let renamed = std::time::Instant::now();
    world.host.put("/etc/jit/revoked", list, 0o644);
    let late = busy.gone_after(renamed, Duration::from_secs(1), |busy| busy.processes().len());
    println!("all of it was gone {late:?} after the list was replaced");
    assert!(late <= Duration::from_secs(1), "{late:?}");
    busy.assert_client_is_cut_off();
    assert!(
        busy.shell.screen().contains("this session is over: your grant was revoked"),
        "{}",
        busy.shell.screen()
    );
    let close = world.host.close_of(&busy.session, SOON);
    assert_eq!(close["jit"]["reason"], "revoked", "{close}");

    shell.types("echo still-here-$((40 + 5))\n");
    world.host.wait(SOON, "the other session goes on", || shell.screen().contains("still-here-45"));
    assert!(!shell.has_ended());
}

#[test]
fn a_recorder_that_was_away_tells_a_killed_monitor_from_a_logout() {
    let world = World::new();
    let identity = world.granted(&Request::default());
    // Two sessions with something detached.
    let open = |number: u32| {
        let client = world.client(&identity);
        let mut shell = client.open_shell(&[], "");
        shell.types(&format!(
            "(setsid nohup /bin/sleep {number} >/dev/null 2>&1 </dev/null) & sleep 0.5; echo there-$((40 + 2))\n"
        ));
        world.host.wait(SOON, "something is detached", || shell.screen().contains("there-42"));
        let session = world.host.session_of(&client);
        (shell, session)
    };
    let ((leaves, stays), (cut, killed)) = (open(1_001), open(1_002));
    let state = |session: &str| {
        let words = ["sh", "-c", "cat /var/lib/jit/sessions/*.$1.json", "sh", session];
        let text = world.host.run(words).ok().stdout;
        serde_json::from_str::<serde_json::Value>(&text).expect("the session's file")
    };
    let monitor = |session: &str| state(session)["handover"]["monitor"].to_string();
    let gone = |pid: &str| !world.host.has(&format!("/proc/{pid}"));
    let sleeps = |number: u32| world.host.run(["pgrep", "-f", &format!("sleep {number}")]).succeeded();

    // While the recorder does nothing one connection ends in good order, of the other one the monitor is killed.
    let recorder = world.host.main_process("jit-recorder.service").to_string();
    drop(world.host.run(["kill", "-STOP", &recorder]).ok());
    let (of_stays, of_killed) = (monitor(&stays), monitor(&killed));
    drop(leaves);
    world.host.wait(SOON, "the connection has ended", || gone(&of_stays));
    drop(world.host.run(["kill", "-KILL", &of_killed]).ok());
    world.host.wait(SOON, "the monitor is gone", || gone(&of_killed));
    drop(world.host.run(["kill", "-KILL", &recorder]).ok());
    let swept = world.host.run(["jit", "sweep"]).ok().stdout;
    assert!(!swept.contains("ended session"), "a recorder that is replaced is no reason: {swept}");

    let close = world.host.close_of(&killed, SOON);
    assert_eq!(close["jit"]["reason"], "recorder_lost", "{close}");
    assert!(!sleeps(1_002));
    drop(cut);
    let detached = || world.host.run(["jit", "sessions", "--json"]).ok().stdout;
    world.host.wait(SOON, "the other one goes on", || detached().contains("\"detached\": true"));
    // It was heard, and the next recorder knows it too.
    let second = world.host.main_process("jit-recorder.service").to_string();
    drop(world.host.run(["kill", "-KILL", &second]).ok());
    world.host.wait(SOON, "a third recorder answers", || {
        let now = world.host.main_process("jit-recorder.service").to_string();
        now != second && now != "0" && detached().contains("\"detached\": true")
    });
    assert!(sleeps(1_001) && Records::of(&world.host).close(&stays).is_none());
    drop(world.host.run(["jit", "end", &stays, "--reason", "seen"]).ok());
    assert_eq!(world.host.close_of(&stays, SOON)["jit"]["reason"], "ended_by");
}

#[test]
fn one_session_at_a_time_is_one_also_after_a_kill_of_the_recorder() {
    let world = World::new();
    let identity = world.granted(&Request::default().with("--sessions", "1"));
    let client = world.client(&identity);
    let shell = client.open_shell(&[], "/bin/echo one-$((40 + 1))\n");
    world.host.wait(SOON, "the session is open", || shell.screen().contains("one-41"));
    for _ in 0..3 {
        let before = world.host.main_process("jit-recorder.service");
        drop(world.host.run(["kill", "-KILL", &before.to_string()]).ok());
        // Who comes while there is none waits for the next, which knows.
        let second = world.client(&identity).exec("/bin/echo in");
        assert!(!second.succeeded() && !second.stdout.ends_with("in\n"), "{second:?}");
        let told = second.refusals();
        assert!(told.len() == 1 && told[0].contains("1 session(s) at one time"), "{told:?}");
        world.host.wait(SOON, "the next recorder runs", || {
            let now = world.host.main_process("jit-recorder.service");
            now != before && world.host.is_active("jit-recorder.service")
        });
    }
    assert!(!shell.screen().is_empty());
    drop(shell);
    let session = world.host.session_of(&client);
    assert_eq!(world.host.close_of(&session, SOON)["jit"]["reason"], "logout");
    drop(world.client(&identity).exec("/bin/echo in").ok());
}

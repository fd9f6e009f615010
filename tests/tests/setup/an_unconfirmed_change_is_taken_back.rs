//! Nobody confirms, or nobody can: the terminal is gone, the process is killed. And the three ways to confirm.

use std::process::Command;

use e2e::deadline;
use e2e::process::{Running, clean, program, run};
use e2e::world::{HOST, World};

use crate::fresh::{INCLUDE, admin_enters, assert_same, etc, host, is_set_up, setup};

/// `jit setup --wait SECONDS`, through a shell that leaves its process id. Whoever runs the tests may ignore SIGHUP (nohup).
fn waiting(world: &World, seconds: &str) -> Running {
    let mut command = world.host.command("sh");
    command.args([
        "-c",
        "echo $$ >/run/waiting; exec env --default-signal=HUP /usr/bin/jit setup --wait \"$1\" --host \"$2\"",
        "sh",
        seconds,
    ]);
    command.arg(HOST);
    let running = Running::start(command, b"");
    deadline::until("it is live", || running.so_far().0.contains("live for "));
    running
}

fn restored_by_itself(world: &World, signal: &str) {
    let before = etc(&world.host);
    let running = waiting(world, "5");
    is_set_up_for_vendors(world);
    let pid = world.host.read("/run/waiting");
    drop(world.host.run(["kill", signal, pid.trim()]).ok());
    // nsenter hands the signal on by its exit code only, where it ignores it itself: so by what was not said any more.
    let ended = running.finish();
    assert!(!ended.succeeded() && ended.stderr.is_empty(), "it was ended: {ended:?}");
    admin_enters(world, "while nobody waits any more");
    deadline::until("every byte is back", || etc(&world.host) == before);
    admin_enters(world, "restored");
}

fn is_set_up_for_vendors(world: &World) {
    assert!(world.host.read("/etc/pam.d/sshd").contains("pam_jit.so"));
    assert!(world.host.has("/etc/ssh/sshd_config.d/50-pam-jit.conf"));
}

#[test]
fn not_confirmed_in_time_every_byte_is_restored() {
    let world = host(INCLUDE);
    let before = etc(&world.host);
    let outcome = waiting(&world, "5").finish();
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    assert!(outcome.stderr.contains("error: not confirmed: everything is as before"), "{outcome:?}");
    assert_same(&before, &etc(&world.host), "not confirmed");
    admin_enters(&world, "not confirmed");
}

#[test]
fn killed_while_it_waits_every_byte_is_restored_by_itself() {
    restored_by_itself(&host(INCLUDE), "-KILL");
}

#[test]
fn with_the_terminal_gone_every_byte_is_restored_by_itself() {
    restored_by_itself(&host(INCLUDE), "-HUP");
}

#[test]
fn confirmed_from_another_terminal_it_stays() {
    let world = host(INCLUDE);
    let running = waiting(&world, "30");
    admin_enters(&world, "before it is confirmed");
    drop(setup(&world, ["--confirm"]).ok());
    assert!(running.finish().ok().stdout.contains("confirmed: the host is set up"));
    is_set_up(&world, "confirmed");
    let late = setup(&world, ["--confirm"]);
    assert_eq!(late.code, Some(1));
    assert!(late.stderr.contains("error: nothing waits to be confirmed\nhint: "), "{late:?}");
}

#[test]
fn taken_back_from_another_terminal_it_is_gone_at_once() {
    let world = host(INCLUDE);
    let before = etc(&world.host);
    let running = waiting(&world, "30");
    drop(setup(&world, ["--restore"]).ok());
    assert_eq!(running.finish().code, Some(1));
    assert_same(&before, &etc(&world.host), "taken back");
}

fn read_only(world: &World, folder: &str) {
    drop(world.host.run(["mount", "--bind", folder, folder]).ok());
    drop(world.host.run(["mount", "-o", "remount,bind,ro", folder]).ok());
}

#[test]
fn a_restoration_that_failed_is_tried_again() {
    let world = host(INCLUDE);
    let before = etc(&world.host);
    let running = waiting(&world, "30");
    for folder in ["/etc/ssh/sshd_config.d", "/etc/pam.d"] {
        read_only(&world, folder);
        let failed = setup(&world, ["--restore"]);
        assert_eq!(failed.code, Some(1), "{failed:?}");
        assert!(failed.stderr.contains("Read-only file system"), "{failed:?}");
        admin_enters(&world, "restored in part");
        drop(world.host.run(["umount", folder]).ok());
    }
    drop(setup(&world, ["--restore"]).ok());
    assert_eq!(running.finish().code, Some(1));
    assert_same(&before, &etc(&world.host), "restored by the next one");

    // And by itself, with nobody there.
    let running = waiting(&world, "5");
    read_only(&world, "/etc/pam.d");
    let pid = world.host.read("/run/waiting");
    drop(world.host.run(["kill", "-KILL", pid.trim()]).ok());
    drop(running.finish());
    deadline::until("sshd's part is restored", || !world.host.has("/etc/ssh/sshd_config.d/50-pam-jit.conf"));
    admin_enters(&world, "restored in part");
    drop(world.host.run(["umount", "/etc/pam.d"]).ok());
    deadline::until("every byte is back", || etc(&world.host) == before);
}

#[test]
fn one_file_that_can_not_be_put_back_keeps_no_other_from_it() {
    let world = host(INCLUDE);
    let before = etc(&world.host);
    let running = waiting(&world, "600");
    // What a link leads to is somebody else's.
    drop(world.host.run(["sh", "-c", "cd /etc/pam.d && mv su su.real && ln -s su.real su"]).ok());
    for round in ["the first", "the second"] {
        let failed = setup(&world, ["--restore"]);
        assert_eq!(failed.code, Some(1), "{round}: {failed:?}");
        assert!(failed.stderr.contains("error: /etc/pam.d/su is no plain file"), "{round}: {failed:?}");
        assert!(!world.host.has("/etc/ssh/sshd_config.d/50-pam-jit.conf"), "{round}");
        for file in ["sshd", "login", "cron"] {
            assert!(
                !world.host.read(&format!("/etc/pam.d/{file}")).contains("pam_jit.so"),
                "{round}: {file}"
            );
        }
        admin_enters(&world, round);
        let confirmed = setup(&world, ["--confirm"]);
        assert_eq!(confirmed.code, Some(1), "{round}: {confirmed:?}");
        let says = "error: the change is being taken back, and a part of it is gone already\nhint: ";
        assert!(confirmed.stderr.contains(says), "{round}: {confirmed:?}");
    }
    drop(world.host.run(["mv", "/etc/pam.d/su.real", "/etc/pam.d/su"]).ok());
    drop(setup(&world, ["--restore"]).ok());
    assert_eq!(running.finish().code, Some(1));
    assert_same(&before, &etc(&world.host), "every file can be put back");
}

#[test]
fn what_can_not_be_taken_back_is_told_in_the_log_and_on_the_terminal() {
    let world = host(INCLUDE);
    let before = etc(&world.host);
    let running = waiting(&world, "5");
    drop(world.host.run(["sh", "-c", "cd /etc/pam.d && mv su su.real && ln -s su.real su"]).ok());
    let outcome = running.finish();
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    let says = "/etc/pam.d/su is no plain file; it is tried again every 10 s, until it succeeds";
    assert!(outcome.stderr.contains(says), "{outcome:?}");
    drop(world.host.wait_for_log("why it is not taken back", |line| line.contains(says)));
    drop(world.host.run(["mv", "/etc/pam.d/su.real", "/etc/pam.d/su"]).ok());
    deadline::until("every byte is back by itself", || etc(&world.host) == before);
}

#[test]
fn a_taking_back_that_was_killed_half_way_is_not_confirmed() {
    let world = host(INCLUDE);
    let before = etc(&world.host);
    // Once sshd's block is out, and in the middle of the PAM lines.
    for (call, count) in [("kill", "1"), ("rename", "4")] {
        let running = waiting(&world, "600");
        let mut killed = world.host.command(&program("strace", "strace"));
        killed.args(["-qq", "-o", "/dev/null", "-e", &format!("trace={call}")]);
        killed.args(["-e", &format!("inject={call}:signal=SIGKILL:when={count}")]);
        killed.args(["/usr/bin/jit", "setup", "--restore"]);
        assert_eq!(run(killed).code, None, "{call}");
        let confirmed = setup(&world, ["--confirm"]);
        assert_eq!(confirmed.code, Some(1), "{call}: {confirmed:?}");
        assert!(confirmed.stderr.contains("error: the change is being taken back"), "{call}: {confirmed:?}");
        admin_enters(&world, call);
        drop(setup(&world, ["--restore"]).ok());
        assert_eq!(running.finish().code, Some(1));
        assert_same(&before, &etc(&world.host), call);
    }
}

#[test]
fn confirmed_in_the_last_moment_it_is_not_said_to_be_taken_back() {
    let world = host(INCLUDE);
    let running = waiting(&world, "5");
    let started = std::time::Instant::now();
    let pid = world.host.read("/run/waiting");
    // It looks neither at the state nor at the clock until its time is over.
    drop(world.host.run(["kill", "-STOP", pid.trim()]).ok());
    drop(setup(&world, ["--confirm"]).ok());
    deadline::until("its time is over", || started.elapsed().as_secs() > 5);
    // nsenter stops with it, and lets it go on.
    let mut goes_on = clean(program("kill", "procps"));
    goes_on.args(["-CONT", &running.pid().to_string()]);
    drop(run(goes_on).ok());
    let outcome = running.finish().ok();
    assert!(outcome.stdout.contains("confirmed: the host is set up\n"), "{outcome:?}");
    is_set_up(&world, "confirmed in the last moment");
}

/// On a terminal of its own (script(1)), with `typed` at its keyboard.
fn typed(world: &World, typed: &str) -> Running {
    let mut command: Command = world.host.command(&program("script", "bsdutils"));
    command.args(["--quiet", "--return", "--command", "/usr/bin/jit setup --wait 20", "/dev/null"]);
    Running::start(command, typed.as_bytes())
}

#[test]
fn a_yes_on_the_terminal_confirms_and_a_no_takes_back() {
    let world = host(INCLUDE);
    let before = etc(&world.host);
    assert_eq!(typed(&world, "no\n").finish().code, Some(1));
    assert_same(&before, &etc(&world.host), "no was typed");
    drop(typed(&world, "what?\nyes\n").finish().ok());
    is_set_up(&world, "yes was typed");
}

#[test]
fn what_an_administrator_edits_meanwhile_is_kept() {
    let world = host(INCLUDE);
    let running = waiting(&world, "30");
    let edited = world.host.read("/etc/pam.d/su") + "# edited\n";
    world.host.write("/etc/pam.d/su", edited.clone());
    let bare: String = edited.lines().scan(false, without_block).flatten().collect();
    drop(setup(&world, ["--restore"]).ok());
    assert_eq!(running.finish().code, Some(1));
    assert_eq!(world.host.read("/etc/pam.d/su"), bare);
}

/// A second reading of what a block is, independent of the product's.
#[allow(clippy::unnecessary_wraps, reason = "the shape that `scan` wants")]
fn without_block(inside: &mut bool, line: &str) -> Option<Option<String>> {
    if line.starts_with("# BEGIN jit-host") {
        *inside = true;
    }
    let kept = (!*inside).then(|| format!("{line}\n"));
    if line == "# END jit-host" {
        *inside = false;
    }
    Some(kept)
}

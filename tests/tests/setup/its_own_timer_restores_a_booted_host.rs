//! On a whole Debian with its own process 1: the trial login is a unit, sshd is reloaded as one, and what restores is a
//! timer; after a power cut, a unit at boot.

use std::time::Duration;

use e2e::authority::Request;
use e2e::booted::world::World;
use e2e::deadline::SOON;
use e2e::process::Running;
use e2e::world::{ACCOUNT, HOST};

use crate::unpacked::{SCOPES, contents, is_bare, kill, live, no_timer_is_left, setup};

/// How long process 1 waits for what ignores SIGTERM in a session.
fn patience(world: &World) -> String {
    let show = "systemctl show --value --property=TimeoutStopUSec session-$(cat /proc/self/sessionid).scope";
    world.admin().exec(show).ok().stdout.trim().to_owned()
}

#[test]
fn a_host_is_set_up_records_a_vendors_session_and_is_bare_again() {
    let world = World::unpacked();
    let before = contents(&world);
    let patient = patience(&world);
    let authority = world.authority.fingerprint().to_owned();
    let done = setup(&world, ["--yes", "--host", HOST, "--authority", &authority]).ok();
    assert!(done.stdout.contains("trial login: root gets in\n"), "{done:?}");
    assert!(done.stdout.contains("ssh.service was reloaded\n"), "{done:?}");
    assert!(!done.stdout.contains("\nstarted "), "units that nobody has enabled stay as they are: {done:?}");
    world.admin_enters();
    assert_ne!(patient, "1s");
    assert_eq!(patience(&world), "1s", "process 1 knows the drop-in");
    world.host.add_vendor_account(ACCOUNT);
    world.publish();
    let units =
        ["systemctl", "enable", "--now", "jit-recorder.socket", "jit-recorder.service", "jit-sweep.timer"];
    drop(world.host.run(units).ok());
    world.host.wait(SOON, "the recorder runs", || world.host.is_active("jit-recorder.service"));
    let check = world.host.run(["jit", "check"]);
    assert!(check.succeeded(), "{check:?}");

    let jo = world.granted(&Request::default());
    let client = world.client(&jo);
    assert_eq!(client.exec("id -un").ok().stdout, format!("{ACCOUNT}\n"));
    drop(world.host.close_of(&world.host.session_of(&client), SOON));
    assert!(!world.client(&world.jo).exec("id -un").succeeded(), "a plain key is no way in");

    // An open session ends before what guards it is taken out.
    let open = Running::start(client.ssh(&[], &["sleep 1000"]), b"");
    world.host.wait(SOON, "a session is open", || world.host.run(["jit", "sessions"]).stdout.contains("S-"));
    let removed = setup(&world, ["--remove", "--purge"]).ok();
    assert!(removed.stdout.contains("1 session ended\n"), "{removed:?}");
    assert!(!open.finish().succeeded());
    assert_eq!(contents(&world), before);
    assert!(!world.host.has("/etc/jit") && !world.host.has(SCOPES));
    assert_eq!(patience(&world), patient);
    world.admin_enters();
    let failed =
        world.host.run(["systemctl", "list-units", "--all", "--no-legend", "jit-setup-*", "run-*"]).stdout;
    assert!(
        !failed.contains("jit-setup-restore-") && !failed.contains("sshd-jit-trial"),
        "nothing is left: {failed}"
    );
}

#[test]
fn killed_while_it_waits_the_timer_restores_every_byte() {
    let world = World::unpacked();
    let before = contents(&world);
    let running = live(&world, "8");
    kill(&world, running);
    world.admin_enters();
    world.host.wait(Duration::from_secs(60), "every byte is back", || is_bare(&world, &before));
    world.admin_enters();
    no_timer_is_left(&world);
}

#[test]
fn after_a_power_cut_a_change_that_was_not_confirmed_is_taken_back_before_sshd_starts() {
    let mut world = World::unpacked();
    let before = contents(&world);
    let running = live(&world, "3600");
    world.host.crash();
    drop(running.finish());
    assert!(is_bare(&world, &before), "{}", world.host.journal("jit-setup-restore.service"));
    world.admin_enters();
    let order =
        "systemctl show --property=ActiveEnterTimestampMonotonic,InactiveEnterTimestampMonotonic --value";
    let at = |unit: &str| -> Vec<u64> {
        let shown = world.host.script(&format!("{order} {unit}"), []).ok().stdout;
        shown.lines().filter_map(|line| line.parse().ok()).filter(|at| *at > 0).collect()
    };
    let (restored, started) = (at("jit-setup-restore.service"), at("ssh.service"));
    assert!(!restored.is_empty() && !started.is_empty(), "both ran: {restored:?} {started:?}");
    assert!(restored.iter().max() <= started.iter().min(), "{restored:?} before {started:?}");
}

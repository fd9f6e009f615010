//! On a whole Debian with its own process 1: the trial login is a unit, sshd is reloaded as one, and what restores is a
//! timer; after a power cut, a unit at boot.

use std::time::Duration;

use e2e::authority::Request;
use e2e::booted::world::World;
use e2e::deadline::SOON;
use e2e::process::{Outcome, Running, run};
use e2e::world::{ACCOUNT, HOST};

const FILES: [&str; 6] = [
    "/etc/pam.d/sshd",
    "/etc/pam.d/su",
    "/etc/pam.d/login",
    "/etc/pam.d/cron",
    "/etc/pam.d/sudo",
    "/etc/ssh/sshd_config",
];

/// Where the drop-in for the scopes of sessions lies.
const SCOPES: &str = "/etc/systemd/system/session-.scope.d";

fn setup<const N: usize>(world: &World, words: [&str; N]) -> Outcome {
    let mut command = world.host.command("/usr/bin/jit");
    command.arg("setup").args(words);
    run(command)
}

fn contents(world: &World) -> Vec<Vec<u8>> {
    let read = |file: &&str| std::fs::read(world.host.path(file)).expect("reads a file of the host");
    FILES.iter().map(read).collect()
}

fn is_bare(world: &World, before: &[Vec<u8>]) -> bool {
    contents(world) == before
        && !world.host.has("/etc/ssh/sshd_config.d/50-pam-jit.conf")
        && !world.host.has(SCOPES)
        && !world.host.has("/etc/jit")
        && !world.host.read("/etc/group").contains("jit-vendors")
}

/// How long process 1 waits for what ignores SIGTERM in a session.
fn patience(world: &World) -> String {
    let show = "systemctl show --value --property=TimeoutStopUSec session-$(cat /proc/self/sessionid).scope";
    world.admin().exec(show).ok().stdout.trim().to_owned()
}

fn admin_enters(world: &World) {
    assert_eq!(world.admin().exec("id -un").ok().stdout, "ada\n");
}

/// Starts a set-up that nobody will confirm, and waits until it is live.
fn live(world: &World, seconds: &str) -> Running {
    let mut command = world.host.command("sh");
    command.args(["-c", "echo $$ >/run/waiting; exec /usr/bin/jit setup --wait \"$1\" --host \"$2\"", "sh"]);
    command.args([seconds, HOST]);
    let running = Running::start(command, b"");
    world.host.wait(SOON, "it is live", || running.so_far().0.contains("live for "));
    running
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
    admin_enters(&world);
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
    admin_enters(&world);
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
    let pid = world.host.read("/run/waiting");
    drop(world.host.run(["kill", "-KILL", pid.trim()]).ok());
    drop(running.finish());
    admin_enters(&world);
    world.host.wait(Duration::from_secs(60), "every byte is back", || is_bare(&world, &before));
    admin_enters(&world);
    world.host.wait(SOON, "the timer is gone", || {
        world
            .host
            .run(["systemctl", "list-units", "--all", "--no-legend", "jit-setup-restore-*"])
            .stdout
            .is_empty()
    });
}

#[test]
fn after_a_power_cut_a_change_that_was_not_confirmed_is_taken_back_before_sshd_starts() {
    let mut world = World::unpacked();
    let before = contents(&world);
    let running = live(&world, "3600");
    world.host.crash();
    drop(running.finish());
    assert!(is_bare(&world, &before), "{}", world.host.journal("jit-setup-restore.service"));
    admin_enters(&world);
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

//! A recorder that cannot start keeps vendors out and nobody else; one that hangs is replaced, and its sessions go on.

use e2e::authority::Request;
use e2e::booted::records::Records;
use e2e::booted::world::World;
use e2e::deadline::{self, SOON};

const RECORDER: &str = "jit-recorder.service";

#[test]
fn a_recorder_that_cannot_start_delays_no_boot_and_no_administrator() {
    let mut world = World::new();
    let good = world.host.read("/etc/jit/host.toml");
    world.host.put("/etc/jit/host.toml", format!("{good}nonsense = 1\n"), 0o644);
    // It waits until the boot is through.
    world.host.reboot();
    let failed = world.host.run(["systemctl", "is-active", RECORDER]).stdout;
    assert_ne!(failed.trim(), "active");
    drop(world.admin().exec("true").ok());
    let client = world.client(&world.granted(&Request::default()));
    assert!(!client.exec("true").succeeded(), "a vendor does not get in");

    // With the file repaired it comes back by itself.
    world.host.put("/etc/jit/host.toml", good, 0o644);
    world.host.wait(SOON, "the recorder is back", || world.host.is_active(RECORDER));
    let client = world.client(&world.granted(&Request::default()));
    drop(client.exec("true").ok());
}

#[test]
fn a_recorder_that_hangs_is_replaced_and_an_idle_one_is_left_alone() {
    let world = World::new();
    world.host.edit_unit(RECORDER, "[Service]\nWatchdogSec=2s\n");
    let idle = world.host.main_process(RECORDER);
    let client = world.client(&world.granted(&Request::default()));
    let mut shell = client.open_shell(&[], "/bin/echo one-$((40 + 1))\n");
    let shows = |shell: &e2e::booted::client::OpenShell, text: &str| {
        let shown = deadline::poll(SOON, || shell.screen().contains(text).then_some(()));
        assert!(shown.is_some(), "{text} in:\n{}", shell.screen());
    };
    shows(&shell, "one-41");
    // Three times what the watchdog waits for.
    drop(world.host.run(["sleep", "6"]).ok());
    assert_eq!(world.host.main_process(RECORDER), idle, "an idle recorder says that it lives");

    drop(world.host.run(["kill", "-STOP", &idle.to_string()]).ok());
    shell.types("/bin/echo two-$((40 + 2))\n");
    shows(&shell, "two-42");
    assert_ne!(world.host.main_process(RECORDER), idle, "the hanging one was killed");
    drop(world.host.run(["systemctl", "restart", RECORDER]).ok());
    shell.types("/bin/echo three-$((40 + 3))\nexit\n");
    shows(&shell, "three-43");
    let session = world.host.session_of(&client);
    let close = world.host.close_of(&session, SOON);
    assert_eq!(close["jit"]["reason"], "logout", "{close}");
    let commands = Records::of(&world.host).commands(&session);
    for argv in [["/bin/echo", "one-41"], ["/bin/echo", "two-42"], ["/bin/echo", "three-43"]] {
        let found = commands.iter().filter(|command| command.argv == argv).count();
        assert_eq!(found, 1, "{argv:?} once in {commands:#?}");
    }
    assert_eq!(close["jit"]["commands"], commands.len(), "{close}");
}

//! A whole Debian with its own process 1, the packages' files on it and nothing set up; and what `jit setup` does there.

use e2e::booted::world::World;
use e2e::deadline::SOON;
use e2e::process::{Outcome, Running, run};
use e2e::world::HOST;

const FILES: [&str; 6] = [
    "/etc/pam.d/sshd",
    "/etc/pam.d/su",
    "/etc/pam.d/login",
    "/etc/pam.d/cron",
    "/etc/pam.d/sudo",
    "/etc/ssh/sshd_config",
];

/// Where the drop-in for the scopes of sessions lies.
pub(crate) const SCOPES: &str = "/etc/systemd/system/session-.scope.d";

/// `jit setup` with these words more.
#[track_caller]
pub(crate) fn setup<const N: usize>(world: &World, words: [&str; N]) -> Outcome {
    let mut command = world.host.command("/usr/bin/jit");
    command.arg("setup").args(words);
    run(command)
}

/// The bytes of the files that it changes.
pub(crate) fn contents(world: &World) -> Vec<Vec<u8>> {
    let read = |file: &&str| std::fs::read(world.host.path(file)).expect("reads a file of the host");
    FILES.iter().map(read).collect()
}

/// Those bytes, and nothing that it makes.
pub(crate) fn is_bare(world: &World, before: &[Vec<u8>]) -> bool {
    contents(world) == before
        && !world.host.has("/etc/ssh/sshd_config.d/50-pam-jit.conf")
        && !world.host.has(SCOPES)
        && !world.host.has("/etc/jit")
        && !world.host.read("/etc/group").contains("jit-vendors")
}

/// Starts a set-up that nobody will confirm, and waits until it is live. Its process is in `/run/waiting`.
pub(crate) fn live(world: &World, seconds: &str) -> Running {
    let mut command = world.host.command("sh");
    command.args(["-c", "echo $$ >/run/waiting; exec /usr/bin/jit setup --wait \"$1\" --host \"$2\"", "sh"]);
    command.args([seconds, HOST]);
    let running = Running::start(command, b"");
    world.host.wait(SOON, "it is live", || running.so_far().0.contains("live for "));
    running
}

/// Kills the set-up that waits.
pub(crate) fn kill(world: &World, running: Running) {
    let pid = world.host.read("/run/waiting");
    drop(world.host.run(["kill", "-KILL", pid.trim()]).ok());
    drop(running.finish());
}

/// Waits until the timers that restore are gone.
#[track_caller]
pub(crate) fn no_timer_is_left(world: &World) {
    world.host.wait(SOON, "the timer is gone", || {
        let list = ["systemctl", "list-units", "--all", "--no-legend", "jit-setup-restore-*"];
        world.host.run(list).stdout.is_empty()
    });
}

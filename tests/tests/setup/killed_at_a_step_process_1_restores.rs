//! `kill -9` in the middle of a change on a booted host, and nobody comes back to it: process 1 restores every byte, by a timer
//! or, after a restart, by the unit at boot; and the administrator's login works all the while.

use std::time::Duration;

use e2e::booted::world::World;
use e2e::process::run;
use e2e::world::HOST;

use crate::unpacked::{contents, is_bare, kill, live, no_timer_is_left, setup};

/// Where strace writes, on the host.
const TRACE: &str = "/run/trace";

/// How many renames there are before the first that is live, and how many of those.
struct Renames {
    before: usize,
    live: usize,
}

impl Renames {
    /// Counted in a run that comes to its end; the host is bare again afterwards.
    fn of(world: &World) -> Self {
        let mut command = world.host.command("strace");
        command.args(["-qq", "-o", TRACE, "-e", "trace=rename", "jit", "setup", "--yes", "--host", HOST]);
        drop(run(command).ok());
        drop(setup(world, ["--remove", "--purge"]).ok());
        let trace = world.host.read(TRACE);
        let targets: Vec<&str> = trace.lines().filter_map(|line| line.split('"').nth(3)).collect();
        let is_state = |target: &&str| target.ends_with("/setup/state.json");
        let states: Vec<usize> = (0..targets.len()).filter(|at| is_state(&targets[*at])).collect();
        // The journal, then every file, then that all of it is live.
        let [journal, all, ..] = states.as_slice() else { panic!("the journal is written twice: {trace}") };
        let live = &targets[journal + 1..*all];
        assert!(live.len() > 6 && live.iter().all(|target| target.starts_with("/etc/")), "{trace}");
        Self { before: journal + 1, live: live.len() }
    }

    /// Three steps to be killed before: the first file, one in the middle, and, with sshd reloaded, the word that all is live.
    fn some(&self) -> Vec<usize> {
        [1, self.live / 2 + 1, self.live + 1].map(|step| self.before + step).to_vec()
    }

    /// Every other step, the last one with them.
    fn many(&self) -> Vec<usize> {
        (0..=self.live).rev().step_by(2).map(|step| self.before + step + 1).collect()
    }
}

/// `jit setup`, killed on its way into its rename number `count`: the last of its state is what `strace` leaves.
fn killed(world: &World, count: usize, wait: &str) {
    let mut command = world.host.command("strace");
    command.args(["-qq", "-o", TRACE, "-e", "trace=rename"]);
    command.args(["-e", &format!("inject=rename:signal=SIGKILL:when={count}")]);
    command.args(["jit", "setup", "--wait", wait, "--host", HOST]);
    let outcome = run(command);
    assert!(!outcome.succeeded() && outcome.stderr.is_empty(), "it was killed: {outcome:?}");
    let trace = world.host.read(TRACE);
    assert!(trace.ends_with("+++ killed by SIGKILL +++\n"), "{trace}");
    let state = world.host.read("/var/lib/jit/setup/state.json");
    assert!(state.contains("\"live\": false"), "a change is under way: {state}");
}

/// Which of the files are changed, killed on the way into the rename number `count`: none before the first, sshd's after all of
/// PAM's.
fn is_as_expected(world: &World, before: &[Vec<u8>], renames: &Renames, count: usize) {
    let now = contents(world);
    let changed = now.iter().zip(before).filter(|(now, before)| now != before).count();
    let sshd = world.host.has("/etc/ssh/sshd_config.d/50-pam-jit.conf");
    assert_eq!(sshd, count > renames.before + renames.live, "{count}");
    if count == renames.before + 1 {
        assert_eq!(changed, 0);
    }
    if count > renames.before + renames.live / 2 {
        assert!(changed > 0, "{count}");
    }
    if sshd {
        // sshd's own file needs no change where it includes a folder.
        assert_eq!(changed, before.len() - 1);
    }
}

#[test]
fn killed_at_any_step_the_timer_of_process_1_restores_every_byte() {
    let world = World::unpacked();
    let before = contents(&world);
    let renames = Renames::of(&world);
    assert!(is_bare(&world, &before));
    for count in renames.many() {
        killed(&world, count, "5");
        is_as_expected(&world, &before, &renames, count);
        world.host.wait(Duration::from_secs(60), "every byte is back", || {
            world.admin_enters();
            is_bare(&world, &before)
        });
        world.admin_enters();
        no_timer_is_left(&world);
    }
}

#[test]
fn killed_at_any_step_a_restart_restores_every_byte() {
    let mut world = World::unpacked();
    let before = contents(&world);
    let renames = Renames::of(&world);
    for (step, count) in renames.some().into_iter().enumerate() {
        killed(&world, count, "3600");
        is_as_expected(&world, &before, &renames, count);
        world.admin_enters();
        if step == 1 {
            world.host.reboot();
        } else {
            world.host.crash();
        }
        assert!(is_bare(&world, &before), "{}", world.host.journal("jit-setup-restore.service"));
        world.admin_enters();
    }
}

#[test]
fn the_unit_at_boot_has_all_that_it_needs_beside_a_running_sshd_too() {
    let world = World::unpacked();
    // A file of somebody else's, with rights of its own.
    let facts = || world.host.run(["stat", "-c", "%U:%G %a", "/etc/pam.d/su"]).ok().stdout;
    drop(world.host.script("chown ada:shadow /etc/pam.d/su && chmod 440 /etc/pam.d/su", []).ok());
    let (before, owned) = (contents(&world), facts());
    let running = live(&world, "3600");
    kill(&world, running);
    world.admin_enters();
    drop(world.host.run(["systemctl", "start", "jit-setup-restore.service"]).ok());
    let said = world.host.journal("jit-setup-restore.service");
    assert!(is_bare(&world, &before), "{said}");
    // Not a word more: sshd was told, and so was process 1.
    let words: Vec<&str> = said
        .lines()
        .filter_map(|line| line.split_once("jit[")?.1.split_once(": "))
        .map(|(_, said)| said)
        .collect();
    assert_eq!(words, ["restored: everything is as before"], "{said}");
    assert_eq!(facts(), owned);
    world.admin_enters();
    no_timer_is_left(&world);
}

//! `kill -9` at each step: strace ends `jit setup` on its way into the system call that would have been the next step. The
//! administrator's login works each time, and whatever is done next brings a sound state.

use e2e::deadline;
use e2e::process::{Outcome, program, run};
use e2e::world::{HOST, World};

use crate::fresh::{
    INCLUDE, admin_enters, assert_same, etc, host, is_set_up, setup, setup_yes, without_group,
};

/// No run makes one of these calls more often.
const MOST: usize = 100;

/// `jit setup WORDS`, killed at its `count`th `call`.
fn killed(world: &World, call: &str, count: usize, words: &[&str]) -> Outcome {
    let mut command = world.host.command(&program("strace", "strace"));
    command.args(["-qq", "-o", "/dev/null", "-e", &format!("trace={call}")]);
    command.args(["-e", &format!("inject={call}:signal=SIGKILL:when={count}")]);
    command.args(["/usr/bin/jit", "setup"]).args(words);
    run(command)
}

/// Kills `jit setup WORDS` at each `call`, and lets `next` bring order: nothing of ours is on the host then. `first` makes
/// the host ready for each round.
fn at_each(world: &World, call: &str, words: &[&str], first: impl Fn(), next: impl Fn(&str)) {
    let before = etc(&world.host);
    for count in 1..MOST {
        let when = format!("{words:?} killed at {call} number {count}");
        first();
        let outcome = killed(world, call, count, words);
        if outcome.code == Some(0) {
            // It came to its end: every such call was hit.
            assert!(count > 1, "{words:?} never calls {call}");
            return;
        }
        assert_eq!(outcome.code, None, "{when}: {outcome:?}");
        admin_enters(world, &when);
        next(&when);
        admin_enters(world, &when);
        assert_same(&before, &etc(&world.host), &when);
    }
    panic!("{call} is called more than {MOST} times");
}

fn installing(world: &World, call: &str, next: impl Fn(&str)) {
    let words = ["--yes", "--host", HOST, "--authority", world.authority.fingerprint()];
    at_each(world, call, &words, || {}, next);
}

fn remove(world: &World) {
    drop(setup(world, ["--remove", "--purge"]).ok());
}

#[test]
fn killed_before_each_rename_setting_up_again_repairs() {
    let world = host(INCLUDE);
    installing(&world, "rename", |when| {
        drop(setup_yes(&world).ok());
        is_set_up(&world, when);
        remove(&world);
    });
}

#[test]
fn killed_before_each_sync_removal_takes_everything_out() {
    let world = host(INCLUDE);
    without_group(&world.host);
    installing(&world, "fsync", |_| remove(&world));
}

#[test]
fn killed_before_each_other_step_what_was_changed_is_restored() {
    let world = host(INCLUDE);
    for call in ["mkdir", "unlink", "kill"] {
        installing(&world, call, |_| drop(setup(&world, ["--restore"]).ok()));
        remove(&world);
    }
}

#[test]
fn removal_that_was_killed_comes_to_its_end_when_it_is_run_again() {
    let world = host(INCLUDE);
    for call in ["rename", "unlink", "kill"] {
        let set_up = || drop(setup_yes(&world).ok());
        at_each(&world, call, &["--remove", "--purge"], set_up, |_| remove(&world));
    }
}

#[test]
fn killed_in_the_middle_of_the_change_every_byte_comes_back_by_itself() {
    let world = host(INCLUDE);
    let before = etc(&world.host);
    let live = || world.host.read("/etc/pam.d/sshd").contains("pam_jit.so");
    // Of all renames those from the first that is live on: the count differs with what has to be saved.
    let killed_live = (1..MOST).any(|count| {
        let outcome = killed(&world, "rename", count, &["--yes", "--wait", "5"]);
        assert_eq!(outcome.code, None, "it was killed before it came to its end: {outcome:?}");
        if !live() {
            drop(setup(&world, ["--restore"]).ok());
            return false;
        }
        true
    });
    assert!(killed_live, "it is killed while its lines are live");
    admin_enters(&world, "killed in the middle of the change");
    deadline::until("the lines are gone by themselves", || !live());
    deadline::until("every byte is back", || etc(&world.host) == before);
    admin_enters(&world, "restored by itself");
}

//! On a whole Debian with its own process 1: steps that fail, sshd that does not come back from a reload, and what outlives a
//! restart; the administrator's login works each time.

use std::time::Duration;

use e2e::booted::world::World;
use e2e::process::Outcome;
use e2e::world::HOST;

use crate::unpacked::{contents, is_bare, kill, live, no_timer_is_left, setup};

const DROP_IN: &str = "/etc/ssh/sshd_config.d/50-pam-jit.conf";

/// It ended with this sentence.
#[track_caller]
fn fails(outcome: &Outcome, says: &str) {
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    assert!(outcome.stderr.starts_with("error: ") && outcome.stderr.contains(says), "{says}\n{outcome:?}");
}

/// What ssh.service does when it is told to reload, besides testing its configuration.
fn reload_is(world: &World, command: &str) {
    world.host.put(
        "/etc/systemd/system/ssh.service.d/reload.conf",
        format!("[Service]\nExecReload=\nExecReload={command}\nRestart=no\n"),
        0o644,
    );
    drop(world.host.run(["systemctl", "daemon-reload"]).ok());
}

fn reload_is_as_ever(world: &World) {
    drop(world.host.script("rm -r /etc/systemd/system/ssh.service.d && systemctl daemon-reload", []).ok());
}

#[test]
fn without_a_timer_that_would_restore_nothing_is_changed() {
    let world = World::unpacked();
    let before = contents(&world);
    // Trial logins are started in the same way: only the timer is refused.
    let wrapper = "#!/bin/sh\ncase \"$*\" in *--on-active*) echo 'Failed to start transient timer unit' >&2; exit 1 ;; esac\nexec /usr/bin/systemd-run.real \"$@\"\n";
    drop(world.host.run(["mv", "/usr/bin/systemd-run", "/usr/bin/systemd-run.real"]).ok());
    world.host.put("/usr/bin/systemd-run", wrapper, 0o755);
    let outcome = setup(&world, ["--yes", "--host", HOST]);
    fails(
        &outcome,
        "systemd does not take the timer that would restore: Failed to start transient timer unit; everything is as before",
    );
    assert!(outcome.stdout.contains("trial login: root gets in\n"), "{outcome:?}");
    assert!(is_bare(&world, &before));
    world.admin_enters();
    no_timer_is_left(&world);
    drop(world.host.run(["mv", "/usr/bin/systemd-run.real", "/usr/bin/systemd-run"]).ok());
    drop(setup(&world, ["--yes", "--host", HOST]).ok());
    world.admin_enters();
}

#[test]
fn an_sshd_that_ends_when_it_is_told_to_reload_is_started_again_with_the_files_of_before() {
    let world = World::unpacked();
    let before = contents(&world);
    reload_is(&world, "/bin/kill -TERM $MAINPID");
    let outcome = setup(&world, ["--yes", "--host", HOST]);
    fails(
        &outcome,
        "ended when it was told to reload; everything is as before; ssh.service had ended, and was started again",
    );
    assert!(is_bare(&world, &before));
    assert!(world.host.is_active("ssh.service"));
    world.admin_enters();
    no_timer_is_left(&world);
}

#[test]
fn an_sshd_that_does_not_listen_anew_keeps_the_pam_lines_until_it_does() {
    let world = World::unpacked();
    let before = contents(&world);
    reload_is(&world, "/bin/true");
    let outcome = setup(&world, ["--wait", "5", "--host", HOST]);
    fails(&outcome, "does not listen anew within 10 s; and taking it back failed: ");
    assert!(outcome.stderr.contains("; it is tried again every 10 s, until it succeeds"), "{outcome:?}");
    // Nobody knows what that sshd has read: the block is out, and the lines are in.
    assert!(!world.host.has(DROP_IN) && world.host.read("/etc/pam.d/sshd").contains("pam_jit.so"));
    world.admin_enters();
    reload_is_as_ever(&world);
    world.host.wait(Duration::from_secs(60), "every byte is back by itself", || is_bare(&world, &before));
    world.admin_enters();
    no_timer_is_left(&world);
}

#[test]
fn after_a_power_cut_a_change_that_made_only_new_files_is_taken_back_too() {
    let mut world = World::unpacked();
    drop(setup(&world, ["--yes", "--host", HOST]).ok());
    let before = contents(&world);
    std::fs::remove_file(world.host.path(DROP_IN)).expect("takes the drop-in away");
    let running = live(&world, "3600");
    assert!(world.host.has(DROP_IN));
    assert_eq!(contents(&world), before, "nothing else was changed");
    world.host.crash();
    drop(running.finish());
    assert!(!world.host.has(DROP_IN), "{}", world.host.journal("jit-setup-restore.service"));
    assert_eq!(contents(&world), before);
    world.admin_enters();
}

#[test]
fn a_host_that_is_set_up_stays_so_through_restarts_and_power_cuts() {
    let mut world = World::unpacked();
    let authority = world.authority.fingerprint().to_owned();
    let running = live(&world, "600");
    drop(setup(&world, ["--confirm"]).ok());
    drop(running.finish().ok());
    drop(setup(&world, ["--yes", "--host", HOST, "--authority", &authority]).ok());
    let set_up = contents(&world);
    for crash in [false, true] {
        if crash {
            world.host.crash();
        } else {
            world.host.reboot();
        }
        assert_eq!(contents(&world), set_up, "crash: {crash}");
        assert!(world.host.has(DROP_IN), "crash: {crash}");
        let skipped = world.host.run([
            "systemctl",
            "show",
            "--property=ConditionResult",
            "--value",
            "jit-setup-restore.service",
        ]);
        assert_eq!(skipped.ok().stdout, "no\n", "nothing waits to be taken back");
        world.admin_enters();
    }
    assert!(setup(&world, ["--yes"]).ok().stdout.starts_with("nothing to change: this host is set up\n"));
}

#[test]
fn a_timer_that_can_not_restore_one_file_restores_the_others_and_says_so_in_the_journal() {
    let world = World::unpacked();
    let before = contents(&world);
    let running = live(&world, "5");
    drop(world.host.script("cd /etc/pam.d && mv su su.real && ln -s su.real su", []).ok());
    kill(&world, running);
    let says = "/etc/pam.d/su is no plain file";
    world.host.wait(Duration::from_secs(60), "the timer's service says why", || {
        let journal = world.host.run(["journalctl", "--no-pager", "--quiet", "--identifier=jit"]);
        journal.stdout.matches(says).count() > 1
    });
    assert!(!world.host.has(DROP_IN) && !world.host.read("/etc/pam.d/sshd").contains("pam_jit.so"));
    world.admin_enters();
    let reloads = || {
        let journal =
            world.host.run(["journalctl", "--no-pager", "--quiet", "--unit=ssh.service"]).ok().stdout;
        journal.matches("Reloaded ssh.service").count()
    };
    assert_eq!(reloads(), 2, "sshd is told once of the change, and once that it is gone");
    drop(world.host.run(["mv", "/etc/pam.d/su.real", "/etc/pam.d/su"]).ok());
    world.host.wait(Duration::from_secs(60), "every byte is back", || is_bare(&world, &before));
    no_timer_is_left(&world);
}

#[test]
fn units_that_had_nothing_to_go_by_are_started_when_it_is_set_up_again() {
    let world = World::unpacked();
    let units = ["jit-recorder.socket", "jit-recorder.service", "jit-sweep.timer", "jit-trust.path"];
    let mut enable = world.host.command("systemctl");
    enable.args(["enable", "--quiet"]).args(units);
    drop(e2e::process::run(enable).ok());
    let first = setup(&world, ["--yes", "--host", HOST]).ok();
    assert!(!first.stdout.contains("\nstarted "), "{first:?}");
    let bundle = world.authority.ca(["host", "bundle", HOST, "-o", "-"]).ok().stdout;
    world.host.put("/root/db1.bundle", bundle, 0o644);
    drop(world.host.run(["jit", "trust", "/root/db1.bundle", "--root", world.authority.fingerprint()]).ok());
    let foretold = setup(&world, ["--dry-run"]).ok().stdout;
    let again = setup(&world, ["--yes"]).ok().stdout;
    assert!(again.starts_with("nothing to change: this host is set up\n"), "{again}");
    for unit in units {
        assert!(world.host.is_active(unit), "{unit}: {again}");
        assert!(foretold.contains(&format!("# systemctl start {unit}\n")), "{foretold}");
    }
    assert!(again.contains("started jit-recorder.socket\n"), "{again}");
    world.admin_enters();
}

//! The path unit: a bundle that any transport drops is applied at once, a wrong one is put aside once, and at boot what was
//! half applied is finished.

use std::time::{Duration, Instant};

use e2e::booted::world::World;
use e2e::deadline::SOON;
use e2e::world::HOST;

use crate::busy::{Busy, request};

const INCOMING: &str = "/var/lib/jit/trust/incoming";

fn bundle(world: &World) -> String {
    world.authority.ca(["host", "bundle", HOST, "-o", "-"]).ok().stdout
}

/// How often the service has run to its end, one way or the other.
fn runs(world: &World) -> usize {
    let journal = world.host.journal("jit-trust.service");
    journal.lines().filter(|line| line.contains("Finished ") || line.contains("Failed to start ")).count()
}

fn enabled() -> World {
    let world = World::new();
    drop(world.host.run(["systemctl", "enable", "--now", "jit-trust.service", "jit-trust.path"]).ok());
    assert!(world.host.has(INCOMING), "the service makes its folders");
    world
}

#[test]
fn a_bundle_that_is_dropped_ends_revoked_sessions_within_a_second() {
    let world = enabled();
    let mut busy = Busy::open(&world, &request("30m"));
    drop(world.authority.ca(["revoke", "--person", "acme/jo", "--reason", "left the company"]).ok());
    let bundle = bundle(&world);
    let dropped = Instant::now();
    world.host.put(&format!("{INCOMING}/today.bundle"), bundle, 0o644);
    let late = busy.gone_after(dropped, Duration::from_secs(1), |busy| busy.processes().len());
    println!("all of it was gone {late:?} after the bundle was dropped");
    assert!(late <= Duration::from_secs(1), "{late:?}");
    busy.assert_client_is_cut_off();
    let close = world.host.close_of(&busy.session, SOON);
    assert_eq!(close["jit"]["reason"], "revoked", "{close}");
    world.host.wait(SOON, "the file is gone", || !world.host.has(&format!("{INCOMING}/today.bundle")));
}

#[test]
fn a_wrong_bundle_is_looked_at_once_and_the_next_right_one_is_applied() {
    let world = enabled();
    let right = bundle(&world);
    let before = runs(&world);
    world.host.put(&format!("{INCOMING}/wrong.bundle"), right.replace("roles: db", "roles: dc"), 0o644);
    let reason = format!("{INCOMING}/wrong.bundle.refused.reason");
    world.host.wait(SOON, "it is refused", || world.host.has(&reason));
    assert!(world.host.read(&reason).contains("does not hold"), "{}", world.host.read(&reason));
    world.host.wait(SOON, "monitoring sees it", || {
        world.host.run(["systemctl", "is-failed", "--quiet", "jit-trust.service"]).succeeded()
    });
    assert!(world.host.journal("jit-trust.service").contains("wrong.bundle: refused: "));

    // Half a second is an age for a unit that starts again and again.
    world.host.put(&format!("{INCOMING}/right.bundle"), &right, 0o644);
    world.host.wait(SOON, "it is applied", || {
        world.host.has("/var/lib/jit/trust/applied") && world.host.read("/var/lib/jit/trust/applied") == right
    });
    assert!(world.host.is_active("jit-trust.path"));
    world.host.wait(SOON, "both runs are in the journal", || runs(&world) >= before + 2);
    assert_eq!(runs(&world), before + 2, "{}", world.host.journal("jit-trust.service"));
}

#[test]
fn what_was_half_applied_is_finished_at_boot() {
    let mut world = enabled();
    let bundle = bundle(&world);
    world.host.put("/var/lib/jit/trust/pending", &bundle, 0o600);
    world.host.crash();
    world.host.wait(SOON, "it is applied", || world.host.has("/var/lib/jit/trust/applied"));
    assert!(!world.host.has("/var/lib/jit/trust/pending"));
    assert_eq!(world.host.read("/var/lib/jit/trust/applied"), bundle);
    let check = world.host.run(["jit", "check"]);
    assert!(check.succeeded(), "{check:?}");
}

/// The service's own clock, an hour behind: the machine has one wall clock, and these tests leave it alone.
const AN_HOUR_BEHIND: &str = "\
[Service]
Environment=FAKETIME=-3600s FAKETIME_DONT_FAKE_MONOTONIC=1
";

#[test]
fn a_bundle_that_came_before_its_time_is_applied_when_the_clock_is_right() {
    let world = enabled();
    drop(world.host.run(["systemctl", "enable", "--now", "jit-trust.timer"]).ok());
    let timer = ["systemctl", "show", "--value", "--property=OnClockChange", "jit-trust.timer"];
    assert_eq!(world.host.run(timer).ok().stdout.trim(), "yes", "set, the clock starts the service");
    let library = world.host.script("ls /usr/lib/*/faketime/libfaketime.so.1", []).ok().stdout;
    world.host.edit_unit("jit-trust.service", &format!("{AN_HOUR_BEHIND}Environment=LD_PRELOAD={library}"));
    let early = bundle(&world);
    let before = runs(&world);
    world.host.put(&format!("{INCOMING}/early.bundle"), &early, 0o644);
    world.host.wait(SOON, "it is put off", || !world.host.has(&format!("{INCOMING}/early.bundle")));
    world.host.wait(SOON, "monitoring sees it", || {
        world.host.run(["systemctl", "is-failed", "--quiet", "jit-trust.service"]).succeeded()
    });
    let said = world.host.journal("jit-trust.service");
    assert!(
        said.contains("too early, and looked at again as") && said.contains("in the future here"),
        "{said}"
    );
    assert!(!world.host.has("/var/lib/jit/trust/applied"));
    assert_eq!(runs(&world), before + 1, "nothing goes round and round: {said}");

    // The clock is right, and the timer's turn comes: it need not be the full hour in a test, nor any moment of the
    // minute after it that suits process 1 (AccuracySec's default).
    world.host.edit_unit("jit-trust.service", "[Service]\nUnsetEnvironment=LD_PRELOAD\n");
    world
        .host
        .edit_unit("jit-trust.timer", "[Timer]\nOnCalendar=*:*:0/1\nAccuracySec=1us\nRandomizedDelaySec=0\n");
    drop(world.host.run(["systemctl", "restart", "jit-trust.timer"]).ok());
    world.host.wait(SOON, "it is applied", || {
        world.host.has("/var/lib/jit/trust/applied") && world.host.read("/var/lib/jit/trust/applied") == early
    });
    assert_eq!(world.host.script(&format!("ls {INCOMING}"), []).ok().stdout, "");
}

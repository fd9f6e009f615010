//! On a terminal a person compares the trust root of a first use, and sees what a later bundle changes.

use e2e::process::{Outcome, Running, program};
use e2e::world::{HOST, World};

use crate::scene::{FILE, bring, bundle, empty, files, trusting};

/// `jit trust` on a terminal on which this is typed.
fn typed(world: &World, words: &str) -> Outcome {
    let _present = program("script", "bsdutils");
    let mut command = world.host.command("script");
    command.args(["-qec", &format!("jit trust {FILE}"), "/dev/null"]);
    Running::start(command, words.as_bytes()).finish()
}

#[test]
fn a_person_who_says_yes_to_the_fingerprint_pins_it_and_nobody_else_does() {
    let world = empty();
    bring(&world, bundle(&world.authority, HOST));
    for no in ["no\n", "y\n", "\n", ""] {
        let outcome = typed(&world, no);
        assert!(!outcome.succeeded(), "{no:?}: {outcome:?}");
        assert_eq!(files(&world).len(), 0, "{no:?}");
    }
    let outcome = typed(&world, "yes\n").ok();
    assert!(
        outcome
            .stdout
            .contains(&format!("the trust root of this bundle is {}", world.authority.fingerprint())),
        "{outcome:?}"
    );
    assert!(outcome.stdout.contains(": applied"), "{outcome:?}");
    assert!(world.host.read("/etc/jit/host.toml").contains(world.authority.fingerprint()));
}

#[test]
fn a_person_sees_what_a_bundle_changes_before_it_does() {
    let world = trusting();
    drop(world.authority.ca(["approver", "end", "lee"]).ok());
    bring(&world, bundle(&world.authority, HOST));
    let before = files(&world);
    let outcome = typed(&world, "no\n");
    assert!(!outcome.succeeded() && outcome.stdout.contains("approver: - lee "), "{outcome:?}");
    assert_eq!(files(&world), before);
    drop(typed(&world, "yes\n").ok());
    assert!(!world.host.read("/etc/jit/approvers").contains("lee"));
}

//! kill -9 before each rename and each flush of `jit trust`: no state in between lets in whom neither the old nor the new
//! bundle lets in, none keeps out whom both let in, and the next run completes it.

use std::collections::{BTreeMap, BTreeSet};

use e2e::authority::Request;
use e2e::identity::Identity;
use e2e::process::{program, run};
use e2e::world::{HOST, OTHER_HOST, World};

use crate::scene::{FILE, bring, bundle, files, trust, trusting};

/// A certificate for `request`, approved by this one, on the host under this name.
fn certificate(world: &World, name: &str, request: &Request, by: (&str, &Identity)) -> String {
    let grant = world.authority.create(request);
    world.authority.approve(&grant, by.0, by.1);
    let identity = world.authority.sign(&grant, &world.jo);
    let text = std::fs::read(identity.certificate.expect("a certificate")).expect("reads it");
    world.host.write(&format!("/root/{name}.cert"), text);
    grant
}

/// Which of the certificates `jit try` would let in at this moment.
fn let_in(world: &World, at: &str) -> BTreeSet<String> {
    let each = "cd /root; for cert in *.cert; do \
                jit try $cert --account acme-support --from 127.0.0.1 --at $0 >/dev/null 2>&1 && echo ${cert%.cert}; \
                done; true";
    world.host.run(["sh", "-c", each, at]).ok().stdout.lines().map(str::to_owned).collect()
}

/// The files as they were, and no other.
fn put_back(world: &World, old: &BTreeMap<String, Vec<u8>>) {
    for name in files(world).keys() {
        world.host.remove(name);
    }
    for (name, bytes) in old {
        world.host.write(name, bytes);
    }
}

#[test]
fn a_killed_trust_is_between_the_old_and_the_new_and_the_next_one_completes_it() {
    let _present = program("strace", "strace");
    let world = trusting();
    // What each is let in by: the old bundle, the new one, both, or neither.
    drop(world.authority.ca(["host", "add", OTHER_HOST, "--role", "cache", "--existing"]).ok());
    let max = Identity::make(world.folder.path(), "max");
    world.authority.appoint("max", &max.public());
    let (plain, role) = (Request::default(), Request::default().at_role("cache"));
    let (kim, lee, max) = (("kim", &world.kim), ("lee", &world.lee), ("max", &max));
    certificate(&world, "both", &plain, kim);
    let revoked = certificate(&world, "old-revoked", &plain, kim);
    certificate(&world, "old-lee", &plain, lee);
    certificate(&world, "old-role", &Request::default().at_role("db"), kim);
    certificate(&world, "new-max", &plain, max);
    certificate(&world, "new-role", &role, kim);
    certificate(&world, "neither-lee-role", &role, lee);
    certificate(&world, "neither-max-role", &Request::default().at_role("db"), max);
    let now = world.host.run(["date", "-u", "+%Y-%m-%dT%H:%M:%SZ"]).ok().stdout.trim().to_owned();
    let named = |heads: [&str; 2]| -> BTreeSet<String> {
        let names = ["both", "old-revoked", "old-lee", "old-role", "new-max", "new-role"];
        names
            .iter()
            .filter(|name| heads.iter().any(|head| name.starts_with(head)))
            .map(|n| (*n).to_owned())
            .collect()
    };
    let (old, new) = (named(["both", "old"]), named(["both", "new"]));
    assert_eq!(let_in(&world, &now), old);

    drop(world.authority.ca(["approver", "end", "lee"]).ok());
    drop(world.authority.ca(["host", "add", HOST, "--role", "cache", "--existing"]).ok());
    drop(world.authority.ca(["revoke", &revoked, "--reason", "over"]).ok());
    let before = files(&world);
    bring(&world, bundle(&world.authority, HOST));
    drop(trust(&world, &[]).ok());
    assert_eq!(let_in(&world, &now), new);
    let after = files(&world);

    let mut states = BTreeSet::new();
    for calls in ["/^rename", "fsync"] {
        for count in 1.. {
            assert!(count < 100, "it ends at last");
            put_back(&world, &before);
            let mut killed = world.host.command("strace");
            killed.args(["-qq", "-o", "/dev/null", "-e", &format!("trace={calls}")]);
            killed.args(["-e", &format!("inject={calls}:signal=KILL:when={count}")]);
            killed.args(["/usr/bin/jit", "trust", FILE]);
            let outcome = run(killed);
            let at = format!("{calls} {count}: {outcome:?}");
            if outcome.succeeded() {
                assert!(count > 8, "every step was met: {at}");
                break;
            }
            let between = let_in(&world, &now);
            let (neither, both): (BTreeSet<_>, BTreeSet<_>) = (&old | &new, &old & &new);
            assert!(between.is_subset(&neither), "{between:?} after {at}");
            assert!(between.is_superset(&both), "{between:?} after {at}");
            states.insert(between);
            if count % 2 == 0 {
                // As jit-trust.service does at boot; where nothing was kept yet, nothing was changed either.
                drop(world.host.run(["mkdir", "-p", "/root/incoming"]).ok());
                drop(world.host.run(["jit", "trust", "--drop", "/root/incoming"]).ok());
                assert!([&old, &new].contains(&&let_in(&world, &now)), "{at}");
            }
            drop(trust(&world, &[]).ok());
            assert_eq!(files(&world), after, "{at}");
        }
    }
    assert!(states.len() > 3, "there is something between: {states:?}");
}

#[test]
fn a_killed_first_use_is_completed_without_asking_again() {
    let world = crate::scene::empty();
    bring(&world, bundle(&world.authority, HOST));
    let mut killed = world.host.command("strace");
    // The fourth rename: the bundle is kept, the revoked list is there, and no host.toml.
    killed.args([
        "-qq",
        "-o",
        "/dev/null",
        "-e",
        "trace=/^rename",
        "-e",
        "inject=/^rename:signal=KILL:when=4",
    ]);
    killed.args(["/usr/bin/jit", "trust", FILE, "--root", world.authority.fingerprint()]);
    assert!(!run(killed).succeeded());
    assert!(world.host.has("/etc/jit/revoked") && !world.host.has("/etc/jit/host.toml"));
    let said = trust(&world, &[]).ok().stdout;
    assert!(said.contains("was applied before"), "{said}");
    assert!(world.host.read("/etc/jit/host.toml").contains(world.authority.fingerprint()));
}

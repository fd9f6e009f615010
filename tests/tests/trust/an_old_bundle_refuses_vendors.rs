//! A host whose host.toml limits the age of its bundle: past it vendors are refused, administrators are not, and
//! `jit check` says so before and after.

use e2e::refusal::{assert_enters, assert_module_refuses};
use e2e::world::{HOST, World};
use e2e::{clock, deadline};
use grant::UnixTime;

use crate::scene::{bring, bundle, client, signed, trust, trusting};

fn set_age(world: &World, age: &str) {
    let text = world.host.read("/etc/jit/host.toml");
    let lines = text.lines().filter(|line| !line.starts_with("trust_max_age"));
    let rest: String = lines.map(|line| format!("{line}\n")).collect();
    world.host.write("/etc/jit/host.toml", format!("trust_max_age = \"{age}\"\n{rest}"));
}

/// The doors of the trust bundle that `jit check` finds open.
fn doors(world: &World) -> Vec<u64> {
    let report = world.host.run(["jit", "check", "--json"]).stdout;
    let report: serde_json::Value = serde_json::from_str(&report).expect("JSON");
    let numbers =
        report["findings"].as_array().expect("findings").iter().filter_map(|f| f["number"].as_u64());
    numbers.filter(|number| (101..200).contains(number)).collect()
}

#[test]
fn past_its_age_a_bundle_refuses_vendors_and_no_administrator() {
    let world = trusting();
    let vendor = client(&world);
    assert_enters(&world.host, &vendor);
    assert_eq!(doors(&world), Vec::<u64>::new());
    set_age(&world, "24h");
    assert_enters(&world.host, &vendor);
    assert_eq!(doors(&world), Vec::<u64>::new());

    set_age(&world, "1s");
    deadline::until("the bundle is older than a second", || doors(&world) == [123]);
    let told = assert_module_refuses(&world.host, &vendor, "trust-too-old");
    assert!(told.contains("what this host knows of revocations is too old: from "), "{told}");
    assert_eq!(world.admin().exec("id -un").ok().stdout, "ada\n");

    // A new one is new.
    set_age(&world, "1h");
    bring(&world, bundle(&world.authority, HOST));
    drop(trust(&world, &[]).ok());
    assert_enters(&world.host, &vendor);

    world.host.remove("/var/lib/jit/trust/applied");
    let told = assert_module_refuses(&world.host, &vendor, "trust-too-old");
    assert!(told.contains("no trust bundle"), "{told}");
    assert_eq!(doors(&world), [123]);
    assert_eq!(world.admin().exec("id -un").ok().stdout, "ada\n");
}

#[test]
fn the_check_finds_a_half_applied_a_damaged_and_a_contradicted_bundle() {
    let world = trusting();
    let applied = world.host.read("/var/lib/jit/trust/applied");
    world.host.write("/var/lib/jit/trust/pending", &applied);
    assert_eq!(doors(&world), [121]);
    world.host.remove("/var/lib/jit/trust/pending");

    world.host.write("/var/lib/jit/trust/applied", &applied[..100]);
    assert_eq!(doors(&world), [124]);
    let refused = trust(&world, &[]);
    assert!(
        refused.code == Some(1) && refused.stderr.contains("/var/lib/jit/trust/applied is damaged"),
        "{refused:?}"
    );
    world.host.write("/var/lib/jit/trust/applied", &applied);

    drop(world.authority.ca(["revoke", "--person", "acme/jo", "--reason", "over"]).ok());
    world.host.write("/etc/jit/revoked", world.authority.revoked());
    assert_eq!(doors(&world), [125]);
}

/// Makes the applied bundle one that is so many days old.
fn made_before(world: &World, days: u64) {
    let applied = world.host.read("/var/lib/jit/trust/applied");
    let text = &applied[..applied.find("-----BEGIN").expect("a signature")];
    let made = text.lines().find(|line| line.starts_with("made: ")).expect("a bundle says when it was made");
    let then = UnixTime::from_secs(clock::now() - days * 86_400);
    let text = text.replace(made, &format!("made: {then}"));
    world.host.write("/var/lib/jit/trust/applied", signed(world, &text));
}

#[test]
fn the_check_says_that_a_bundle_grows_old_before_it_is_too_old() {
    let world = trusting();
    let vendor = client(&world);
    // Without a limit somebody should look after a week.
    made_before(&world, 6);
    assert_eq!(doors(&world), Vec::<u64>::new());
    made_before(&world, 8);
    assert_eq!(doors(&world), [122]);
    // With one, in its last quarter; vendors still enter.
    set_age(&world, "30d");
    assert_eq!(doors(&world), Vec::<u64>::new());
    made_before(&world, 23);
    assert_eq!(doors(&world), [122]);
    assert_enters(&world.host, &vendor);
    made_before(&world, 31);
    assert_eq!(doors(&world), [123]);
}

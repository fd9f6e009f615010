//! What is not this host's newest bundle of its own root is refused, and no byte of the host changes.

use e2e::authority::Authority;
use e2e::refusal::assert_enters;
use e2e::world::{HOST, OTHER_HOST, World};

use crate::scene::{bring, bundle, client, empty, files, signed, trust, trusting};

#[track_caller]
fn refused(world: &World, bundle: impl AsRef<[u8]>, words: &[&str], why: &str) {
    let before = files(world);
    bring(world, bundle);
    let outcome = trust(world, words);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(1), ""), "{outcome:?}");
    let errors: Vec<_> = outcome.stderr.lines().filter(|line| line.starts_with("error: ")).collect();
    assert!(matches!(errors.as_slice(), [one] if one.contains(why)), "{why}: {outcome:?}");
    assert_eq!(files(world), before, "{why}");
}

/// An authority that has what a bundle needs.
fn another() -> Authority {
    let authority = Authority::new();
    let folder = tempfile::tempdir().expect("a scratch folder");
    let key = e2e::identity::Identity::make(folder.path(), "mallory");
    authority.appoint("mallory", &key.public());
    drop(authority.ca(["host", "add", HOST, "--role", "db"]).ok());
    authority
}

#[test]
fn a_bundle_of_another_root_host_or_version_is_refused() {
    let world = trusting();
    refused(&world, bundle(&world.authority, OTHER_HOST), &[], "the bundle is for the host db2.prod");
    let other = another();
    refused(&world, bundle(&other, HOST), &[], "and this host believes SHA256:");
    // Nor by saying so: the pin is in host.toml.
    refused(&world, bundle(&other, HOST), &["--root", other.fingerprint()], "and this host believes SHA256:");

    let (lower, higher) = (bundle(&world.authority, HOST), bundle(&world.authority, HOST));
    bring(&world, &higher);
    drop(trust(&world, &[]).ok());
    refused(&world, &lower, &[], "was applied before");
    assert_enters(&world.host, &client(&world));
}

#[test]
fn a_bundle_that_was_altered_cut_or_never_signed_is_refused() {
    let world = trusting();
    let whole = bundle(&world.authority, HOST);
    let unsigned = world.authority.ca(["host", "bundle", HOST, "--unsigned", "-o", "-"]).ok().stdout;
    refused(&world, &unsigned, &[], "the bundle is not signed");
    for cut in [0, 1, whole.len() / 4, whole.len() / 2, whole.len() - 40, whole.len() - 1] {
        refused(&world, &whole[..cut], &[], "bundle");
    }
    for at in (0..whole.len()).step_by(37) {
        let mut altered = whole.clone().into_bytes();
        altered[at] ^= 1;
        refused(&world, &altered, &[], "bundle");
    }
    refused(&world, whole.replace("host: db1.prod", "host: db2.prod"), &[], "does not hold");
    refused(&world, whole.clone() + "\n", &[], "not in canonical form");
    // It was the bytes: as they were they are applied.
    bring(&world, &whole);
    drop(trust(&world, &[]).ok());
}

#[test]
fn the_same_version_with_other_words_is_refused() {
    let world = trusting();
    // The root signs a second text of the version that was applied: a ledger restored from a backup would.
    let applied = world.host.read("/var/lib/jit/trust/applied");
    let at = applied.find("-----BEGIN").expect("a signature");
    let text = applied[..at].replace("roles: db", "roles: web");
    refused(&world, signed(&world, &text), &[], "said something else");
}

#[test]
fn a_first_use_without_the_roots_fingerprint_is_refused() {
    let world = empty();
    let bundle = bundle(&world.authority, HOST);
    refused(&world, &bundle, &[], "this host has no trust root yet");
    refused(&world, &bundle, &["--yes"], "this host has no trust root yet");
    let other = another();
    refused(&world, &bundle, &["--root", other.fingerprint()], "was asked for");
}

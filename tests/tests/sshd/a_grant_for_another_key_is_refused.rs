//! A grant is for the keys that were enrolled when it was made; a certificate for any other key is refused.

use e2e::authority::Request;
use e2e::identity::Identity;
use e2e::refusal::{assert_module_refuses, assert_sshd_refuses};
use e2e::world::World;

#[test]
fn somebody_elses_certificate_is_no_way_in() {
    let world = World::shared();
    let certificate = world.granted(&Request::default()).certificate.expect("a certificate");
    let eve = Identity::make(world.folder.path(), "eve-thief").with(certificate);
    assert_sshd_refuses(&world.host, &world.client(&eve));
}

#[test]
fn a_certificate_for_a_key_that_the_grant_does_not_list_is_refused() {
    let world = World::shared();
    let forge = world.forge();
    let eve = Identity::make(world.folder.path(), "eve-forger");
    let grant = e2e::forge::grant(forge.fields(&world.jo));
    let certificate = forge.approved(&grant, &[&world.kim], &eve);
    let eve = eve.with_text("eve-forged", &certificate.sign_line(&forge.ca_key));
    assert_module_refuses(&world.host, &world.client(&eve), "key-not-listed");
}

#[test]
fn the_authority_signs_no_key_that_is_not_enrolled() {
    let world = World::shared();
    let grant = world.authority.create(&Request::default());
    world.authority.approve(&grant, "kim", &world.kim);
    let eve = Identity::make(world.folder.path(), "eve-unknown");
    let outcome =
        world.authority.ca(["sign", &grant, "--key", &eve.public().display().to_string(), "-o", "-"]);
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    assert!(outcome.stdout.is_empty() && outcome.stderr.starts_with("error: "), "{outcome:?}");
}

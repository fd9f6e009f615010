//! A window is half-open: before it opens and from the second it closes, nobody enters.

use e2e::clock;
use e2e::forge;
use e2e::refusal::{assert_module_refuses, assert_sshd_refuses};
use e2e::world::World;

#[test]
fn an_expired_certificate_is_refused_by_sshd() {
    let world = World::shared();
    let forge = world.forge();
    let mut certificate = forge.approved(&forge::grant(forge.fields(&world.jo)), &[&world.kim], &world.jo);
    (certificate.valid_after, certificate.valid_before) = (clock::now() - 400, clock::now() - 1);
    assert_sshd_refuses(&world.host, &world.client(&world.forged("expired", &certificate)));
}

#[test]
fn a_certificate_that_is_not_valid_yet_is_refused_by_sshd() {
    let world = World::shared();
    let forge = world.forge();
    let mut certificate = forge.approved(&forge::grant(forge.fields(&world.jo)), &[&world.kim], &world.jo);
    (certificate.valid_after, certificate.valid_before) = (clock::now() + 120, clock::now() + 400);
    assert_sshd_refuses(&world.host, &world.client(&world.forged("not-yet-valid", &certificate)));
}

#[test]
fn a_valid_certificate_of_a_closed_grant_is_refused() {
    let world = World::shared();
    let forge = world.forge();
    let mut fields = forge.fields(&world.jo);
    fields.window = forge::window(clock::now() - 7_200, clock::now() - 1);
    let certificate = forge.approved(&forge::grant(fields), &[&world.kim], &world.jo);
    let told =
        assert_module_refuses(&world.host, &world.client(&world.forged("closed", &certificate)), "closed");
    assert!(told.contains(" closed at ") && told.contains("UTC"), "it says when: {told}");
}

#[test]
fn a_grant_that_is_not_open_yet_is_refused_and_says_when_it_opens() {
    let world = World::shared();
    let forge = world.forge();
    let mut fields = forge.fields(&world.jo);
    fields.window = forge::window(clock::now() + 1_500, clock::now() + 3_000);
    let id = fields.id.clone();
    let certificate = forge.approved(&forge::grant(fields), &[&world.kim], &world.jo);
    let client = world.client(&world.forged("not-yet-open", &certificate));
    let told = assert_module_refuses(&world.host, &client, "not-yet-open");
    assert!(told.starts_with(&format!("access refused: grant {id} opens at ")), "{told}");
    assert!(told.contains("UTC, in 25 minutes") || told.contains("UTC, in 24 minutes"), "{told}");
}

#[test]
fn a_certificate_that_outlives_its_grant_is_refused() {
    let world = World::shared();
    let forge = world.forge();
    let mut fields = forge.fields(&world.jo);
    fields.window = forge::window(clock::now() - 60, clock::now() + 100);
    let mut certificate = forge.approved(&forge::grant(fields), &[&world.kim], &world.jo);
    certificate.valid_before = clock::now() + 300;
    let client = world.client(&world.forged("outlives", &certificate));
    assert_module_refuses(&world.host, &client, "certificate-differs");
}

#[test]
fn a_certificate_that_lives_for_a_day_is_refused() {
    let world = World::shared();
    let forge = world.forge();
    let mut fields = forge.fields(&world.jo);
    fields.window = forge::window(clock::now() - 60, clock::now() + 200_000);
    let mut certificate = forge.approved(&forge::grant(fields), &[&world.kim], &world.jo);
    certificate.valid_before = clock::now() + 86_400;
    let client = world.client(&world.forged("lives-long", &certificate));
    assert_module_refuses(&world.host, &client, "certificate-lives-too-long");
}

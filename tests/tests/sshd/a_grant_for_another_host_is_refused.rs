//! A grant names its hosts; every other host refuses it, sshd first, and the module even where sshd would not.

use e2e::authority::Request;
use e2e::refusal::{assert_module_refuses, assert_refused_everywhere, assert_sshd_refuses};
use e2e::world::{OTHER_HOST, World};

#[test]
fn a_grant_for_another_host_is_refused_by_sshd() {
    let world = World::shared();
    assert_sshd_refuses(&world.host, &world.client(&world.granted(&Request::default().at_host(OTHER_HOST))));
}

#[test]
fn a_grant_for_another_host_is_refused_by_the_module_alone() {
    let world = World::shared_with_module_alone();
    let client = world.client(&world.granted(&Request::default().at_host(OTHER_HOST)));
    let told = assert_module_refuses(&world.host, &client, "other-host");
    assert!(told.contains("db1.prod"), "{told}");
}

#[test]
fn a_grant_for_another_role_is_refused() {
    let world = World::shared();
    assert_sshd_refuses(&world.host, &world.client(&world.granted(&Request::default().at_role("web"))));
    let world = World::shared_with_module_alone();
    let client = world.client(&world.granted(&Request::default().at_role("web")));
    assert_module_refuses(&world.host, &client, "other-host");
}

#[test]
fn a_certificate_that_names_this_host_around_a_grant_for_another_is_refused() {
    assert_refused_everywhere("certificate-differs", |world| {
        let forge = world.forge();
        let mut fields = forge.fields(&world.jo);
        fields.hosts = [OTHER_HOST.parse().expect("a host's name")].into();
        let mut certificate = forge.approved(&e2e::forge::grant(fields), &[&world.kim], &world.jo);
        certificate.principals = vec!["acme-support@db1.prod".into()];
        world.client(&world.forged("other-host", &certificate))
    });
}

//! A grant may name the networks that a login comes from; from anywhere else it is refused.

use std::net::Ipv4Addr;

use e2e::authority::Request;
use e2e::refusal::{assert_enters, assert_module_refuses, assert_sshd_refuses};
use e2e::world::World;

const INSIDE: Ipv4Addr = Ipv4Addr::new(127, 77, 1, 9);

#[test]
fn a_login_from_a_granted_network_enters_and_from_another_is_refused() {
    let world = World::shared();
    let identity = world.granted(&Request::default().with("--from", "127.77.0.0/16"));
    assert_enters(&world.host, &world.client(&identity).from(INSIDE));
    assert_sshd_refuses(&world.host, &world.client(&identity));
}

#[test]
fn a_certificate_without_its_grants_source_networks_is_refused() {
    let world = World::shared();
    let forge = world.forge();
    let mut fields = forge.fields(&world.jo);
    fields.sources = "127.77.0.0/16".parse().expect("a network");
    let mut certificate = forge.approved(&e2e::forge::grant(fields), &[&world.kim], &world.jo);
    certificate.options.clear();
    let identity = world.forged("no-source", &certificate);
    assert_module_refuses(&world.host, &world.client(&identity), "certificate-differs");
    assert_module_refuses(
        &world.host,
        &world.client(&identity).from(Ipv4Addr::new(127, 77, 1, 10)),
        "certificate-differs",
    );
}

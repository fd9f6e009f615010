//! Only the host's own CA opens it, and only with grants of the host's own authority.

use e2e::authority::{Authority, Request};
use e2e::forge;
use e2e::refusal::{assert_module_refuses, assert_refused_everywhere, assert_sshd_refuses};
use e2e::world::{HOST, World};

/// A second authority with the same people, names and grants: a staging one, say.
fn another(world: &World) -> Authority {
    let authority = Authority::new();
    authority.enrol("acme/jo", &[&world.jo]);
    authority.appoint("kim", &world.kim.public());
    drop(authority.ca(["host", "add", HOST, "--role", "db"]).ok());
    authority
}

#[test]
fn a_certificate_of_another_ca_is_refused_by_sshd() {
    let world = World::shared();
    let staging = another(&world);
    let grant = staging.create(&Request::default());
    staging.approve(&grant, "kim", &world.kim);
    assert_sshd_refuses(&world.host, &world.client(&staging.sign(&grant, &world.jo)));
}

#[test]
fn a_certificate_of_a_ca_that_only_sshd_trusts_is_refused_by_the_module() {
    let mut world = World::fresh();
    let staging = another(&world);
    let grant = staging.create(&Request::default());
    staging.approve(&grant, "kim", &world.kim);
    let identity = staging.sign(&grant, &world.jo);
    let both = world.authority.ca_key() + &staging.ca_key();
    world.host.write("/etc/ssh/both_cas.pub", both);
    let block =
        e2e::sshd_config::accepting_every_principal().replace("/etc/jit/ca.pub", "/etc/ssh/both_cas.pub");
    world.host.restart_sshd(&block);
    assert_module_refuses(&world.host, &world.client(&identity), "untrusted-authority");
}

#[test]
fn a_grant_of_another_authority_is_refused_under_the_same_ca_key() {
    assert_refused_everywhere("other-authority", |world| {
        let forge = world.forge();
        let mut fields = forge.fields(&world.jo);
        fields.authority = another(world).fingerprint().parse().expect("a fingerprint");
        let certificate = forge.approved(&forge::grant(fields), &[&world.kim], &world.jo);
        world.client(&world.forged("replay", &certificate))
    });
}

#[test]
fn a_host_certificate_is_no_way_in() {
    let world = World::shared();
    let forge = world.forge();
    let mut certificate = forge.approved(&forge::grant(forge.fields(&world.jo)), &[&world.kim], &world.jo);
    certificate.kind = e2e::raw_certificate::HOST;
    assert_sshd_refuses(&world.host, &world.client(&world.forged("host-kind", &certificate)));
}

//! A grant names its accounts; it opens no other one, not even of the same vendor.

use e2e::authority::Request;
use e2e::client::Client;
use e2e::refusal::{assert_module_refuses, assert_sshd_refuses};
use e2e::world::World;

#[test]
fn a_grant_for_another_account_is_refused_by_sshd() {
    let world = World::shared();
    let identity = world.granted(&Request::default());
    assert_sshd_refuses(&world.host, &Client::new(&world.host, "acme-two", &identity));
}

#[test]
fn a_grant_for_another_account_is_refused_by_the_module_alone() {
    let world = World::shared_with_module_alone();
    let identity = world.granted(&Request::default());
    let told =
        assert_module_refuses(&world.host, &Client::new(&world.host, "acme-two", &identity), "other-account");
    assert!(told.contains("acme-support"), "it says which account would work: {told}");
}

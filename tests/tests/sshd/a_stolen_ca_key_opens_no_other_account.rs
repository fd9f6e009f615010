//! Our CA concerns vendor accounts only: whoever holds the CA key, or a grant, still can't enter as root or as an administrator.

use e2e::authority::Request;
use e2e::client::Client;
use e2e::forge;
use e2e::host::ADMIN;
use e2e::refusal::assert_sshd_refuses;
use e2e::world::{Sshd, World};

#[test]
fn a_certificate_of_the_bare_ca_key_opens_neither_root_nor_an_administrator() {
    let world = World::shared();
    let forge = world.forge();
    let mut certificate = forge.approved(&forge::grant(forge.fields(&world.jo)), &[&world.kim], &world.jo);
    certificate.principals =
        ["root", ADMIN, "root@db1.prod", "ada@db1.prod", "root@role:db"].map(str::to_owned).to_vec();
    let identity = world.forged("stolen", &certificate);
    certificate.extensions.clear();
    let bare = world.forged("stolen-bare", &certificate);
    for account in ["root", ADMIN] {
        assert_sshd_refuses(&world.host, &Client::new(&world.host, account, &identity));
        assert_sshd_refuses(&world.host, &Client::new(&world.host, account, &bare));
    }
}

#[test]
fn an_approved_grant_for_an_administrator_opens_nothing() {
    let world = World::shared();
    let forge = world.forge();
    for account in ["root", ADMIN] {
        let mut fields = forge.fields(&world.jo);
        fields.accounts = [account.parse().expect("an account's name")].into();
        let certificate = forge.approved(&forge::grant(fields), &[&world.kim, &world.lee], &world.jo);
        let identity = world.forged(&format!("as-{account}"), &certificate);
        assert_sshd_refuses(&world.host, &Client::new(&world.host, account, &identity));
    }
}

#[test]
fn a_good_certificate_opens_no_administrators_account() {
    let world = World::with(Sshd::AcceptsEveryPrincipal);
    let identity = world.granted(&Request::default());
    for account in ["root", ADMIN] {
        assert_sshd_refuses(&world.host, &Client::new(&world.host, account, &identity));
    }
}

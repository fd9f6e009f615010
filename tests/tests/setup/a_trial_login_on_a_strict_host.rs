//! Hosts whose sshd takes few kinds of keys, or administrators from few addresses: no reason for a trial login to fail, and
//! it proves what it proves elsewhere.

use e2e::world::World;

use crate::fresh::{INCLUDE, host, setup, setup_yes};

const CONFIG: &str = "/etc/ssh/sshd_config";

/// Tries on a host whose sshd_config begins with `line`; the vendor's trial has to be refused there too.
#[track_caller]
fn passes(world: &World, line: &str) {
    let right = world.host.read(CONFIG);
    world.host.write(CONFIG, format!("{line}\n{right}"));
    let done = setup_yes(world);
    assert!(done.succeeded(), "{line}: {done:?}");
    assert!(done.stdout.contains("trial login: root gets in\n"), "{line}: {done:?}");
    assert!(
        done.stdout.contains("the vendor account acme-support is refused without a grant\n"),
        "{line}: {done:?}"
    );
    drop(setup(world, ["--remove", "--purge"]).ok());
    world.host.write(CONFIG, right);
}

#[test]
fn a_trial_login_uses_keys_of_a_kind_that_sshd_takes() {
    let world = host(INCLUDE);
    for line in [
        "PubkeyAcceptedAlgorithms ecdsa-sha2-nistp256,rsa-sha2-512",
        "PubkeyAcceptedAlgorithms rsa-sha2-512,rsa-sha2-256\nRequiredRSASize 4096",
        "PubkeyAcceptedAlgorithms sk-ssh-ed25519@openssh.com",
        "HostKeyAlgorithms ecdsa-sha2-nistp384,rsa-sha2-512",
        "HostKeyAlgorithms rsa-sha2-512",
        "CASignatureAlgorithms ecdsa-sha2-nistp256",
    ] {
        passes(&world, line);
    }
}

#[test]
fn a_trial_login_comes_from_where_the_administrator_may_come_from() {
    let world = host(INCLUDE);
    passes(&world, "AllowUsers root@10.0.0.0/8 acme-*");
    passes(&world, "AllowUsers r??t@192.0.2.1 acme-*");
    // Who may not log in at all proves nothing; and the address is named, for rules that nobody foresaw.
    let right = world.host.read(CONFIG);
    for line in ["AllowUsers ada@10.0.0.0/8", "DenyUsers root@127.0.0.1"] {
        world.host.write(CONFIG, format!("{line}\n{right}"));
        let refused = setup_yes(&world);
        assert_eq!(refused.code, Some(1), "{line}: {refused:?}");
        assert!(
            refused.stderr.contains("does not get in with the present files either"),
            "{line}: {refused:?}"
        );
        assert!(refused.stderr.contains("; the trial comes from 127.0.0.1\n"), "{line}: {refused:?}");
    }
}

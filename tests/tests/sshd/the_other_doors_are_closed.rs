//! A vendor account has one door: no password, no keyboard-interactive, no plain key, no `su`, no console, no cron.

use e2e::authority::Request;
use e2e::client::Client;
use e2e::host::{ADMIN, PAM_DRIVE, PASSWORD};
use e2e::process::Running;
use e2e::refusal::{Marker, assert_enters, assert_sshd_refuses};
use e2e::world::{ACCOUNT, World};

#[test]
fn a_password_is_no_way_in() {
    let world = World::shared();
    for methods in ["password", "keyboard-interactive", "password,keyboard-interactive,publickey"] {
        let marker = Marker::new();
        let client = Client::without_key(&world.host, ACCOUNT);
        let outcome = client.exec_with_password(methods, PASSWORD, &marker.command());
        assert_eq!(outcome.code, Some(255), "{methods}: {outcome:?}");
        assert!(outcome.stderr.contains("Permission denied (publickey)."), "{methods}: {outcome:?}");
        assert!(!marker.is_there(&world.host));
        // The same password is good where passwords are.
        let admin = Client::without_key(&world.host, ADMIN);
        drop(admin.exec_with_password(methods, PASSWORD, "true").ok());
    }
}

#[test]
fn a_plain_key_is_no_way_in_even_when_the_account_admits_it() {
    let world = World::shared();
    let folder = format!("/home/{ACCOUNT}/.ssh");
    world.host.write_mode(
        &format!("{folder}/authorized_keys"),
        format!("{}\n", world.jo.public_line()),
        0o600,
    );
    let owner = format!("{ACCOUNT}:{ACCOUNT}");
    drop(world.host.run(["chown", "-R", &owner, &folder]).ok());
    assert_sshd_refuses(&world.host, &world.client(&world.jo));
    world.host.remove(&format!("{folder}/authorized_keys"));
}

#[test]
fn an_account_of_a_vendor_cannot_be_entered_without_ssh() {
    let world = World::shared();
    for service in ["su", "su-l", "login", "cron"] {
        let steps = run_steps(&world, service, ACCOUNT, "account\n");
        assert!(steps.contains("account 6\n") || steps.contains("account 7\n"), "{service}: {steps}");
        assert!(steps.contains("told access refused: "), "{service}: {steps}");
        assert!(run_steps(&world, service, ADMIN, "account\n").contains("account 0\n"), "{service}");
    }
    let marker = Marker::new();
    let outcome = world.host.run(["su", ACCOUNT, "-c", &marker.command()]);
    assert!(!outcome.succeeded() && !marker.is_there(&world.host), "{outcome:?}");
    assert!(
        outcome.stderr.contains("access refused: ") || outcome.stdout.contains("access refused: "),
        "{outcome:?}"
    );
    drop(world.host.run(["su", ADMIN, "-c", "true"]).ok());
}

/// What a program of this PAM service is told.
fn run_steps(world: &World, service: &str, account: &str, steps: &str) -> String {
    let mut command = world.host.command(PAM_DRIVE);
    command.args(["/etc/pam.d", service, account]);
    Running::start(command, steps.as_bytes()).finish().ok().stdout
}

#[test]
fn a_password_for_su_is_no_way_in_either() {
    let world = World::shared();
    let marker = Marker::new();
    let mut command = world.host.command("setpriv");
    command.args(["--reuid", ADMIN, "--clear-groups", "su", ACCOUNT, "-c", &marker.command()]);
    let outcome = Running::start(command, format!("{PASSWORD}\n").as_bytes()).finish();
    assert!(!outcome.succeeded() && !marker.is_there(&world.host), "{outcome:?}");
    assert!(
        outcome.stderr.contains("access refused: "),
        "the password was right, the account is refused: {outcome:?}"
    );
}

#[test]
fn a_member_by_primary_group_is_a_vendor_too() {
    let world = World::fresh();
    world.host.add_account("acme-primary:x:60010:60100::/home/acme-primary:/bin/bash");
    let steps = run_steps(&world, "su", "acme-primary", "account\n");
    assert!(steps.contains("told access refused: "), "{steps}");
    let client = Client::without_key(&world.host, "acme-primary");
    assert_eq!(client.exec_with_password("password", PASSWORD, "true").code, Some(255));
    let identity = world.granted(&Request::default().as_account("acme-primary"));
    assert_enters(&world.host, &Client::new(&world.host, "acme-primary", &identity));
    let identity = world.granted(&Request::default());
    assert_sshd_refuses(&world.host, &Client::new(&world.host, "acme-primary", &identity));
}

#[test]
fn a_system_account_in_the_vendors_group_has_no_door_at_all() {
    let world = World::fresh();
    world.host.add_account("acme-system:x:901:60100::/home/acme-system:/bin/bash");
    let identity = world.granted(&Request::default().as_account("acme-system"));
    assert_sshd_refuses(&world.host, &Client::new(&world.host, "acme-system", &identity));
    let client = Client::without_key(&world.host, "acme-system");
    assert_eq!(client.exec_with_password("password", PASSWORD, "true").code, Some(255));
}

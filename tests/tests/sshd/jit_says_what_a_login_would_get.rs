//! On the host itself: `jit check` finds nothing wrong with the documented configuration and names each open door; `jit try`
//! says in words what a certificate would get.

use e2e::authority::Request;
use e2e::world::{ACCOUNT, OTHER_HOST, World};

#[test]
fn jit_check_is_content_with_the_documented_configuration() {
    let world = World::fresh();
    let outcome = world.host.run(["jit", "check"]);
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
}

#[test]
fn jit_check_names_each_open_door() {
    let mut world = World::fresh();
    let block = e2e::sshd_config::MATCH_BLOCK;
    let doors = [
        ("PasswordAuthentication no", "PasswordAuthentication yes", "password"),
        ("KbdInteractiveAuthentication no", "KbdInteractiveAuthentication yes", "kbdinteractive"),
        ("AuthorizedKeysFile none", "AuthorizedKeysFile .ssh/authorized_keys", "authorizedkeysfile"),
        ("TrustedUserCAKeys /etc/jit/ca.pub", "TrustedUserCAKeys none", "trustedusercakeys"),
        ("AuthorizedPrincipalsCommand /usr/bin/jit", "#", "authorizedprincipalscommand"),
    ];
    for (closed, open, word) in doors {
        let changed = block.replacen(&format!("    {closed}"), &format!("    {open}"), 1);
        assert_ne!(changed, block, "{closed}");
        let changed = if open == "#" {
            changed.replace("    AuthorizedPrincipalsCommandUser nobody\n", "")
        } else {
            changed
        };
        world.host.restart_sshd(&changed);
        let outcome = world.host.run(["jit", "check"]);
        assert_eq!(outcome.code, Some(1), "{open}: {outcome:?}");
        let said = format!("{}{}", outcome.stdout, outcome.stderr).to_lowercase();
        assert!(said.contains(word), "{open}: {outcome:?}");
    }
    world.host.restart_sshd(block);
    world.host.make_pam_stack(false);
    assert_eq!(world.host.run(["jit", "check"]).code, Some(1), "without the PAM lines");
    world.host.make_pam_stack(true);
    world.host.set_mode("/etc/jit/approvers", 0o666);
    assert_eq!(world.host.run(["jit", "check"]).code, Some(1), "with an approvers file that anybody writes");
    world.host.set_mode("/etc/jit/approvers", 0o644);
    assert_eq!(world.host.run(["jit", "check"]).code, Some(0));
}

#[test]
fn jit_try_says_what_a_certificate_would_get() {
    let world = World::shared();
    let put = |name: &str, request: &Request| {
        let identity = world.granted(request);
        let text =
            std::fs::read(identity.certificate.expect("a certificate")).expect("reads the certificate");
        let path = format!("/tmp/{name}-cert.pub");
        world.host.write(&path, text);
        path
    };
    let good = put("good", &Request::default());
    let outcome = world.host.run(["jit", "try", &good, "--account", ACCOUNT, "--from", "192.0.2.7"]);
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    let elsewhere = put("elsewhere", &Request::default().at_host(OTHER_HOST));
    let outcome = world.host.run(["jit", "try", &elsewhere, "--account", ACCOUNT, "--from", "192.0.2.7"]);
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    assert!(format!("{outcome:?}").contains("is not for this host"), "{outcome:?}");
    let outcome = world.host.run(["jit", "try", &good, "--account", "acme-two", "--from", "192.0.2.7"]);
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    assert_eq!(
        world.host.run(["jit", "try", "/tmp/none", "--account", ACCOUNT, "--from", "x"]).code,
        Some(2)
    );
}

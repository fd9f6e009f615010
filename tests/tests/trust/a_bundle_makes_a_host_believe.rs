//! One file brings all that a host needs, and the next one brings what changed.

use e2e::authority::Request;
use e2e::client::Client;
use e2e::host::VENDORS;
use e2e::refusal::{assert_enters, assert_module_refuses, assert_refused};
use e2e::world::{HOST, World};

use crate::scene::{bring, bundle, client, empty, files, pin, trust, trusting, without_recorder};

#[test]
fn a_bundle_on_an_empty_host_lets_a_granted_vendor_in() {
    let world = empty();
    drop(assert_refused(&world.host, &client(&world)));
    bring(&world, bundle(&world.authority, HOST));
    let said = pin(&world).ok().stdout;
    assert!(said.contains("role: + db\n") && said.contains("approver: + kim "), "{said}");
    without_recorder(&world);
    assert_enters(&world.host, &client(&world));
    // sshd's list is one that OpenSSH reads, and the check of every door finds none of ours open.
    drop(world.host.run(["ssh-keygen", "-Q", "-l", "-f", "/etc/jit/krl"]).ok());
    let again = trust(&world, &[]).ok().stdout;
    assert!(again.ends_with(": was applied before\n"), "{again}");
}

#[test]
fn the_next_bundle_brings_revocations_approvers_and_roles() {
    let world = trusting();
    let grant = world.authority.create(&Request::default());
    world.authority.approve(&grant, "kim", &world.kim);
    let first = world.client(&world.authority.sign(&grant, &world.jo));
    let by_role = Client::new(&world.host, VENDORS[0], &world.granted(&Request::default().at_role("db")));
    let by_lee = {
        let grant = world.authority.create(&Request::default());
        world.authority.approve(&grant, "lee", &world.lee);
        world.client(&world.authority.sign(&grant, &world.jo))
    };
    for client in [&first, &by_role, &by_lee] {
        assert_enters(&world.host, client);
    }
    drop(world.authority.ca(["revoke", &grant, "--reason", "over"]).ok());
    drop(world.authority.ca(["host", "add", HOST, "--role", "cache", "--existing"]).ok());
    drop(world.authority.ca(["approver", "end", "lee"]).ok());
    bring(&world, bundle(&world.authority, HOST));
    let said = trust(&world, &[]).ok().stdout;
    for line in ["role: + cache", "role: - db", "approver: - lee ", "revoked: + grant "] {
        assert!(said.contains(line), "{line}: {said}");
    }
    drop(assert_refused(&world.host, &first));
    drop(assert_refused(&world.host, &by_role));
    assert_module_refuses(&world.host, &by_lee, "too-few-approvals");
    assert_enters(&world.host, &client(&world));
}

#[test]
fn a_dry_run_says_what_would_change_and_changes_nothing() {
    let world = empty();
    bring(&world, bundle(&world.authority, HOST));
    let said = trust(&world, &["--dry-run"]).ok().stdout;
    assert!(said.contains("approver: + kim ") && said.ends_with(": would be applied\n"), "{said}");
    assert_eq!(files(&world).len(), 0);
    let json = trust(&world, &["--dry-run", "--json"]).ok().stdout;
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!((&json["outcome"], &json["host"]), (&"would-apply".into(), &HOST.into()));
}

#[test]
fn a_host_toml_in_which_only_the_authority_is_missing_is_filled_in() {
    let world = empty();
    let example = include_str!("../../../packaging/host.toml.example");
    let ours = example.replace("minimum_approvals = 1 ", "minimum_approvals = 2 ");
    world.host.write("/etc/jit/host.toml", &ours);
    bring(&world, bundle(&world.authority, HOST));
    assert_eq!(trust(&world, &[]).code, Some(1), "it pins nothing by itself");
    drop(pin(&world).ok());
    let filled = ours.replace("\"SHA256:...\"", &format!("\"{}\"", world.authority.fingerprint()));
    assert_eq!(world.host.read("/etc/jit/host.toml"), filled);
    without_recorder(&world);
    assert_module_refuses(&world.host, &client(&world), "too-few-approvals");

    // What is no fingerprint and not the example's is a mistake, not a first use.
    world.host.write("/etc/jit/host.toml", ours.replace("SHA256:...", "SHA256:oops"));
    let refused = pin(&world);
    assert!(refused.code == Some(1) && refused.stderr.contains("field `authority`"), "{refused:?}");
}

#[test]
fn comments_and_settings_of_host_toml_stay() {
    let world = trusting();
    let before = world.host.read("/etc/jit/host.toml") + "# ours\n[log]\nenterprise = 4711\n";
    let before = before.replacen("\n[log]\nsocket", "\n[log_]\nsocket", 1);
    let (head, _) = before.split_once("\n[log_]").expect("the example's table");
    let ours = format!("{head}\n# ours\n[log]\nenterprise = 4711\n");
    world.host.write("/etc/jit/host.toml", &ours);
    drop(world.authority.ca(["host", "add", HOST, "--role", "cache", "--existing"]).ok());
    bring(&world, bundle(&world.authority, HOST));
    drop(trust(&world, &[]).ok());
    assert_eq!(
        world.host.read("/etc/jit/host.toml"),
        ours.replace("roles = [\"db\"]", "roles = [\"cache\"]")
    );
}

/// What an offline root does: nothing but ssh-keygen and the text.
fn signed_elsewhere(world: &World) -> String {
    let (folder, root) = (world.folder.path(), world.authority.folder().join("trust_root"));
    let path = |name: &str| folder.join(name).display().to_string();
    let (text, signature, out) = (path("text"), path("text.sig"), path("bundle"));
    drop(world.authority.ca(["host", "bundle", HOST, "--unsigned", "-o", &text]).ok());
    let mut sign = e2e::process::clean("ssh-keygen");
    sign.args(["-Y", "sign", "-n", "trust@pam-jit", "-f"]).arg(root).arg(&text);
    drop(e2e::process::run(sign).ok());
    let words = ["host", "bundle", HOST, "--text", &text, "--signature", &signature, "-o", &out];
    drop(world.authority.ca(words).ok());
    std::fs::read_to_string(out).expect("reads the bundle")
}

#[test]
fn a_root_that_is_kept_elsewhere_signs_with_ssh_keygen_alone() {
    let world = empty();
    let bundle = signed_elsewhere(&world);
    bring(&world, &bundle);
    drop(pin(&world).ok());
    without_recorder(&world);
    assert_enters(&world.host, &client(&world));
    // And what the host applied, ssh-keygen verifies.
    let at = bundle.find("-----BEGIN SSH SIGNATURE-----").expect("a signature");
    world.host.write("/root/text", &bundle[..at]);
    world.host.write("/root/text.sig", &bundle[at..]);
    let root = std::fs::read_to_string(world.authority.folder().join("trust_root.pub")).expect("the root");
    world.host.write("/root/roots", format!("root {root}"));
    let verify =
        "ssh-keygen -Y verify -f /root/roots -I root -n trust@pam-jit -s /root/text.sig < /root/text";
    let said = world.host.run(["sh", "-c", verify]).ok().stdout;
    assert!(said.contains("Good \"trust@pam-jit\" signature for root"), "{said}");
}

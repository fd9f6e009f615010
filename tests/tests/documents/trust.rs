//! docs/trust-format.md against the crate that it specifies: the example, the numbers, and ssh-keygen's word.

use e2e::process::{clean, run};
use grant::SignedBundle;
use grant::bundle::NAMESPACE;

use super::format::grouped;
use super::tree::{fences, read};

fn example() -> String {
    let found = fences(&read("docs/trust-format.md")).into_iter().find(|(fence, _)| fence == "bundle");
    found.expect("a block fenced as bundle").1
}

#[test]
fn the_bundle_that_the_format_shows_holds() {
    let signed = SignedBundle::read(example().as_bytes()).expect("the example");
    assert_eq!(signed.to_file(), example());
    let format = read("docs/trust-format.md");
    let limits = [grant::limits::BUNDLE, grant::limits::KRL, grant::limits::CA_KEYS, grant::limits::ROLES];
    for limit in limits {
        let number = grouped(u64::try_from(limit).expect("a small number"));
        assert!(
            format.contains(&format!(" {number} ")) || format.contains(&format!(" {number}.")),
            "{number}"
        );
    }
    assert!(format.contains(&format!("`{NAMESPACE}`")));
    assert!(format.contains(&format!("at most {} seconds ahead", session::trust::judge::AHEAD)));
}

#[test]
fn the_commands_that_the_format_shows_verify_a_bundle() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("db1.bundle"), example()).expect("writes the example");
    // The example's root is a key from a fixed seed: its public half stands in the signature.
    let fences = fences(&read("docs/trust-format.md"));
    let (_, commands) =
        fences.iter().find(|(_, text)| text.contains("ssh-keygen -Y verify")).expect("commands");
    let root = "ssh-keygen -Y check-novalidate -n trust@pam-jit -s text.sig < text";
    let mut shell = clean("bash");
    let cut: String = commands.lines().take(2).map(|line| format!("{line}\n")).collect();
    shell.current_dir(folder.path()).args(["-ec", &(cut + root)]);
    let said = run(shell).ok().stdout;
    let signed = SignedBundle::read(example().as_bytes()).expect("the example");
    assert!(said.contains(&format!("Good \"{NAMESPACE}\" signature")), "{said}");
    assert!(said.contains(&signed.bundle().authority.to_string()), "{said}");

    // And with a root file, as an administrator has one.
    let line = root_of(&example());
    std::fs::write(path("root.pub"), line).expect("writes the root");
    let mut shell = clean("bash");
    shell.current_dir(folder.path()).args(["-ec", commands]);
    let said = run(shell).ok().stdout;
    assert!(said.contains(&format!("Good \"{NAMESPACE}\" signature for root")), "{said}");
}

/// The public key inside the armored signature (PROTOCOL.sshsig: magic, version, then the key's blob).
fn root_of(bundle: &str) -> String {
    use base64ct::{Base64, Encoding as _};
    let armored = bundle.split("-----BEGIN SSH SIGNATURE-----").nth(1).expect("a signature");
    let base64: String = armored.split("-----END").next().unwrap_or_default().split_whitespace().collect();
    let blob = Base64::decode_vec(&base64).expect("base64");
    let key = blob.get(6 + 4 + 4..6 + 4 + 4 + 51).expect("an ed25519 key");
    format!("ssh-ed25519 {}\n", Base64::encode_string(key))
}

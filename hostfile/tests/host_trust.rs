//! What the files that host.toml names may say together.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "scratch/lib.rs"]
mod scratch;

use hostfile::HostConfig;
use scratch::{Scratch, fingerprint, is_one_printable_line};

const ED25519: &[&str] = &["-t", "ed25519"];

/// A host with sound files in its folder.
struct Host {
    scratch: Scratch,
    authority: String,
    ca: String,
    kim: String,
}

impl Host {
    fn new() -> Self {
        let scratch = Scratch::new();
        let [root, ca, kim] = ["root", "ca", "kim"].map(|name| scratch.key(name, ED25519));
        let host = Self { authority: fingerprint(&root), ca, kim, scratch };
        host.write("ca_keys", &format!("# CA keys\n\n{}\n", host.ca));
        host.write("approvers", &format!("kim namespaces=\"grant@pam-jit\" {}\n", host.kim));
        host.write("revoked", &format!("pam-jit revoked 1\nauthority: {}\nend: 0\n", host.authority));
        host
    }

    fn write(&self, name: &str, text: &str) {
        self.scratch.file(name, text.as_bytes());
    }

    fn trust(&self) -> Result<grant::Trust, String> {
        let at = |name: &str| self.scratch.at(name).display().to_string();
        let text = format!(
            "host = \"db1.prod\"\nroles = [\"db\"]\nauthority = \"{}\"\nca_keys = \"{}\"\napprovers = \"{}\"\nrevoked = \"{}\"\n",
            self.authority,
            at("ca_keys"),
            at("approvers"),
            at("revoked")
        );
        let config = HostConfig::load(&self.scratch.file("host.toml", text.as_bytes())).unwrap();
        config.trust().map_err(|error| {
            let text = error.to_string();
            assert!(is_one_printable_line(&text), "{text:?}");
            text
        })
    }

    /// The error with the file `name` holding `text`.
    fn refused(&self, name: &str, text: &str) -> String {
        self.write(name, text);
        let error = self.trust().unwrap_err();
        assert!(error.starts_with(&self.scratch.at(name).display().to_string()), "{error}");
        error
    }
}

#[test]
fn sound_files_make_a_trust_that_enforces_nothing_yet() {
    let host = Host::new();
    let trust = host.trust().unwrap();
    assert_eq!(trust.ca_keys.len(), 1);
    assert_eq!(trust.approvers.iter().count(), 1);
    assert_eq!(trust.enforced, grant::Enforced::default());
    assert_eq!(trust.minimum_approvals, 1);
}

#[test]
fn every_file_must_be_there_and_whole() {
    for name in ["ca_keys", "approvers", "revoked"] {
        let host = Host::new();
        host.refused(name, "");
        host.refused(name, "\n# nothing\n");
        std::fs::remove_file(host.scratch.at(name)).unwrap();
        assert!(host.trust().unwrap_err().contains("does not exist"));
    }
}

#[test]
fn a_truncated_revoked_list_is_no_list() {
    let host = Host::new();
    let whole =
        format!("pam-jit revoked 1\nauthority: {}\nserial: 7\nvendor: acme\nend: 2\n", host.authority);
    host.write("revoked", &whole);
    assert!(host.trust().is_ok());
    for end in 0..whole.len() {
        host.refused("revoked", &whole[..end]);
    }
}

#[test]
fn a_revoked_list_of_another_authority_is_refused() {
    let host = Host::new();
    let other = fingerprint(&host.scratch.key("other", ED25519));
    let error = host.refused("revoked", &format!("pam-jit revoked 1\nauthority: {other}\nend: 0\n"));
    assert!(error.contains("list of the authority"), "{error}");
}

#[test]
fn a_ca_key_is_a_plain_strong_key_line() {
    let host = Host::new();
    let weak = host.scratch.key("weak", &["-t", "rsa", "-b", "2048"]);
    for (text, says) in [
        (format!("cert-authority {}\n", host.ca), "line 1: options do not belong here"),
        (format!("{0}\n{0}\n", host.ca), "line 2: this key stands in the file twice"),
        (format!("{}\n{weak}\n", host.ca), "line 2: the rsa key has 2048 bits"),
        (format!("{}\nssh-ed25519 AAAA\n", host.ca), "line 2: not an OpenSSH public key line"),
        (format!("{}\nssh-ed25519 \u{202e}\n", host.ca), "line 2: "),
        (host.ca[..40].to_owned(), "line 1: "),
    ] {
        let error = host.refused("ca_keys", &text);
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn a_ca_key_that_could_approve_or_appoint_is_refused() {
    let host = Host::new();
    let error = host.refused("ca_keys", &format!("{}\n{}\n", host.ca, host.kim));
    assert!(error.contains("is also the key of the approver kim"), "{error}");
    let root = std::fs::read_to_string(host.scratch.at("root.pub")).unwrap();
    let error = host.refused("ca_keys", &root);
    assert!(error.contains("is the trust root"), "{error}");
}

#[test]
fn a_wrong_approver_line_is_named() {
    let host = Host::new();
    for line in [
        format!("* namespaces=\"grant@pam-jit\" {}", host.kim),
        format!("kim {}", host.kim),
        format!("kim cert-authority,namespaces=\"grant@pam-jit\" {}", host.kim),
        format!("k\u{202e}im namespaces=\"grant@pam-jit\" {}", host.kim),
    ] {
        let error = host.refused("approvers", &format!("# ours\n{line}\n"));
        assert!(error.contains("line 2: "), "{error}");
    }
}

#[test]
fn a_file_that_others_can_write_is_no_trust() {
    for name in ["ca_keys", "approvers", "revoked"] {
        let host = Host::new();
        let writable = std::os::unix::fs::PermissionsExt::from_mode(0o664);
        std::fs::set_permissions(host.scratch.at(name), writable).unwrap();
        assert!(host.trust().unwrap_err().contains("writable by its group"));
    }
}

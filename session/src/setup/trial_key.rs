//! The throw-away keys of a trial login: of a kind that sshd's configuration takes, so that what a host forbids is no reason
//! for a trial to fail.

use std::path::Path;
use std::process::{Command, Stdio};

use super::error::{Result, SetupError};
use crate::check::sshd::Effective;

/// A kind of key that ssh-keygen makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kind {
    /// Its name for ssh-keygen.
    name: &'static str,
    bits: Option<u32>,
    /// The signatures that it makes, by sshd's names.
    algorithms: &'static [&'static str],
}

/// The first that is taken is chosen.
const KINDS: [Kind; 5] = [
    Kind { name: "ed25519", bits: None, algorithms: &["ssh-ed25519"] },
    Kind { name: "ecdsa", bits: Some(256), algorithms: &["ecdsa-sha2-nistp256"] },
    Kind { name: "ecdsa", bits: Some(384), algorithms: &["ecdsa-sha2-nistp384"] },
    Kind { name: "ecdsa", bits: Some(521), algorithms: &["ecdsa-sha2-nistp521"] },
    Kind { name: "rsa", bits: Some(3072), algorithms: &["rsa-sha2-512", "rsa-sha2-256"] },
];

/// The kind for a person's key, and whether sshd takes it as it is.
pub(super) fn of_a_person(effective: &Effective) -> (Kind, bool) {
    // Its name before OpenSSH 8.5 is the second one.
    choose(effective, &["pubkeyacceptedalgorithms", "pubkeyacceptedkeytypes"])
}

/// The kind for a host's key, likewise.
pub(super) fn of_a_host(effective: &Effective) -> (Kind, bool) {
    choose(effective, &["hostkeyalgorithms"])
}

fn choose(effective: &Effective, keywords: &[&str]) -> (Kind, bool) {
    let Some(list) = keywords.iter().find_map(|keyword| effective.first(keyword)) else {
        return (KINDS[0], true);
    };
    let takes = |kind: &Kind| list.split(',').any(|name| kind.algorithms.contains(&name.trim()));
    let Some(mut kind) = KINDS.into_iter().find(takes) else { return (KINDS[0], false) };
    if kind.name == "rsa" {
        let least = effective.first("requiredrsasize").and_then(|bits| bits.parse().ok());
        kind.bits = kind.bits.max(least);
    }
    (kind, true)
}

impl Kind {
    /// The names of its signatures, as sshd takes them in a list.
    #[must_use]
    pub(super) fn algorithms(&self) -> String {
        self.algorithms.join(",")
    }

    /// Makes one.
    pub(super) fn make(&self, path: &Path) -> Result<()> {
        let mut keygen = Command::new("ssh-keygen");
        keygen.args(["-q", "-t", self.name, "-N", "", "-C", "jit-setup-trial", "-f"]).arg(path);
        if let Some(bits) = self.bits {
            keygen.args(["-b", &bits.to_string()]);
        }
        let output = keygen.stdin(Stdio::null()).output().map_err(|source| {
            SetupError::run("ssh-keygen", source)
                .hint("the trial login needs the OpenSSH client: install openssh-client")
        })?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Err(SetupError::new(format!("ssh-keygen makes no key for the trial login: {said}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_of_a_kind_that_sshd_takes() {
        for (list, name, bits, taken) in [
            ("ssh-ed25519-cert-v01@openssh.com,ssh-ed25519,rsa-sha2-512", "ed25519", None, true),
            ("rsa-sha2-256,ecdsa-sha2-nistp384", "ecdsa", Some(384), true),
            ("rsa-sha2-256", "rsa", Some(4096), true),
            ("sk-ssh-ed25519@openssh.com", "ed25519", None, false),
        ] {
            let effective =
                Effective::parse(&format!("requiredrsasize 4096\npubkeyacceptedalgorithms {list}\n"));
            let (kind, as_it_is) = of_a_person(&effective);
            assert_eq!((kind.name, kind.bits, as_it_is), (name, bits, taken), "{list}");
        }
        assert_eq!(of_a_host(&Effective::parse("hostkeyalgorithms rsa-sha2-512\n")).0.bits, Some(3072));
        assert_eq!(of_a_host(&Effective::default()), (KINDS[0], true));
    }
}

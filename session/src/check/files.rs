//! Doors 101-119: the files that decide access are there, sound, and root's alone.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use grant::PublicKey;
use hostfile::{HostConfig, HostfileError, host_trust, secure};

use super::door::{Door, Finding};

static HOST_TOML: Door = Door::error(
    101,
    "host.toml is refused",
    "no vendor can log in, and nothing else that it names can be checked",
    "`jit trust FILE` writes it, from a bundle of `ca host bundle`; host.toml(5) says what belongs there",
);
static CA_KEYS: Door = Door::error(
    102,
    "the CA keys are refused",
    "no vendor can log in",
    "install the ca_key.pub of `ca init` as root's, mode 0644",
);
static APPROVERS: Door = Door::error(
    103,
    "the approvers are refused",
    "no vendor can log in",
    "install what `ca approver export` prints as root's, mode 0644",
);
static REVOKED: Door = Door::error(
    104,
    "the revoked list is refused",
    "no vendor can log in",
    "write it with `ca revoked -o`, and replace it by rename",
);
static TOGETHER: Door = Door::error(
    105,
    "the files contradict each other",
    "no vendor can log in, or a stolen CA key could approve",
    "let the CA key, the trust root and every approver's key be different keys of one authority",
);
static NOT_READABLE: Door = Door::error(
    106,
    "host.toml cannot be read by nobody",
    "`jit principals` runs as nobody and lists no principals, so no vendor can log in",
    "make host.toml mode 0644 and the directories above it searchable; it holds no secret",
);
static SSHD_CONFIG: Door = Door::error(
    107,
    "sshd's or PAM's configuration is not root's alone",
    "whoever can write it can open every door",
    "chown it to root and take away the write permission of group and others",
);

/// The doors of this area.
pub(super) static DOORS: [&Door; 7] =
    [&HOST_TOML, &CA_KEYS, &APPROVERS, &REVOKED, &TOGETHER, &NOT_READABLE, &SSHD_CONFIG];

/// What the files say, as far as they can be read.
#[derive(Debug, Default)]
pub(super) struct Read {
    /// host.toml.
    pub(super) config: Option<HostConfig>,
    /// The CA keys.
    pub(super) ca_keys: Option<Vec<PublicKey>>,
}

/// Reads the files that decide about logins.
pub(super) fn look(path: &Path) -> (Read, Vec<Finding>) {
    let mut findings = Vec::new();
    let config = match HostConfig::load(path) {
        Ok(config) => config,
        Err(error) => return (Read::default(), vec![HOST_TOML.open(error.to_string())]),
    };
    findings.extend(not_readable(path));
    let mut refused = |door: &'static Door, error: HostfileError| findings.push(door.open(error.to_string()));
    let ca_keys = host_trust::ca_keys(&config.ca_keys).map_err(|error| refused(&CA_KEYS, error)).ok();
    let approvers = host_trust::approvers(&config.approvers).map_err(|error| refused(&APPROVERS, error));
    let revoked = host_trust::revoked(&config.revoked).map_err(|error| refused(&REVOKED, error));
    if ca_keys.is_some()
        && approvers.is_ok()
        && revoked.is_ok()
        && let Err(error) = config.trust()
    {
        refused(&TOGETHER, error);
    }
    (Read { config: Some(config), ca_keys }, findings)
}

/// `jit principals` runs as nobody, who owns nothing and is in no group that matters.
fn not_readable(path: &Path) -> Option<Finding> {
    let lacks =
        |path: &Path, bits: u32| fs::metadata(path).is_ok_and(|m| m.permissions().mode() & bits != bits);
    if lacks(path, 0o004) {
        return Some(NOT_READABLE.open(format!("{} is not readable by others", path.display())));
    }
    let closed = path.ancestors().skip(1).find(|directory| lacks(directory, 0o001));
    closed.map(|directory| NOT_READABLE.open(format!("{} is not searchable by others", directory.display())))
}

/// Looks at the files that sshd and PAM read.
pub(super) fn look_at_others(
    sshd_files: &[PathBuf],
    pam_directory: &Path,
    services: &[&str],
) -> Vec<Finding> {
    let services = services.iter().map(|service| pam_directory.join(service)).filter(|path| path.exists());
    let files = sshd_files.iter().cloned().chain(services);
    let refused = files.filter_map(|path| {
        // A link is followed: it is the file behind it that is read, and its whole path that counts.
        let real = fs::canonicalize(&path).unwrap_or(path);
        secure::check(&real).err()
    });
    refused.map(|error| SSHD_CONFIG.open(error.to_string())).collect()
}

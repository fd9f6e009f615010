//! The files of /etc/jit that set-up makes where they are missing, and never changes: host.toml from its example, and lists
//! that revoke nothing.
//!
//! Without the authority's fingerprint host.toml can't be complete: every vendor is refused until somebody fills it in. CA
//! keys and approvers come from the authority, never from here.

use std::path::{Path, PathBuf};

use grant::revoked::Revoked;
use grant::{Fingerprint, HostName};

use super::error::{Result, SetupError};
use super::place::{GROUP, OURS};
use super::plan;

const EXAMPLE: &str = include_str!("../../../packaging/host.toml.example");
/// A KRL that revokes nothing is a header alone (OpenSSH's PROTOCOL.krl): magic, format 1, version 0, date 0, flags 0, and
/// two empty strings.
pub(super) const EMPTY_KRL: [u8; 44] = {
    let mut bytes = [0; 44];
    let start = *b"SSHKRL\n\0\0\0\0\x01";
    let mut at = 0;
    while at < start.len() {
        bytes[at] = start[at];
        at += 1;
    }
    bytes
};

/// What the administrator said about this host.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Its name in grants; else what the system calls it.
    pub host: Option<HostName>,
    /// The trust root whose grants count here.
    pub authority: Option<Fingerprint>,
}

/// The files that are missing, with what they get.
pub(super) fn missing(wanted: &Wanted) -> Result<Vec<(PathBuf, Vec<u8>)>> {
    let mut files = Vec::new();
    let path = file("host.toml");
    match plan::read(&path)? {
        Some(bytes) => look_at_group(&path, &String::from_utf8_lossy(&bytes))?,
        None => files.push((path, host_toml(wanted)?.into_bytes())),
    }
    let lists = [
        ("krl", Some(EMPTY_KRL.to_vec())),
        ("revoked", wanted.authority.map(|authority| Revoked::nothing(authority).render().into_bytes())),
    ];
    for (name, bytes) in lists {
        if let Some(bytes) = bytes
            && plan::read(&file(name))?.is_none()
        {
            files.push((file(name), bytes));
        }
    }
    Ok(files)
}

/// Every file of ours there.
pub(super) fn all() -> [PathBuf; 5] {
    ["host.toml", "ca.pub", "approvers", "revoked", "krl"].map(file)
}

/// Files that only the authority can give, and that are not there.
pub(super) fn from_the_authority() -> impl Iterator<Item = PathBuf> {
    ["ca.pub", "approvers", "revoked"].map(file).into_iter().filter(|path| !path.exists())
}

fn file(name: &str) -> PathBuf {
    Path::new(OURS).join(name)
}

fn host_toml(wanted: &Wanted) -> Result<String> {
    let host = match &wanted.host {
        Some(host) => host.clone(),
        None => of_the_system()?,
    };
    let mut text = EXAMPLE.replace("\"db1.prod\"", &format!("\"{host}\"")).replace("[\"db\"]", "[]");
    if let Some(authority) = wanted.authority {
        text = text.replace("\"SHA256:...\"", &format!("\"{authority}\""));
    }
    Ok(text)
}

fn of_the_system() -> Result<HostName> {
    let name = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok()).unwrap_or_default();
    name.to_ascii_lowercase().parse().map_err(|_| {
        SetupError::new(format!("this system's name, {name:?}, can't be a host's name in grants"))
            .hint("name it: --host db1.prod")
    })
}

/// The shipped lines are for one group: a host.toml that names another would leave its members with every door open.
fn look_at_group(path: &Path, text: &str) -> Result<()> {
    let named = text.lines().filter_map(|line| line.trim().strip_prefix("vendor_group"));
    let other = named.map(|rest| rest.trim_start_matches([' ', '\t', '='])).find(|value| {
        let value = value.trim_start_matches(['"', '\'']);
        value.split(['"', '\'']).next() != Some(GROUP)
    });
    match other {
        None => Ok(()),
        Some(_) => {
            Err(SetupError::new(format!("{} names another vendor_group than {GROUP}", path.display()))
                .hint("`jit setup` knows this group only: set up another by hand, after packaging/"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_toml_with_name_and_authority_is_complete() {
        let authority = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".parse().unwrap();
        let wanted = Wanted { host: Some("web7.prod".parse().unwrap()), authority: Some(authority) };
        let text = host_toml(&wanted).unwrap();
        let config = hostfile::HostConfig::parse(Path::new("host.toml"), text.as_bytes()).unwrap();
        assert_eq!(config.host.to_string(), "web7.prod");
        assert_eq!(config.authority, authority);
        assert!(config.roles.is_empty() && config.vendor_group == GROUP);
    }

    #[test]
    fn another_group_is_refused() {
        assert!(look_at_group(Path::new("x"), "vendor_group = \"jit-vendors\" # ours").is_ok());
        assert!(look_at_group(Path::new("x"), "vendor_group='others'").is_err());
    }
}

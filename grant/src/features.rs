//! What a session may use beyond running commands: all off unless named.
//!
//! Written in a fixed order, `pty,sftp,forward=HOST:PORT,agent,sudo`, or `-` for none.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use crate::limits;
use crate::name::HostName;

/// One target that the person may reach through `ssh -L`: a host name or an address, and a port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ForwardTarget {
    host: String,
    port: u16,
}

/// The features of a grant.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Features {
    /// A terminal (`permit-pty`).
    pub pty: bool,
    /// File transfer through sshd's sftp subsystem.
    pub sftp: bool,
    /// Targets of local forwarding (`permit-port-forwarding`, and `permitopen` on the host).
    pub forward: BTreeSet<ForwardTarget>,
    /// Agent forwarding (`permit-agent-forwarding`).
    pub agent: bool,
    /// sudo inside the session.
    pub sudo: bool,
}

/// A text that does not name features.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FeaturesError {
    /// An unknown word.
    #[error("`{}` is not a feature: pty, sftp, forward=HOST:PORT, agent, sudo", .0.escape_debug())]
    Unknown(String),
    /// A target that is not HOST:PORT.
    #[error("`{}` is not a forward target like db.internal:5432 or [2001:db8::1]:5432", .0.escape_debug())]
    Target(String),
    /// Named twice.
    #[error("`{}` is named twice", .0.escape_debug())]
    Twice(String),
    /// More than [`limits::FORWARDS`] targets.
    #[error("more than {} forward targets", limits::FORWARDS)]
    TooMany,
}

fn cut(text: &str) -> String {
    text.chars().take(64).collect()
}

impl ForwardTarget {
    /// The host name or address, without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, never 0.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl fmt::Display for ForwardTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl FromStr for ForwardTarget {
    type Err = FeaturesError;

    fn from_str(text: &str) -> Result<Self, FeaturesError> {
        let fail = || FeaturesError::Target(cut(text));
        let (host, port) = text.rsplit_once(':').ok_or_else(fail)?;
        let port: u16 = port.parse().ok().filter(|p| *p != 0).ok_or_else(fail)?;
        let host = match host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
            Some(v6) => v6.parse::<std::net::Ipv6Addr>().map_err(|_| fail())?.to_string(),
            None => match host.parse::<IpAddr>() {
                Ok(IpAddr::V4(v4)) => v4.to_string(),
                Ok(IpAddr::V6(_)) => return Err(fail()),
                Err(_) => host.parse::<HostName>().map_err(|_| fail())?.to_string(),
            },
        };
        let target = Self { host, port };
        // One target, one text: `05432` or an unshortened IPv6 address is another spelling.
        if target.to_string() == text { Ok(target) } else { Err(fail()) }
    }
}

impl Features {
    /// The OpenSSH certificate extensions that these features need (PROTOCOL.certkeys), all without data.
    #[must_use]
    pub fn permits(&self) -> Vec<&'static str> {
        let all = [
            (self.agent, "permit-agent-forwarding"),
            (!self.forward.is_empty(), "permit-port-forwarding"),
            (self.pty, "permit-pty"),
        ];
        all.into_iter().filter_map(|(on, name)| on.then_some(name)).collect()
    }
}

impl fmt::Display for Features {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words = Vec::new();
        let word = |on: bool, name: &str| on.then(|| name.to_owned());
        words.extend(word(self.pty, "pty"));
        words.extend(word(self.sftp, "sftp"));
        words.extend(self.forward.iter().map(|target| format!("forward={target}")));
        words.extend(word(self.agent, "agent"));
        words.extend(word(self.sudo, "sudo"));
        f.write_str(&if words.is_empty() { "-".to_owned() } else { words.join(",") })
    }
}

impl FromStr for Features {
    type Err = FeaturesError;

    /// Reads the words in any order, for a command line; a document must hold the rendered order.
    fn from_str(text: &str) -> Result<Self, FeaturesError> {
        let mut features = Self::default();
        if text == "-" {
            return Ok(features);
        }
        for word in text.split(',') {
            let fresh = match word {
                "pty" => !std::mem::replace(&mut features.pty, true),
                "sftp" => !std::mem::replace(&mut features.sftp, true),
                "agent" => !std::mem::replace(&mut features.agent, true),
                "sudo" => !std::mem::replace(&mut features.sudo, true),
                _ => match word.strip_prefix("forward=") {
                    Some(target) => features.forward.insert(target.parse()?),
                    None => return Err(FeaturesError::Unknown(cut(word))),
                },
            };
            if !fresh {
                return Err(FeaturesError::Twice(cut(word)));
            }
            if features.forward.len() > limits::FORWARDS {
                return Err(FeaturesError::TooMany);
            }
        }
        Ok(features)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_are_off_unless_named() {
        assert_eq!("-".parse::<Features>().unwrap(), Features::default());
        assert!(Features::default().permits().is_empty());
        assert!("".parse::<Features>().is_err());
        assert!("x11".parse::<Features>().is_err());
        assert!("pty,pty".parse::<Features>().is_err());
    }

    #[test]
    fn features_have_one_order() {
        let features: Features = "sudo,forward=db:5432,pty,forward=[2001:db8::1]:22".parse().unwrap();
        assert_eq!(features.to_string(), "pty,forward=[2001:db8::1]:22,forward=db:5432,sudo");
    }

    #[test]
    fn a_forward_target_is_exact() {
        for bad in [
            "db",
            "db:",
            ":5432",
            "db:0",
            "db:65536",
            "db:05432",
            "*:1",
            "db:*",
            "2001:db8::1:22",
            "[db]:1",
            "d b:1",
            "[2001:DB8::1]:22",
        ] {
            assert!(bad.parse::<ForwardTarget>().is_err(), "{bad}");
        }
    }
}

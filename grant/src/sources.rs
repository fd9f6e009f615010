//! The source networks of a grant: where a login may come from.
//!
//! Written `any`, or CIDR networks in order, joined by commas, as OpenSSH's `source-address` wants
//! them. Host bits are zero, so one network has one text. An IPv4-mapped IPv6 address counts as the
//! IPv4 address that it is.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;

use crate::limits;

/// `any`, or at least one network.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sources(BTreeSet<IpNet>);

/// A text that is not a list of networks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourcesError {
    /// Not an address or a network.
    #[error("`{}` is not a network like 192.0.2.0/24 or 2001:db8::/32", .0.escape_debug())]
    Network(String),
    /// Bits beyond the prefix are set, so that the network is written in another way than its own.
    #[error("`{given}` names an address inside a network; the network is {meant}")]
    HostBits {
        /// What was written.
        given: IpNet,
        /// The network that it lies in.
        meant: IpNet,
    },
    /// More than [`limits::SOURCES`].
    #[error("more than {} source networks", limits::SOURCES)]
    TooMany,
    /// An IPv4 network in IPv6 clothes, which would match nothing or too much.
    #[error("`{0}` is an IPv4-mapped network: write it as IPv4")]
    Mapped(IpNet),
}

impl Sources {
    /// From anywhere.
    #[must_use]
    pub fn any() -> Self {
        Self::default()
    }

    /// These networks; none means any.
    ///
    /// # Errors
    /// [`SourcesError`] for host bits, IPv4-mapped networks, or too many.
    pub fn new(networks: impl IntoIterator<Item = IpNet>) -> Result<Self, SourcesError> {
        let mut set = BTreeSet::new();
        for network in networks {
            if network.trunc() != network {
                return Err(SourcesError::HostBits { given: network, meant: network.trunc() });
            }
            if let IpNet::V6(v6) = network
                && v6.addr().to_ipv4_mapped().is_some()
            {
                return Err(SourcesError::Mapped(network));
            }
            set.insert(network);
        }
        if set.len() > limits::SOURCES { Err(SourcesError::TooMany) } else { Ok(Self(set)) }
    }

    /// One network, or an address as the network of itself alone.
    ///
    /// # Errors
    /// [`SourcesError::Network`] if it is neither.
    pub fn network(text: &str) -> Result<IpNet, SourcesError> {
        let fail = || SourcesError::Network(text.chars().take(64).collect());
        if text.contains('/') {
            text.parse().map_err(|_| fail())
        } else {
            Ok(IpNet::from(text.parse::<IpAddr>().map_err(|_| fail())?))
        }
    }

    /// Whether every address is allowed.
    #[must_use]
    pub fn is_any(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a login may come from `address`.
    #[must_use]
    pub fn contain(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.is_any() || self.0.iter().any(|network| network.contains(&address))
    }

    /// The value of OpenSSH's `source-address` critical option; `None` if any address is allowed.
    #[must_use]
    pub fn source_address(&self) -> Option<String> {
        (!self.is_any()).then(|| self.to_string())
    }
}

impl fmt::Display for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_any() {
            return f.write_str("any");
        }
        for (index, network) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            write!(f, "{network}")?;
        }
        Ok(())
    }
}

impl FromStr for Sources {
    type Err = SourcesError;

    fn from_str(text: &str) -> Result<Self, SourcesError> {
        if text == "any" {
            return Ok(Self::any());
        }
        if text.split(',').count() > limits::SOURCES {
            return Err(SourcesError::TooMany);
        }
        Self::new(text.split(',').map(Self::network).collect::<Result<Vec<_>, _>>()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapped_address_counts_as_ipv4() {
        let sources: Sources = "192.0.2.0/24".parse().unwrap();
        assert!(sources.contain("192.0.2.7".parse().unwrap()));
        assert!(sources.contain("::ffff:192.0.2.7".parse().unwrap()));
        assert!(!sources.contain("192.0.3.7".parse().unwrap()));
        assert!(!sources.contain("::1".parse().unwrap()));
    }

    #[test]
    fn a_network_has_one_text() {
        assert!(matches!("192.0.2.1/24".parse::<Sources>(), Err(SourcesError::HostBits { .. })));
        assert!(matches!("::ffff:192.0.2.0/120".parse::<Sources>(), Err(SourcesError::Mapped(_))));
        assert!("".parse::<Sources>().is_err());
        assert!("192.0.2.0/24,".parse::<Sources>().is_err());
        assert!("192.0.2.0/33".parse::<Sources>().is_err());
        assert_eq!("192.0.2.9".parse::<Sources>().unwrap().to_string(), "192.0.2.9/32");
    }
}

//! What a host knows before a bundle comes: its host.toml, the bundle applied last, one half applied.

use std::path::Path;

use grant::{Fingerprint, SignedBundle, limits};
use hostfile::{HostConfig, HostfileError, secure};

use super::{Place, TrustError, host_toml};

/// What stands in host.toml.
#[derive(Debug)]
pub enum HostToml {
    /// There is none, or it is the example with nothing filled in: made from this text.
    Unpinned(String),
    /// It names its trust root.
    Pinned {
        /// What it says.
        config: Box<HostConfig>,
        /// The file.
        text: String,
    },
}

/// What a host knows.
#[derive(Debug)]
pub struct Known {
    /// host.toml.
    pub host_toml: HostToml,
    /// The bundle that was applied last.
    pub applied: Option<SignedBundle>,
    /// One that was kept and is not applied yet.
    pub pending: Option<SignedBundle>,
}

impl Known {
    /// Reads all of it.
    ///
    /// # Errors
    /// [`TrustError`] when a file is refused or damaged.
    pub fn read(place: &Place) -> Result<Self, TrustError> {
        Ok(Self {
            host_toml: read_host_toml(&place.config)?,
            applied: kept(&place.applied())?,
            pending: kept(&place.pending())?,
        })
    }

    /// The trust root that this host has pinned.
    #[must_use]
    pub fn pin(&self) -> Option<Fingerprint> {
        match &self.host_toml {
            HostToml::Pinned { config, .. } => Some(config.authority),
            HostToml::Unpinned(_) => None,
        }
    }

    /// Whether a bundle is of the pinned root and for this host's name; any is where nothing is pinned.
    #[must_use]
    pub fn is_for_this_host(&self, signed: &SignedBundle) -> bool {
        match &self.host_toml {
            HostToml::Unpinned(_) => true,
            HostToml::Pinned { config, .. } => {
                config.authority == signed.bundle().authority && config.host == signed.bundle().host
            }
        }
    }
}

fn read_host_toml(path: &Path) -> Result<HostToml, TrustError> {
    let bytes = match secure::read(path, hostfile::limits::HOST_TOML) {
        // A folder above it that is missing too is a first use like any other.
        Err(HostfileError::Missing { .. }) => return Ok(HostToml::Unpinned(host_toml::example(path))),
        other => other?,
    };
    if let Some(text) = std::str::from_utf8(&bytes).ok().filter(|text| host_toml::is_unpinned(text)) {
        return Ok(HostToml::Unpinned(text.to_owned()));
    }
    let config = HostConfig::parse(path, &bytes)?;
    // It was parsed, so it is text.
    let text = String::from_utf8(bytes).unwrap_or_default();
    Ok(HostToml::Pinned { config: Box::new(config), text })
}

fn kept(path: &Path) -> Result<Option<SignedBundle>, TrustError> {
    match secure::read(path, limits::BUNDLE) {
        Err(HostfileError::Missing { .. }) => Ok(None),
        Err(error) => Err(error.into()),
        Ok(bytes) => SignedBundle::read(&bytes)
            .map(Some)
            .map_err(|problem| TrustError::Kept { path: path.to_owned(), problem }),
    }
}

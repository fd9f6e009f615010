//! The writes that make a bundle what this host believes, in an order in which every stop is safe.
//!
//! A login passes when every file lets it pass. First what is over: the revoked list and the KRL. Then what the
//! bundle takes away leaves the other files; until here each state lets in less than the old one. Then they get
//! what the bundle adds; from here each state lets in less than the new one. host.toml is last.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use grant::{Approvers, Bundle, PublicKey};
use hostfile::{HostConfig, host_trust};

use super::known::{HostToml, Known};
use super::{Place, TrustError, durable, host_toml};

/// Stands where nothing is common to the old and the new file; such a file lets nobody in.
const NOTHING: &str = "# `jit trust` is replacing this file; run it again if this line stays\n";

/// One file, written whole.
#[derive(Debug)]
pub(super) struct Step {
    path: PathBuf,
    bytes: Vec<u8>,
}

impl Step {
    fn new(path: &Path, bytes: impl Into<Vec<u8>>) -> Self {
        Self { path: path.to_owned(), bytes: bytes.into() }
    }

    /// Where it writes.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes it; durable when this returns.
    pub(super) fn run(&self) -> io::Result<()> {
        if let Some(folder) = self.path.parent() {
            durable::make_folder(folder)?;
        }
        // sshd and `jit principals` read them as nobody; there is no secret in them.
        durable::replace(&self.path, &self.bytes, 0o644)
    }
}

/// All steps from what is there to what the bundle says.
pub(super) fn steps(place: &Place, known: &Known, bundle: &Bundle) -> Result<Vec<Step>, TrustError> {
    let edit = |problem| TrustError::Edit { path: place.config.clone(), problem };
    let (text, here) = match &known.host_toml {
        HostToml::Pinned { config, text } => (text, Some(&**config)),
        HostToml::Unpinned(text) => (text, None),
    };
    let edited = host_toml::edited(&place.config, text, bundle.authority, &bundle.host, &bundle.roles)
        .map_err(edit)?;
    // The paths are this host's own; the bundle knows none.
    let paths = HostConfig::parse(&place.config, edited.as_bytes())?;

    let mut steps =
        vec![Step::new(&paths.revoked, bundle.revoked.render()), Step::new(&place.krl(), bundle.krl.clone())];

    if let Some(fewer) = common_approvers(&paths.approvers, bundle) {
        steps.push(Step::new(&paths.approvers, fewer));
    }
    if let Some(fewer) = common_ca_keys(&paths.ca_keys, bundle) {
        steps.push(Step::new(&paths.ca_keys, fewer));
    }
    if let Some(config) = here.filter(|config| !config.roles.is_subset(&bundle.roles)) {
        let common: BTreeSet<_> = config.roles.intersection(&bundle.roles).cloned().collect();
        let fewer = host_toml::edited(&place.config, text, config.authority, &config.host, &common);
        steps.push(Step::new(&place.config, fewer.map_err(edit)?));
    }

    steps.push(Step::new(&paths.approvers, bundle.approvers_file()));
    steps.push(Step::new(&paths.ca_keys, bundle.ca_keys_file()));
    steps.push(Step::new(&place.config, edited));
    Ok(steps)
}

/// The approvers of both, if the bundle takes any away. A file that can't be read lets nobody in as it is.
fn common_approvers(path: &Path, bundle: &Bundle) -> Option<String> {
    let old: Approvers = host_trust::approvers(path).ok()?;
    // A line with other times is another line: taken away and added.
    let stays = |approver: &&grant::Approver| bundle.approvers.by_key(&approver.key) == Some(approver);
    let lines: Vec<_> = old.iter().filter(stays).map(grant::Approver::to_line).collect();
    (lines.len() < old.iter().count()).then(|| file(&lines))
}

/// Likewise the CA keys.
fn common_ca_keys(path: &Path, bundle: &Bundle) -> Option<String> {
    let old = host_trust::ca_keys(path).ok()?;
    let stays = |key: &&PublicKey| bundle.ca_keys.contains(key);
    let lines: Vec<_> = old.iter().filter(stays).map(PublicKey::to_line).collect();
    (lines.len() < old.len()).then(|| file(&lines))
}

fn file(lines: &[String]) -> String {
    if lines.is_empty() {
        return NOTHING.to_owned();
    }
    lines.iter().map(|line| format!("{line}\n")).collect()
}

#[cfg(test)]
#[path = "steps_tests.rs"]
pub(super) mod tests;

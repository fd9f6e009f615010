//! What the files that `host.toml` names say, as the [`Trust`] that a verdict is made with.
//!
//! One wrong file is no trust at all. Two things are refused that no single file shows: a CA key that
//! is also the trust root or an approver's key, so that a stolen CA key can never approve; and a
//! revoked list of another authority, which would revoke nothing here.

use std::path::Path;

use grant::{Approvers, Enforced, PublicKey, Revoked, RevokedError, Trust};

use crate::error::{HostfileError, escaped, text};
use crate::host_toml::HostConfig;
use crate::{limits, secure, trust_age};

impl HostConfig {
    /// Reads all the files that decide access.
    ///
    /// # Errors
    /// [`HostfileError`] of the first file that is refused, wrong, or at odds with another.
    pub fn trust(&self) -> Result<Trust, HostfileError> {
        let ca_keys = ca_keys(&self.ca_keys)?;
        let approvers = approvers(&self.approvers)?;
        for key in &ca_keys {
            let problem = if key.fingerprint() == self.authority {
                "is the trust root; the two must be different keys".to_owned()
            } else if let Some(approver) = approvers.by_key(key) {
                format!(
                    "is also the key of the approver {}; the CA must not be able to approve",
                    approver.name
                )
            } else {
                continue;
            };
            let problem = format!("the CA key {} {problem}", key.fingerprint());
            return Err(HostfileError::Content { path: self.ca_keys.clone(), problem });
        }
        let revoked = revoked(&self.revoked)?;
        if revoked.authority != self.authority {
            let problem = format!(
                "it is the list of the authority {}, and {} names {}: fetch this authority's list",
                revoked.authority,
                self.path.display(),
                self.authority
            );
            return Err(HostfileError::Content { path: self.revoked.clone(), problem: escaped(&problem) });
        }
        Ok(Trust {
            authority: self.authority,
            host: self.host.clone(),
            roles: self.roles.clone(),
            ca_keys,
            approvers,
            minimum_approvals: self.minimum_approvals,
            revoked,
            // All of these are the recorder's to keep; where there is none, such a grant is refused.
            enforced: match self.recorder {
                Some(_) => Enforced { uses: true, sessions: true, extendable_to: true, sudo: true },
                None => Enforced::default(),
            },
            maximum_age: trust_age::limit(self.trust_max_age),
        })
    }
}

/// The CA keys in a file of OpenSSH public key lines; blank lines and `#` comments are skipped.
///
/// # Errors
/// [`HostfileError`] if the file is refused, a line is not a plain acceptable key, a key stands twice,
/// or there are none or too many.
pub fn ca_keys(path: &Path) -> Result<Vec<PublicKey>, HostfileError> {
    let bytes = secure::read(path, limits::CA_KEYS)?;
    let mut keys: Vec<PublicKey> = Vec::new();
    for (index, line) in text(path, &bytes)?.split('\n').enumerate() {
        let at = |problem: &str| line_error(path, index + 1, problem);
        let line = line.trim_ascii();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if line.starts_with("cert-authority") {
            return Err(at("options do not belong here: write the plain public key line"));
        }
        let key = PublicKey::parse_line(line).map_err(|e| at(&e.to_string()))?;
        if keys.contains(&key) {
            return Err(at("this key stands in the file twice"));
        }
        keys.push(key);
        if keys.len() > limits::CA_KEY_COUNT {
            return Err(at(&format!("more than {} keys", limits::CA_KEY_COUNT)));
        }
    }
    if keys.is_empty() {
        return Err(content(path, "it holds no CA key: install the ca_key.pub of `ca init`"));
    }
    Ok(keys)
}

/// The approvers in a file of allowed_signers lines. None at all is a file of comments: it is refused,
/// because then no grant can ever be approved and a truncated file looks the same.
///
/// # Errors
/// [`HostfileError`] if the file is refused, wrong, or names nobody.
pub fn approvers(path: &Path) -> Result<Approvers, HostfileError> {
    let bytes = secure::read(path, grant::limits::APPROVERS)?;
    let approvers =
        Approvers::parse(text(path, &bytes)?).map_err(|e| line_error(path, e.line, &e.what.to_string()))?;
    if approvers.iter().next().is_none() {
        return Err(content(path, "it names no approver: install what `ca approver export` prints"));
    }
    Ok(approvers)
}

/// The revoked list in a file.
///
/// # Errors
/// [`HostfileError`] if the file is refused, wrong or truncated; an empty file is truncated.
pub fn revoked(path: &Path) -> Result<Revoked, HostfileError> {
    let bytes = secure::read(path, grant::limits::REVOKED)?;
    Revoked::parse(text(path, &bytes)?).map_err(|error| match error {
        RevokedError::Line(line) => line_error(path, line, "not an entry that a revoked list can hold here"),
        other => content(path, &format!("{other}: fetch it again with `ca revoked -o`")),
    })
}

fn line_error(path: &Path, line: usize, problem: &str) -> HostfileError {
    HostfileError::Line { path: path.to_owned(), line, field: None, problem: escaped(problem) }
}

fn content(path: &Path, problem: &str) -> HostfileError {
    HostfileError::Content { path: path.to_owned(), problem: escaped(problem) }
}

//! The trust bundle: everything that a host believes, in one text that the trust root signs.
//!
//! It names one host and a version that rises, so that a host can tell a newer one from an older. The text
//! is strict: parsing accepts exactly what [`Bundle::render`] produces. What a host does with it is
//! elsewhere; a bundle that nobody verified is no [`SignedBundle`]. docs/trust-format.md specifies it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::ops::Deref;
use std::str::FromStr;

use base64ct::{Base64, Encoding as _};

use crate::approvers::Approvers;
use crate::fingerprint::{Digest, Fingerprint};
use crate::key::PublicKey;
use crate::limits;
use crate::name::{HostName, RoleName};
use crate::revoked::{Revoked, RevokedError};
use crate::unix_time::UnixTime;

mod error;
mod reader;
mod signed;

pub use error::BundleError;
use reader::Reader;
pub use signed::SignedBundle;

/// The SSHSIG namespace of trust bundles.
pub const NAMESPACE: &str = "trust@pam-jit";
/// The first line of a version 1 bundle.
pub const VERSION_LINE: &str = "pam-jit trust 1";
/// Bytes from a bundle's beginning in which its `made` line certainly stands.
pub const HEAD: usize = 512;
/// What a key revocation list begins with (PROTOCOL.krl).
const KRL_MAGIC: &[u8] = b"SSHKRL\n\0";

/// Everything that a version 1 bundle says.
#[derive(Debug, Clone)]
pub struct BundleFields {
    /// Fingerprint of the trust root that signs it.
    pub authority: Fingerprint,
    /// The host that it is for.
    pub host: HostName,
    /// Rises with every bundle for this host.
    pub version: u64,
    /// When the authority made it.
    pub made: UnixTime,
    /// The host's roles.
    pub roles: BTreeSet<RoleName>,
    /// The CA keys that may sign certificates.
    pub ca_keys: Vec<PublicKey>,
    /// The approvers whose signatures count.
    pub approvers: Approvers,
    /// What is over.
    pub revoked: Revoked,
    /// The same for sshd: OpenSSH's key revocation list.
    pub krl: Vec<u8>,
}

/// A bundle whose fields hold together.
#[derive(Debug, Clone)]
pub struct Bundle(BundleFields);

impl Deref for Bundle {
    type Target = BundleFields;

    fn deref(&self) -> &BundleFields {
        &self.0
    }
}

impl Bundle {
    /// Checks that the fields hold together.
    ///
    /// # Errors
    /// [`BundleError::Field`] names the field that does not.
    pub fn new(fields: BundleFields) -> Result<Self, BundleError> {
        check(&fields)?;
        let bundle = Self(fields);
        let length = bundle.render().len();
        let room = limits::BUNDLE - limits::ARMORED_SIGNATURE;
        if length > room { Err(BundleError::TooLong(length)) } else { Ok(bundle) }
    }

    /// Reads a bundle's text: exactly the bytes that [`Bundle::render`] makes, or nothing.
    ///
    /// # Errors
    /// [`BundleError`] names the first line that is wrong, and how.
    pub fn parse(text: &[u8]) -> Result<Self, BundleError> {
        if text.len() > limits::BUNDLE {
            return Err(BundleError::TooLong(text.len()));
        }
        let mut lines = Reader::of(text)?;
        lines.version()?;
        let authority = lines.one("authority")?;
        let host = lines.one("host")?;
        let version = lines.one("version")?;
        let made = lines.one("made")?;
        let roles = lines.set("roles")?;
        let mut ca_keys = Vec::new();
        while let Some(line) = lines.next_if("ca-key") {
            ca_keys.push(PublicKey::parse_line(line).map_err(|e| lines.wrong("ca-key", &e))?);
            if ca_keys.len() > limits::CA_KEYS {
                return Err(lines.wrong("ca-key", &format!("more than {} keys", limits::CA_KEYS)));
            }
        }
        let fields = BundleFields {
            authority,
            host,
            version,
            made,
            roles,
            ca_keys,
            approvers: approvers(&mut lines)?,
            revoked: revoked(&mut lines, authority)?,
            krl: {
                let base64 = lines.value("krl")?;
                Base64::decode_vec(base64).map_err(|_| lines.wrong("krl", &"not base64"))?
            },
        };
        lines.end()?;
        check(&fields)?;
        let bundle = Self(fields);
        // The rule that makes the form canonical: whatever was read is exactly what would be written.
        let rendered = bundle.render();
        if rendered.as_bytes() == text {
            return Ok(bundle);
        }
        let theirs = text.split(|byte| *byte == b'\n');
        let differs = rendered.split('\n').zip(theirs).position(|(ours, theirs)| ours.as_bytes() != theirs);
        Err(BundleError::NotCanonical(differs.map_or(1, |index| index + 1)))
    }

    /// The canonical text: what is signed, byte for byte.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = format!("{VERSION_LINE}\n");
        let mut count = 1_usize;
        let mut line = |key: &str, value: &dyn std::fmt::Display| {
            // Writing to a String does not fail.
            let _ = writeln!(text, "{key}: {value}");
            count += 1;
        };
        line("authority", &self.authority);
        line("host", &self.host);
        line("version", &self.version);
        line("made", &self.made);
        let roles: Vec<_> = self.roles.iter().map(RoleName::as_str).collect();
        line("roles", &if roles.is_empty() { "-".to_owned() } else { roles.join(",") });
        sorted(self.ca_keys.iter().map(PublicKey::to_line)).iter().for_each(|key| line("ca-key", key));
        sorted(self.approvers.iter().map(crate::Approver::to_line))
            .iter()
            .for_each(|approver| line("approver", approver));
        entries(&self.revoked).for_each(|entry| line("revoked", &entry));
        line("krl", &Base64::encode_string(&self.krl));
        let _ = writeln!(text, "end: {count}");
        text
    }

    /// The SHA-256 of the canonical text.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(self.render().as_bytes())
    }

    /// The file of CA keys that a host reads.
    #[must_use]
    pub fn ca_keys_file(&self) -> String {
        sorted(self.ca_keys.iter().map(PublicKey::to_line)).iter().map(|line| format!("{line}\n")).collect()
    }

    /// The approvers file that a host reads.
    #[must_use]
    pub fn approvers_file(&self) -> String {
        sorted(self.approvers.iter().map(crate::Approver::to_line))
            .iter()
            .map(|line| format!("{line}\n"))
            .collect()
    }
}

/// When a bundle was made, from the first [`HEAD`] bytes of it: for a reader that believes the file already
/// and must stay small.
#[must_use]
pub fn made_in(head: &[u8]) -> Option<UnixTime> {
    let mut lines = head.split(|byte| *byte == b'\n');
    if lines.next() != Some(VERSION_LINE.as_bytes()) {
        return None;
    }
    let made = lines.nth(3)?.strip_prefix(b"made: ")?;
    std::str::from_utf8(made).ok()?.parse().ok()
}

fn sorted(lines: impl Iterator<Item = String>) -> Vec<String> {
    let mut lines: Vec<_> = lines.collect();
    lines.sort();
    lines
}

/// The lines of a revoked list between its head and its end.
fn entries(revoked: &Revoked) -> impl Iterator<Item = String> {
    let text = revoked.render();
    let lines: Vec<_> = text.lines().skip(2).map(str::to_owned).collect();
    let count = lines.len().saturating_sub(1);
    lines.into_iter().take(count)
}

fn approvers(lines: &mut Reader<'_>) -> Result<Approvers, BundleError> {
    let first = lines.number() + 1;
    let mut file = String::new();
    while let Some(line) = lines.next_if("approver") {
        if line.is_empty() || line.starts_with('#') {
            return Err(lines.wrong("approver", &"no approver stands there"));
        }
        file.push_str(line);
        file.push('\n');
    }
    Approvers::parse(&file).map_err(|e| BundleError::Value {
        line: first + e.line - 1,
        key: "approver",
        why: e.what.to_string(),
    })
}

fn revoked(lines: &mut Reader<'_>, authority: Fingerprint) -> Result<Revoked, BundleError> {
    let first = lines.number() + 1;
    let mut list = format!("pam-jit revoked 1\nauthority: {authority}\n");
    let mut count = 0_usize;
    while let Some(line) = lines.next_if("revoked") {
        if line.starts_with("end: ") {
            return Err(lines.wrong("revoked", &"not a grant, serial, person or vendor"));
        }
        list.push_str(line);
        list.push('\n');
        count += 1;
    }
    let _ = writeln!(list, "end: {count}");
    Revoked::parse(&list).map_err(|error| match error {
        // The list's own first two lines stand nowhere in the bundle.
        RevokedError::Line(line) => BundleError::Value {
            line: first + line.saturating_sub(3),
            key: "revoked",
            why: "not a new grant, serial, person or vendor".to_owned(),
        },
        other => BundleError::Field { key: "revoked", why: other.to_string() },
    })
}

/// What must hold between fields. Each field alone is checked by its type.
fn check(fields: &BundleFields) -> Result<(), BundleError> {
    let wrong = |key: &'static str, why: String| Err(BundleError::Field { key, why });
    if fields.version == 0 {
        return wrong("version", "versions begin with 1".to_owned());
    }
    if fields.roles.len() > limits::ROLES {
        return wrong("roles", format!("at most {} fit", limits::ROLES));
    }
    if fields.ca_keys.is_empty() || fields.ca_keys.len() > limits::CA_KEYS {
        return wrong("ca-key", format!("a host needs 1 to {} CA keys", limits::CA_KEYS));
    }
    if fields.approvers.iter().next().is_none() {
        return wrong("approver", "a host needs at least one approver".to_owned());
    }
    let distinct: BTreeSet<_> = fields.ca_keys.iter().collect();
    if distinct.len() != fields.ca_keys.len() {
        return wrong("ca-key", "a key stands twice".to_owned());
    }
    for key in &fields.ca_keys {
        if key.fingerprint() == fields.authority {
            return wrong("ca-key", "a CA key is the trust root; the two must be different keys".to_owned());
        }
        if let Some(approver) = fields.approvers.by_key(key) {
            let why = format!("a CA key is also the key of the approver {}", approver.name);
            return wrong("ca-key", why);
        }
    }
    if fields.revoked.authority != fields.authority {
        return wrong("revoked", "it is the list of another authority".to_owned());
    }
    if fields.krl.len() > limits::KRL {
        return wrong("krl", format!("it has {} bytes, at most {} fit", fields.krl.len(), limits::KRL));
    }
    if !fields.krl.starts_with(KRL_MAGIC) {
        return wrong("krl", "it is not a key revocation list of OpenSSH".to_owned());
    }
    Ok(())
}

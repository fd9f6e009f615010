//! `jit try`: the verdict on a login to this host, without logging in.
//!
//! It reads what the module reads and asks the same function, so it answers what the module would.
//! Besides, the account must be a vendor account here: to others sshd does not show our certificates.

use std::net::IpAddr;

use base64ct::{Base64, Encoding};
use grant::{Login, Refusal, Terms, UnixTime, Verdict};
use hostfile::{HostConfig, HostfileError, vendor_group};
use serde::Serialize;

/// The largest certificate file, in bytes: the blob in base64 with its algorithm and a comment.
pub const FILE_LIMIT: usize = 2 * grant::limits::CERTIFICATE;

/// A file that is not a certificate.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotACertificate {
    /// Not one line `ALGORITHM BASE64 [COMMENT]`.
    #[error("not an OpenSSH certificate line")]
    Line,
    /// A plain public key.
    #[error("a plain public key, not a certificate")]
    PlainKey,
    /// A private key.
    #[error("a private key, not a certificate")]
    PrivateKey,
}

/// What became of a trial; the JSON form of `jit try --json`.
#[derive(Debug, Serialize)]
pub struct Outcome {
    /// `allow` or `refuse`.
    pub verdict: &'static str,
    /// Why refused, a word that never changes its meaning.
    pub code: Option<&'static str>,
    /// What the person would be told.
    pub told: Option<String>,
    /// What would be logged.
    pub logged: Option<String>,
    /// The host.
    pub host: String,
    /// The account asked for.
    pub account: String,
    /// Where the login would come from.
    pub source: IpAddr,
    /// When.
    pub at: String,
    /// What the certificate says, if a trusted CA signed it.
    pub certificate: Option<CertificateFacts>,
    /// The grant, if one could be read.
    pub grant: Option<GrantFacts>,
}

/// Facts of a certificate that a trusted CA signed.
#[derive(Debug, Serialize)]
pub struct CertificateFacts {
    /// The serial.
    pub serial: u64,
    /// The fingerprint of the person's key.
    pub key: String,
    /// The first second at which it is no longer valid; known for an allowed login.
    pub valid_before: Option<String>,
}

/// Facts of a grant.
#[derive(Debug, Serialize)]
pub struct GrantFacts {
    /// Its id.
    pub id: String,
    /// Its digest.
    pub digest: String,
    /// The vendor.
    pub vendor: String,
    /// The person.
    pub person: String,
    /// Of an allowed login: the terms.
    #[serde(flatten)]
    pub terms: Option<TermFacts>,
}

/// Terms of an allowed login.
#[derive(Debug, Serialize)]
pub struct TermFacts {
    /// When the window opens.
    pub opens: String,
    /// When it closes.
    pub closes: String,
    /// The source networks.
    pub from: String,
    /// The features.
    pub features: String,
    /// The reason.
    pub reason: String,
    /// The tracker's number.
    pub ticket: Option<String>,
    /// Whose approvals counted.
    pub approved_by: Vec<String>,
}

/// The blob in the text of a certificate file (`*-cert.pub`).
///
/// # Errors
/// [`NotACertificate`] says what the file is instead.
pub fn certificate_blob(text: &str) -> Result<Vec<u8>, NotACertificate> {
    if text.trim_start().starts_with("-----BEGIN") {
        return Err(NotACertificate::PrivateKey);
    }
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let (Some(line), None) = (lines.next(), lines.next()) else { return Err(NotACertificate::Line) };
    let mut words = line.split_ascii_whitespace();
    let (Some(algorithm), Some(base64)) = (words.next(), words.next()) else {
        return Err(NotACertificate::Line);
    };
    let blob = Base64::decode_vec(base64).map_err(|_| NotACertificate::Line)?;
    if algorithm.ends_with("-cert-v01@openssh.com") { Ok(blob) } else { Err(NotACertificate::PlainKey) }
}

/// The verdict on a login of `account` from `source` with the certificate `blob`, at `now`.
///
/// # Errors
/// [`HostfileError`] if the files that decide cannot be read; the module would then refuse.
pub fn attempt(
    config: &HostConfig,
    blob: &[u8],
    account: &str,
    source: IpAddr,
    now: UnixTime,
) -> Result<Outcome, HostfileError> {
    let trust = config.trust()?;
    let is_vendor = vendor_group::is_vendor(account, &config.vendor_group)?;
    let mut outcome = Outcome {
        verdict: "refuse",
        code: None,
        told: None,
        logged: None,
        host: config.host.to_string(),
        account: account.to_owned(),
        source,
        at: now.to_string(),
        certificate: None,
        grant: None,
    };
    let login = Login { account: account.to_owned(), source };
    match grant::decide(blob, &trust, &login, now) {
        Verdict::Allow(terms) => outcome.allow(&terms),
        Verdict::Refuse(refusal) => outcome.refuse(&refusal),
    }
    if outcome.is_allowed() && !is_vendor {
        outcome.verdict = "refuse";
        outcome.code = Some("not-a-vendor-account");
        let group = &config.vendor_group;
        outcome.logged = Some(format!("{account} is not in the group {group}, or has a uid below 1000"));
        outcome.told = Some(format!("access refused: {account} is no vendor account on {}", config.host));
    }
    Ok(outcome)
}

impl Outcome {
    /// Whether the login would be let in.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        self.verdict == "allow"
    }

    fn allow(&mut self, terms: &Terms) {
        self.verdict = "allow";
        self.certificate = Some(CertificateFacts {
            serial: terms.serial,
            key: terms.key.to_string(),
            valid_before: Some(terms.valid_before.to_string()),
        });
        let grant = &terms.grant;
        self.grant = Some(GrantFacts {
            id: grant.id.to_string(),
            digest: terms.digest.to_string(),
            vendor: grant.vendor.to_string(),
            person: grant.person.to_string(),
            terms: Some(TermFacts {
                opens: grant.window.opens().to_string(),
                closes: grant.window.closes().to_string(),
                from: grant.sources.to_string(),
                features: grant.features.to_string(),
                reason: grant.reason.to_string(),
                ticket: grant.ticket.as_ref().map(ToString::to_string),
                approved_by: terms.approved_by.iter().map(ToString::to_string).collect(),
            }),
        });
    }

    fn refuse(&mut self, refusal: &Refusal) {
        self.code = Some(refusal.reason.code());
        self.told = Some(refusal.reason.told());
        self.logged = Some(refusal.reason.logged());
        let Some(claim) = &refusal.claim else { return };
        self.certificate =
            Some(CertificateFacts { serial: claim.serial, key: claim.key.to_string(), valid_before: None });
        self.grant = claim.grant.as_ref().map(|grant| GrantFacts {
            id: grant.id.to_string(),
            digest: grant.digest.to_string(),
            vendor: grant.vendor.to_string(),
            person: grant.person.to_string(),
            terms: None,
        });
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut rows: Vec<(&str, String)> = Vec::new();
        match &self.told {
            None => write!(f, "allow: {} on {} from {}", self.account, self.host, self.source)?,
            Some(told) => {
                write!(f, "refuse: {}", told.strip_prefix("access refused: ").unwrap_or(told))?;
                rows.extend(self.code.map(|code| ("code", code.to_owned())));
                let logged = self.logged.clone().filter(|logged| !told.ends_with(logged.as_str()));
                rows.extend(logged.map(|logged| ("logged", logged)));
                rows.push(("login", format!("{} on {} from {}", self.account, self.host, self.source)));
            }
        }
        rows.push(("at", self.at.clone()));
        if let Some(grant) = &self.grant {
            rows.push(("person", grant.person.clone()));
            rows.push(("grant", format!("{}, sha256 {}", grant.id, grant.digest)));
            if let Some(terms) = &grant.terms {
                rows.push(("window", format!("{} to {}", terms.opens, terms.closes)));
                rows.push(("from", terms.from.clone()));
                rows.push(("features", terms.features.clone()));
                rows.push(("reason", terms.reason.clone()));
                rows.extend(terms.ticket.clone().map(|ticket| ("ticket", ticket)));
                rows.push(("approved by", terms.approved_by.join(", ")));
            }
        }
        if let Some(certificate) = &self.certificate {
            let until =
                certificate.valid_before.as_ref().map_or_else(String::new, |t| format!(", until {t}"));
            rows.push(("certificate", format!("serial {}{until}", certificate.serial)));
            rows.push(("key", certificate.key.clone()));
        }
        rows.iter().try_for_each(|(name, value)| write!(f, "\n  {name:<12} {value}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_no_certificate_is_called_what_it_is() {
        assert_eq!(
            certificate_blob("-----BEGIN OPENSSH PRIVATE KEY-----\n"),
            Err(NotACertificate::PrivateKey)
        );
        assert_eq!(certificate_blob("ssh-ed25519 AAAA jo\n"), Err(NotACertificate::PlainKey));
        assert_eq!(certificate_blob(""), Err(NotACertificate::Line));
        assert_eq!(certificate_blob("x-cert-v01@openssh.com A\u{202e}"), Err(NotACertificate::Line));
        assert_eq!(
            certificate_blob("x-cert-v01@openssh.com AAAA\nx-cert-v01@openssh.com AAAA\n"),
            Err(NotACertificate::Line)
        );
        assert_eq!(certificate_blob("\nx-cert-v01@openssh.com AAAA jo\n"), Ok(vec![0, 0, 0]));
    }
}

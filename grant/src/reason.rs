//! Why a login is refused: one word for programs, one line for the person, one for the log.
//!
//! The person has proved to hold the certificate's key before any of this is told. She is told what
//! happened, when or where it would work, and whom to ask; nothing about grants she has not shown.

use std::net::IpAddr;

use crate::approval::ApprovalError;
use crate::document::DocumentError;
use crate::grant_id::GrantId;
use crate::key::KeyError;
use crate::name::{ApproverName, HostName};
use crate::revoked::RevokedAs;
use crate::unix_time::UnixTime;

/// Why a login is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// sshd's account of the authentication is not readable.
    AuthInfo,
    /// The person authenticated without a certificate.
    NoCertificate,
    /// The person authenticated with more than one certificate.
    TwoCertificates,
    /// More bytes than a certificate may have.
    CertificateTooLarge(usize),
    /// Not an OpenSSH certificate.
    CertificateUnreadable,
    /// Not the canonical encoding of what it says: altered bytes.
    CertificateNotCanonical,
    /// Signed by a key that this host does not trust.
    UntrustedAuthority,
    /// The CA's signature does not hold.
    BadSignature,
    /// A host certificate.
    NotAUserCertificate,
    /// It certifies a key that is not accepted.
    CertifiedKey(KeyError),
    /// It is valid for longer than a certificate may be.
    CertificateLivesTooLong,
    /// Before its first second.
    CertificateNotYetValid {
        /// Its first second.
        from: UnixTime,
        /// The time of the login.
        now: UnixTime,
    },
    /// At or after its end.
    CertificateExpired {
        /// Its end.
        at: UnixTime,
        /// The time of the login.
        now: UnixTime,
    },
    /// What the host believes is older than it may be.
    TrustTooOld {
        /// When its trust bundle was made; `None`: it has none.
        made: Option<UnixTime>,
        /// The time of the login.
        now: UnixTime,
    },
    /// It carries no grant.
    NoGrant,
    /// What it carries is not a grant document.
    Document(DocumentError),
    /// The grant is of another authority.
    OtherAuthority,
    /// The certified key is not one that the grant lists.
    KeyNotListed(GrantId),
    /// The certificate says otherwise than its grant, in this field.
    CertificateDiffers(&'static str),
    /// The approvals cannot be read.
    Approvals(ApprovalError),
    /// An approval's signature does not hold.
    BadApproval(GrantId),
    /// Not enough approvals that count.
    TooFewApprovals {
        /// Whose approvals are missing.
        grant: GrantId,
        /// How many must count.
        needed: u8,
        /// How many count.
        counted: u8,
        /// Those that do not, and why.
        discounted: Vec<Discounted>,
    },
    /// The grant is for other hosts.
    OtherHost {
        /// Which grant.
        grant: GrantId,
        /// The host of the login.
        here: HostName,
    },
    /// The grant is for other accounts.
    OtherAccount {
        /// Which grant.
        grant: GrantId,
        /// Its accounts.
        granted: String,
    },
    /// The login comes from an address outside the grant.
    OtherSource {
        /// Which grant.
        grant: GrantId,
        /// Where the login comes from.
        source: IpAddr,
    },
    /// The grant has a limit that nothing on this host enforces.
    NotEnforced {
        /// Which grant.
        grant: GrantId,
        /// The document's key.
        limit: &'static str,
    },
    /// Before the window.
    NotYetOpen {
        /// Which grant.
        grant: GrantId,
        /// When the window opens.
        opens: UnixTime,
        /// The time of the login.
        now: UnixTime,
    },
    /// After the window.
    Closed {
        /// Which grant.
        grant: GrantId,
        /// When the window closed.
        closed: UnixTime,
        /// The time of the login.
        now: UnixTime,
    },
    /// Revoked.
    Revoked {
        /// Which grant.
        grant: GrantId,
        /// By which entry.
        by: RevokedAs,
    },
}

/// An approval that holds as a signature, and does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Discounted {
    /// By a key that this host does not know.
    Unknown,
    /// By a key of the person who asks.
    OwnKey,
    /// By an approver whose key is not valid at this time.
    Ended(ApproverName),
    /// By a FIDO key that was not touched.
    NoTouch(ApproverName),
    /// A second one by the same approver.
    Again(ApproverName),
}

impl Discounted {
    fn words(&self) -> String {
        match self {
            Self::Unknown => "one by a key that is no approver's here".to_owned(),
            Self::OwnKey => "one by a key of the requester".to_owned(),
            Self::Ended(name) => format!("one by {name}, whose key is not valid now"),
            Self::NoTouch(name) => format!("one by {name} without touching the security key"),
            Self::Again(name) => format!("a second one by {name}"),
        }
    }
}

/// `14:00 UTC` on the same day, `2026-11-24 14:00 UTC` on another; with seconds only when they matter.
fn clock(time: UnixTime, now: UnixTime) -> String {
    let (text, today) = (time.to_string(), now.to_string());
    let (date, rest) = text.split_at(10);
    let hour = rest[1..9].strip_suffix(":00").unwrap_or(&rest[1..9]);
    if today.starts_with(date) { format!("{hour} UTC") } else { format!("{date} {hour} UTC") }
}

/// `25 minutes`, rounded to the unit that a person would say.
fn span(seconds: u64) -> String {
    let (count, unit) = match seconds {
        0..=119 => (seconds, "second"),
        120..=7_199 => (seconds.div_ceil(60), "minute"),
        7_200..=172_799 => (seconds.div_ceil(3_600), "hour"),
        _ => (seconds.div_ceil(86_400), "day"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

impl Reason {
    /// The word that stands for this reason in records and `--json`; it never changes.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::AuthInfo => "auth-info",
            Self::NoCertificate => "no-certificate",
            Self::TwoCertificates => "two-certificates",
            Self::CertificateTooLarge(_) => "certificate-too-large",
            Self::CertificateUnreadable => "certificate-unreadable",
            Self::CertificateNotCanonical => "certificate-not-canonical",
            Self::UntrustedAuthority => "untrusted-authority",
            Self::BadSignature => "bad-signature",
            Self::NotAUserCertificate => "not-a-user-certificate",
            Self::CertifiedKey(_) => "certified-key",
            Self::CertificateLivesTooLong => "certificate-lives-too-long",
            Self::CertificateNotYetValid { .. } => "certificate-not-yet-valid",
            Self::CertificateExpired { .. } => "certificate-expired",
            Self::TrustTooOld { .. } => "trust-too-old",
            Self::NoGrant => "no-grant",
            Self::Document(DocumentError::Version(_)) => "unknown-version",
            Self::Document(_) => "document",
            Self::OtherAuthority => "other-authority",
            Self::KeyNotListed(_) => "key-not-listed",
            Self::CertificateDiffers(_) => "certificate-differs",
            Self::Approvals(_) => "approvals",
            Self::BadApproval(_) => "bad-approval",
            Self::TooFewApprovals { .. } => "too-few-approvals",
            Self::OtherHost { .. } => "other-host",
            Self::OtherAccount { .. } => "other-account",
            Self::OtherSource { .. } => "other-source",
            Self::NotEnforced { .. } => "not-enforced",
            Self::NotYetOpen { .. } => "not-yet-open",
            Self::Closed { .. } => "closed",
            Self::Revoked { .. } => "revoked",
        }
    }

    /// The line for the person.
    #[must_use]
    pub fn told(&self) -> String {
        format!("access refused: {}", self.sentence())
    }

    /// The line for the log; the same sentence, and what the person need not know.
    #[must_use]
    pub fn logged(&self) -> String {
        use std::error::Error as _;
        match self {
            Self::Approvals(error) => match error.source() {
                Some(source) => format!("{error}: {source}"),
                None => error.to_string(),
            },
            Self::CertifiedKey(error) => format!("the certified key is not accepted: {error}"),
            other => other.sentence(),
        }
    }

    fn sentence(&self) -> String {
        match self {
            Self::AuthInfo => {
                "sshd's account of the authentication is not readable; tell the host's administrator"
                    .to_owned()
            }
            Self::NoCertificate => {
                "this account can be entered only with a certificate of a grant; ask for access first"
                    .to_owned()
            }
            Self::TwoCertificates => "more than one certificate was shown; log in with one".to_owned(),
            Self::CertificateTooLarge(bytes) => {
                format!("the certificate has {bytes} bytes, more than a certificate may have")
            }
            Self::CertificateUnreadable => "the certificate is not readable; ask for a new one".to_owned(),
            Self::CertificateNotCanonical => {
                "the certificate's bytes were altered; ask for a new one".to_owned()
            }
            Self::UntrustedAuthority => {
                "the certificate is signed by a key that this host does not trust".to_owned()
            }
            Self::BadSignature => "the certificate's signature does not hold; ask for a new one".to_owned(),
            Self::NotAUserCertificate => "a host certificate is no way in".to_owned(),
            Self::CertifiedKey(_) => "the certificate is for a kind of key that is not accepted".to_owned(),
            Self::CertificateLivesTooLong => {
                "the certificate is valid for longer than a certificate may be".to_owned()
            }
            Self::CertificateNotYetValid { from, now } => {
                format!("the certificate is valid from {}, in {}", clock(*from, *now), span(from.since(*now)))
            }
            Self::CertificateExpired { at, now } => format!(
                "the certificate expired at {}, {} ago; ask for a new one",
                clock(*at, *now),
                span(now.since(*at))
            ),
            Self::TrustTooOld { made: Some(made), now } => format!(
                "what this host knows of revocations is too old: from {}, {} ago; tell its administrator",
                clock(*made, *now),
                span(now.since(*made))
            ),
            Self::TrustTooOld { made: None, .. } => {
                "this host has no trust bundle to go by; tell its administrator".to_owned()
            }
            Self::NoGrant => "the certificate carries no grant".to_owned(),
            Self::Document(DocumentError::Version(_)) => {
                "the grant has a version that this host does not know; tell its administrator".to_owned()
            }
            Self::Document(error) => format!("the certificate's grant is not readable: {error}"),
            Self::OtherAuthority => "the grant is of another authority than this host's".to_owned(),
            Self::KeyNotListed(id) => {
                format!("grant {id} is not for this key; use a key that was enrolled when the grant was made")
            }
            Self::CertificateDiffers(field) => format!("the certificate's {field} differs from its grant"),
            Self::Approvals(_) => {
                "the certificate's approvals are not readable; ask for a new one".to_owned()
            }
            Self::BadApproval(id) => {
                format!("an approval of grant {id} does not hold; ask for a new certificate")
            }
            Self::TooFewApprovals { grant, needed, counted, discounted } => {
                let others: Vec<_> = discounted.iter().map(Discounted::words).collect();
                let others = if others.is_empty() {
                    String::new()
                } else {
                    format!(" (not counted: {})", others.join(", "))
                };
                format!(
                    "grant {grant} has {counted} of the {needed} approvals needed here{others}; ask another approver to sign it"
                )
            }
            Self::OtherHost { grant, here } => {
                format!("grant {grant} is not for this host, {here}; ask for a grant that names it")
            }
            Self::OtherAccount { grant, granted } => {
                format!("grant {grant} is for the account {granted}; log in as that")
            }
            Self::OtherSource { grant, source } => {
                format!("grant {grant} is not for logins from {source}; connect from a network that it names")
            }
            Self::NotEnforced { grant, limit } => {
                format!(
                    "grant {grant} uses `{limit}`, which this host does not enforce; ask for a grant without it"
                )
            }
            Self::NotYetOpen { grant, opens, now } => {
                format!("grant {grant} opens at {}, in {}", clock(*opens, *now), span(opens.since(*now)))
            }
            Self::Closed { grant, closed, now } => format!(
                "grant {grant} closed at {}, {} ago; ask for a new one",
                clock(*closed, *now),
                span(now.since(*closed))
            ),
            Self::Revoked { grant, by: RevokedAs::Grant } => {
                format!("grant {grant} was revoked; ask who approved it")
            }
            Self::Revoked { grant, by } => {
                format!("the {} of grant {grant} was revoked; ask who approved it", by.word())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_told_when_it_would_work() {
        let reason = Reason::NotYetOpen {
            grant: "G-7F3K9Q".parse().unwrap(),
            opens: "2026-11-24T14:00:00Z".parse().unwrap(),
            now: "2026-11-24T13:35:00Z".parse().unwrap(),
        };
        assert_eq!(reason.told(), "access refused: grant G-7F3K9Q opens at 14:00 UTC, in 25 minutes");
        let reason = Reason::Closed {
            grant: "G-7F3K9Q".parse().unwrap(),
            closed: "2026-11-23T14:00:30Z".parse().unwrap(),
            now: "2026-11-24T14:00:30Z".parse().unwrap(),
        };
        assert_eq!(
            reason.told(),
            "access refused: grant G-7F3K9Q closed at 2026-11-23 14:00:30 UTC, 24 hours ago; ask for a new one"
        );
    }
}

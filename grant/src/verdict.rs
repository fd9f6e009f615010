//! The verdict on one login: allow with terms, or refuse with a reason.

use std::fmt;

use crate::document::Grant;
use crate::fingerprint::{Digest, Fingerprint};
use crate::grant_id::GrantId;
use crate::name::{AccountName, ApproverName, PersonName, VendorName};
use crate::reason::Reason;
use crate::unix_time::UnixTime;

/// What a login gets.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a verdict that nobody looks at lets nobody in and keeps nobody out"]
pub enum Verdict {
    /// Let in, on these terms.
    Allow(Box<Terms>),
    /// Keep out.
    Refuse(Box<Refusal>),
}

/// A grant that was verified for one login. Only [`crate::decide`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedGrant(pub(crate) Grant);

impl std::ops::Deref for VerifiedGrant {
    type Target = Grant;

    fn deref(&self) -> &Grant {
        &self.0
    }
}

/// On what terms a login is let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// The grant.
    pub grant: VerifiedGrant,
    /// The SHA-256 of its document.
    pub digest: Digest,
    /// The account, one of the grant's.
    pub account: AccountName,
    /// The certificate's serial.
    pub serial: u64,
    /// The key that the person logged in with.
    pub key: Fingerprint,
    /// The first second at which the certificate is no longer valid.
    pub valid_before: UnixTime,
    /// Whose approvals counted.
    pub approved_by: Vec<ApproverName>,
}

/// Why a login is kept out, and what it claimed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub reason: Reason,
    /// What the certificate says, once a trusted CA's signature over it holds.
    pub claim: Option<Claim>,
}

/// What a certificate of a trusted CA says about itself. For records; it allowed nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The certificate's serial.
    pub serial: u64,
    /// The certified key.
    pub key: Fingerprint,
    /// The grant's id, vendor, person and digest, if a grant could be read.
    pub grant: Option<ClaimedGrant>,
}

/// The grant of a [`Claim`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedGrant {
    /// The grant's id.
    pub id: GrantId,
    /// The vendor.
    pub vendor: VendorName,
    /// The person.
    pub person: PersonName,
    /// The SHA-256 of its document.
    pub digest: Digest,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason.told())
    }
}

//! What a host believes, and what it knows about one login.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::approvers::Approvers;
use crate::fingerprint::Fingerprint;
use crate::key::PublicKey;
use crate::name::{HostName, RoleName};
use crate::reason::Reason;
use crate::revoked::Revoked;
use crate::unix_time::UnixTime;

/// What a host believes. Its files are read elsewhere; this is their meaning.
#[derive(Debug, Clone)]
pub struct Trust {
    /// The authority whose grants count: the fingerprint of its trust root.
    pub authority: Fingerprint,
    /// The host's own name.
    pub host: HostName,
    /// The host's roles.
    pub roles: BTreeSet<RoleName>,
    /// The CA keys that may sign certificates.
    pub ca_keys: Vec<PublicKey>,
    /// The approvers whose signatures count.
    pub approvers: Approvers,
    /// How many approvers must have signed at least, whatever the document says.
    pub minimum_approvals: u8,
    /// What is over.
    pub revoked: Revoked,
    /// Which limits of a grant something on this host enforces.
    pub enforced: Enforced,
    /// How old all this may be, if the host limits that.
    pub maximum_age: Option<MaximumAge>,
}

/// The limit of a host on the age of what it believes. Past it, a host that nobody has told of a
/// revocation would let in whom everybody else keeps out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaximumAge {
    /// When the authority made the trust bundle that was applied last; `None`: none ever was.
    pub made: Option<UnixTime>,
    /// The age at which it no longer counts, in seconds.
    pub seconds: u64,
}

impl Trust {
    /// Refuses everybody when what the host believes is too old.
    ///
    /// # Errors
    /// [`Reason::TrustTooOld`].
    pub fn check_age(&self, now: UnixTime) -> Result<(), Reason> {
        match self.maximum_age {
            None => Ok(()),
            Some(MaximumAge { made: Some(made), seconds }) if now.since(made) < seconds => Ok(()),
            Some(MaximumAge { made, .. }) => Err(Reason::TrustTooOld { made, now }),
        }
    }
}

/// The limits of a grant that something on the host enforces. A grant that uses another one is
/// refused: a limit that nobody keeps is a promise broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Enforced {
    /// The number of logins.
    pub uses: bool,
    /// The number of sessions at one time.
    pub sessions: bool,
    /// Extension of an open session.
    pub extendable_to: bool,
    /// sudo inside the session.
    pub sudo: bool,
}

/// One attempt to get in, as the host sees it.
#[derive(Debug, Clone)]
pub struct Login {
    /// The Unix account asked for, as PAM has it.
    pub account: String,
    /// The address that the connection comes from.
    pub source: IpAddr,
}

//! What the authority refuses, and why: the rules of the issue, each with its sentence and its hint.
//!
//! A refusal changed nothing. The sentence says what holds, in the local zone where it names a time; the
//! hint says what to type next. Sentences are lower case and have no final period.

use std::fmt;

use grant::{ApproverName, Fingerprint, GrantId, PersonName, RoleName, SignatureError, UnixTime};

use crate::ledger::revocation::Revocation;
use crate::moment::{Local, last_day, span};

/// A kind of thing that has a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is its word")]
pub enum Noun {
    Vendor,
    Person,
    Approver,
    Host,
    Grant,
}

impl fmt::Display for Noun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Vendor => "vendor",
            Self::Person => "person",
            Self::Approver => "approver",
            Self::Host => "host",
            Self::Grant => "grant",
        })
    }
}

/// A refusal: nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the sentences say what the fields are")]
pub enum Refused {
    #[error("there is no {noun} {name}")]
    Unknown { noun: Noun, name: String },
    #[error("there is no certificate with serial {0}")]
    UnknownSerial(u64),
    #[error("the {noun} {name} exists already")]
    Exists { noun: Noun, name: String },
    #[error("the {noun} {name} ended on {}", Local(*at))]
    Ended { noun: Noun, name: String, at: UnixTime },
    #[error("the {noun} {name} ended on {}, and names are not used again", Local(*at))]
    NameUsed { noun: Noun, name: String, at: UnixTime },
    #[error("the vendor {name}'s last day was {} (UTC)", last_day(*until))]
    DatePassed { name: String, until: UnixTime },
    #[error("the end, {} in UTC, has passed already", last_day(*until))]
    EndInThePast { until: UnixTime },
    #[error("the key {fingerprint} {} {owner}", if *active { "belongs to" } else { "once belonged to" })]
    KeyTaken { fingerprint: Fingerprint, owner: String, active: bool },
    #[error("{owner} has no key {fingerprint}")]
    NotTheirKey { fingerprint: Fingerprint, owner: String },
    #[error("{owner} would have {count} keys, and at most {} fit", grant::limits::KEYS)]
    TooManyKeys { owner: String, count: usize },
    #[error("the person {0} has no enrolled key")]
    NoKeys(PersonName),
    #[error("there is no approver, and a host without one refuses every vendor")]
    NoApprovers,
    #[error("the trust root is not in the authority's directory")]
    RootElsewhere,
    #[error("the bundle is for the host {host} of the authority {authority}")]
    OtherBundle { host: grant::HostName, authority: Fingerprint },
    #[error("the bundle with version {version} for {host} was not made by this authority")]
    NotOurBundle { host: grant::HostName, version: u64 },
    #[error("no host carries the role {0}")]
    RoleUnknown(RoleName),
    #[error("the window would close on {}, and the vendor's last day is {} (UTC)", Local(*closes), last_day(*until))]
    BeyondVendor { closes: UnixTime, until: UnixTime },
    #[error("the window would close on {}, which has passed", Local(*closes))]
    WindowPast { closes: UnixTime },
    #[error("{} is revoked: {}", .0.target, .0.reason)]
    Revoked(Revocation),
    #[error("{} was revoked already, on {}: {}", .0.target, Local(.0.revoked_at), .0.reason)]
    RevokedAlready(Revocation),
    #[error("grant {grant} was denied by {approver}: {reason}")]
    Denied { grant: GrantId, approver: String, reason: String },
    #[error("grant {grant} opens on {}, in {}", Local(*opens), span(opens.since(*now)))]
    NotYetOpen { grant: GrantId, opens: UnixTime, now: UnixTime },
    #[error("grant {grant} closed on {}, {} ago", Local(*closed), span(now.since(*closed)))]
    Closed { grant: GrantId, closed: UnixTime, now: UnixTime },
    #[error("grant {grant} has {counted} of {needed} approvals{}", Others(others))]
    TooFewApprovals { grant: GrantId, counted: usize, needed: u8, others: Vec<String> },
    #[error("grant {grant} has its {needed} approval{} already", if *needed == 1 { "" } else { "s" })]
    ApprovedFully { grant: GrantId, needed: u8 },
    #[error("grant {grant} is for {count} keys: say which one")]
    WhichKey { grant: GrantId, count: usize, keys: Vec<Fingerprint> },
    #[error("the key {fingerprint} is not in grant {grant}, which is for {}", Keys(keys))]
    KeyNotInGrant { grant: GrantId, fingerprint: Fingerprint, keys: Vec<Fingerprint> },
    #[error("the key {fingerprint} is not enrolled for {person} any more")]
    KeyEnded { fingerprint: Fingerprint, person: PersonName },
    #[error("the key {fingerprint} is not enrolled for the approver {approver}{}", Owned(owner))]
    NotApproversKey { fingerprint: Fingerprint, approver: ApproverName, owner: Option<String> },
    #[error("the key {fingerprint} of the approver {approver} has ended")]
    ApproverKeyEnded { fingerprint: Fingerprint, approver: ApproverName },
    #[error("the key {fingerprint} belongs to the person {person}, and nobody approves an own request")]
    OwnRequest { fingerprint: Fingerprint, person: PersonName },
    #[error("the ssh-agent holds no key of the approver {0}")]
    NoAgentKey(ApproverName),
    #[error("the signature does not approve grant {grant}: {problem}")]
    BadSignature { grant: GrantId, problem: SignatureError },
    #[error("{approver} has approved grant {grant} already, on {}", Local(*at))]
    ApprovedAlready { grant: GrantId, approver: ApproverName, at: UnixTime },
    #[error("the vendor {vendor} ends on {}, too soon for a certificate", Local(*at))]
    TooLate { vendor: String, at: UnixTime },
}

struct Others<'a>(&'a [String]);

impl fmt::Display for Others<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, " (not counted: {})", self.0.join("; ")) }
    }
}

struct Keys<'a>(&'a [Fingerprint]);

impl fmt::Display for Keys<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&keys.join(", "))
    }
}

struct Owned<'a>(&'a Option<String>);

impl fmt::Display for Owned<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_ref().map_or(Ok(()), |owner| write!(f, " but for {owner}"))
    }
}

impl Refused {
    /// Is it how the command was written, rather than what the ledger says?
    #[must_use]
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::WhichKey { .. })
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Unknown { noun: Noun::Vendor, name } => {
                format!("to add it: ca vendor add {name} --until DATE")
            }
            Self::Unknown { noun: Noun::Person, name } => format!("to add one: ca person add {name} --key FILE.pub"),
            Self::Unknown { noun: Noun::Approver, name } => {
                format!("to add one: ca approver add {name} --key FILE.pub")
            }
            Self::Unknown { noun: Noun::Host, name } => format!("to add it: ca host add {name}"),
            Self::Unknown { noun: Noun::Grant, .. } => "`ca list --all` shows every grant".to_owned(),
            Self::NoApprovers => "to add one: ca approver add NAME --key FILE.pub".to_owned(),
            Self::RootElsewhere => {
                "sign with --key FILE or --agent, or with --unsigned and ssh-keygen where it is kept".to_owned()
            }
            Self::NotOurBundle { .. } => "make its text with --unsigned, and sign exactly that".to_owned(),
            Self::RoleUnknown(role) => format!("give a host the role: ca host add NAME --role {role}"),
            Self::Exists { noun: Noun::Vendor, name } => {
                format!("to move its end: ca vendor add {name} --until DATE --existing")
            }
            Self::Exists { noun: Noun::Person, name } => {
                format!("to enrol another key: ca person add {name} --key FILE.pub --existing")
            }
            Self::Exists { noun: Noun::Approver, name } => {
                format!("to enrol another key: ca approver add {name} --key FILE.pub --existing")
            }
            Self::Exists { noun: Noun::Host, name } => {
                format!("to change its roles: ca host add {name} --role ROLE --existing")
            }
            Self::DatePassed { name, .. } => {
                format!("to move it: ca vendor add {name} --until DATE --existing")
            }
            Self::KeyTaken { .. } => "a key has one owner for ever; make a new one".to_owned(),
            Self::NoKeys(person) => format!("enrol one: ca person add {person} --key FILE.pub --existing"),
            Self::BeyondVendor { .. } => {
                "choose a shorter window, or move the vendor's end: ca vendor add NAME --until DATE --existing"
                    .to_owned()
            }
            Self::TooFewApprovals { grant, .. } => {
                format!("ask an approver: ca approve {grant} --as NAME --key FILE")
            }
            Self::ApprovedFully { grant, .. } => format!("to take it back: ca revoke {grant} --reason TEXT"),
            Self::WhichKey { keys, .. } => {
                format!("--key FILE.pub with one of {}", Keys(keys))
            }
            Self::KeyNotInGrant { .. } => {
                "a key that was enrolled later needs a new grant: ca grant create".to_owned()
            }
            Self::Closed { .. } | Self::WindowPast { .. } => "ask for a new one: ca grant create".to_owned(),
            Self::NoAgentKey(_) => "load it with ssh-add, or give --key FILE".to_owned(),
            Self::BadSignature { grant, problem: SignatureError::Wrong } => {
                format!("sign exactly what `ca grant show {grant} --document` prints")
            }
            Self::BadSignature { problem: SignatureError::NoTouch, .. } => {
                "an approval needs a touch of the security key".to_owned()
            }
            Self::UnknownSerial(_) => "`ca grant show G` lists a grant's certificates".to_owned(),
            _ => return None,
        })
    }
}

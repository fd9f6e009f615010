//! Whether a bundle whose signature holds may be applied on this host now. This file reads as the rule.

use grant::{Fingerprint, HostName, SignedBundle, UnixTime};

use super::known::{HostToml, Known};

/// How far ahead of this host's clock a bundle may be made, in seconds.
pub const AHEAD: u64 = 300;

/// What to do with an acceptable bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement {
    /// It is newer than what was applied.
    Newer,
    /// It is what was applied.
    Already,
}

/// Why a bundle is refused. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the sentences say what the fields are")]
pub enum Refused {
    #[error("this host has no trust root yet, and nobody has said that {root} is the right one")]
    NotPinned { root: Fingerprint },
    #[error("the bundle is signed by {found}, and {wanted} was asked for")]
    OtherThanAsked { found: Fingerprint, wanted: Fingerprint },
    #[error("the bundle is of the authority {found}, and this host believes {pinned}")]
    OtherAuthority { found: Fingerprint, pinned: Fingerprint },
    #[error("the bundle is for the host {found}, and this is {here}")]
    OtherHost { found: HostName, here: HostName },
    #[error("the bundle was made at {made}, which is in the future here: it is {now}")]
    Future { made: UnixTime, now: UnixTime },
    #[error("the bundle has version {found}, and version {applied} was applied before")]
    Older { found: u64, applied: u64 },
    #[error("the bundle has version {version}, which was applied before and said something else")]
    Forked { version: u64 },
    #[error("it was not applied: nobody said yes")]
    Declined,
    #[error("sshd can't read the bundle's key revocation list: {problem}")]
    Krl { problem: String },
}

impl Refused {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotPinned { .. } => {
                Some("compare it with what `ca init` printed, then give it with --root SHA256:...")
            }
            Self::OtherThanAsked { .. } | Self::OtherAuthority { .. } => {
                Some("do not apply it before you know why; `authority` in host.toml is the pinned root")
            }
            Self::OtherHost { .. } => Some("make one with `ca host bundle` for the name in this host.toml"),
            Self::Future { .. } => Some("set the clock of this host, or of the authority"),
            Self::Older { .. } => Some(
                "make a new one: ca host bundle HOST -o FILE; if the ledger was lost, with --above that version",
            ),
            Self::Forked { .. } => Some(
                "was the ledger restored from a backup? then make one with ca host bundle --above that version",
            ),
            Self::Declined | Self::Krl { .. } => None,
        }
    }
}

/// The rules, in order.
///
/// # Errors
/// [`Refused`] names the first that is not kept.
pub fn judge(
    signed: &SignedBundle,
    known: &Known,
    root: Option<Fingerprint>,
    now: UnixTime,
) -> Result<Judgement, Refused> {
    let bundle = signed.bundle();
    let found = bundle.authority;
    if let Some(wanted) = root.filter(|wanted| *wanted != found) {
        return Err(Refused::OtherThanAsked { found, wanted });
    }
    match &known.host_toml {
        HostToml::Unpinned(_) if root.is_none() => return Err(Refused::NotPinned { root: found }),
        HostToml::Unpinned(_) => {}
        HostToml::Pinned { config, .. } => {
            if config.authority != found {
                return Err(Refused::OtherAuthority { found, pinned: config.authority });
            }
            if config.host != bundle.host {
                return Err(Refused::OtherHost { found: bundle.host.clone(), here: config.host.clone() });
            }
        }
    }
    if bundle.made > now.plus(AHEAD) {
        return Err(Refused::Future { made: bundle.made, now });
    }
    // Versions of another authority, or of another host that this one was before, say nothing here.
    let comparable = |applied: &&SignedBundle| {
        applied.bundle().authority == bundle.authority && applied.bundle().host == bundle.host
    };
    match known.applied.as_ref().filter(comparable) {
        None => Ok(Judgement::Newer),
        Some(applied) if bundle.version > applied.bundle().version => Ok(Judgement::Newer),
        Some(applied) if bundle.version < applied.bundle().version => {
            Err(Refused::Older { found: bundle.version, applied: applied.bundle().version })
        }
        Some(applied) if applied.text() == signed.text() => Ok(Judgement::Already),
        Some(_) => Err(Refused::Forked { version: bundle.version }),
    }
}

//! A finding of `ca check`, and the kinds there are. A kind's number never changes its meaning, so that a finding can be
//! looked up (docs/troubleshooting.md), excepted and counted; hundreds are the area.

use serde::Serialize;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The authority can't do its work, or somebody may have reached what is secret.
    Error,
    /// It works, and somebody should look.
    Warning,
}

impl Severity {
    /// The word that a report shows.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// A kind of finding.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// Its number.
    pub number: u16,
    /// How bad it is.
    pub severity: Severity,
    /// What it means.
    pub meaning: &'static str,
    /// How to mend it, where the finding itself knows no better.
    pub mend: &'static str,
}

impl Kind {
    const fn error(number: u16, meaning: &'static str, mend: &'static str) -> Self {
        Self { number, severity: Severity::Error, meaning, mend }
    }

    const fn warning(number: u16, meaning: &'static str, mend: &'static str) -> Self {
        Self { number, severity: Severity::Warning, meaning, mend }
    }

    /// The finding of this kind about what was seen.
    pub(crate) fn seen(&'static self, what: impl Into<String>) -> Finding {
        Finding { kind: self, what: what.into(), mend: self.mend.to_owned() }
    }
}

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Its kind.
    pub kind: &'static Kind,
    /// What was seen.
    pub what: String,
    /// What to do about it.
    pub mend: String,
}

impl Finding {
    /// The same, with what to do in this very case.
    #[must_use]
    pub(crate) fn mended_by(mut self, mend: impl Into<String>) -> Self {
        self.mend = mend.into();
        self
    }
}

const BACKUP: &str = "restore it from a backup (docs/operations.md)";

/// 101: the authority does not open.
pub(crate) static UNUSABLE: Kind =
    Kind::error(101, "no command of `ca` works on this directory", "see what the message says");
/// 102: a private file is not private.
pub(crate) static NOT_PRIVATE: Kind = Kind::error(
    102,
    "whoever reads a key can use it, and whoever reads the ledger knows who comes when; `ca` signs with no key that others can \
     read, and works in no folder and with no ledger that they can write",
    "chmod it; if somebody else may have read a key, replace that key (docs/operations.md)",
);
/// 103: the halves of a key are of two keys.
pub(crate) static TWO_KEYS: Kind = Kind::error(
    103,
    "what hosts were given is not what signs, so no login would be accepted",
    "restore both from a backup of one time",
);
/// 104: there is no CA key to sign with.
pub(crate) static NO_KEY: Kind =
    Kind::error(104, "nothing can be signed; hosts and open sessions are not concerned", BACKUP);
/// 105: the CA key is not the one of before.
pub(crate) static OTHER_KEY: Kind = Kind::error(
    105,
    "hosts trust the key that the ledger began with, and refuse certificates of this one",
    BACKUP,
);
/// 106: an interrupted `ca init`.
pub(crate) static HALF_MADE: Kind = Kind::warning(
    106,
    "an unfinished authority with keys of its own lies there; nothing uses it",
    "remove it",
);
/// 107: something could not be looked at.
pub(crate) static NOT_LOOKED_AT: Kind = Kind::error(
    107,
    "this part of the check could not be made, so nothing is known of it",
    "see what the message says",
);
/// 108: files of somebody else.
pub(crate) static FOREIGN: Kind = Kind::error(
    108,
    "whose a file is can change it, and whose the folder is may not be able to work with it",
    "give all of it to one user: chown -R USER: DIR",
);
/// 109: its owner can't write it.
pub(crate) static NOT_WRITABLE: Kind = Kind::error(
    109,
    "what can't be written down is refused, so nothing would be approved, signed or revoked",
    "see what the message says",
);
/// 201: the ledger is damaged.
pub(crate) static DAMAGED: Kind =
    Kind::error(201, "what the ledger says can't be relied on; `ca` refuses what it can't verify", BACKUP);
/// 202: rows are missing.
pub(crate) static ROWS_MISSING: Kind = Kind::error(
    202,
    "numbers run without a gap, so somebody removed rows, or an older copy lies in place of the ledger",
    "find out who; restore it from a backup (docs/operations.md)",
);
/// 301: the clock is behind.
pub(crate) static CLOCK_BEHIND: Kind = Kind::error(
    301,
    "certificates made now would be of the past, and hosts would refuse them",
    "set the clock, and look that it is kept (timedatectl)",
);
/// 401: a vendor past its last day.
pub(crate) static VENDOR_PAST: Kind = Kind::warning(
    401,
    "nothing is signed for it any more; its persons still look enrolled",
    "end it: ca vendor end VENDOR",
);
/// 402: a grant that leads nowhere.
pub(crate) static GRANT_NOWHERE: Kind = Kind::warning(
    402,
    "nothing is signed for it any more; a host may still accept a certificate of the last minutes",
    "revoke it: ca revoke GRANT --reason TEXT",
);
/// 403: a host's last bundle is old.
pub(crate) static BUNDLE_OLD: Kind = Kind::warning(
    403,
    "the host goes by what the ledger said then: it may still let in what was revoked since, or refuse what was added",
    "make a new one: ca host bundle HOST -o FILE, and on the host: jit trust FILE",
);
/// 501: the disk is nearly full.
pub(crate) static NO_SPACE: Kind = Kind::warning(
    501,
    "a change that can't be made durable is refused, so nothing would be approved or signed",
    "make room on that file system",
);

/// Every kind, by number.
pub static KINDS: [&Kind; 16] = [
    &UNUSABLE,
    &NOT_PRIVATE,
    &TWO_KEYS,
    &NO_KEY,
    &OTHER_KEY,
    &HALF_MADE,
    &NOT_LOOKED_AT,
    &FOREIGN,
    &NOT_WRITABLE,
    &DAMAGED,
    &ROWS_MISSING,
    &CLOCK_BEHIND,
    &VENDOR_PAST,
    &GRANT_NOWHERE,
    &BUNDLE_OLD,
    &NO_SPACE,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_given_once_and_in_order() {
        assert!(KINDS.windows(2).all(|two| two[0].number < two[1].number));
    }
}

//! The last bundle that was made for a host, and what a new one would say that it does not.
//!
//! Read from the events alone: which kinds of them change what bundles say stands in `Kind::part`, and a new kind
//! does not compile before that is decided. The ledger knows what was made, not what a host has applied.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use grant::{HostName, UnixTime};
use rusqlite::{Connection, params};

use crate::Error;
use crate::ledger::event::{self, Kind};
use crate::ledger::host::Host;

/// A part of what bundles say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "each is its word")]
pub enum Part {
    Approvers,
    Revocations,
    Roles,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Approvers => "approvers",
            Self::Revocations => "revocations",
            Self::Roles => "roles",
        })
    }
}

/// The last bundle of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Last {
    /// Its version.
    pub version: u64,
    /// When it was made.
    pub made: UnixTime,
    /// What has changed in the ledger since.
    pub changed: BTreeSet<Part>,
}

impl Last {
    /// Does it say what the ledger says now?
    #[must_use]
    pub fn is_current(&self) -> bool {
        self.changed.is_empty()
    }

    /// What has changed, in words: `approvers, roles`.
    #[must_use]
    pub fn changed(&self) -> String {
        self.changed.iter().map(Part::to_string).collect::<Vec<_>>().join(", ")
    }
}

/// The last bundle of each of these hosts that has one. A machine that took over the name of another has none of before.
///
/// # Errors
/// [`Error`] when the ledger can't be read.
pub fn last(ledger: &Connection, hosts: &[Host]) -> Result<BTreeMap<HostName, Last>, Error> {
    let mut bundles = BTreeMap::new();
    let mut oldest = u64::MAX;
    for (host, number) in newest(ledger)? {
        let Some(found) = hosts.iter().find(|found| found.name.as_str() == host) else { continue };
        let Some(made) = event::after(ledger, number - 1, 1)?.pop() else { continue };
        // `--above` makes versions that are no numbers of events.
        let version = made.detail["version"].as_u64().unwrap_or(number);
        bundles
            .insert(found.name.clone(), (number, Last { version, made: made.at, changed: BTreeSet::new() }));
        oldest = oldest.min(number);
    }
    for (number, subject, part) in changes(ledger, oldest)? {
        for (host, (made, last)) in &mut bundles {
            if number > *made && (part != Part::Roles || host.as_str() == subject) {
                last.changed.insert(part);
            }
        }
    }
    Ok(bundles.into_iter().map(|(host, (_, last))| (host, last)).collect())
}

/// The event of each host's newest bundle, unless the host was added anew since.
fn newest(ledger: &Connection) -> Result<Vec<(String, u64)>, Error> {
    let mut rows = ledger.prepare(
        "SELECT subject, max(number) FILTER (WHERE kind = ?1) AS bundle, max(number) FILTER (WHERE kind = ?2) AS added
         FROM event WHERE kind IN (?1, ?2) GROUP BY subject HAVING bundle > coalesce(added, 0)",
    )?;
    let kinds = params![Kind::HostBundle.word(), Kind::HostAdd.word()];
    let found = rows.query_map(kinds, |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?)))?;
    let found = found.collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(found.into_iter().filter_map(|(host, number)| Some((host, u64::try_from(number).ok()?))).collect())
}

/// The events after a number that changed what bundles say: the number, what it is about, and which part.
fn changes(ledger: &Connection, after: u64) -> Result<Vec<(u64, String, Part)>, Error> {
    if after == u64::MAX {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for (kind, part) in Kind::ALL.into_iter().filter_map(|kind| Some((kind, kind.part()?))) {
        let events = event::of_kind_after(ledger, kind, after)?;
        let telling = events.into_iter().filter(|event| match part {
            // A key of a person or of an approver: a person's name has a slash, and bundles name no person's keys.
            Part::Approvers => !event.subject.contains('/'),
            Part::Revocations => true,
            Part::Roles => event.detail["roles"] != event.detail["was"],
        });
        found.extend(telling.map(|event| (event.number, event.subject, part)));
    }
    Ok(found)
}

impl Kind {
    /// The part of bundles that events of this kind change.
    fn part(self) -> Option<Part> {
        match self {
            Self::ApproverAdd | Self::ApproverEnd | Self::KeyAdd | Self::KeyEnd => Some(Part::Approvers),
            Self::VendorRevoke | Self::PersonRevoke | Self::GrantRevoke | Self::CertificateRevoke => {
                Some(Part::Revocations)
            }
            Self::HostChange => Some(Part::Roles),
            // The CA key of a ledger never changes; another one there is finding 105.
            Self::AuthorityInit => None,
            // A host that is added anew has no bundle yet, and one that has ended needs none.
            Self::HostAdd | Self::HostEnd | Self::HostBundle => None,
            // Nothing more is signed for whoever has ended; what was signed before, a revocation ends.
            Self::VendorAdd | Self::VendorChange | Self::VendorEnd | Self::PersonAdd | Self::PersonEnd => {
                None
            }
            Self::RequestCreate | Self::RequestApprove | Self::RequestDeny | Self::CertificateIssue => None,
        }
    }
}

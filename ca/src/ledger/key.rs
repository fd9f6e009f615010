//! Enrolled public keys, of persons and of approvers.
//!
//! A key has one owner for ever: not two persons, not a person and an approver, not another one after
//! it has ended. So nobody can approve with a key that a request came from.

use grant::{ApproverName, Fingerprint, PersonName, PublicKey, UnixTime};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::json;

use super::{Change, LedgerError, column, event::Kind};
use crate::Error;
use crate::refused::Refused;

/// Whose key it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// An engineer of a vendor.
    Person(PersonName),
    /// One of us.
    Approver(ApproverName),
}

impl std::fmt::Display for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Person(name) => write!(f, "the person {name}"),
            Self::Approver(name) => write!(f, "the approver {name}"),
        }
    }
}

impl Owner {
    fn name(&self) -> &str {
        match self {
            Self::Person(name) => name.as_str(),
            Self::Approver(name) => name.as_str(),
        }
    }
}

/// A key as the ledger has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnrolledKey {
    /// The key.
    pub key: PublicKey,
    /// Whose it is.
    pub owner: Owner,
    /// When it was enrolled.
    pub added_at: UnixTime,
    /// When it ended, alone or with its owner.
    pub ended_at: Option<UnixTime>,
}

impl EnrolledKey {
    /// Does it still count?
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.ended_at.is_none()
    }
}

fn enrolled_key(row: &Row<'_>) -> rusqlite::Result<EnrolledKey> {
    let line: String = row.get("line")?;
    let owner = match column::optional(row, "person")? {
        Some(person) => Owner::Person(person),
        None => Owner::Approver(column::parsed(row, "approver")?),
    };
    Ok(EnrolledKey {
        key: PublicKey::parse_line(&line).map_err(|e| column::unfit(row, "line", &e))?,
        owner,
        added_at: column::time(row, "added_at")?,
        ended_at: column::optional_time(row, "ended_at")?,
    })
}

/// The key with this fingerprint, if it was ever enrolled.
///
/// # Errors
/// [`LedgerError`].
pub fn find(ledger: &Connection, fingerprint: &Fingerprint) -> Result<Option<EnrolledKey>, LedgerError> {
    let mut row = ledger.prepare_cached("SELECT * FROM enrolled_key WHERE fingerprint = ?1")?;
    Ok(row.query_row([fingerprint.to_string()], enrolled_key).optional()?)
}

/// All keys that an owner ever had, in the order of enrolment.
///
/// # Errors
/// [`LedgerError`].
pub fn of(ledger: &Connection, owner: &Owner) -> Result<Vec<EnrolledKey>, LedgerError> {
    let sql = match owner {
        Owner::Person(_) => "SELECT * FROM enrolled_key WHERE person = ?1 ORDER BY added_at, fingerprint",
        Owner::Approver(_) => "SELECT * FROM enrolled_key WHERE approver = ?1 ORDER BY added_at, fingerprint",
    };
    let mut rows = ledger.prepare_cached(sql)?;
    let keys = rows.query_map([owner.name()], enrolled_key)?.collect::<rusqlite::Result<_>>()?;
    Ok(keys)
}

/// The keys of an owner that still count.
///
/// # Errors
/// [`LedgerError`].
pub fn active_of(ledger: &Connection, owner: &Owner) -> Result<Vec<EnrolledKey>, LedgerError> {
    Ok(of(ledger, owner)?.into_iter().filter(EnrolledKey::is_active).collect())
}

/// Enrols a key.
///
/// # Errors
/// [`Refused::KeyTaken`] when anybody ever had it, or it is the authority's own.
pub(super) fn enrol(change: &Change<'_>, key: &PublicKey, owner: &Owner) -> Result<(), Error> {
    let fingerprint = key.fingerprint();
    if let Some(found) = find(change, &fingerprint)? {
        return Err(Refused::KeyTaken {
            fingerprint,
            owner: found.owner.to_string(),
            active: found.is_active(),
        }
        .into());
    }
    if is_authoritys(change, &fingerprint)? {
        let owner = "this authority".to_owned();
        return Err(Refused::KeyTaken { fingerprint, owner, active: true }.into());
    }
    let (person, approver) = match owner {
        Owner::Person(name) => (Some(name.as_str()), None),
        Owner::Approver(name) => (None, Some(name.as_str())),
    };
    change.execute(
        "INSERT INTO enrolled_key (fingerprint, line, person, approver, added_at) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![fingerprint.to_string(), key.to_line(), person, approver, column::seconds(change.now())],
    )?;
    let detail = json!({ "fingerprint": fingerprint.to_string(), "key": key.to_line() });
    change.record(Kind::KeyAdd, owner.name(), None, detail)?;
    Ok(())
}

/// Is it the CA key or the trust root? A stolen CA key must not be able to approve, and hosts refuse
/// files in which it could.
fn is_authoritys(ledger: &Connection, fingerprint: &Fingerprint) -> Result<bool, LedgerError> {
    let (root, line): (String, String) =
        ledger.query_row("SELECT trust_root, ca_key FROM authority", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    let ca_key = PublicKey::parse_line(&line).map(|key| key.fingerprint());
    Ok(root == fingerprint.to_string() || ca_key.as_ref() == Ok(fingerprint))
}

/// Ends one key of an owner.
///
/// # Errors
/// [`Refused`] when the owner has no such key, or it has ended.
pub fn end(change: &Change<'_>, fingerprint: &Fingerprint, owner: &Owner) -> Result<(), Error> {
    match find(change, fingerprint)? {
        Some(found) if found.owner == *owner && found.is_active() => {}
        _ => return Err(Refused::NotTheirKey { fingerprint: *fingerprint, owner: owner.to_string() }.into()),
    }
    mark_ended(change, fingerprint)?;
    change.record(Kind::KeyEnd, owner.name(), None, json!({ "fingerprint": fingerprint.to_string() }))?;
    Ok(())
}

/// Ends every key of an owner who ends; the owner's own event tells of it.
pub(super) fn end_all(change: &Change<'_>, owner: &Owner) -> Result<(), Error> {
    for key in active_of(change, owner)? {
        mark_ended(change, &key.key.fingerprint())?;
    }
    Ok(())
}

fn mark_ended(change: &Change<'_>, fingerprint: &Fingerprint) -> Result<(), LedgerError> {
    change.execute(
        "UPDATE enrolled_key SET ended_at = ?2 WHERE fingerprint = ?1",
        params![fingerprint.to_string(), column::seconds(change.now())],
    )?;
    Ok(())
}

//! Approvers: those of us who may approve, each with enrolled keys.
//!
//! A name is used once: after it has ended nobody gets it again, so that old events stay unambiguous. The
//! export for hosts is made here, from the keys that count now, and read back before it is given out.

use grant::{ApproverName, Approvers, PublicKey, UnixTime};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::json;

use super::key::{self, Owner};
use super::{Change, LedgerError, column, event::Kind};
use crate::Error;
use crate::refused::{Noun, Refused};

/// An approver as the ledger has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approver {
    /// The name.
    pub name: ApproverName,
    /// When the approver was added.
    pub added_at: UnixTime,
    /// When the approver ended.
    pub ended_at: Option<UnixTime>,
}

impl Approver {
    /// The approver, if not ended.
    ///
    /// # Errors
    /// [`Refused::Ended`].
    pub fn expect_active(self) -> Result<Self, Refused> {
        match self.ended_at {
            None => Ok(self),
            Some(at) => Err(Refused::Ended { noun: Noun::Approver, name: self.name.to_string(), at }),
        }
    }

    /// The approver as the owner of keys.
    #[must_use]
    pub fn owner(&self) -> Owner {
        Owner::Approver(self.name.clone())
    }
}

fn approver(row: &Row<'_>) -> rusqlite::Result<Approver> {
    Ok(Approver {
        name: column::parsed(row, "name")?,
        added_at: column::time(row, "added_at")?,
        ended_at: column::optional_time(row, "ended_at")?,
    })
}

/// The approver of that name.
///
/// # Errors
/// [`Refused::Unknown`], or [`LedgerError`].
pub fn find(ledger: &Connection, name: &ApproverName) -> Result<Approver, Error> {
    let mut row = ledger.prepare_cached("SELECT * FROM approver WHERE name = ?1")?;
    row.query_row([name.as_str()], approver)
        .optional()?
        .ok_or_else(|| Refused::Unknown { noun: Noun::Approver, name: name.to_string() }.into())
}

/// All approvers, by name.
///
/// # Errors
/// [`LedgerError`].
pub fn all(ledger: &Connection) -> Result<Vec<Approver>, LedgerError> {
    let mut rows = ledger.prepare("SELECT * FROM approver ORDER BY name")?;
    let approvers = rows.query_map([], approver)?.collect::<rusqlite::Result<_>>()?;
    Ok(approvers)
}

/// The approvers file for hosts: one allowed_signers line for each key that counts.
///
/// # Errors
/// [`LedgerError`].
pub fn export(ledger: &Connection) -> Result<String, Error> {
    let mut text = String::new();
    for approver in all(ledger)?.into_iter().filter(|a| a.ended_at.is_none()) {
        for enrolled in key::active_of(ledger, &approver.owner())? {
            let line = grant::Approver {
                name: approver.name.clone(),
                key: enrolled.key,
                valid_after: None,
                valid_before: None,
            };
            text.push_str(&line.to_line());
            text.push('\n');
        }
    }
    // Hosts refuse a file that they cannot read: find out here.
    Approvers::parse(&text)?;
    Ok(text)
}

/// Adds an approver with keys.
///
/// # Errors
/// [`Refused`] when the name was ever used, or a key is taken.
pub fn add(change: &Change<'_>, name: &ApproverName, keys: &[PublicKey]) -> Result<(), Error> {
    match find(change, name) {
        Ok(found) => {
            let (noun, name) = (Noun::Approver, name.to_string());
            return Err(match found.ended_at {
                Some(at) => Refused::NameUsed { noun, name, at },
                None => Refused::Exists { noun, name },
            }
            .into());
        }
        Err(Error::Refused(_)) => {}
        Err(other) => return Err(other),
    }
    change.execute(
        "INSERT INTO approver (name, added_at) VALUES (?1, ?2)",
        params![name.as_str(), column::seconds(change.now())],
    )?;
    change.record(Kind::ApproverAdd, name.as_str(), None, json!({}))?;
    enrol(change, name, keys)
}

/// Enrols more keys of an approver who exists.
///
/// # Errors
/// [`Refused`] when the approver is unknown or ended, or a key is taken.
pub fn add_keys(change: &Change<'_>, name: &ApproverName, keys: &[PublicKey]) -> Result<(), Error> {
    find(change, name)?.expect_active()?;
    enrol(change, name, keys)
}

fn enrol(change: &Change<'_>, name: &ApproverName, keys: &[PublicKey]) -> Result<(), Error> {
    let owner = Owner::Approver(name.clone());
    keys.iter().try_for_each(|new| key::enrol(change, new, &owner))?;
    let count = key::active_of(change, &owner)?.len();
    if count > grant::limits::KEYS {
        return Err(Refused::TooManyKeys { owner: owner.to_string(), count }.into());
    }
    Ok(())
}

/// Ends an approver, with all keys, for good: approvals by them no longer count.
///
/// # Errors
/// [`Refused`] when the approver is unknown or has ended.
pub fn end(change: &Change<'_>, name: &ApproverName) -> Result<(), Error> {
    let found = find(change, name)?.expect_active()?;
    change.execute(
        "UPDATE approver SET ended_at = ?2 WHERE name = ?1",
        params![name.as_str(), column::seconds(change.now())],
    )?;
    key::end_all(change, &found.owner())?;
    change.record(Kind::ApproverEnd, name.as_str(), None, json!({}))?;
    Ok(())
}

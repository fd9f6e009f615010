//! Vendors: the companies, each with an end date.
//!
//! A vendor is over when its date has passed or when an administrator ended it, whichever is first. The
//! date can be moved; an ending cannot be taken back, and takes every person of the vendor with it.

use grant::{PersonName, UnixTime, VendorName};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::json;

use super::{Change, LedgerError, column, event::Kind, person};
use crate::Error;
use crate::refused::{Noun, Refused};

/// A vendor as the ledger has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vendor {
    /// Its name.
    pub name: VendorName,
    /// The first second after its end date.
    pub until: UnixTime,
    /// When it was added.
    pub added_at: UnixTime,
    /// When an administrator ended it before its date.
    pub ended_at: Option<UnixTime>,
}

impl Vendor {
    /// The first second at which the vendor has no access any more.
    #[must_use]
    pub fn over_at(&self) -> UnixTime {
        self.ended_at.map_or(self.until, |ended| ended.min(self.until))
    }

    /// The vendor, if it may have access at `now`.
    ///
    /// # Errors
    /// [`Refused::Ended`] or [`Refused::DatePassed`].
    pub fn expect_active(self, now: UnixTime) -> Result<Self, Refused> {
        let name = self.name.to_string();
        match self.ended_at {
            Some(at) => Err(Refused::Ended { noun: Noun::Vendor, name, at }),
            None if now >= self.until => Err(Refused::DatePassed { name, until: self.until }),
            None => Ok(self),
        }
    }
}

fn vendor(row: &Row<'_>) -> rusqlite::Result<Vendor> {
    Ok(Vendor {
        name: column::parsed(row, "name")?,
        until: column::time(row, "until")?,
        added_at: column::time(row, "added_at")?,
        ended_at: column::optional_time(row, "ended_at")?,
    })
}

/// The vendor of that name.
///
/// # Errors
/// [`Refused::Unknown`], or [`LedgerError`].
pub fn find(ledger: &Connection, name: &VendorName) -> Result<Vendor, Error> {
    let mut row = ledger.prepare_cached("SELECT * FROM vendor WHERE name = ?1")?;
    row.query_row([name.as_str()], vendor)
        .optional()?
        .ok_or_else(|| Refused::Unknown { noun: Noun::Vendor, name: name.to_string() }.into())
}

/// All vendors, by name.
///
/// # Errors
/// [`LedgerError`].
pub fn all(ledger: &Connection) -> Result<Vec<Vendor>, LedgerError> {
    let mut rows = ledger.prepare("SELECT * FROM vendor ORDER BY name")?;
    let vendors = rows.query_map([], vendor)?.collect::<rusqlite::Result<_>>()?;
    Ok(vendors)
}

fn expect_future(until: UnixTime, change: &Change<'_>) -> Result<(), Refused> {
    if until > change.now() { Ok(()) } else { Err(Refused::EndInThePast { until }) }
}

/// Adds a vendor until a moment.
///
/// # Errors
/// [`Refused`] when the name is taken or the end is past.
pub fn add(change: &Change<'_>, name: &VendorName, until: UnixTime) -> Result<(), Error> {
    expect_future(until, change)?;
    match find(change, name) {
        Ok(found) => {
            let (noun, name) = (Noun::Vendor, name.to_string());
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
        "INSERT INTO vendor (name, until, added_at) VALUES (?1, ?2, ?3)",
        params![name.as_str(), column::seconds(until), column::seconds(change.now())],
    )?;
    change.record(Kind::VendorAdd, name.as_str(), None, json!({ "until": until.to_string() }))?;
    Ok(())
}

/// Moves the end date of a vendor that was not ended by hand.
///
/// # Errors
/// [`Refused`] when it does not exist, was ended, or the new end is past.
pub fn move_end(change: &Change<'_>, name: &VendorName, until: UnixTime) -> Result<(), Error> {
    expect_future(until, change)?;
    let found = find(change, name)?;
    if let Some(at) = found.ended_at {
        return Err(Refused::Ended { noun: Noun::Vendor, name: name.to_string(), at }.into());
    }
    change.execute(
        "UPDATE vendor SET until = ?2 WHERE name = ?1",
        params![name.as_str(), column::seconds(until)],
    )?;
    let detail = json!({ "until": until.to_string(), "was": found.until.to_string() });
    change.record(Kind::VendorChange, name.as_str(), None, detail)?;
    Ok(())
}

/// Ends a vendor now, for good, and every person of it; gives the persons. A vendor whose date has
/// passed can be ended too.
///
/// # Errors
/// [`Refused`] when it does not exist or was ended.
pub fn end(change: &Change<'_>, name: &VendorName) -> Result<Vec<PersonName>, Error> {
    if let Some(at) = find(change, name)?.ended_at {
        return Err(Refused::Ended { noun: Noun::Vendor, name: name.to_string(), at }.into());
    }
    change.execute(
        "UPDATE vendor SET ended_at = ?2 WHERE name = ?1",
        params![name.as_str(), column::seconds(change.now())],
    )?;
    change.record(Kind::VendorEnd, name.as_str(), None, json!({}))?;
    let persons = person::all(change, Some(name))?.into_iter().filter(|p| p.ended_at.is_none());
    let persons: Vec<_> = persons.map(|person| person.name).collect();
    persons.iter().try_for_each(|person| person::end(change, person))?;
    Ok(persons)
}

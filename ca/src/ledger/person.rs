//! Persons: engineers of a vendor, each with enrolled keys.
//!
//! A name is used once, and a person's vendor is part of it. Ending a person ends every key; a key can also
//! end alone. Nothing is deleted: old grants and events go on to name who it was.

use grant::{PersonName, PublicKey, UnixTime, VendorName};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::json;

use super::key::{self, Owner};
use super::{Change, LedgerError, column, event::Kind, revocation, vendor};
use crate::Error;
use crate::email::Email;
use crate::refused::{Noun, Refused};

/// A person as the ledger has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// `vendor/name`.
    pub name: PersonName,
    /// Where to reach the person.
    pub email: Option<Email>,
    /// When the person was added.
    pub added_at: UnixTime,
    /// When the person ended.
    pub ended_at: Option<UnixTime>,
}

impl Person {
    /// The person, if not ended.
    ///
    /// # Errors
    /// [`Refused::Ended`].
    pub fn expect_active(self) -> Result<Self, Refused> {
        match self.ended_at {
            None => Ok(self),
            Some(at) => Err(Refused::Ended { noun: Noun::Person, name: self.name.to_string(), at }),
        }
    }

    /// The person as the owner of keys.
    #[must_use]
    pub fn owner(&self) -> Owner {
        Owner::Person(self.name.clone())
    }
}

fn person(row: &Row<'_>) -> rusqlite::Result<Person> {
    Ok(Person {
        name: column::parsed(row, "name")?,
        email: column::optional(row, "email")?,
        added_at: column::time(row, "added_at")?,
        ended_at: column::optional_time(row, "ended_at")?,
    })
}

/// The person of that name.
///
/// # Errors
/// [`Refused::Unknown`], or [`LedgerError`].
pub fn find(ledger: &Connection, name: &PersonName) -> Result<Person, Error> {
    let mut row = ledger.prepare_cached("SELECT * FROM person WHERE name = ?1")?;
    row.query_row([name.as_str()], person)
        .optional()?
        .ok_or_else(|| Refused::Unknown { noun: Noun::Person, name: name.to_string() }.into())
}

/// All persons, or those of one vendor, by name.
///
/// # Errors
/// [`LedgerError`].
pub fn all(ledger: &Connection, of_vendor: Option<&VendorName>) -> Result<Vec<Person>, LedgerError> {
    let mut rows = ledger.prepare("SELECT * FROM person WHERE ?1 IS NULL OR vendor = ?1 ORDER BY name")?;
    let persons =
        rows.query_map([of_vendor.map(VendorName::as_str)], person)?.collect::<rusqlite::Result<_>>()?;
    Ok(persons)
}

/// Adds a person with keys.
///
/// # Errors
/// [`Refused`] when the vendor is unknown, ended or revoked, the name was ever used, or a key is taken.
pub fn add(
    change: &Change<'_>,
    name: &PersonName,
    email: Option<&Email>,
    keys: &[PublicKey],
) -> Result<(), Error> {
    vendor::find(change, &name.vendor())?.expect_active(change.now())?;
    revocation::expect_none_of_vendor(change, &name.vendor())?;
    match find(change, name) {
        Ok(found) => {
            let (noun, name) = (Noun::Person, name.to_string());
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
        "INSERT INTO person (name, vendor, email, added_at) VALUES (?1, ?2, ?3, ?4)",
        params![
            name.as_str(),
            name.vendor().as_str(),
            email.map(Email::as_str),
            column::seconds(change.now())
        ],
    )?;
    let detail = json!({ "vendor": name.vendor().as_str(), "email": email.map(Email::as_str) });
    change.record(Kind::PersonAdd, name.as_str(), None, detail)?;
    enrol(change, name, keys)
}

/// Enrols more keys of a person who exists.
///
/// # Errors
/// [`Refused`] when the person or the vendor is unknown, ended or revoked, or a key is taken.
pub fn add_keys(change: &Change<'_>, name: &PersonName, keys: &[PublicKey]) -> Result<(), Error> {
    find(change, name)?.expect_active()?;
    vendor::find(change, &name.vendor())?.expect_active(change.now())?;
    revocation::expect_none_of_person(change, name)?;
    enrol(change, name, keys)
}

fn enrol(change: &Change<'_>, name: &PersonName, keys: &[PublicKey]) -> Result<(), Error> {
    let owner = Owner::Person(name.clone());
    keys.iter().try_for_each(|new| key::enrol(change, new, &owner))?;
    let count = key::active_of(change, &owner)?.len();
    if count > grant::limits::KEYS {
        return Err(Refused::TooManyKeys { owner: owner.to_string(), count }.into());
    }
    Ok(())
}

/// Ends a person, with all keys, for good.
///
/// # Errors
/// [`Refused`] when the person is unknown or has ended.
pub fn end(change: &Change<'_>, name: &PersonName) -> Result<(), Error> {
    let found = find(change, name)?.expect_active()?;
    change.execute(
        "UPDATE person SET ended_at = ?2 WHERE name = ?1",
        params![name.as_str(), column::seconds(change.now())],
    )?;
    key::end_all(change, &found.owner())?;
    change.record(Kind::PersonEnd, name.as_str(), None, json!({}))?;
    Ok(())
}

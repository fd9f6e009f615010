//! Revocations: of a grant, a certificate, a person or a vendor, for good.
//!
//! Both lists that hosts read are made here from the same rows: the KRL for stock sshd, which knows
//! serials and key ids, and the revoked list for our module, which knows all four.

use std::collections::BTreeSet;

use grant::{Fingerprint, GrantId, PersonName, PublicKey, ReasonText, Revoked, UnixTime, VendorName};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::json;

use super::grant_record::{self, GrantRecord};
use super::{Change, LedgerError, certificate, column, event, event::Kind, person, vendor};
use crate::Error;
use crate::krl::{Krl, RevokedCertificates};
use crate::limits;
use crate::refused::Refused;

/// What is revoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// One grant, with every certificate of it.
    Grant(GrantId),
    /// One certificate.
    Serial(u64),
    /// A person, with all grants.
    Person(PersonName),
    /// A vendor, with all persons.
    Vendor(VendorName),
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Grant(id) => write!(f, "grant {id}"),
            Self::Serial(serial) => write!(f, "certificate {serial}"),
            Self::Person(name) => write!(f, "person {name}"),
            Self::Vendor(name) => write!(f, "vendor {name}"),
        }
    }
}

/// A revocation as the ledger has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// What.
    pub target: Target,
    /// Why.
    pub reason: String,
    /// When.
    pub revoked_at: UnixTime,
}

const SELECT: &str = "SELECT r.serial, r.person, r.vendor, r.reason, r.revoked_at, g.id AS grant_id
                      FROM revocation r LEFT JOIN grant_document g ON g.number = r.grant_number";

fn revocation(row: &Row<'_>) -> rusqlite::Result<Revocation> {
    let target = if let Some(id) = column::optional(row, "grant_id")? {
        Target::Grant(id)
    } else if let Some(name) = column::optional(row, "person")? {
        Target::Person(name)
    } else if let Some(name) = column::optional(row, "vendor")? {
        Target::Vendor(name)
    } else {
        Target::Serial(column::serial(row, "serial")?)
    };
    Ok(Revocation { target, reason: row.get("reason")?, revoked_at: column::time(row, "revoked_at")? })
}

fn one(
    ledger: &Connection,
    column: &str,
    value: impl rusqlite::ToSql,
) -> Result<Option<Revocation>, LedgerError> {
    let mut row = ledger.prepare_cached(&format!("{SELECT} WHERE r.{column} = ?1"))?;
    Ok(row.query_row([value], revocation).optional()?)
}

/// The revocation of a grant, or else of its person, or else of its vendor.
///
/// # Errors
/// [`LedgerError`].
pub fn of_grant(ledger: &Connection, record: &GrantRecord) -> Result<Option<Revocation>, LedgerError> {
    if let Some(found) = one(ledger, "grant_number", record.number)? {
        return Ok(Some(found));
    }
    of_person(ledger, &record.grant.person)
}

/// The revocation of a person, or else of the vendor.
///
/// # Errors
/// [`LedgerError`].
pub fn of_person(ledger: &Connection, name: &PersonName) -> Result<Option<Revocation>, LedgerError> {
    if let Some(found) = one(ledger, "person", name.as_str())? {
        return Ok(Some(found));
    }
    of_vendor(ledger, &name.vendor())
}

/// The revocation of a vendor.
///
/// # Errors
/// [`LedgerError`].
pub fn of_vendor(ledger: &Connection, name: &VendorName) -> Result<Option<Revocation>, LedgerError> {
    one(ledger, "vendor", name.as_str())
}

/// The revocation of one certificate by its serial.
///
/// # Errors
/// [`LedgerError`].
pub fn of_serial(ledger: &Connection, serial: u64) -> Result<Option<Revocation>, LedgerError> {
    one(ledger, "serial", column::serial_number(serial))
}

fn expect_none(found: Option<Revocation>) -> Result<(), Error> {
    found.map_or(Ok(()), |revocation| Err(Refused::Revoked(revocation).into()))
}

/// Refuses a person who, or whose vendor, is revoked.
///
/// # Errors
/// [`Refused::Revoked`].
pub fn expect_none_of_person(ledger: &Connection, name: &PersonName) -> Result<(), Error> {
    expect_none(of_person(ledger, name)?)
}

/// Refuses a vendor that is revoked.
///
/// # Errors
/// [`Refused::Revoked`].
pub fn expect_none_of_vendor(ledger: &Connection, name: &VendorName) -> Result<(), Error> {
    expect_none(of_vendor(ledger, name)?)
}

/// Revokes, for good.
///
/// # Errors
/// [`Refused`] when the target is unknown or already revoked.
pub fn add(change: &Change<'_>, target: &Target, reason: &ReasonText) -> Result<(), Error> {
    let (column, value, kind, subject, serial): (_, Box<dyn rusqlite::ToSql>, _, _, _) = match target {
        Target::Grant(id) => {
            let number = grant_record::find(change, id)?.number;
            ("grant_number", Box::new(number), Kind::GrantRevoke, id.to_string(), None)
        }
        Target::Serial(serial) => {
            let found = certificate::find(change, *serial)?;
            let id = grant_record::by_number(change, found.grant_number)?.grant.id.to_string();
            let number = column::serial_number(*serial);
            ("serial", Box::new(number), Kind::CertificateRevoke, id, Some(*serial))
        }
        Target::Person(name) => {
            person::find(change, name)?;
            ("person", Box::new(name.to_string()), Kind::PersonRevoke, name.to_string(), None)
        }
        Target::Vendor(name) => {
            vendor::find(change, name)?;
            ("vendor", Box::new(name.to_string()), Kind::VendorRevoke, name.to_string(), None)
        }
    };
    if let Some(before) = one(change, column, &value)? {
        return Err(Refused::RevokedAlready(before).into());
    }
    change.execute(
        &format!("INSERT INTO revocation ({column}, reason, revoked_at) VALUES (?1, ?2, ?3)"),
        params![value, reason.as_str(), column::seconds(change.now())],
    )?;
    change.record(kind, &subject, serial, json!({ "reason": reason.as_str() }))?;
    Ok(())
}

/// All revocations, oldest first.
///
/// # Errors
/// [`LedgerError`].
pub fn all(ledger: &Connection) -> Result<Vec<Revocation>, LedgerError> {
    let mut rows = ledger.prepare(&format!("{SELECT} ORDER BY r.number"))?;
    let revocations = rows.query_map([], revocation)?.collect::<rusqlite::Result<_>>()?;
    Ok(revocations)
}

/// The list that our module reads. Grants and certificates that are long over have left it.
///
/// # Errors
/// [`LedgerError`].
pub fn revoked(ledger: &Connection, authority: Fingerprint, now: UnixTime) -> Result<Revoked, Error> {
    let mut list = Revoked::nothing(authority);
    let after = now.minus(limits::REVOKED_MARGIN);
    for found in all(ledger)? {
        match found.target {
            Target::Grant(id) => {
                let record = grant_record::find(ledger, &id)?;
                if over(&record) > after {
                    list.grants.insert(record.digest);
                }
            }
            Target::Serial(serial) => {
                if certificate::find(ledger, serial)?.valid_before > after {
                    list.serials.insert(serial);
                }
            }
            Target::Person(name) => drop(list.persons.insert(name)),
            Target::Vendor(name) => drop(list.vendors.insert(name)),
        }
    }
    Ok(list)
}

fn over(record: &GrantRecord) -> UnixTime {
    record.grant.extendable_to.unwrap_or(record.grant.window.closes())
}

/// The list that stock sshd reads: the serial of every revoked certificate that has not expired, and
/// the key id of every revoked grant that is not over. Its version is the number of the last event, so
/// it never falls.
///
/// # Errors
/// [`LedgerError`].
pub fn krl(ledger: &Connection, ca_key: &PublicKey, now: UnixTime) -> Result<Krl, Error> {
    let after = now.minus(limits::REVOKED_MARGIN);
    let mut serials = BTreeSet::new();
    let mut grants = Vec::new();
    for found in all(ledger)? {
        match found.target {
            Target::Grant(id) => grants.push(grant_record::find(ledger, &id)?),
            Target::Serial(serial) => {
                if certificate::find(ledger, serial)?.valid_before > after {
                    serials.insert(serial);
                }
            }
            Target::Person(name) => {
                grants.extend(grant_record::current_of(ledger, Some(&name), None, after)?);
            }
            Target::Vendor(name) => {
                grants.extend(grant_record::current_of(ledger, None, Some(&name), after)?);
            }
        }
    }
    let mut key_ids = BTreeSet::new();
    for record in grants.iter().filter(|record| over(record) > after) {
        key_ids.insert(record.grant.key_id());
        serials.extend(certificate::serials_ending_after(ledger, record.number, after)?);
    }
    Ok(Krl {
        version: event::last_number(ledger)?,
        generated: now.secs(),
        comment: "pam-jit".to_owned(),
        certificates: vec![RevokedCertificates { ca_key: ca_key.to_blob(), serials, key_ids }],
    })
}

//! Certificates: each is in the ledger before its bytes leave the process.
//!
//! Serials come from AUTOINCREMENT inside the transaction that writes the certificate, so they are
//! without gaps and never used again.

use grant::{Fingerprint, UnixTime};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::json;

use super::grant_record::GrantRecord;
use super::{Change, LedgerError, column, event::Kind};
use crate::Error;
use crate::refused::Refused;

/// A certificate as the ledger has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCertificate {
    /// Its serial, from 1.
    pub serial: u64,
    /// The number of its grant.
    pub grant_number: i64,
    /// The person's key.
    pub fingerprint: Fingerprint,
    /// When it was made.
    pub issued_at: UnixTime,
    /// The first second at which it is valid.
    pub valid_after: UnixTime,
    /// The first second at which it is not valid any more.
    pub valid_before: UnixTime,
}

/// What a new certificate is, apart from its serial.
#[derive(Debug, Clone, Copy)]
pub struct NewCertificate<'a> {
    /// Its grant.
    pub record: &'a GrantRecord,
    /// The person's key.
    pub fingerprint: Fingerprint,
    /// The first second at which it is valid.
    pub valid_after: UnixTime,
    /// The first second at which it is not valid any more.
    pub valid_before: UnixTime,
    /// The certificate, as an SSH blob.
    pub bytes: &'a [u8],
}

fn stored_certificate(row: &Row<'_>) -> rusqlite::Result<StoredCertificate> {
    Ok(StoredCertificate {
        serial: column::serial(row, "serial")?,
        grant_number: row.get("grant_number")?,
        fingerprint: column::parsed(row, "fingerprint")?,
        issued_at: column::time(row, "issued_at")?,
        valid_after: column::time(row, "valid_after")?,
        valid_before: column::time(row, "valid_before")?,
    })
}

const COLUMNS: &str = "serial, grant_number, fingerprint, issued_at, valid_after, valid_before";

/// The serial that the next certificate of this change gets.
///
/// # Errors
/// [`LedgerError`].
pub fn next_serial(change: &Change<'_>) -> Result<u64, LedgerError> {
    let mut row = change.prepare_cached("SELECT seq FROM sqlite_sequence WHERE name = 'certificate'")?;
    let last: Option<i64> = row.query_row([], |row| row.get(0)).optional()?;
    let next = last.unwrap_or(0).checked_add(1).and_then(|n| u64::try_from(n).ok());
    next.ok_or_else(|| LedgerError::Damaged {
        place: "the last serial".to_owned(),
        problem: "no serial comes after it".to_owned(),
    })
}

/// Writes a certificate down, under the serial that [`next_serial`] gave.
///
/// # Errors
/// [`LedgerError`].
pub fn add(change: &Change<'_>, serial: u64, new: &NewCertificate<'_>) -> Result<(), LedgerError> {
    change
        .prepare_cached(
            "INSERT INTO certificate
               (serial, grant_number, fingerprint, issued_at, valid_after, valid_before, bytes)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            column::serial_number(serial),
            new.record.number,
            new.fingerprint.to_string(),
            column::seconds(change.now()),
            column::seconds(new.valid_after),
            column::seconds(new.valid_before),
            new.bytes,
        ])?;
    let detail = json!({
        "person": new.record.grant.person.as_str(),
        "fingerprint": new.fingerprint.to_string(),
        "digest": new.record.digest.to_string(),
        "valid_after": new.valid_after.to_string(),
        "valid_before": new.valid_before.to_string(),
    });
    change.record(Kind::CertificateIssue, new.record.grant.id.as_str(), Some(serial), detail)
}

/// The certificate with this serial.
///
/// # Errors
/// [`Refused::UnknownSerial`], or [`LedgerError`].
pub fn find(ledger: &Connection, serial: u64) -> Result<StoredCertificate, Error> {
    let sql = format!("SELECT {COLUMNS} FROM certificate WHERE serial = ?1");
    let mut row = ledger.prepare_cached(&sql)?;
    row.query_row([column::serial_number(serial)], stored_certificate)
        .optional()?
        .ok_or_else(|| Refused::UnknownSerial(serial).into())
}

/// The bytes of the certificate with this serial, if there is one.
///
/// # Errors
/// [`LedgerError`].
pub fn bytes(ledger: &Connection, serial: u64) -> Result<Option<Vec<u8>>, LedgerError> {
    let mut row = ledger.prepare_cached("SELECT bytes FROM certificate WHERE serial = ?1")?;
    Ok(row.query_row([column::serial_number(serial)], |row| row.get(0)).optional()?)
}

/// The certificates of a grant that end last, at most `limit`, and whether there are more.
///
/// # Errors
/// [`LedgerError`].
pub fn newest_of(
    ledger: &Connection,
    grant_number: i64,
    limit: usize,
) -> Result<(Vec<StoredCertificate>, bool), LedgerError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM certificate WHERE grant_number = ?1
         ORDER BY valid_before DESC, serial DESC LIMIT ?2"
    );
    let mut rows = ledger.prepare_cached(&sql)?;
    let fetch = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
    let mut found = rows
        .query_map(params![grant_number, fetch], stored_certificate)?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    let more = found.len() > limit;
    found.truncate(limit);
    Ok((found, more))
}

/// The serials of a grant's certificates that end after a moment.
///
/// # Errors
/// [`LedgerError`].
pub fn serials_ending_after(
    ledger: &Connection,
    grant_number: i64,
    after: UnixTime,
) -> Result<Vec<u64>, LedgerError> {
    let mut rows = ledger
        .prepare_cached("SELECT serial FROM certificate WHERE grant_number = ?1 AND valid_before > ?2")?;
    let serials =
        rows.query_map(params![grant_number, column::seconds(after)], |row| column::serial(row, "serial"))?;
    Ok(serials.collect::<rusqlite::Result<_>>()?)
}

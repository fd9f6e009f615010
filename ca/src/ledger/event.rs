//! Events: every change and every certificate, in order, never altered.
//!
//! An event is written in the transaction of what it tells of. Its number grows by one each time, so a
//! missing one shows.

use grant::UnixTime;
use rusqlite::{Connection, Row, params};

use super::{Change, LedgerError, column};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is its word in `Kind::word`")]
pub enum Kind {
    AuthorityInit,
    VendorAdd,
    VendorChange,
    VendorEnd,
    VendorRevoke,
    PersonAdd,
    PersonEnd,
    PersonRevoke,
    ApproverAdd,
    ApproverEnd,
    KeyAdd,
    KeyEnd,
    HostAdd,
    HostChange,
    HostEnd,
    HostBundle,
    RequestCreate,
    RequestApprove,
    RequestDeny,
    GrantRevoke,
    CertificateIssue,
    CertificateRevoke,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 22] = [
        Self::AuthorityInit,
        Self::VendorAdd,
        Self::VendorChange,
        Self::VendorEnd,
        Self::VendorRevoke,
        Self::PersonAdd,
        Self::PersonEnd,
        Self::PersonRevoke,
        Self::ApproverAdd,
        Self::ApproverEnd,
        Self::KeyAdd,
        Self::KeyEnd,
        Self::HostAdd,
        Self::HostChange,
        Self::HostEnd,
        Self::HostBundle,
        Self::RequestCreate,
        Self::RequestApprove,
        Self::RequestDeny,
        Self::GrantRevoke,
        Self::CertificateIssue,
        Self::CertificateRevoke,
    ];

    /// The stable word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::AuthorityInit => "authority.init",
            Self::VendorAdd => "vendor.add",
            Self::VendorChange => "vendor.change",
            Self::VendorEnd => "vendor.end",
            Self::VendorRevoke => "vendor.revoke",
            Self::PersonAdd => "person.add",
            Self::PersonEnd => "person.end",
            Self::PersonRevoke => "person.revoke",
            Self::ApproverAdd => "approver.add",
            Self::ApproverEnd => "approver.end",
            Self::KeyAdd => "key.add",
            Self::KeyEnd => "key.end",
            Self::HostAdd => "host.add",
            Self::HostChange => "host.change",
            Self::HostEnd => "host.end",
            Self::HostBundle => "host.bundle",
            Self::RequestCreate => "request.create",
            Self::RequestApprove => "request.approve",
            Self::RequestDeny => "request.deny",
            Self::GrantRevoke => "grant.revoke",
            Self::CertificateIssue => "cert.issue",
            Self::CertificateRevoke => "cert.revoke",
        }
    }
}

/// One event as the ledger has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// From 1, without gaps.
    pub number: u64,
    /// When, by the clock of that moment.
    pub at: UnixTime,
    /// The Unix user who ran `ca`.
    pub by_whom: String,
    /// [`Kind::word`].
    pub kind: String,
    /// What it is about: `acme`, `acme/jo`, `kim`, `db1.prod`, `G-7F3K9Q`.
    pub subject: String,
    /// The certificate, where it is about one.
    pub serial: Option<u64>,
    /// The rest, a JSON object.
    pub detail: serde_json::Value,
}

impl Change<'_> {
    /// Writes the event of this change.
    pub(crate) fn record(
        &self,
        kind: Kind,
        subject: &str,
        serial: Option<u64>,
        detail: serde_json::Value,
    ) -> Result<(), LedgerError> {
        let sql =
            "INSERT INTO event (at, by_whom, kind, subject, serial, detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        self.prepare_cached(sql)?.execute(params![
            column::seconds(self.now),
            self.by_whom,
            kind.word(),
            subject,
            serial.map(column::serial_number),
            detail.to_string(),
        ])?;
        Ok(())
    }
}

fn event(row: &Row<'_>) -> rusqlite::Result<Event> {
    let detail: String = row.get("detail")?;
    Ok(Event {
        number: column::serial(row, "number")?,
        at: column::time(row, "at")?,
        by_whom: row.get("by_whom")?,
        kind: row.get("kind")?,
        subject: row.get("subject")?,
        serial: row.get::<_, Option<i64>>("serial")?.and_then(|s| u64::try_from(s).ok()),
        detail: serde_json::from_str(&detail).map_err(|e| column::unfit(row, "detail", &e))?,
    })
}

/// The last `limit` events, oldest first, and whether there are more before them.
///
/// # Errors
/// [`LedgerError`].
pub fn last(ledger: &Connection, limit: usize) -> Result<(Vec<Event>, bool), LedgerError> {
    let mut rows = ledger.prepare("SELECT * FROM event ORDER BY number DESC LIMIT ?1")?;
    let fetch = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
    let mut events = rows.query_map([fetch], event)?.collect::<rusqlite::Result<Vec<_>>>()?;
    let more = events.len() > limit;
    events.truncate(limit);
    events.reverse();
    Ok((events, more))
}

/// At most `limit` events after a number, oldest first.
///
/// # Errors
/// [`LedgerError`].
pub fn after(ledger: &Connection, number: u64, limit: usize) -> Result<Vec<Event>, LedgerError> {
    let mut rows = ledger.prepare_cached("SELECT * FROM event WHERE number > ?1 ORDER BY number LIMIT ?2")?;
    let events = rows
        .query_map(params![column::serial_number(number), i64::try_from(limit).unwrap_or(i64::MAX)], event)?;
    Ok(events.collect::<rusqlite::Result<_>>()?)
}

/// The events of one kind after a number, oldest first.
///
/// # Errors
/// [`LedgerError`].
pub fn of_kind_after(ledger: &Connection, kind: Kind, number: u64) -> Result<Vec<Event>, LedgerError> {
    let mut rows =
        ledger.prepare_cached("SELECT * FROM event WHERE number > ?1 AND kind = ?2 ORDER BY number")?;
    let events = rows.query_map(params![column::serial_number(number), kind.word()], event)?;
    Ok(events.collect::<rusqlite::Result<_>>()?)
}

/// The number of the last event; 0 before the first. Grows with every change.
///
/// # Errors
/// [`LedgerError`].
pub fn last_number(ledger: &Connection) -> Result<u64, LedgerError> {
    let number: i64 = ledger.query_row("SELECT coalesce(max(number), 0) FROM event", [], |row| row.get(0))?;
    Ok(u64::try_from(number).unwrap_or(0))
}

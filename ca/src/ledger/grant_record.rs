//! Grants as the ledger has them: the exact document, and where each one stands.
//!
//! The document's bytes are what was signed. They are read back strictly: a stored document that does
//! not parse, or whose digest is another, is damage and not a grant.

use grant::{Digest, Grant, GrantId, PersonName, UnixTime, VendorName};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::json;

use super::revocation::{self, Revocation};
use super::{Change, LedgerError, approval, column, event::Kind};
use crate::Error;
use crate::refused::{Noun, Refused};

/// A grant or request as the ledger has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantRecord {
    /// Its number in the ledger.
    pub number: i64,
    /// What the document says.
    pub grant: Grant,
    /// The document's digest.
    pub digest: Digest,
    /// When it was asked for.
    pub created_at: UnixTime,
}

/// A denied request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// By whom.
    pub approver: String,
    /// Why.
    pub reason: String,
    /// When.
    pub denied_at: UnixTime,
}

/// Where a grant stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Waits for approvals.
    Pending,
    /// Approved; its window has not opened.
    Approved,
    /// Approved and inside its window.
    Open,
    /// Its window is over.
    Closed,
    /// Its window is over, and it never had enough approvals.
    Lapsed,
    /// An approver said no.
    Denied,
    /// The grant, its person or its vendor was revoked.
    Revoked,
}

impl State {
    /// The word that people and programs read.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Open => "open",
            Self::Closed => "closed",
            Self::Lapsed => "lapsed",
            Self::Denied => "denied",
            Self::Revoked => "revoked",
        }
    }
}

/// A grant and everything that decides where it stands.
#[derive(Debug, Clone)]
pub struct Standing {
    /// The grant.
    pub record: GrantRecord,
    /// Its approvals, each with whether it counts.
    pub approvals: Vec<approval::StoredApproval>,
    /// The denial, if it was denied.
    pub denial: Option<Denial>,
    /// The revocation that covers it, if any.
    pub revocation: Option<Revocation>,
}

impl Standing {
    /// Approvals that count.
    #[must_use]
    pub fn counted(&self) -> usize {
        self.approvals.iter().filter(|approval| approval.counts).count()
    }

    /// Where the grant stands at `now`.
    #[must_use]
    pub fn state(&self, now: UnixTime) -> State {
        use grant::WindowState::{Closed, NotYetOpen, Open};
        if self.revocation.is_some() {
            return State::Revoked;
        }
        if self.denial.is_some() {
            return State::Denied;
        }
        let enough = self.counted() >= usize::from(self.record.grant.approvals);
        match (self.record.grant.window.state(now), enough) {
            (Closed, true) => State::Closed,
            (Closed, false) => State::Lapsed,
            (NotYetOpen | Open, false) => State::Pending,
            (NotYetOpen, true) => State::Approved,
            (Open, true) => State::Open,
        }
    }
}

fn grant_record(row: &Row<'_>) -> rusqlite::Result<GrantRecord> {
    let document: Vec<u8> = row.get("document")?;
    let grant = Grant::parse(&document).map_err(|e| column::unfit(row, "document", &e))?;
    let digest: Digest = column::parsed(row, "digest")?;
    if Digest::of(&document) != digest {
        return Err(column::unfit(row, "digest", &"it is not the document's"));
    }
    let id: GrantId = column::parsed(row, "id")?;
    if grant.id != id {
        return Err(column::unfit(row, "id", &"it is not the document's"));
    }
    Ok(GrantRecord {
        number: row.get("number")?,
        grant,
        digest,
        created_at: column::time(row, "created_at")?,
    })
}

/// The grant with this id.
///
/// # Errors
/// [`Refused::Unknown`], or [`LedgerError`].
pub fn find(ledger: &Connection, id: &GrantId) -> Result<GrantRecord, Error> {
    let mut row = ledger.prepare_cached("SELECT * FROM grant_document WHERE id = ?1")?;
    row.query_row([id.as_str()], grant_record)
        .optional()
        .map_err(|e| damaged(id.as_str(), e))?
        .ok_or_else(|| Refused::Unknown { noun: Noun::Grant, name: id.to_string() }.into())
}

fn damaged(place: &str, error: rusqlite::Error) -> LedgerError {
    match error {
        rusqlite::Error::FromSqlConversionFailure(_, _, problem) => {
            LedgerError::Damaged { place: place.to_owned(), problem: problem.to_string() }
        }
        other => other.into(),
    }
}

/// Everything that decides where a grant stands.
///
/// # Errors
/// [`LedgerError`].
pub fn standing(ledger: &Connection, record: GrantRecord) -> Result<Standing, LedgerError> {
    Ok(Standing {
        approvals: approval::of(ledger, record.number)?,
        denial: denial(ledger, record.number)?,
        revocation: revocation::of_grant(ledger, &record)?,
        record,
    })
}

/// Which grants a listing wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// All.
    All,
    /// [`State::Pending`].
    Pending,
    /// [`State::Open`].
    Open,
    /// [`State::Closed`] and [`State::Lapsed`].
    Closed,
    /// [`State::Revoked`].
    Revoked,
}

impl Wanted {
    /// The query that yields every wanted grant, newest first, and few others. Each runs along an index
    /// or along the numbers, so that a limit keeps it short.
    fn query(self, vendor: bool) -> String {
        let (table, condition) = match (self, vendor) {
            (Self::Pending | Self::Open, _) => (" INDEXED BY grant_by_closes", "closes > ?2"),
            (Self::Closed, false) => (" INDEXED BY grant_by_closes", "closes <= ?2"),
            (Self::Closed, true) => (" INDEXED BY grant_of_vendor", "closes <= ?2"),
            (Self::All, false) => ("", "?2 >= 0"),
            (Self::All, true) => (" INDEXED BY grant_of_vendor", "?2 >= 0"),
            (Self::Revoked, _) => (
                "",
                "?2 >= 0 AND (
                   number IN (SELECT grant_number FROM revocation WHERE grant_number IS NOT NULL)
                   OR person IN (SELECT person FROM revocation WHERE person IS NOT NULL)
                   OR vendor IN (SELECT vendor FROM revocation WHERE vendor IS NOT NULL))",
            ),
        };
        let vendor_condition = if vendor { "vendor = ?1" } else { "?1 IS NULL" };
        let order = match (self, vendor) {
            (Self::Closed, false) => "closes DESC, number DESC",
            _ => "number DESC",
        };
        format!(
            "SELECT * FROM grant_document{table} WHERE {condition} AND {vendor_condition} ORDER BY {order}"
        )
    }

    fn takes(self, state: State) -> bool {
        match self {
            Self::All => true,
            Self::Pending => state == State::Pending,
            Self::Open => state == State::Open,
            // Also what lapsed: many of these must not make the listing long.
            Self::Closed => matches!(state, State::Closed | State::Lapsed),
            Self::Revoked => state == State::Revoked,
        }
    }
}

/// The wanted grants, newest first, at most `limit`, and whether there are more.
///
/// # Errors
/// [`LedgerError`].
pub fn list(
    ledger: &Connection,
    wanted: Wanted,
    vendor: Option<&VendorName>,
    limit: Option<usize>,
    now: UnixTime,
) -> Result<(Vec<Standing>, bool), LedgerError> {
    let mut query = ledger.prepare(&wanted.query(vendor.is_some()))?;
    let mut rows = query.query(params![vendor.map(VendorName::as_str), column::seconds(now)])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let record = grant_record(row).map_err(|e| damaged("a grant", e))?;
        let standing = standing(ledger, record)?;
        if !wanted.takes(standing.state(now)) {
            continue;
        }
        if limit == Some(found.len()) {
            return Ok((found, true));
        }
        found.push(standing);
    }
    Ok((found, false))
}

/// Every grant of a person or a vendor that is not over for longer than `margin` seconds.
///
/// # Errors
/// [`LedgerError`].
pub(super) fn current_of(
    ledger: &Connection,
    person: Option<&PersonName>,
    vendor: Option<&VendorName>,
    after: UnixTime,
) -> Result<Vec<GrantRecord>, LedgerError> {
    let (sql, name) = match (person, vendor) {
        (Some(person), _) => {
            ("SELECT * FROM grant_document WHERE person = ?1 AND over > ?2", person.as_str())
        }
        (None, Some(vendor)) => {
            ("SELECT * FROM grant_document WHERE vendor = ?1 AND over > ?2", vendor.as_str())
        }
        (None, None) => return Ok(Vec::new()),
    };
    let mut rows = ledger.prepare(sql)?;
    let records = rows.query_map(params![name, column::seconds(after)], grant_record)?;
    records.collect::<rusqlite::Result<_>>().map_err(|e| damaged(name, e))
}

/// The grant with this number.
///
/// # Errors
/// [`LedgerError`].
pub(super) fn by_number(ledger: &Connection, number: i64) -> Result<GrantRecord, LedgerError> {
    let mut row = ledger.prepare_cached("SELECT * FROM grant_document WHERE number = ?1")?;
    row.query_row([number], grant_record).map_err(|e| damaged(&format!("grant number {number}"), e))
}

/// Reads every stored document; gives the first damaged one.
///
/// # Errors
/// [`LedgerError`].
pub fn check_all(ledger: &Connection) -> Result<(), LedgerError> {
    let mut query = ledger.prepare("SELECT * FROM grant_document")?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let id: String = row.get("id")?;
        grant_record(row).map_err(|e| damaged(&id, e))?;
    }
    Ok(())
}

/// Is the id free?
///
/// # Errors
/// [`LedgerError`].
pub fn is_free(ledger: &Connection, id: &GrantId) -> Result<bool, LedgerError> {
    let mut row = ledger.prepare_cached("SELECT 1 FROM grant_document WHERE id = ?1")?;
    Ok(!row.exists([id.as_str()])?)
}

/// Writes a request down.
///
/// # Errors
/// [`LedgerError`].
pub fn add(change: &Change<'_>, grant: &Grant) -> Result<(), LedgerError> {
    let document = grant.render();
    let digest = grant.digest();
    let over = grant.extendable_to.map_or(grant.window.closes(), |end| end.max(grant.window.closes()));
    change
        .prepare_cached(
            "INSERT INTO grant_document (id, digest, document, vendor, person, closes, over, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            grant.id.as_str(),
            digest.to_string(),
            document.as_bytes(),
            grant.vendor.as_str(),
            grant.person.as_str(),
            column::seconds(grant.window.closes()),
            column::seconds(over),
            column::seconds(change.now()),
        ])?;
    let detail = json!({
        "person": grant.person.as_str(),
        "digest": digest.to_string(),
        "document": document,
    });
    change.record(Kind::RequestCreate, grant.id.as_str(), None, detail)
}

fn denial(ledger: &Connection, number: i64) -> Result<Option<Denial>, LedgerError> {
    let mut row = ledger.prepare_cached("SELECT * FROM denial WHERE grant_number = ?1")?;
    let denial = row.query_row([number], |row| {
        Ok(Denial {
            approver: row.get("approver")?,
            reason: row.get("reason")?,
            denied_at: column::time(row, "denied_at")?,
        })
    });
    Ok(denial.optional()?)
}

/// Writes a denial down.
///
/// # Errors
/// [`LedgerError`].
pub fn deny(
    change: &Change<'_>,
    record: &GrantRecord,
    approver: &grant::ApproverName,
    reason: &grant::ReasonText,
) -> Result<(), LedgerError> {
    change.execute(
        "INSERT INTO denial (grant_number, approver, reason, denied_at) VALUES (?1, ?2, ?3, ?4)",
        params![record.number, approver.as_str(), reason.as_str(), column::seconds(change.now())],
    )?;
    let detail = json!({ "approver": approver.as_str(), "reason": reason.as_str() });
    change.record(Kind::RequestDeny, record.grant.id.as_str(), None, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How SQLite would run the query of a listing.
    fn plan(wanted: Wanted, vendor: bool) -> String {
        let ledger = Connection::open_in_memory().unwrap();
        ledger.execute_batch(include_str!("001-first.sql")).unwrap();
        let query = format!("EXPLAIN QUERY PLAN {}", wanted.query(vendor));
        let mut rows = ledger.prepare(&query).unwrap();
        let lines = rows.query_map(params!["acme", 0], |row| row.get::<_, String>("detail")).unwrap();
        lines.map(Result::unwrap).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn no_listing_reads_more_rows_than_it_shows() {
        // Newest first along the numbers: the limit ends the scan.
        assert_eq!(plan(Wanted::All, false), "SCAN grant_document");
        for (wanted, vendor, index) in [
            (Wanted::All, true, "grant_of_vendor (vendor=?)"),
            (Wanted::Closed, false, "grant_by_closes (closes<?)"),
            (Wanted::Closed, true, "grant_of_vendor (vendor=?)"),
        ] {
            let plan = plan(wanted, vendor);
            assert_eq!(plan, format!("SEARCH grant_document USING INDEX {index}"), "{wanted:?}");
        }
        // Those that are alive, or revoked, are few: all of them may be sorted.
        for wanted in [Wanted::Pending, Wanted::Open, Wanted::Revoked] {
            for vendor in [false, true] {
                let plan = plan(wanted, vendor);
                assert!(!plan.contains("SCAN grant_document"), "{wanted:?} {vendor}: {plan}");
            }
        }
    }
}

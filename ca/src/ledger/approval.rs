//! Approvals as the ledger has them: signature files, each by one approver's key.
//!
//! What is stored is not believed: whoever needs approvals verifies them again (see `sign`).

use grant::{Approval, ApproverName, Fingerprint, UnixTime};
use rusqlite::{Connection, Row, params};
use serde_json::json;

use super::grant_record::GrantRecord;
use super::{Change, LedgerError, column, event::Kind};

/// An approval as the ledger has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredApproval {
    /// Who signed.
    pub approver: ApproverName,
    /// With which key.
    pub fingerprint: Fingerprint,
    /// The signature file.
    pub armored: String,
    /// When it was given to us.
    pub approved_at: UnixTime,
    /// Is the approver, and the key, still enrolled?
    pub counts: bool,
}

fn stored_approval(row: &Row<'_>) -> rusqlite::Result<StoredApproval> {
    Ok(StoredApproval {
        approver: column::parsed(row, "approver")?,
        fingerprint: column::parsed(row, "fingerprint")?,
        armored: row.get("armored")?,
        approved_at: column::time(row, "approved_at")?,
        counts: row.get("counts")?,
    })
}

/// The approvals of a grant, in the order in which they were given.
///
/// # Errors
/// [`LedgerError`].
pub fn of(ledger: &Connection, grant_number: i64) -> Result<Vec<StoredApproval>, LedgerError> {
    let mut rows = ledger.prepare_cached(
        "SELECT a.approver, a.fingerprint, a.armored, a.approved_at,
                k.ended_at IS NULL AND p.ended_at IS NULL AND k.approver IS a.approver AS counts
         FROM approval a
         JOIN enrolled_key k ON k.fingerprint = a.fingerprint
         JOIN approver p ON p.name = a.approver
         WHERE a.grant_number = ?1 ORDER BY a.approved_at, a.approver",
    )?;
    let approvals = rows.query_map([grant_number], stored_approval)?.collect::<rusqlite::Result<_>>()?;
    Ok(approvals)
}

/// Writes an approval down.
///
/// # Errors
/// [`LedgerError`].
pub fn add(
    change: &Change<'_>,
    record: &GrantRecord,
    approver: &ApproverName,
    approval: &Approval,
) -> Result<(), LedgerError> {
    let fingerprint = approval.key().fingerprint().to_string();
    change.execute(
        "INSERT INTO approval (grant_number, approver, fingerprint, armored, approved_at)
         VALUES (?1, ?2, ?3, ?4, ?5)",
        params![
            record.number,
            approver.as_str(),
            fingerprint,
            approval.to_armored(),
            column::seconds(change.now())
        ],
    )?;
    let detail = json!({
        "approver": approver.as_str(),
        "fingerprint": fingerprint,
        "digest": record.digest.to_string(),
        "signature": approval.to_armored(),
    });
    change.record(Kind::RequestApprove, record.grant.id.as_str(), None, detail)
}

//! Fills a ledger with years of past grants, by SQL, faster than any authority could issue them.
//!
//! Every reference holds and every document is a grant of its own. The signatures in approvals and certificates are
//! those of one real approval and certificate, repeated: the right size, and never looked at, because all of these
//! grants are over. The schema's triggers stay on; they forbid changes, not additions.

use std::path::Path;

use grant::ssh_key::private::Ed25519Keypair;
use grant::{Digest, Grant, GrantId, PublicKey, UnixTime};
use rusqlite::{Connection, params};
use serde_json::json;

/// How many certificates the filled-in grants have.
pub(crate) const CERTIFICATES_OF_A_GRANT: u32 = 4;
const VENDORS: u32 = 100;
const PERSONS: u32 = 2000;
/// The first of them opened so many seconds ago.
const YEARS: u64 = 3 * 365 * 24 * 3600;
/// Rows per transaction: large, so that the disk is not what takes the time.
const GRANTS_AT_ONCE: u32 = 25_000;

/// Adds `certificates` certificates of grants that are over, modelled on the grant `model`.
pub(crate) fn fill(ledger: &Path, model: &str, certificates: u32) {
    let mut ledger = Connection::open(ledger).expect("opens the ledger");
    ledger.pragma_update(None, "synchronous", "off").expect("sets synchronous");
    ledger.pragma_update(None, "cache_size", -512 * 1024).expect("sets the cache");
    let model = Model::of(&ledger, model);
    let grants = certificates / CERTIFICATES_OF_A_GRANT;
    let mut number = 0;
    while number < grants {
        let tx = ledger.transaction().expect("begins a transaction");
        if number == 0 {
            model.add_persons(&tx);
        }
        for grant in number..grants.min(number + GRANTS_AT_ONCE) {
            model.add_grant(
                &tx,
                grant,
                UnixTime::from_secs(model.now - YEARS + YEARS * u64::from(grant) / u64::from(grants)),
            );
        }
        tx.commit().expect("commits");
        number += GRANTS_AT_ONCE;
    }
    ledger.pragma_update(None, "wal_checkpoint", "truncate").expect("writes back");
    // What an authority of that age has on its disk, and not in its memory alone.
    std::fs::File::open(ledger.path().expect("a file")).and_then(|file| file.sync_all()).expect("syncs");
}

/// A real grant of this ledger, its approval and its certificate.
struct Model {
    document: String,
    approver: String,
    approver_key: String,
    armored: String,
    certificate: Vec<u8>,
    now: u64,
    /// Public key lines, and their fingerprints.
    keys: Vec<(String, String)>,
}

impl Model {
    fn of(ledger: &Connection, id: &str) -> Self {
        let sql = "SELECT CAST(g.document AS TEXT), a.approver, a.fingerprint, a.armored, c.bytes
                   FROM grant_document g JOIN approval a ON a.grant_number = g.number
                   JOIN certificate c ON c.grant_number = g.number WHERE g.id = ?1";
        let model = ledger.query_row(sql, [id], |row| {
            Ok(Self {
                document: row.get(0)?,
                approver: row.get(1)?,
                approver_key: row.get(2)?,
                armored: row.get(3)?,
                certificate: row.get(4)?,
                now: e2e::clock::now(),
                keys: (0..PERSONS).map(key).collect(),
            })
        });
        model.expect("finds the model")
    }

    /// The document with these lines instead of its own.
    fn document(&self, lines: &[(&str, String)]) -> String {
        let line = |text: &str| {
            let key = text.split(": ").next().unwrap_or_default();
            let other = lines.iter().find(|(name, _)| *name == key);
            other.map_or_else(|| format!("{text}\n"), |(name, value)| format!("{name}: {value}\n"))
        };
        self.document.lines().map(line).collect()
    }

    fn add_grant(&self, tx: &Connection, number: u32, opens: UnixTime) {
        let person = number.wrapping_mul(7919) % PERSONS;
        let (vendor, name, key) =
            (vendor_name(person % VENDORS), person_name(person), &self.keys[person as usize].1);
        let (id, closes) = (grant_id(number), opens.plus(30 * 60));
        let document = self.document(&[
            ("grant", id.to_string()),
            ("vendor", vendor.clone()),
            ("person", name.clone()),
            ("keys", key.clone()),
            ("opens", opens.to_string()),
            ("closes", closes.to_string()),
        ]);
        if number == 0 {
            drop(Grant::parse(document.as_bytes()).expect("what is filled in is a grant"));
        }
        let digest = Digest::of(document.as_bytes()).to_string();
        let (opened, closed) = (seconds(opens), seconds(closes));
        let sql =
            "INSERT INTO grant_document (id, digest, document, vendor, person, closes, over, created_at)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7)";
        insert(tx, sql, params![id.as_str(), digest, document.as_bytes(), vendor, name, closed, opened]);
        let grant_number = tx.last_insert_rowid();
        event(
            tx,
            opened,
            "request.create",
            &id,
            None,
            &json!({"person": name, "digest": digest, "document": document}),
        );
        let sql = "INSERT INTO approval (grant_number, approver, fingerprint, armored, approved_at)
                   VALUES (?1, ?2, ?3, ?4, ?5)";
        insert(tx, sql, params![grant_number, self.approver, self.approver_key, self.armored, opened + 60]);
        let detail = json!({"approver": self.approver, "fingerprint": self.approver_key, "digest": digest,
                            "signature": self.armored});
        event(tx, opened + 60, "request.approve", &id, None, &detail);
        for certificate in 1..=CERTIFICATES_OF_A_GRANT {
            let at = opens.plus(300 * u64::from(certificate));
            let (after, before) = (at.minus(60), at.plus(300).min(closes));
            let sql = "INSERT INTO certificate (grant_number, fingerprint, issued_at, valid_after, valid_before, bytes)
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
            insert(
                tx,
                sql,
                params![grant_number, key, seconds(at), seconds(after), seconds(before), self.certificate],
            );
            let serial = tx.last_insert_rowid();
            let detail = json!({"person": name, "fingerprint": key, "digest": digest,
                                "valid_after": after.to_string(), "valid_before": before.to_string()});
            event(tx, seconds(at), "cert.issue", &id, Some(serial), &detail);
        }
    }

    fn add_persons(&self, tx: &Connection) {
        for vendor in 0..VENDORS {
            let sql = "INSERT INTO vendor (name, until, added_at) VALUES (?1, 4102444800, 1)";
            insert(tx, sql, params![vendor_name(vendor)]);
        }
        for (person, (line, fingerprint)) in (0..).zip(&self.keys) {
            let sql = "INSERT INTO person (name, vendor, added_at) VALUES (?1, ?2, 1)";
            insert(tx, sql, params![person_name(person), vendor_name(person % VENDORS)]);
            let sql = "INSERT INTO enrolled_key (fingerprint, line, person, added_at) VALUES (?1, ?2, ?3, 1)";
            insert(tx, sql, params![fingerprint, line, person_name(person)]);
        }
    }
}

fn event(
    tx: &Connection,
    at: i64,
    kind: &str,
    subject: &GrantId,
    serial: Option<i64>,
    detail: &serde_json::Value,
) {
    let sql =
        "INSERT INTO event (at, by_whom, kind, subject, serial, detail) VALUES (?1, 'root', ?2, ?3, ?4, ?5)";
    insert(tx, sql, params![at, kind, subject.as_str(), serial, detail.to_string()]);
}

fn insert(tx: &Connection, sql: &str, values: &[&dyn rusqlite::ToSql]) {
    tx.prepare_cached(sql)
        .and_then(|mut row| row.execute(values))
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
}

fn vendor_name(number: u32) -> String {
    format!("vendor-{number}")
}

fn person_name(number: u32) -> String {
    format!("vendor-{}/person-{number}", number % VENDORS)
}

fn key(person: u32) -> (String, String) {
    let mut seed = [0x6b; 32];
    seed[..4].copy_from_slice(&person.to_be_bytes());
    let public = Ed25519Keypair::from_seed(&seed).public;
    let key = PublicKey::from_ssh(public.into()).expect("a sound key");
    (key.to_line(), key.fingerprint().to_string())
}

/// No two alike: the digits of a number that runs through them all, in no visible order.
fn grant_id(number: u32) -> GrantId {
    const ALL: u64 = 30_u64.pow(6);
    let mut rest = u64::from(number) * 514_229_401 % ALL;
    GrantId::from_random(&[0; 6].map(|_: u8| {
        let digit = u8::try_from(rest % 30).unwrap_or_default();
        rest /= 30;
        digit
    }))
}

fn seconds(time: UnixTime) -> i64 {
    i64::try_from(time.secs()).unwrap_or_default()
}

//! In one process: certificates issued and durable per second, beside what the disk and the signature alone allow.
//!
//! Ours is the library's whole `sign`: the grant is read and parsed, its approvals verified, the certificate signed and
//! written down with its event, all in one transaction that is on the disk before the bytes come back.

use std::path::Path;

use ca::keys::CaKey;
use ca::ledger::Ledger;
use ca::sign::{self, Request};
use grant::ssh_key::{PrivateKey, Signature};
use grant::{PublicKey, UnixTime};
use rusqlite::Connection;
use signature::Signer;

use crate::measure::{Times, in_turns, timed_each, used};
use crate::row::Row;
use crate::signing::Desk;

/// Certificates of one run.
const EACH: u32 = 50;

pub(crate) fn rows(runs: usize) -> Vec<Row> {
    let desk = Desk::new();
    let folder = desk.authority.folder();
    let ca_key = PrivateKey::read_openssh_file(folder.join("ca_key")).expect("reads the CA key");
    let raw_key = ca_key.clone();
    let ca_key = CaKey::File(Box::new(ca_key));
    let authority = desk.authority.fingerprint().parse().expect("a fingerprint");
    let mut ledger = Ledger::open(&folder.join("ledger.db"), &authority).expect("opens the ledger");
    let request = Request {
        grant: desk.grant().parse().expect("a grant's id"),
        key: Some(PublicKey::parse_line(&desk.jo.public_line()).expect("jo's key")),
        lifetime: 300,
    };
    let now = UnixTime::from_secs(e2e::clock::now());
    let mut issue = || sign::sign(&mut ledger, &ca_key, &request, now, "root").expect("issues a certificate");
    let message = issue().certificate.to_bytes().expect("a certificate's bytes");
    let sign = || -> Signature { Signer::sign(&raw_key, &message) };
    let plain = plain_database(&folder.join("plain.db"));
    let insert = || plain.execute("INSERT INTO row (value) VALUES ('one row')", []).expect("inserts a row");
    let [issued, signed, committed] = in_turns(
        runs,
        [&mut || timed_each(EACH, || used(issue())), &mut || timed_each(EACH, || used(sign())), &mut || {
            timed_each(EACH, || used(insert()))
        }],
    );
    let per_second = |times: &Times| 1.0 / times.median().as_secs_f64();
    let (signatures, transactions) = (per_second(&signed), per_second(&committed));
    let both = signed.median() + committed.median();
    let share = issued.median().as_secs_f64() / both.as_secs_f64();
    let figure = format!("{share:.2} × the two together");
    vec![
        Row::alone("certificates issued and durable, one process", figure, runs * EACH as usize).beside(
            format!("{:.0} /s", per_second(&issued)),
            format!("{signatures:.0} /s (raw ed25519 signatures), {transactions:.0} /s (raw durable SQLite transactions)"),
        ),
    ]
}

/// A database as durable as the ledger, with nothing in it but one column.
fn plain_database(path: &Path) -> Connection {
    let plain = Connection::open(path).expect("makes a database");
    let set_up =
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE row (value TEXT) STRICT;";
    plain.execute_batch(set_up).expect("sets up a database");
    plain
}

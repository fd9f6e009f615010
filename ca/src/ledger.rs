//! The ledger: the durable record of vendors, persons, approvers, hosts, grants, certificates, events.
//!
//! One SQLite file in WAL mode with synchronous=FULL. Every change is one `BEGIN IMMEDIATE` transaction
//! that writes its event too, so that a kill at any point leaves the whole change or none, and two `ca`
//! processes take turns. Each noun has its file below; reads take a connection, changes take a [`Change`].

pub mod approval;
pub mod approver;
pub mod certificate;
mod column;
pub mod event;
pub mod grant_record;
pub mod host;
pub mod key;
pub mod person;
pub mod revocation;
pub mod vendor;

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::time::Duration;

use grant::{Fingerprint, UnixTime};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, MAIN_DB, OpenFlags, TransactionBehavior, params};

use crate::Error;
use crate::{limits, owner};

/// "pjit" in ASCII: tells our file from other SQLite files.
const APPLICATION_ID: i32 = 0x706a_6974;
/// Every migration there ever was, in order. `user_version` counts those that a file has had.
const MIGRATIONS: [&str; 1] = [include_str!("ledger/001-first.sql")];

/// What can be wrong with the ledger.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// SQLite failed.
    #[error("cannot {step} the ledger")]
    Sqlite {
        /// What was being done.
        step: &'static str,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// It can't be opened, or only to be read.
    #[error("cannot open {} for writing", path.display())]
    NotWritable {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// Another process holds the ledger for too long.
    #[error("the ledger is in use by another ca, for longer than {} s", limits::LEDGER_PATIENCE.as_secs())]
    Busy,
    /// A newer program made it.
    #[error("the ledger has version {found}, and this ca knows versions up to {known}")]
    Newer {
        /// The file's version.
        found: i64,
        /// The last one known here.
        known: usize,
    },
    /// Not our file.
    #[error("{} is not a ledger", .0.display())]
    NotALedger(PathBuf),
    /// It belongs to another authority than ca.toml and the keys beside it.
    #[error("the ledger belongs to the authority {ledger}, and ca.toml to {config}")]
    OtherAuthority {
        /// As the ledger has it.
        ledger: String,
        /// As ca.toml has it.
        config: String,
    },
    /// A row that the program never writes.
    #[error("the ledger is damaged at {place}: {problem}")]
    Damaged {
        /// Which row.
        place: String,
        /// What is wrong.
        problem: String,
    },
}

impl LedgerError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotWritable { path, .. } => owner::hint(path.parent().unwrap_or(path), path).or_else(|| {
                Some("look at its mode, at its folder's, and whether its file system is mounted read-only (`ca check` does)".to_owned())
            }),
            Self::Sqlite { source, .. } if source.sqlite_error_code() == Some(ErrorCode::DiskFull) => {
                Some("make room on the file system of the authority's directory".to_owned())
            }
            Self::Busy => Some("run the command again when the other one has ended".to_owned()),
            Self::Newer { .. } => Some("use the newer ca".to_owned()),
            Self::Damaged { .. } => Some("`ca check` looks over the whole ledger".to_owned()),
            _ => None,
        }
    }
}

impl From<rusqlite::Error> for LedgerError {
    fn from(source: rusqlite::Error) -> Self {
        match source.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            _ => Self::Sqlite { step: "use", source },
        }
    }
}

impl From<rusqlite::Error> for Error {
    fn from(source: rusqlite::Error) -> Self {
        LedgerError::from(source).into()
    }
}

fn failed(step: &'static str) -> impl FnOnce(rusqlite::Error) -> LedgerError {
    move |source| match LedgerError::from(source) {
        LedgerError::Sqlite { source, .. } => LedgerError::Sqlite { step, source },
        other => other,
    }
}

/// The same, of the file at `path`, which may be somebody else's or on a file system that is read-only.
fn failed_at(step: &'static str, path: &Path) -> impl FnOnce(rusqlite::Error) -> LedgerError {
    move |source| match source.sqlite_error_code() {
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            LedgerError::NotWritable { path: path.to_owned(), source }
        }
        _ => failed(step)(source),
    }
}

/// An open ledger.
#[derive(Debug)]
pub struct Ledger {
    connection: Connection,
}

impl Deref for Ledger {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl Ledger {
    /// Makes a new ledger for an authority. The file must not exist.
    ///
    /// # Errors
    /// [`Error`] when it cannot be made.
    pub fn create(path: &Path, authority: &Fingerprint, ca_key: &str, now: UnixTime) -> Result<(), Error> {
        crate::durable::create(path, b"", 0o600)?;
        let mut ledger = Self::connect(path)?;
        ledger.execute(
            "INSERT INTO authority (only, trust_root, ca_key, made_at) VALUES (1, ?1, ?2, ?3)",
            params![authority.to_string(), ca_key, column::seconds(now)],
        )?;
        let detail = serde_json::json!({ "ca_key": ca_key });
        let change = ledger.change(now, &crate::whoami()?)?;
        change.record(event::Kind::AuthorityInit, &authority.to_string(), None, detail)?;
        change.commit()?;
        // One file alone is linked into place: this close writes everything back and removes the WAL.
        ledger.write_back()?;
        ledger
            .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)
            .map_err(failed("write back"))?;
        Ok(())
    }

    /// Opens an existing ledger, and brings it up to this program's version.
    ///
    /// # Errors
    /// [`Error`] when there is none, it is not ours, newer, or of another authority.
    pub fn open(path: &Path, authority: &Fingerprint) -> Result<Self, Error> {
        crate::durable::only_ours(path)?;
        let ledger = Self::connect(path)?;
        let found: String = ledger
            .query_row("SELECT trust_root FROM authority", [], |row| row.get(0))
            .map_err(failed("read"))?;
        if found != authority.to_string() {
            return Err(LedgerError::OtherAuthority { ledger: found, config: authority.to_string() }.into());
        }
        Ok(ledger)
    }

    fn connect(path: &Path) -> Result<Self, LedgerError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(failed_at("open", path))?;
        let set_up = || {
            connection.busy_timeout(limits::LEDGER_PATIENCE)?;
            // Not at every close; see `Drop`.
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
            // Plans that do not depend on bound values: else SQLite plans statements anew at every use.
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
            connection.pragma_update(None, "foreign_keys", true)?;
            connection.pragma_update(None, "synchronous", "full")?;
            connection.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0))
        };
        let version = set_up().map_err(|e| match e.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => LedgerError::NotALedger(path.to_owned()),
            _ => failed_at("open", path)(e),
        })?;
        connection.set_prepared_statement_cache_capacity(limits::STATEMENTS);
        let mut ledger = Self { connection };
        match usize::try_from(version) {
            Ok(version) if version == MIGRATIONS.len() => ledger.expect_ours(path)?,
            Ok(version) if version < MIGRATIONS.len() => ledger.migrate(path)?,
            _ => return Err(LedgerError::Newer { found: version, known: MIGRATIONS.len() }),
        }
        Ok(ledger)
    }

    /// Writes the WAL back into the file and empties it. Where somebody else reads or writes, it stays as
    /// it is: the next one will do it.
    fn write_back(&self) -> Result<(), LedgerError> {
        self.busy_timeout(Duration::ZERO).map_err(failed("write back"))?;
        let done = self.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        done.map_err(failed("write back"))
    }

    fn expect_ours(&self, path: &Path) -> Result<(), LedgerError> {
        let id: i32 =
            self.query_row("PRAGMA application_id", [], |row| row.get(0)).map_err(failed("read"))?;
        if id == APPLICATION_ID { Ok(()) } else { Err(LedgerError::NotALedger(path.to_owned())) }
    }

    /// Runs the migrations that the file has not had, each in its own transaction.
    fn migrate(&mut self, path: &Path) -> Result<(), LedgerError> {
        for (version, sql) in (1_i64..).zip(MIGRATIONS) {
            let tx = self
                .connection
                .transaction_with_behavior(TransactionBehavior::Immediate)
                .map_err(failed("migrate"))?;
            // Another process may have done it while this one waited.
            let done: i64 =
                tx.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(failed("migrate"))?;
            if version <= done {
                continue;
            }
            if done == 0 {
                let tables: i64 = tx
                    .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
                    .map_err(failed("migrate"))?;
                if tables != 0 {
                    return Err(LedgerError::NotALedger(path.to_owned()));
                }
                tx.pragma_update(None, "application_id", APPLICATION_ID).map_err(failed("migrate"))?;
            }
            tx.execute_batch(sql).map_err(failed("migrate"))?;
            tx.pragma_update(None, "user_version", version).map_err(failed("migrate"))?;
            tx.commit().map_err(failed("migrate"))?;
        }
        self.pragma_update(None, "journal_mode", "wal").map_err(failed("migrate"))
    }

    /// Begins a change: nobody else writes until it is committed or dropped.
    ///
    /// # Errors
    /// [`LedgerError::Busy`] when another process does not let go.
    pub fn change(&mut self, now: UnixTime, by_whom: &str) -> Result<Change<'_>, LedgerError> {
        let path = self.path().map(PathBuf::from).unwrap_or_default();
        // SQLite opens what it can't write all the same, and says so at the first row.
        if self.is_readonly(MAIN_DB).map_err(failed("write to"))? {
            let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_READONLY);
            let said = Some("attempt to write a readonly database".to_owned());
            return Err(LedgerError::NotWritable {
                path,
                source: rusqlite::Error::SqliteFailure(code, said),
            });
        }
        let tx = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(failed_at("write to", &path))?;
        Ok(Change { tx, now, by_whom: by_whom.to_owned() })
    }

    /// Begins a look at one moment's state; nothing can be changed through it.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub fn look(&mut self) -> Result<rusqlite::Transaction<'_>, LedgerError> {
        self.connection.transaction().map_err(failed("read"))
    }

    /// SQLite's own check of the file, and of its references: what is wrong, nothing if all is well.
    ///
    /// # Errors
    /// [`LedgerError`] when it cannot be run.
    pub fn integrity(&self) -> Result<Vec<String>, LedgerError> {
        let mut problems = Vec::new();
        let mut check = self.prepare("PRAGMA integrity_check(10)").map_err(failed("check"))?;
        let rows = check.query_map([], |row| row.get::<_, String>(0)).map_err(failed("check"))?;
        for row in rows {
            problems.push(row.map_err(failed("check"))?);
        }
        problems.retain(|line| line != "ok");
        let mut check = self.prepare("PRAGMA foreign_key_check").map_err(failed("check"))?;
        let rows = check.query_map([], |row| row.get::<_, String>(0)).map_err(failed("check"))?;
        for table in rows {
            problems.push(format!("a row of {} refers to nothing", table.map_err(failed("check"))?));
        }
        Ok(problems)
    }
}

impl Drop for Ledger {
    /// By itself SQLite would write the WAL back at every close, which costs a command more than its own
    /// work; and a WAL that is only ever read anew by the next process is never emptied. So: now and then.
    fn drop(&mut self) {
        let wal = self.path().map(|path| format!("{path}-wal"));
        let size = wal.and_then(|wal| std::fs::metadata(wal).ok()).map_or(0, |facts| facts.len());
        if size > limits::WAL {
            let _ = self.write_back();
        }
    }
}

/// A change that is under way. Dropped without [`Change::commit`], it never happened.
#[derive(Debug)]
pub struct Change<'a> {
    tx: rusqlite::Transaction<'a>,
    now: UnixTime,
    by_whom: String,
}

impl Deref for Change<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.tx
    }
}

impl Change<'_> {
    /// The moment of the change.
    #[must_use]
    pub fn now(&self) -> UnixTime {
        self.now
    }

    /// Makes the change durable.
    ///
    /// # Errors
    /// [`LedgerError`]; the change then never happened.
    pub fn commit(self) -> Result<(), LedgerError> {
        self.tx.commit().map_err(failed("write to"))
    }
}

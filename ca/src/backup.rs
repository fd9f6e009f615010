//! A copy of an authority in another directory, also while somebody works with it.
//!
//! The ledger comes from SQLite's own backup, as of one moment; its file alone, copied, may not open. ca.toml is written last:
//! without it a directory is no authority, so a copy that was broken off is not taken for one.

use std::fs;
use std::path::Path;

use rusqlite::MAIN_DB;

use crate::authority::file;
use crate::ledger::LedgerError;
use crate::{Authority, Error, durable, limits};

/// Copies an authority into a directory that is empty or not there yet. Gives the names of the files.
///
/// # Errors
/// [`Error`]; what is in the directory then is no authority.
pub fn backup(authority: &Authority, to: &Path) -> Result<Vec<&'static str>, Error> {
    durable::make_private_dir(to)?;
    durable::only_ours(to)?;
    if fs::read_dir(to).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(Error::Content {
            place: to.display().to_string(),
            problem: "is not empty, and nothing is overwritten",
            hint: Some("name a directory that is not there yet".to_owned()),
        });
    }
    let mut copied = Vec::new();
    for name in file::ALL {
        let (from, to) = (authority.dir().join(name), to.join(name));
        match name {
            file::LEDGER => {
                durable::create(&to, b"", 0o600)?;
                let done = authority.ledger().backup(MAIN_DB, &to, None::<fn(_)>);
                done.map_err(|source| LedgerError::Sqlite { step: "copy", source })?;
            }
            file::CA_KEY | file::TRUST_ROOT if from.symlink_metadata().is_err() => continue, // kept elsewhere
            file::CA_KEY | file::TRUST_ROOT => {
                let text = durable::read_secret(&from, "private key", limits::PRIVATE_KEY)?;
                durable::create(&to, text.as_bytes(), 0o600)?;
            }
            _ => {
                let text = durable::read_trusted(&from, "file of an authority", limits::CONFIG)?;
                durable::create(&to, text.as_bytes(), 0o644)?;
            }
        }
        copied.push(name);
    }
    durable::sync_dir(to)?;
    Ok(copied)
}

//! Making an authority: two keys, the ledger, ca.toml.
//!
//! Everything is made in a staging directory inside the target, then linked to its name, ca.toml last: a
//! kill at any point leaves no authority, or a complete one. No existing file is ever overwritten; a link
//! fails where a name is taken.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use grant::{PublicKey, UnixTime};
use nix::fcntl::{Flock, FlockArg};

use crate::Error;
use crate::authority::file;
use crate::config::{Config, KeyPlace};
use crate::durable::{self, FileError};
use crate::keys;
use crate::ledger::Ledger;
use crate::limits;

/// Names of staging directories begin so.
const STAGING: &str = ".init-";

/// How to make an authority.
#[derive(Debug, Default)]
pub struct Init<'a> {
    /// The passphrase of both key files; none stores them unencrypted.
    pub passphrase: Option<&'a str>,
    /// The CA key, if an ssh-agent holds it.
    pub ca_key: Option<PublicKey>,
    /// The trust root, if it is kept elsewhere.
    pub trust_root: Option<PublicKey>,
}

/// What was made.
#[derive(Debug, Clone)]
pub struct Made {
    /// The authority's name.
    pub config: Config,
    /// The CA's public key.
    pub ca_public: PublicKey,
}

/// Refuses a directory in which no authority can be made, before somebody thinks of a passphrase: one that holds
/// anything of an authority, or that can't be made or written.
///
/// # Errors
/// [`Error::Occupied`], [`crate::durable::FileError`].
pub fn expect_room(dir: &Path) -> Result<(), Error> {
    expect_empty(dir)?;
    if dir.symlink_metadata().is_ok() {
        return Ok(durable::expect_writable(&dir.join(file::CONFIG))?);
    }
    // The folders above are made too: the lowest that is there decides.
    let lowest = dir
        .ancestors()
        .take_while(|above| *above != Path::new("") && above.symlink_metadata().is_err())
        .last()
        .unwrap_or(dir);
    Ok(durable::expect_writable(lowest)?)
}

/// Refuses a directory that holds anything of an authority.
fn expect_empty(dir: &Path) -> Result<(), Error> {
    let is_there = |name: &&&str| dir.join(name).symlink_metadata().is_ok();
    match file::ALL.iter().find(is_there) {
        None => Ok(()),
        Some(what) => Err(Error::Occupied {
            dir: dir.to_owned(),
            what: (*what).to_owned(),
            unfinished: dir.join(file::CONFIG).symlink_metadata().is_err(),
        }),
    }
}

/// Makes an authority in a directory, which may exist.
///
/// # Errors
/// [`Error`]; then no authority is there.
pub fn init(dir: &Path, how: &Init<'_>, now: UnixTime) -> Result<Made, Error> {
    durable::make_private_dir(dir)?;
    durable::only_ours(dir)?;
    let handle = File::open(dir).map_err(io_error("open", dir))?;
    let lock =
        Flock::lock(handle, FlockArg::LockExclusiveNonblock).map_err(|_| Error::InitBusy(dir.to_owned()))?;
    expect_empty(dir)?;
    remove_old_staging(dir)?;
    let staging = dir.join(format!("{STAGING}{}", std::process::id()));
    fs::create_dir(&staging).map_err(io_error("make", &staging))?;
    let made = make(&staging, how, now).and_then(|made| publish(&staging, dir).map(|()| made));
    // Whatever was not published is of no use.
    let removed = fs::remove_dir_all(&staging).map_err(io_error("remove", &staging));
    drop(lock);
    let made = made?;
    removed?;
    Ok(made)
}

fn make(staging: &Path, how: &Init<'_>, now: UnixTime) -> Result<Made, Error> {
    let trust_root = key_pair(staging, file::TRUST_ROOT, how.trust_root.as_ref(), how.passphrase)?;
    let ca_public = key_pair(staging, file::CA_KEY, how.ca_key.as_ref(), how.passphrase)?;
    let config = Config {
        authority: trust_root.fingerprint(),
        ca_key: if how.ca_key.is_some() { KeyPlace::Agent } else { KeyPlace::File },
        lifetime: limits::LIFETIME,
        approvals: 1,
    };
    if ca_public == trust_root {
        return Err(Error::Content {
            place: "the trust root".to_owned(),
            problem: "is the CA key; they must be two keys",
            hint: Some("a stolen CA key must not be able to appoint approvers".to_owned()),
        });
    }
    Ledger::create(&staging.join(file::LEDGER), &config.authority, &ca_public.to_line(), now)?;
    durable::create(&staging.join(file::CONFIG), config.render().as_bytes(), 0o644)?;
    durable::sync_dir(staging)?;
    Ok(Made { config, ca_public })
}

/// Stores a given public key, or makes a pair and stores both halves.
fn key_pair(
    staging: &Path,
    name: &str,
    given: Option<&PublicKey>,
    passphrase: Option<&str>,
) -> Result<PublicKey, Error> {
    let comment = format!("pam-jit {}", name.replace('_', " "));
    let public = match given {
        Some(public) => public.clone(),
        None => {
            let private = keys::generate(&comment)?;
            let text = keys::to_file_text(&private, passphrase)?;
            durable::create(&staging.join(name), text.as_bytes(), 0o600)?;
            PublicKey::from_ssh(private.public_key().key_data().clone())
                .map_err(|source| Error::PublicKey { place: name.to_owned(), source })?
        }
    };
    let line = format!("{} {comment}\n", public.to_line());
    durable::create(&staging.join(format!("{name}.pub")), line.as_bytes(), 0o644)?;
    Ok(public)
}

/// Gives every file its name, ca.toml last. On an error, those that got theirs lose it again.
fn publish(staging: &Path, dir: &Path) -> Result<(), Error> {
    let mut published: Vec<PathBuf> = Vec::new();
    let result = publish_each(staging, dir, &mut published);
    if result.is_err() {
        for path in &published {
            let _ = fs::remove_file(path);
        }
    }
    result
}

fn publish_each(staging: &Path, dir: &Path, published: &mut Vec<PathBuf>) -> Result<(), Error> {
    for name in file::ALL {
        let (from, to) = (staging.join(name), dir.join(name));
        if name == file::CONFIG {
            // Everything else is on the disk under its name before ca.toml makes it an authority.
            durable::sync_dir(dir)?;
        }
        match fs::hard_link(&from, &to) {
            Ok(()) => published.push(to),
            Err(e) if e.kind() == io::ErrorKind::NotFound => {} // a private key that is kept elsewhere
            Err(e) => return Err(io_error("create", &to)(e)),
        }
    }
    durable::sync_dir(dir)?;
    Ok(())
}

/// A killed init's staging directory holds keys that nobody ever saw. The lock says that it is dead.
fn remove_old_staging(dir: &Path) -> Result<(), Error> {
    for entry in fs::read_dir(dir).map_err(io_error("read", dir))? {
        let path: PathBuf = entry.map_err(io_error("read", dir))?.path();
        let ours = path.file_name().and_then(|n| n.to_str()).is_some_and(|n| n.starts_with(STAGING));
        if ours && path.is_dir() {
            fs::remove_dir_all(&path).map_err(io_error("remove", &path))?;
        }
    }
    Ok(())
}

fn io_error(step: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    move |source| FileError::Io { step, path: path.to_owned(), source }.into()
}

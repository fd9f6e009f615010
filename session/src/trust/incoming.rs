//! The folder into which any transport drops bundles: each is applied, or refused for good with its reason beside it.
//!
//! A bundle is a file whose name ends in `.bundle`; it leaves under that name whatever becomes of it, so that the unit
//! that watches the folder never starts for the same file twice. The folder need not be root's alone: what stands in it
//! is believed for its signature only, links are not followed, and nothing of an unsigned file is shown.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use grant::{BundleError, SignedBundle, UnixTime, limits};
use nix::fcntl::OFlag;

use super::{Outcome, Place, TrustError, Work};

/// What the name of a dropped bundle ends in.
const SUFFIX: &str = "bundle";
/// What a refused one's name ends in.
const REFUSED: &str = "refused";
/// How long a file may take to become whole, when it is copied to its name instead of renamed.
const PATIENCE: Duration = Duration::from_secs(30);
/// A file without a signature that has not grown for so long will not.
const STILL: Duration = Duration::from_secs(2);
/// How often it is looked at meanwhile.
const AGAIN: Duration = Duration::from_millis(50);

/// What became of one dropped file.
#[derive(Debug)]
pub struct Dropped {
    /// Its name.
    pub path: PathBuf,
    /// What became of it.
    pub result: Result<(u64, Outcome), TrustError>,
}

/// Applies what lies in a folder, the lowest version first.
///
/// # Errors
/// [`TrustError::Io`] when the folder can't be read or a file can't be moved out of the way.
pub fn take(
    place: &Place,
    work: &Work<'_>,
    folder: &Path,
    now: UnixTime,
) -> Result<Vec<Dropped>, TrustError> {
    let entries = fs::read_dir(folder).map_err(TrustError::io("read", folder))?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|suffix| suffix == SUFFIX));
    paths.sort();
    let mut read: Vec<_> = paths.into_iter().map(|path| (read_whole(&path), path)).collect();
    read.sort_by_key(|(bundle, _)| bundle.as_ref().map_or(0, |signed| signed.bundle().version));
    let mut dropped = Vec::new();
    for (bundle, path) in read {
        let result = bundle.and_then(|signed| {
            let outcome = work.apply(&signed, None, now)?;
            Ok((signed.bundle().version, outcome))
        });
        match &result {
            Ok(_) => fs::remove_file(&path).map_err(TrustError::io("remove", &path))?,
            // It is pending, or the system is in trouble: the same bundle may do the next time.
            Err(TrustError::Io { .. }) if !place.pending().exists() => put_aside(&path, &result)?,
            Err(TrustError::Io { .. }) => fs::remove_file(&path).map_err(TrustError::io("remove", &path))?,
            Err(_) => put_aside(&path, &result)?,
        }
        dropped.push(Dropped { path, result });
    }
    Ok(dropped)
}

/// Reads a bundle, and waits for its end while it is still being written.
fn read_whole(path: &Path) -> Result<SignedBundle, TrustError> {
    let began = Instant::now();
    let mut grew = (0, began);
    loop {
        let bytes = read(path)?;
        if bytes.len() != grew.0 {
            grew = (bytes.len(), Instant::now());
        }
        let waits = grew.1.elapsed() < STILL && began.elapsed() < PATIENCE;
        match SignedBundle::read(&bytes) {
            Err(BundleError::Unsigned | BundleError::Unreadable) if waits => std::thread::sleep(AGAIN),
            other => return Ok(other?),
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, TrustError> {
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    let mut bytes = Vec::new();
    let limit = limits::BUNDLE as u64 + 1;
    let mut open = || {
        let file = OpenOptions::new().read(true).custom_flags(flags.bits()).open(path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("not a regular file"));
        }
        file.take(limit).read_to_end(&mut bytes)
    };
    open().map_err(TrustError::io("read", path))?;
    Ok(bytes)
}

/// `db1.bundle` becomes `db1.bundle.refused`, with the reason in `db1.bundle.refused.reason`.
fn put_aside(path: &Path, result: &Result<(u64, Outcome), TrustError>) -> Result<(), TrustError> {
    let refused = with_suffix(path, REFUSED);
    fs::rename(path, &refused).map_err(TrustError::io("rename", path))?;
    let Err(error) = result else { return Ok(()) };
    let reason = with_suffix(&refused, "reason");
    // A name of before; a link is removed, not followed.
    let _ = fs::remove_file(&reason);
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o644).open(&reason)?;
        writeln!(file, "{}", sentence(error))
    };
    // The log has it too.
    let _: io::Result<()> = write();
    Ok(())
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    PathBuf::from(name)
}

/// An error with its causes, in one line.
#[must_use]
pub fn sentence(error: &TrustError) -> String {
    let mut text = error.to_string();
    let mut next = std::error::Error::source(error);
    while let Some(source) = next {
        text.push_str(": ");
        text.push_str(&source.to_string());
        next = source.source();
    }
    crate::check::door::printable(&text)
}

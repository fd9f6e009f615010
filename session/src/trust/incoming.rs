//! The folder into which any transport drops bundles: each is applied, or refused for good with its reason beside it, or
//! kept for later, when this host's clock says that it is not even made yet.
//!
//! A bundle is a file whose name ends in `.bundle`; it leaves under that name whatever becomes of it, so that the unit
//! that watches the folder never starts for the same file twice. One that is too early becomes `NAME.VERSION.early`, which
//! each later run looks at again: whose clock is wrong, this host's or the authority's, nobody here knows. The folder need not be root's alone: what stands in it
//! is believed for its signature only, links are not followed, and nothing of an unsigned file is shown.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use grant::{BundleError, SignedBundle, UnixTime, limits};
use nix::fcntl::OFlag;

use super::judge::Refused;
use super::{Outcome, Place, TrustError, Work};

/// What the name of a dropped bundle ends in.
const SUFFIX: &str = "bundle";
/// What a refused one's name ends in.
const REFUSED: &str = "refused";
/// What the name of one ends in that is looked at again.
const EARLY: &str = "early";
/// How long a file may take to become whole, when it is copied to its name instead of renamed.
const PATIENCE: Duration = Duration::from_secs(30);
/// A file without a signature that has not grown for so long will not.
const STILL: Duration = Duration::from_secs(5);
/// How often it is looked at meanwhile.
const AGAIN: Duration = Duration::from_millis(50);

/// What became of one dropped file.
#[derive(Debug)]
pub struct Dropped {
    /// Its name.
    pub path: PathBuf,
    /// What became of it.
    pub result: Result<(u64, Outcome), TrustError>,
    /// Under this name it is looked at again.
    pub kept: Option<PathBuf>,
}

/// Applies what lies in a folder, the lowest version first. What is whole does not wait for what is still being
/// copied, and neither does another `jit trust`.
///
/// # Errors
/// [`TrustError::Io`] when the folder can't be read or a file can't be moved out of the way.
pub fn take(place: &Place, folder: &Path, clock: fn() -> UnixTime) -> Result<Vec<Dropped>, TrustError> {
    let began = Instant::now();
    let mut growing: BTreeMap<PathBuf, (u64, Instant)> = BTreeMap::new();
    let mut dropped: Vec<Dropped> = Vec::new();
    // Once in a run is enough.
    let mut kept = BTreeSet::new();
    loop {
        let mut whole = Vec::new();
        let mut waits = false;
        for path in bundles(folder)?.into_iter().filter(|path| !kept.contains(path)) {
            let (length, bundle) = read(&path);
            let now = Instant::now();
            let last = growing.entry(path.clone()).or_insert((length, now));
            if last.0 != length {
                *last = (length, now);
            }
            let cut =
                matches!(bundle, Err(TrustError::Bundle(BundleError::Unsigned | BundleError::Unreadable)));
            if cut && now - last.1 < STILL && now - began < PATIENCE {
                waits = true;
            } else {
                whole.push((bundle, path));
            }
        }
        whole.sort_by_key(|(bundle, _)| bundle.as_ref().map_or(0, |signed| signed.bundle().version));
        if !whole.is_empty() {
            let (work, _) = Work::begin(place)?;
            for (bundle, path) in whole {
                let one = one(place, &work, path, bundle, clock())?;
                kept.extend(one.kept.clone());
                dropped.push(one);
            }
        }
        if !waits {
            return Ok(dropped);
        }
        std::thread::sleep(AGAIN);
    }
}

/// The files of a folder that are called bundles, in order of name.
fn bundles(folder: &Path) -> Result<Vec<PathBuf>, TrustError> {
    let entries = fs::read_dir(folder).map_err(TrustError::io("read", folder))?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|suffix| suffix == SUFFIX || suffix == EARLY));
    paths.sort();
    Ok(paths)
}

/// Applies one, or puts it aside; in any case it leaves under its name.
fn one(
    place: &Place,
    work: &Work<'_>,
    path: PathBuf,
    bundle: Result<SignedBundle, TrustError>,
    now: UnixTime,
) -> Result<Dropped, TrustError> {
    let version = bundle.as_ref().map_or(0, |signed| signed.bundle().version);
    let result = bundle.and_then(|signed| Ok((version, work.apply(&signed, None, now)?)));
    if let Err(TrustError::Refused(Refused::Future { .. })) = result {
        let kept = early(&path, version);
        fs::rename(&path, &kept).map_err(TrustError::io("rename", &path))?;
        return Ok(Dropped { path, result, kept: Some(kept) });
    }
    // One that is kept as pending is no longer needed, whatever then failed.
    let pending = matches!(result, Err(TrustError::Io { .. })) && place.pending().exists();
    if result.is_ok() || pending {
        fs::remove_file(&path).map_err(TrustError::io("remove", &path))?;
    } else {
        put_aside(&path, &result)?;
    }
    Ok(Dropped { path, result, kept: None })
}

/// `db1.bundle` becomes `db1.bundle.17.early`: the version keeps two that were dropped under one name apart.
fn early(path: &Path, version: u64) -> PathBuf {
    if path.extension().is_some_and(|suffix| suffix == EARLY) {
        return path.to_owned();
    }
    with_suffix(&with_suffix(path, &version.to_string()), EARLY)
}

/// How long a file is now, and the bundle in it.
fn read(path: &Path) -> (u64, Result<SignedBundle, TrustError>) {
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
    let length = open().map_err(TrustError::io("read", path));
    let bundle = length.and_then(|_| Ok(SignedBundle::read(&bytes)?));
    (bytes.len() as u64, bundle)
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

#[cfg(test)]
#[path = "incoming_tests.rs"]
mod tests;

//! `jit trust`: verifies a trust bundle and makes it what this host believes.
//!
//! This file is the order: finish what a kill left half done, read, judge, keep the bundle, write what follows
//! from it, and only then call it applied. The rules are in `judge`, the writes and their order in `steps`.
//! Time is an argument. Nothing here asks a person: who pins a root on first use says which.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use grant::{BundleError, Fingerprint, SignedBundle, UnixTime};
use hostfile::HostfileError;
use nix::fcntl::{Flock, FlockArg};

pub mod changes;
mod durable;
pub mod host_toml;
pub mod incoming;
pub mod judge;
pub mod known;
mod krl;
mod steps;
pub mod told;

use judge::{Judgement, Refused};
use known::Known;

/// Where all of it is on a host, but for what host.toml names.
#[derive(Debug, Clone)]
pub struct Place {
    /// host.toml. The KRL lies beside it.
    pub config: PathBuf,
    /// The folder of applied and half-applied bundles, root's alone.
    pub folder: PathBuf,
}

/// Why a bundle is not applied.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// It is no bundle, or not as it was signed.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// It is one, and not for this host now.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// A file that decides access here can't be used.
    #[error(transparent)]
    Hostfile(#[from] HostfileError),
    /// A bundle that this host keeps can't be used any more.
    #[error("{} is damaged: {problem}", path.display())]
    Kept {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: BundleError,
    },
    /// host.toml can't be edited without guessing.
    #[error("{} can't be edited: {problem}", path.display())]
    Edit {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// The system said no.
    #[error("cannot {step} {}", path.display())]
    Io {
        /// What was being done.
        step: &'static str,
        /// To what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl TrustError {
    fn io(step: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { step, path: path.to_owned(), source }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Refused(refused) => refused.hint(),
            Self::Bundle(BundleError::Unsigned | BundleError::Signature(_)) => {
                Some("bring it here again, as `ca host bundle` wrote it")
            }
            Self::Kept { .. } => Some("remove it and apply a new bundle; its version can't be compared then"),
            _ => None,
        }
    }
}

/// What became of a bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The host believes it now.
    Applied,
    /// It did before.
    Already,
}

impl Place {
    /// As on every host.
    #[must_use]
    pub fn of(config: &Path) -> Self {
        let folder = Path::new(hostfile::trust_age::APPLIED).parent();
        Self { config: config.to_owned(), folder: folder.unwrap_or(Path::new("/")).to_owned() }
    }

    /// The bundle that was applied last.
    #[must_use]
    pub fn applied(&self) -> PathBuf {
        self.folder.join("applied")
    }

    /// A bundle that is being applied.
    #[must_use]
    pub fn pending(&self) -> PathBuf {
        self.folder.join("pending")
    }

    /// sshd's revocation list.
    #[must_use]
    pub fn krl(&self) -> PathBuf {
        self.config.with_file_name("krl")
    }
}

/// The one `jit trust` that is at work in a place.
#[derive(Debug)]
pub struct Work<'a> {
    place: &'a Place,
    _lock: Flock<std::fs::File>,
}

impl<'a> Work<'a> {
    /// Waits until no other is at work, and finishes a bundle that a kill left half applied; whether there was one.
    ///
    /// # Errors
    /// [`TrustError`].
    pub fn begin(place: &'a Place) -> Result<(Self, bool), TrustError> {
        let folder = &place.folder;
        let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(TrustError::io("make", folder))?;
        let path = folder.join("lock");
        let file = durable::lock_file(&path).map_err(TrustError::io("open", &path))?;
        let lock = Flock::lock(file, FlockArg::LockExclusive)
            .map_err(|(_, errno)| TrustError::io("lock", &path)(errno.into()))?;
        let work = Self { place, _lock: lock };
        let known = Known::read(place)?;
        let finished = match &known.pending {
            // Somebody has pinned another root since, or renamed the host: it is for nobody any more.
            Some(bundle) if !known.is_for_this_host(bundle) => {
                let pending = place.pending();
                durable::remove(&pending).map_err(TrustError::io("remove", &pending))?;
                false
            }
            Some(bundle) => {
                work.finish(bundle)?;
                true
            }
            None => false,
        };
        Ok((work, finished))
    }

    /// Applies a bundle. `root` pins the trust root where host.toml names none.
    ///
    /// # Errors
    /// [`TrustError`]; nothing was changed unless it is a [`TrustError::Io`], after which the next run goes on.
    pub fn apply(
        &self,
        signed: &SignedBundle,
        root: Option<Fingerprint>,
        now: UnixTime,
    ) -> Result<Outcome, TrustError> {
        let known = Known::read(self.place)?;
        if judge::judge(signed, &known, root, now)? == Judgement::Already {
            return Ok(Outcome::Already);
        }
        krl::expect_readable(&signed.bundle().krl)?;
        // Found out before anything is written.
        steps::steps(self.place, &known, signed.bundle())?;
        let pending = self.place.pending();
        durable::replace(&pending, signed.to_file().as_bytes(), 0o600)
            .map_err(TrustError::io("write", &pending))?;
        self.finish(signed)?;
        Ok(Outcome::Applied)
    }

    /// From a kept bundle to an applied one.
    fn finish(&self, signed: &SignedBundle) -> Result<(), TrustError> {
        let known = Known::read(self.place)?;
        for step in steps::steps(self.place, &known, signed.bundle())? {
            step.run().map_err(TrustError::io("write", step.path()))?;
        }
        let (pending, applied) = (self.place.pending(), self.place.applied());
        durable::rename(&pending, &applied).map_err(TrustError::io("rename", &pending))
    }
}

/// What a bundle would change, without changing anything; `None`: it is applied already.
///
/// # Errors
/// [`TrustError`] when it would be refused.
pub fn preview(
    place: &Place,
    signed: &SignedBundle,
    root: Option<Fingerprint>,
    now: UnixTime,
) -> Result<Option<Vec<String>>, TrustError> {
    let known = Known::read(place)?;
    match judge::judge(signed, &known, root, now)? {
        Judgement::Already => Ok(None),
        Judgement::Newer => {
            krl::expect_readable(&signed.bundle().krl)?;
            steps::steps(place, &known, signed.bundle())?;
            Ok(Some(changes::changes(&known, signed.bundle())))
        }
    }
}

/// Whether this host has no trust root yet, so that somebody has to say that the bundle's is the right one.
///
/// # Errors
/// [`TrustError`] when host.toml is refused.
pub fn is_first_use(place: &Place) -> Result<bool, TrustError> {
    Ok(Known::read(place)?.pin().is_none())
}

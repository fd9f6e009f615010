//! What set-up remembers: what it has made on this host, and the change that is under way.
//!
//! One file, replaced as a whole and synced: a change is under way from the moment that this file says so, which is before
//! its first byte is live, and over from the moment that it does not. The previous bytes of each file lie beside it under
//! their own paths, so that a person with nothing but a root shell can copy them back.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::error::{Result, SetupError};
use super::place::{Place, STATE};
use super::{reload, replace};

/// All of it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct State {
    /// What set-up has made, and would take away.
    pub(super) installed: Installed,
    /// The change that is under way.
    pub(super) pending: Option<Pending>,
    /// How the last one ended.
    pub(super) last: Option<Last>,
}

/// What set-up has made on this host.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Installed {
    /// The group.
    pub(super) group: bool,
    /// Whole files, with the digest of what was written.
    pub(super) files: BTreeMap<PathBuf, String>,
    /// Folders.
    pub(super) folders: BTreeSet<PathBuf>,
    /// Each sshd that lets vendors in, by its configuration: its program, and the listening process, as it was told.
    #[serde(default)]
    pub(super) places: BTreeMap<PathBuf, (PathBuf, Option<i32>)>,
}

impl Installed {
    /// Remembers this sshd.
    pub(super) fn know(&mut self, place: &Place) {
        self.places.insert(place.sshd_config.clone(), (place.sshd.clone(), place.sshd_pid));
    }

    /// Every sshd that has something of ours, and the one that is asked about first.
    #[must_use]
    pub(super) fn places(&self, asked: &Place) -> Vec<Place> {
        let others = self.places.iter().filter(|(config, _)| **config != asked.sshd_config);
        let others = others.map(|(config, (sshd, pid))| Place {
            sshd: sshd.clone(),
            sshd_config: config.clone(),
            // A process of that number may be anybody's by now.
            sshd_pid: pid.filter(|pid| reload::is_sshd(*pid)),
        });
        let mut asked = asked.clone();
        if let Some((sshd, pid)) = self.places.get(&asked.sshd_config)
            && sshd.exists()
        {
            // It was set up by this name, which is also that of its PAM service.
            asked.sshd.clone_from(sshd);
            asked.sshd_pid = asked.sshd_pid.or_else(|| pid.filter(|pid| reload::is_sshd(*pid)));
        }
        std::iter::once(asked).chain(others).collect()
    }
}

/// A change that is not confirmed yet.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Pending {
    /// Its own name: a timer of an earlier change takes back nothing of a later one.
    pub(super) id: String,
    /// Whether all of it is live.
    pub(super) live: bool,
    /// Whether it is being taken back: from then on nobody confirms it.
    #[serde(default)]
    pub(super) taken_back: bool,
    /// The files, in the order of the change; once it is being taken back, those that are not back yet.
    pub(super) files: Vec<Kept>,
    /// Whether the group was made.
    pub(super) group: bool,
    /// Folders that were made.
    pub(super) folders: Vec<PathBuf>,
    /// What is installed when it is confirmed.
    pub(super) becomes: Installed,
    /// sshd, as it was told.
    pub(super) sshd: (PathBuf, PathBuf, Option<i32>),
    /// Its unit, if one was active, and at which boot.
    #[serde(default)]
    pub(super) unit: Option<(String, String)>,
}

/// One file of a change. `None`: it was not there, or is gone.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Kept {
    /// Where.
    pub(super) path: PathBuf,
    /// The digest before.
    pub(super) before: Option<String>,
    /// And after.
    pub(super) after: Option<String>,
}

/// How a change ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Last {
    /// Its name.
    pub(super) id: String,
    /// Whether it stayed.
    pub(super) confirmed: bool,
}

impl Pending {
    /// sshd, as it was told.
    #[must_use]
    pub(super) fn place(&self) -> Place {
        let (sshd, sshd_config, sshd_pid) = self.sshd.clone();
        // A process of that number may be anybody's by now.
        Place { sshd, sshd_config, sshd_pid: sshd_pid.filter(|pid| reload::is_sshd(*pid)) }
    }

    /// Where the previous bytes of a file lie.
    #[must_use]
    pub(super) fn saved(&self, path: &Path) -> PathBuf {
        saved_folder(&self.id).join(path.strip_prefix("/").unwrap_or(path))
    }
}

/// The lower case hexadecimal SHA-256 of some bytes.
#[must_use]
pub(super) fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// One set-up at a time: held until it is dropped, also by a kill.
#[derive(Debug)]
pub(super) struct Lock(#[expect(dead_code, reason = "held, not read")] File);

/// Makes a folder of the state, durably, with those above it; root's alone: previous bytes may be of a file that others
/// can't read.
pub(super) fn make_folder(folder: &Path) -> Result<()> {
    let fresh: Vec<&Path> = folder.ancestors().take_while(|folder| !folder.exists()).collect();
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .and_then(|()| fresh.into_iter().try_for_each(replace::sync_folder))
        .map_err(|source| SetupError::file("make", folder, source))
}

impl Lock {
    /// Takes it, or says that somebody else has it.
    pub(super) fn take() -> Result<Self> {
        let file = Self::file()?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => {
                Err(SetupError::new("another `jit setup` is at work").hint("wait for its end"))
            }
            Err(TryLockError::Error(source)) => Err(SetupError::file("lock", Path::new(STATE), source)),
        }
    }

    /// Waits for it.
    pub(super) fn wait() -> Result<Self> {
        let file = Self::file()?;
        file.lock().map_err(|source| SetupError::file("lock", Path::new(STATE), source))?;
        Ok(Self(file))
    }

    fn file() -> Result<File> {
        make_folder(Path::new(STATE))?;
        let path = Path::new(STATE).join("lock");
        File::create(&path).map_err(|source| SetupError::file("write", &path, source))
    }
}

fn path() -> PathBuf {
    Path::new(STATE).join("state.json")
}

/// Where the previous bytes of a change lie. It is there as long as the change is under way, also when nothing was there before:
/// jit-setup-restore.service asks for it at boot.
pub(super) fn saved_folder(id: &str) -> PathBuf {
    Path::new(STATE).join(format!("before-{id}"))
}

impl State {
    /// Reads it; a host that was never set up has an empty one.
    pub(super) fn read() -> Result<Self> {
        let path = path();
        match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| {
                SetupError::file("read", &path, error.into())
                    .hint("the previous bytes of every file lie in before-* beside it; put them back by hand, then delete it")
            }),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(SetupError::file("read", &path, error)),
        }
    }

    /// Whether this change is under way.
    #[must_use]
    pub(super) fn is_pending(&self, id: &str) -> bool {
        self.pending.as_ref().is_some_and(|pending| pending.id == id)
    }

    /// Replaces it, durably.
    pub(super) fn write(&self) -> Result<()> {
        let bytes = serde_json::to_vec_pretty(self)
            .map_err(|error| SetupError::file("write", &path(), error.into()))?;
        replace::put(&path(), &bytes, None)
    }

    /// Ends the change under way, durably; then its saved bytes go.
    pub(super) fn end(&mut self, confirmed: bool) -> Result<()> {
        let Some(pending) = self.pending.take() else { return Ok(()) };
        if confirmed {
            self.installed = pending.becomes;
        }
        self.last = Some(Last { id: pending.id.clone(), confirmed });
        self.write()?;
        // What is left of it is of no use to anybody; a kill here leaves it to the next end.
        drop(fs::remove_dir_all(saved_folder(&pending.id)));
        Ok(())
    }
}

/// Saved bytes of changes that are over, which a kill left.
pub(super) fn clear_saved(state: &State) {
    let live = state.pending.as_ref().map(|pending| saved_folder(&pending.id));
    for entry in fs::read_dir(STATE).into_iter().flatten().flatten() {
        let path = entry.path();
        if entry.file_name().to_string_lossy().starts_with("before-") && Some(&path) != live.as_ref() {
            drop(fs::remove_dir_all(path));
        }
    }
}

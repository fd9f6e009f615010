//! A session as it is kept on disk: what a next recorder, the sweep and sudo need to know.
//!
//! One file a session in the state folder, named by its deadline, so that the sweep reads only what has
//! expired. Written whole by rename and synced before the session may begin; removed when it is over.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use audit::CloseReason;
use audit::handover::Handover;
use serde::{Deserialize, Serialize};

use super::clock::Boottime;
use super::units::Asked;

/// A grant under which a session goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extension {
    /// Its id.
    pub grant: String,
    /// The SHA-256 of its document.
    pub digest: String,
    /// The serial of the certificate that brought it.
    pub serial: u64,
}

/// A session that is open, or that nobody has yet proved to be over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionState {
    /// What the module handed over.
    pub handover: Handover,
    /// The boot that the session belongs to; with the next field its identity.
    pub boot_id: String,
    /// The kernel's audit session id.
    pub audit_session: u32,
    /// The segment of the spool in which it opened, or an earlier one: nothing of it stands before.
    #[serde(default)]
    pub segment: u64,
    /// When it opened, milliseconds since 1970-01-01T00:00:00Z.
    pub opened: i64,
    /// The same since boot, which nobody can set.
    #[serde(default)]
    pub began: Option<Boottime>,
    /// When it ends.
    pub deadline: Boottime,
    /// Past which no extension goes.
    pub outer: Boottime,
    /// Why it ends then: `window_closed` or `host_limit`.
    pub limit: String,
    /// The cgroup of its scope, relative to the hierarchy's root, if it has one of its own.
    pub scope: Option<String>,
    /// When the monitor started (clock ticks since boot): its pid alone may be another process later.
    pub monitor_start: u64,
    /// Whether `session.open` is durable. If not, the login was never confirmed.
    pub recorded: bool,
    /// Whether the module said that the connection ended as it should: then the monitor is gone in good order.
    #[serde(default)]
    pub logged_out: bool,
    /// The grants that extended it, in order.
    #[serde(default)]
    pub extensions: Vec<Extension>,
    /// Execs that could not be recorded, as far as that was told.
    #[serde(default)]
    pub unrecorded: u64,
    /// What it asked PID 1 to start.
    #[serde(default)]
    pub asked: Vec<Asked>,
    /// Why it is being ended, once it is.
    #[serde(default)]
    pub ending: Option<CloseReason>,
}

/// A file that should be a session's and can't be read as one.
#[derive(Debug)]
pub struct Unreadable {
    /// Its name.
    pub name: String,
    /// The session in it.
    pub session: String,
    /// What the module handed over, where that part can be read.
    pub handover: Option<Handover>,
    /// The boot that it belongs to, where that can be read.
    pub boot_id: Option<String>,
}

/// The folder of session files.
#[derive(Debug, Clone)]
pub struct StateFolder(PathBuf);

impl StateFolder {
    /// Opens the folder, made if it is missing.
    ///
    /// # Errors
    /// If it can't be made.
    pub fn open(path: &Path) -> io::Result<Self> {
        use std::os::unix::fs::DirBuilderExt;
        fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        Ok(Self(path.to_owned()))
    }

    fn file_name(state: &SessionState) -> String {
        format!("{:020}.{}.json", state.deadline.0, state.handover.session)
    }

    /// Writes a session's file, durably, in place of an earlier one of the same session.
    ///
    /// # Errors
    /// If the disk refuses; then the earlier one is as it was.
    pub fn put(&self, state: &SessionState) -> io::Result<()> {
        self.note(state)?;
        let name = Self::file_name(state);
        // An extension moves the deadline, and so the name.
        for other in self.names()?.into_iter().filter(|n| *n != name && belongs(n, &state.handover.session)) {
            fs::remove_file(self.0.join(other))?;
        }
        File::open(&self.0)?.sync_all()
    }

    /// The same for what only a next recorder of this boot needs to know, its deadline unchanged: after a power cut the
    /// earlier one may stand there.
    ///
    /// # Errors
    /// As [`StateFolder::put`].
    pub fn note(&self, state: &SessionState) -> io::Result<()> {
        let temporary = self.0.join(format!(".{}.new", state.handover.session));
        let mut file =
            File::options().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
        let text = serde_json::to_vec(state).map_err(io::Error::other)?;
        file.write_all(&text)?;
        file.sync_all()?;
        fs::rename(&temporary, self.0.join(Self::file_name(state)))
    }

    /// Removes a session's file.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn remove(&self, session: &str) -> io::Result<()> {
        for name in self.names()?.into_iter().filter(|name| belongs(name, session)) {
            fs::remove_file(self.0.join(name))?;
        }
        File::open(&self.0)?.sync_all()
    }

    /// Every session.
    ///
    /// # Errors
    /// If the folder can't be read; a file that can't be read is left out, see [`StateFolder::unreadable`].
    pub fn all(&self) -> io::Result<Vec<SessionState>> {
        Ok(self.latest()?.iter().filter_map(|name| self.read(name)).collect())
    }

    /// The files that [`StateFolder::all`] leaves out.
    ///
    /// # Errors
    /// If the folder can't be read.
    pub fn unreadable(&self) -> io::Result<Vec<Unreadable>> {
        let mut unreadable = Vec::new();
        for name in self.latest()?.into_iter().filter(|name| self.read(name).is_none()) {
            let value = fs::read(self.0.join(&name)).ok().and_then(|text| serde_json::from_slice(&text).ok());
            let value: serde_json::Value = value.unwrap_or_default();
            unreadable.push(Unreadable {
                session: owner(&name).unwrap_or_default().to_owned(),
                handover: serde_json::from_value(value["handover"].clone()).ok(),
                boot_id: value["boot_id"].as_str().map(str::to_owned),
                name,
            });
        }
        Ok(unreadable)
    }

    /// Whether there is a file of this session.
    #[must_use]
    pub fn has(&self, session: &str) -> bool {
        // Whoever can't look does not know that it is gone.
        self.names().map_or(true, |names| names.iter().any(|name| belongs(name, session)))
    }

    /// The sessions whose deadline is `now` or earlier; the files of others are not opened.
    ///
    /// # Errors
    /// If the folder can't be read.
    pub fn expired(&self, now: Boottime) -> io::Result<Vec<SessionState>> {
        let due =
            |name: &&String| name.get(..20).and_then(|d| d.parse().ok()).is_some_and(|d: u64| d <= now.0);
        Ok(self.latest()?.iter().filter(due).filter_map(|name| self.read(name)).collect())
    }

    /// The names, of each session one: a kill in the middle of an extension leaves the file of the earlier deadline too.
    fn latest(&self) -> io::Result<Vec<String>> {
        let mut names = self.names()?;
        let mut seen = HashSet::new();
        names.reverse();
        names.retain(|name| owner(name).is_none_or(|session| seen.insert(session.to_owned())));
        names.reverse();
        Ok(names)
    }

    fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.0)? {
            names.extend(
                entry?.file_name().into_string().ok().filter(|n| n.ends_with(".json") && !n.starts_with('.')),
            );
        }
        names.sort_unstable();
        Ok(names)
    }

    fn read(&self, name: &str) -> Option<SessionState> {
        serde_json::from_slice(&fs::read(self.0.join(name)).ok()?).ok()
    }
}

/// The session that a file of this name is of.
fn owner(name: &str) -> Option<&str> {
    name.strip_suffix(".json")?.split_once('.').map(|(_, owner)| owner)
}

fn belongs(name: &str, session: &str) -> bool {
    owner(name) == Some(session)
}

/// The id of this boot (proc_sys_kernel(5), `random/boot_id`).
///
/// # Errors
/// If /proc is not there.
pub fn boot_id() -> io::Result<String> {
    Ok(fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_session_whose_extension_was_cut_short_the_later_deadline_counts() {
        let folder = tempfile::tempdir().unwrap();
        let states = StateFolder::open(folder.path()).unwrap();
        for name in [
            "00000000000000000007.S-A.json",
            "00000000000000000009.S-A.json",
            "00000000000000000008.S-B.json",
        ] {
            fs::write(folder.path().join(name), "{").unwrap();
        }
        let latest = ["00000000000000000008.S-B.json", "00000000000000000009.S-A.json"];
        assert_eq!(states.latest().unwrap(), latest);
        let unreadable = states.unreadable().unwrap();
        assert_eq!(unreadable.iter().map(|u| u.session.as_str()).collect::<Vec<_>>(), ["S-B", "S-A"]);
        states.remove("S-A").unwrap();
        assert!(!states.has("S-A") && states.has("S-B"));
    }
}

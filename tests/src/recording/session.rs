//! One session as its records and the kernel show it: what it ran, how it ended, what is left of it.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::Recording;
use crate::deadline;

/// A session of a recorded host.
#[derive(Debug)]
pub struct Session<'a> {
    /// The host.
    pub recording: &'a Recording,
    /// Its id.
    pub id: String,
}

/// The arguments of a command's record as one line.
#[must_use]
pub fn line_of(record: &Value) -> String {
    arguments_of(record).join(" ")
}

/// The arguments of a command's record, of this part.
#[must_use]
pub fn arguments_of(record: &Value) -> Vec<String> {
    let arguments = record["process"]["args"].as_array().cloned().unwrap_or_default();
    arguments.iter().filter_map(|argument| argument.as_str().map(str::to_owned)).collect()
}

impl Session<'_> {
    /// Its records of one event, all parts.
    #[must_use]
    pub fn parts(&self, event: &str) -> Vec<Value> {
        let ours = |record: &Value| {
            record["event"]["action"] == event && record["jit"]["session"] == self.id.as_str()
        };
        self.recording.spool_with(&self.id).into_iter().filter(ours).collect()
    }

    /// The records of its commands, of each the first part.
    #[must_use]
    pub fn commands(&self) -> Vec<Value> {
        let mut commands = self.parts("session.command");
        commands.retain(|record| record["jit"]["part"].as_u64().unwrap_or(1) == 1);
        commands
    }

    /// The command lines of its commands.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.commands().iter().map(line_of).collect()
    }

    /// The one command whose line is this, at hand or soon.
    ///
    /// # Panics
    /// When there is none, or more than one.
    #[must_use]
    #[track_caller]
    pub fn command(&self, line: &str) -> Value {
        self.the_command(line, |record| line_of(record) == line)
    }

    /// The one command that `wanted` takes, at hand or soon.
    ///
    /// # Panics
    /// When there is none, or more than one.
    #[must_use]
    #[track_caller]
    pub fn the_command(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let found = deadline::poll(deadline::SOON, || {
            let mut all = self.commands();
            all.retain(&wanted);
            (!all.is_empty()).then_some(all)
        });
        let found = found.unwrap_or_else(|| panic!("no record of `{what}`: {:#?}", self.lines()));
        assert_eq!(found.len(), 1, "one record of `{what}`: {found:#?}");
        found[0].clone()
    }

    /// The record of its end, at hand or soon.
    ///
    /// # Panics
    /// When none comes.
    #[must_use]
    #[track_caller]
    pub fn close(&self) -> Value {
        self.close_within(deadline::SOON)
    }

    /// The same within `limit`.
    ///
    /// # Panics
    /// When none comes.
    #[must_use]
    #[track_caller]
    pub fn close_within(&self, limit: Duration) -> Value {
        let found = deadline::poll(limit, || self.parts("session.close").pop());
        found.unwrap_or_else(|| {
            let (says, left) = (self.recording.recorder_says(), self.processes());
            panic!("no session.close of {} within {limit:?}; left {left:?}; {says}", self.id)
        })
    }

    /// Whether its end is recorded.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        !self.parts("session.close").is_empty()
    }

    /// As `jit sessions --json` shows it, while it is open.
    #[must_use]
    pub fn shown(&self) -> Option<Value> {
        self.recording.open_sessions().into_iter().find(|open| open["session"] == self.id.as_str())
    }

    /// The kernel's audit session id, from its file in the state folder; so also when no recorder runs.
    ///
    /// # Panics
    /// When there is no such file.
    #[must_use]
    #[track_caller]
    pub fn audit_session(&self) -> u64 {
        let state = self.state().unwrap_or_else(|| panic!("no state of {}", self.id));
        state["audit_session"].as_u64().expect("an audit session")
    }

    /// Its file in the state folder.
    #[must_use]
    pub fn state(&self) -> Option<Value> {
        let folder = self.recording.world.host.path("/var/lib/jit/sessions");
        let names = std::fs::read_dir(folder).ok()?.flatten();
        let found = names.map(|entry| entry.path()).find(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            !name.starts_with('.') && name.contains(&self.id)
        })?;
        serde_json::from_slice(&std::fs::read(found).ok()?).ok()
    }

    /// The living processes that carry its audit session id, by id and name.
    #[must_use]
    pub fn processes(&self) -> Vec<(i32, String)> {
        self.state().map_or_else(Vec::new, |state| {
            self.recording.processes_of(state["audit_session"].as_u64().unwrap_or(u64::MAX))
        })
    }

    /// The process that serves its connection as root.
    ///
    /// # Panics
    /// When its file is gone.
    #[must_use]
    pub fn monitor(&self) -> i64 {
        self.state().and_then(|state| state["handover"]["monitor"].as_i64()).expect("the monitor's id")
    }
}

/// Set in `/proc/PID/stat`, field 9, once a process has begun to exit (linux/sched.h, `PF_EXITING`).
const EXITING: u64 = 0x4;

/// Whether a process runs nothing any more. One that exits lets go of the gate first and stays in `/proc` a moment: the
/// kernel's word that a session is over may come in between.
fn is_dead(stat: &str) -> bool {
    let Some((_, rest)) = stat.rsplit_once(") ") else { return true };
    let flags = rest.split(' ').nth(6).and_then(|flags| flags.parse::<u64>().ok());
    rest.starts_with(['Z', 'X']) || flags.is_none_or(|flags| flags & EXITING != 0)
}

/// The living processes of a `/proc` folder that carry an audit session id, by id and name.
pub(super) fn processes_of(proc: &Path, audit_session: u64) -> Vec<(i32, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(proc).expect("reads /proc").flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else {
            continue;
        };
        let read = |name: &str| std::fs::read_to_string(entry.path().join(name)).unwrap_or_default();
        if !is_dead(&read("stat")) && read("sessionid").trim() == audit_session.to_string() {
            found.push((pid, read("comm").trim().to_owned()));
        }
    }
    found
}

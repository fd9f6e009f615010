//! An open session in the recorder's memory.

use std::collections::HashMap;
use std::os::fd::OwnedFd;

use audit::CloseReason;
use grant::Grant;

use super::arguments::Arguments;
use super::caller::Caller;
use super::clock::Boottime;
use super::held::Over;
use super::state::SessionState;
use crate::ending::Pidfd;

/// An exec that was let run and whose outcome the kernel has not told yet.
#[derive(Debug)]
pub(super) struct Pending {
    /// Its number within the session.
    pub(super) seq: u64,
    /// When it stood at the gate, wall clock milliseconds.
    pub(super) time: i64,
    /// Since when it stands there: what the kernel told before is of another exec.
    pub(super) stood: Boottime,
    /// Who stood there. Its arguments were taken out of it.
    pub(super) caller: Caller,
    /// What it showed there.
    pub(super) arguments: Arguments,
}

impl Pending {
    /// Bytes in memory, about.
    pub(super) fn weight(&self) -> usize {
        size_of::<Self>() + self.arguments.weight() + self.caller.path.len() + self.caller.cwd.len()
    }
}

/// A session that is being ended.
#[derive(Debug)]
pub(super) struct Ending {
    /// Why.
    pub(super) reason: CloseReason,
    /// The deadline or the moment of the order: lateness counts from here.
    pub(super) due: Boottime,
    /// When its processes are killed next.
    pub(super) next_kill: Boottime,
    /// Whether the person was told.
    pub(super) told: bool,
    /// Processes killed so far.
    pub(super) killed: u64,
}

/// An open session.
#[derive(Debug)]
pub(super) struct Live {
    /// What is on disk.
    pub(super) state: SessionState,
    /// The grant.
    pub(super) grant: Grant,
    /// The kernel's word on its processes. `None` when it was lost with an earlier recorder.
    pub(super) listener: Option<OwnedFd>,
    /// The process that serves the connection as root.
    pub(super) monitor: Option<Pidfd>,
    /// The number of the last command.
    pub(super) seq: u64,
    /// Bytes in the spool.
    pub(super) bytes: u64,
    /// Execs whose outcome is not known, by thread.
    pub(super) pending: HashMap<i32, Pending>,
    /// Commands whose arguments differ from what was shown.
    pub(super) differences: u64,
    /// Execs refused because they could not be recorded.
    pub(super) unrecorded: u64,
    /// When its memory was last slow to answer, and for how many milliseconds in all.
    pub(super) cost: (Boottime, u64),
    /// The last command, as text.
    pub(super) last: Option<String>,
    /// The process of the first command, and its status once it has exited.
    pub(super) first: Option<(i32, Option<i32>)>,
    /// The module said that the connection ended.
    pub(super) logged_out: bool,
    /// Warnings given: 0 none, 1 five minutes, 2 one minute before.
    pub(super) warned: u8,
    /// A warning that no terminal has taken yet, and when it was last tried: at login there is none.
    pub(super) untold: Option<Boottime>,
    /// When the terminal was last told that commands can't be recorded.
    pub(super) told_full: Option<Boottime>,
    /// Set once no process is left, while the kernel still has to tell of its last execs.
    pub(super) over: Option<Over>,
    /// Set once it is being ended.
    pub(super) ending: Option<Ending>,
}

impl Live {
    /// The session's id.
    pub(super) fn id(&self) -> &str {
        &self.state.handover.session
    }
}

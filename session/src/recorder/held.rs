//! Waiting for a kernel's copy that comes a moment after the exec: audit's records pass through a thread of the kernel.
//!
//! The loop does not wait. A thread that stands at the gate again before its last exec was told is held there, alone;
//! a session whose processes are gone is closed when the last of its execs was told. Both for [`PATIENCE`] at most:
//! then what was not told is recorded as the gate saw it.

use audit::command::Outcome;

use super::clock::Boottime;
use super::live::Live;
use super::{Recorder, notify_ffi};
use crate::kernel_copy::{Call, KernelCopy};

/// How long to wait, in milliseconds. The kernel's thread takes microseconds; more than a second when an audit daemon hangs.
const PATIENCE: u64 = 3_000;
/// A record's time comes from a clock that is a tick behind, at most so many milliseconds.
const TICK: i64 = 50;

/// An exec that waits for the word on its thread's last one.
#[derive(Debug)]
pub(super) struct Held {
    session: u32,
    slot: usize,
    tid: i32,
    until: Boottime,
}

/// A session without processes whose last execs were not told yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Over {
    /// When the kernel said that no process is left.
    pub(super) since: Boottime,
    proved: bool,
}

fn patience(since: Boottime) -> Boottime {
    Boottime(since.0.saturating_add(PATIENCE * 1_000_000))
}

impl Live {
    /// The thread of the exec that the kernel tells of by its process and its call. An event older than what stands
    /// there belongs to an exec that nobody waits for any more.
    pub(super) fn caller_of(&self, pid: i32, call: &Call) -> Option<i32> {
        let same = self.pending.values().filter(|p| p.caller.pid == pid && call.time + TICK >= p.time);
        same.min_by_key(|p| (p.caller.registers != call.registers, p.seq)).map(|p| p.caller.tid)
    }
}

impl Recorder {
    fn tells_later(&self) -> bool {
        self.kernel.as_ref().is_some_and(KernelCopy::tells_later)
    }

    /// Leaves an exec at the gate if its thread's last one was not told yet. It is looked at again with each turn.
    pub(super) fn hold(&mut self, key: u32, slot: usize, notification: &notify_ffi::Notification) -> bool {
        let tid = i32::try_from(notification.pid).unwrap_or(0);
        let untold = self
            .sessions
            .get(&key)
            .is_some_and(|live| live.ending.is_none() && live.pending.contains_key(&tid));
        if !untold || !self.tells_later() {
            return false;
        }
        self.held.push(Held { session: key, slot, tid, until: patience(Boottime::now()) });
        true
    }

    /// Looks at what is held: what was told, or will not be, goes on.
    pub(super) fn release_held(&mut self) {
        let (now, later) = (Boottime::now(), self.tells_later());
        for held in std::mem::take(&mut self.held) {
            let Some(live) = self.sessions.get(&held.session) else {
                self.slots.release(held.slot);
                continue;
            };
            let pending = live.pending.get(&held.tid);
            if pending.is_some() && later && now < held.until && live.ending.is_none() {
                self.held.push(held);
                continue;
            }
            if pending.is_some() {
                self.give_up(held.session, held.tid);
            }
            self.arrived(held.session, held.slot);
        }
        let over = self.sessions.iter().filter_map(|(key, live)| {
            let over = live.over?;
            let wait = later && !live.pending.is_empty() && now < patience(over.since);
            (!wait).then_some((*key, over.proved))
        });
        for (key, proved) in over.collect::<Vec<_>>() {
            self.over(key, proved);
        }
    }

    /// Nobody told of this exec.
    fn give_up(&mut self, key: u32, tid: i32) {
        let Some(live) = self.sessions.get_mut(&key) else { return };
        let Some(pending) = live.pending.remove(&tid) else { return };
        let audit_session = live.state.audit_session;
        if let Some(kernel) = &mut self.kernel {
            kernel.missed(audit_session);
        }
        self.finish(key, &pending, Outcome::Unknown);
    }

    /// Whether a session that has no processes any more must wait for the word on what it ran last.
    pub(super) fn over_later(&mut self, key: u32, proved: bool) -> bool {
        let later = self.tells_later();
        let Some(live) = self.sessions.get_mut(&key) else { return false };
        if live.pending.is_empty() || !later {
            return false;
        }
        let Some(over) = live.over else {
            live.over = Some(Over { since: Boottime::now(), proved });
            if let Some(listener) = &live.listener {
                // It would go on saying so.
                let _ = self.epoll.delete(listener);
            }
            return true;
        };
        if Boottime::now() < patience(over.since) {
            return true;
        }
        let audit_session = live.state.audit_session;
        if let Some(kernel) = &mut self.kernel {
            kernel.missed(audit_session);
        }
        false
    }

    /// When something held has waited long enough: at once if its word has come since it was looked at.
    pub(super) fn held_until(&self) -> Option<Boottime> {
        let at_once = Boottime(1);
        let over = self.sessions.values().filter_map(|live| {
            let told = live.pending.is_empty();
            live.over.map(|over| if told { at_once } else { patience(over.since) })
        });
        let held = self.held.iter().map(|held| {
            let live = self.sessions.get(&held.session);
            let told = live.is_none_or(|live| !live.pending.contains_key(&held.tid));
            if told { at_once } else { held.until }
        });
        held.chain(over).min()
    }
}

//! An execution, from its notification to its answer: taken, its caller read, a line appended, the spool synced, let run.

use std::os::fd::AsFd;

use audit::command::Outcome;
use audit::{CloseReason, Event};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::epoll::EpollFlags;

use super::arguments::Arguments;
use super::caller::Caller;
use super::clock::{Boottime, wall_millis};
use super::gate::{self, Gate};
use super::live::{Live, Pending};
use super::reading::{PATIENCE, Unread};
use super::{OnAuditFailure, Recorder, notify_ffi, terminal};

/// Characters of the last command that an administrator sees in the list of open sessions.
const LAST: usize = 200;

/// Execs of one session that are taken in one turn: no session keeps the others waiting.
const TAKEN_AT_ONCE: usize = 64;

/// Bytes in memory of what one session's programs have shown and the kernel has not told of yet. Each takes some hundred
/// bytes, with long arguments 64 KiB, for milliseconds: only what the kernel is made to hold back adds up.
const UNTOLD: usize = 4 * 1024 * 1024;

/// A reading that takes so many milliseconds has kept everybody else waiting.
pub(super) const SLOW: u64 = 50;

/// So many milliseconds of slow readings a session may cost the others; then it ends. A minute without one is forgiven.
const COST: u64 = 3_000;
const FORGIVEN: u64 = 60_000;

/// An exec whose gate line is in the spool's buffer.
#[derive(Debug)]
pub(super) struct Waiting {
    session: u32,
    slot: usize,
    notification: u64,
    /// Its line is on the disk already, from an earlier recorder.
    durable: bool,
}

impl Recorder {
    /// Takes every exec that waits at a session's gate; notices the session's end.
    pub(super) fn listener_speaks(&mut self, key: u32, events: EpollFlags) {
        if events.contains(EpollFlags::EPOLLIN) {
            // The rest has its turn with everybody else's: level-triggered, it is told again.
            // What is refused at once takes no room: a session that is being ended may ask without end.
            let _ = (0..TAKEN_AT_ONCE).all(|_| self.unread.has_room(key) && self.take_one(key));
        }
        if events.intersects(EpollFlags::EPOLLHUP | EpollFlags::EPOLLERR)
            && !events.contains(EpollFlags::EPOLLIN)
        {
            self.over(key, true);
        }
    }

    /// Takes one exec, if one waits.
    fn take_one(&mut self, key: u32) -> bool {
        let Some(live) = self.sessions.get_mut(&key) else { return false };
        let Some(listener) = live.listener.as_ref().map(AsFd::as_fd) else { return false };
        let mut ready = [PollFd::new(listener, PollFlags::POLLIN)];
        let waits = poll(&mut ready, PollTimeout::ZERO).is_ok_and(|n| n > 0);
        if !waits || !ready[0].revents().is_some_and(|r| r.contains(PollFlags::POLLIN)) {
            return false;
        }
        let Some(slot) = self.slots.take(live.id()) else { return false };
        if notify_ffi::receive(listener, self.slots.notification(slot)).is_err() {
            self.slots.release(slot);
            return true; // The caller died meanwhile; another may wait.
        }
        self.arrived(key, slot);
        true
    }

    /// An exec stands at the gate: its caller is read in this turn, unless it is refused or held before.
    pub(super) fn arrived(&mut self, key: u32, slot: usize) {
        let of = Unread { session: key, slot, notification: *self.slots.notification(slot) };
        let tid = i32::try_from(of.notification.pid).unwrap_or(0);
        let again = |live: &Live| live.pending.contains_key(&tid);
        if self.sessions.get(&key).is_some_and(again) {
            // What the kernel has to tell of this thread's last exec is in its ring by now, and comes first.
            self.kernel_speaks();
        }
        if !self.refused_at_its_end(&of) && !self.hold(key, slot, &of.notification) {
            self.unread.push(key, of);
        }
    }

    /// Nothing of a session that is being ended is read any more: it is being killed, and may be as slow as it likes.
    pub(super) fn refused_at_its_end(&mut self, of: &Unread) -> bool {
        let live = self.sessions.get(&of.session);
        if live.is_some_and(|live| live.ending.is_none()) {
            return false;
        }
        if let Some(listener) = live.and_then(|live| live.listener.as_ref()) {
            let _ = notify_ffi::deny(listener.as_fd(), of.notification.id, Errno::EPERM);
        }
        self.let_go(of);
        true
    }

    /// An exec of which nothing more is to be done at the gate. What an earlier recorder noted of it is completed.
    fn let_go(&mut self, of: &Unread) {
        self.slots.release(of.slot);
        let Some(gate) = self.taken_up.remove(&(of.session, of.notification.id)) else { return };
        let Some(live) = self.sessions.get(&of.session) else { return };
        let command = gate::from_gate_line(&gate, &live.state, &live.grant);
        self.append_command(of.session, &command);
    }

    /// An exec whose caller could not be read in time does not run.
    pub(super) fn could_not_be_read(&mut self, of: &Unread) {
        self.gate(of, Caller::unread(&of.notification, Errno::ETIMEDOUT));
        self.cost(of.session, u64::try_from(PATIENCE.as_millis()).unwrap_or(u64::MAX));
    }

    /// A reading has kept everybody waiting for so many milliseconds.
    pub(super) fn cost(&mut self, key: u32, millis: u64) {
        let Some(live) = self.sessions.get_mut(&key) else { return };
        let now = Boottime::now();
        let (last, sum) = live.cost;
        let sum = if now.millis_since(last) > FORGIVEN { millis } else { sum + millis };
        live.cost = (now, sum);
        if sum >= COST && live.ending.is_none() {
            let session = Some(live.id().to_owned());
            self.notice(
                Event::RecorderFull,
                session,
                "the session ends: memory of its programs was too slow to be read",
            );
            self.begin_end(key, CloseReason::RecorderLost, now);
        }
    }

    /// Puts one exec into the spool's buffer, or refuses it.
    pub(super) fn gate(&mut self, of: &Unread, mut caller: Caller) {
        let (key, id) = (of.session, of.notification.id);
        let arguments = Arguments::of(&std::mem::take(&mut caller.argv));
        let same_process = |live: &Live| live.pending.values().any(|other| other.caller.pid == caller.pid);
        if self.sessions.get(&key).is_some_and(same_process) {
            // Another program has this number now; what the kernel has to tell of the last one comes first.
            self.kernel_speaks();
        }
        let too_many = self.has_untold(key) && {
            self.kernel_speaks();
            self.has_untold(key)
        };
        let stood = Boottime::now();
        let Some(live) = self.sessions.get_mut(&key) else { return };
        let Some(listener) = live.listener.as_ref().map(AsFd::as_fd) else { return };
        if !notify_ffi::waits(listener, id) {
            return self.let_go(of);
        }
        let (seq, time, line) = if let Some(gate) = self.taken_up.remove(&(key, id)) {
            // Its line is on the disk already.
            (gate.seq, gate.time, None)
        } else {
            let time = wall_millis();
            let gate = Gate::of((live.id(), id), (live.seq + 1, time), &caller, &arguments);
            let last = gate.argv.join(" ").chars().take(LAST).collect();
            let line = gate.line();
            // The command's own line comes later and is about as long.
            let bytes = 2 * line.len() as u64 + 2_000;
            let over_quota = live.bytes + bytes > self.settings.session_quota;
            if over_quota || !self.spool.has_room(bytes) {
                let _ = match self.settings.on_audit_failure {
                    OnAuditFailure::Stop => notify_ffi::deny(listener, id, Errno::ENOSPC),
                    OnAuditFailure::Continue => notify_ffi::let_run(listener, id),
                };
                live.unrecorded += 1;
                self.slots.release(of.slot);
                self.tell_full(key, over_quota);
                return;
            }
            live.seq += 1;
            live.bytes += line.len() as u64 + 1;
            live.last = Some(last);
            (live.seq, time, Some(line))
        };
        // sshd has no setting for it that a certificate could carry.
        let no_sftp = !live.grant.features.sftp && gate::is_sftp_server(&caller);
        // What can't be read can't be recorded, so it does not run; the kernel would say the same to an honest caller.
        let error =
            caller.unreadable.or(no_sftp.then_some(Errno::EPERM)).or(too_many.then_some(Errno::EAGAIN));
        if let Some(error) = error {
            let _ = notify_ffi::deny(listener, id, error);
            self.slots.release(of.slot);
            let pending = Pending { seq, time, stood, caller, arguments };
            self.finish(key, &pending, Outcome::Failed(error as i32));
            return;
        }
        if live.first.is_none() {
            live.first = Some((caller.pid, None));
            if let Some(kernel) = &mut self.kernel {
                kernel.watch_exit(caller.pid);
            }
        }
        let earlier = live.pending.insert(caller.tid, Pending { seq, time, stood, caller, arguments });
        let durable = line.is_none();
        if let Some(line) = line {
            self.spool.append(&line);
        }
        self.waiting.push(Waiting { session: key, slot: of.slot, notification: id, durable });
        if let Some(earlier) = earlier {
            // The same thread stands at the gate again, so its earlier exec failed untold.
            self.finish(key, &earlier, Outcome::Unknown);
        }
        self.warn_again(key);
    }

    /// Whether the kernel is made to hold back more of this session's execs than memory is lent for.
    fn has_untold(&self, key: u32) -> bool {
        let live = self.sessions.get(&key);
        live.is_some_and(|live| live.pending.values().map(Pending::weight).sum::<usize>() >= UNTOLD)
    }

    /// Says that a command could not be recorded: to the person if it did not run, and in a record.
    fn tell_full(&mut self, key: u32, over_quota: bool) {
        let Some(live) = self.sessions.get_mut(&key) else { return };
        let now = Boottime::now();
        if live.told_full.is_some_and(|told| now.millis_since(told) < 60_000) {
            return;
        }
        live.told_full = Some(now);
        live.state.unrecorded = live.unrecorded;
        // Best effort: the disk is full just now.
        let _ = self.states.put(&live.state);
        let stop = self.settings.on_audit_failure == OnAuditFailure::Stop;
        let (why, until) = if over_quota {
            ("this session has used its share of the space for records up", "nothing more runs in it")
        } else {
            ("no space is left", "nothing more runs until there is")
        };
        if stop {
            let line = format!("commands can not be recorded: {why}; {until}");
            terminal::tell(live.state.audit_session, &line);
        }
        let session = live.id().to_owned();
        let what = if stop { "was refused because it can not be" } else { "runs although it can not be" };
        self.notice(Event::RecorderFull, Some(session), &format!("a command {what} recorded: {why}"));
    }

    /// Makes everything of this turn durable, then lets it happen.
    pub(super) fn commit(&mut self) {
        let anything = !self.waiting.is_empty() || !self.opening.is_empty();
        let durable = if anything { self.spool.commit().is_ok() } else { self.spool.write().is_ok() };
        if !durable {
            // What did not wait for this commit is true all the same, and is written when there is room.
            let kept =
                |line: &&str| !line.starts_with(gate::GATE) && !line.contains("\"action\":\"session.open\"");
            let failed = self.spool.take_failed();
            self.backlog.extend(failed.lines().filter(kept).map(str::to_owned));
        }
        // The last first: the numbers of what is not in the spool are free again, down to the first of them.
        for waiting in std::mem::take(&mut self.waiting).iter().rev() {
            self.answer(waiting, durable || waiting.durable);
        }
        for (key, connection) in std::mem::take(&mut self.opening) {
            self.opened(key, connection, durable);
        }
    }

    fn answer(&mut self, waiting: &Waiting, durable: bool) {
        let Some(live) = self.sessions.get_mut(&waiting.session) else { return };
        let audit_session = live.state.audit_session;
        let told = self.kernel.as_ref().is_some_and(|kernel| kernel.tells_of(audit_session));
        let Some(listener) = live.listener.as_ref().map(AsFd::as_fd) else { return };
        let run = durable || self.settings.on_audit_failure == OnAuditFailure::Continue;
        let answered = if run {
            notify_ffi::let_run(listener, waiting.notification)
        } else {
            notify_ffi::deny(listener, waiting.notification, Errno::ENOSPC)
        };
        let tid = i32::try_from(self.slots.notification(waiting.slot).pid).unwrap_or(0);
        self.slots.release(waiting.slot);
        if !durable {
            // Nothing of this turn is in the spool, so its number is free again if nobody came after.
            let live_pending = live.pending.remove(&tid);
            live.unrecorded += 1;
            if live_pending.is_some_and(|pending| pending.seq == live.seq) {
                live.seq -= 1;
            }
            self.tell_full(waiting.session, false);
        } else if told && answered.is_ok() {
            self.will_be_told();
        } else {
            let pending = live.pending.remove(&tid);
            if let Some(pending) = pending {
                self.finish(waiting.session, &pending, Outcome::Unknown);
            }
        }
    }
}

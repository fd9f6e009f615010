//! The recorder: one event loop that records every exec of every session before it runs, and ends
//! sessions at their deadline.
//!
//! The order of a turn is the promise. Whatever the kernel and the module have to say is gathered; the
//! spool is made durable once for all of it; only then are execs let run and logins confirmed. Nothing in
//! the loop waits for a person, a syslog or a session.

pub(crate) mod caller;
pub mod clock;
mod descriptors_ffi;
mod ends;
mod extension;
pub(crate) mod gate;
mod held;
mod live;
mod notify_ffi;
mod opening;
mod reading;
mod reception;
mod restart;
mod slots_ffi;
pub mod state;
mod store;
mod terminal;
mod told;
pub mod units;
mod uses;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::sync::Arc;

use audit::command::Outcome;
use audit::{CloseReason, Event, Notice};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};

use crate::kernel_copy::{self, KernelCopy};
use crate::shipper::Bell;
use crate::spool::{Limits, Position, Spool};
use caller::Caller;
use clock::{Boottime, wall_millis};
use gate::Gate;
use live::{Live, Pending};
use reading::{Reading, Unread};
use slots_ffi::Slots;
use state::StateFolder;
use store::Store;

/// Characters of the last command that an administrator sees in the list of open sessions.
const LAST: usize = 200;

/// Execs of one session that are taken in one turn: no session keeps the others waiting.
const TAKEN_AT_ONCE: usize = 64;

/// Execs of one session that may show memory which does not answer; with the last of them it ends.
const STALLS: u8 = 3;

/// What to do with an exec that can't be recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnAuditFailure {
    /// It fails; nothing more runs until there is room again.
    Stop,
    /// It runs unrecorded, and the session's close says how many did.
    Continue,
}

/// Where the recorder keeps its things, and its limits.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The host's name in grants.
    pub host: String,
    /// `host.toml`, read again when a session asks to be extended or the revoked list changes.
    pub config: PathBuf,
    /// The socket, unless systemd passes one.
    pub socket: PathBuf,
    /// Runtime files: the slots and the lock.
    pub runtime: PathBuf,
    /// Durable files: sessions, uses.
    pub state: PathBuf,
    /// The spool's folder.
    pub spool: PathBuf,
    /// The spool's limits.
    pub limits: Limits,
    /// Bytes that one session may take of the spool.
    pub session_quota: u64,
    /// What to do when there is no room.
    pub on_audit_failure: OnAuditFailure,
    /// Where the kernel's own copy of what ran comes from.
    pub kernel_copy: kernel_copy::Wanted,
    /// Refuse to run without it.
    pub require_kernel_copy: bool,
    /// The longest that a session may be open, in seconds.
    pub maximum_session: u64,
    /// Open sessions of different persons under one account at one time.
    pub shared_accounts: bool,
}

/// What an epoll event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Socket,
    Timer,
    Kernel,
    Signal,
    Revoked,
    Connection(u32),
    Listener(u32),
    Monitor(u32),
}

impl Token {
    fn pack(self) -> u64 {
        let (kind, key) = match self {
            Self::Socket => (0, 0),
            Self::Timer => (1, 0),
            Self::Kernel => (2, 0),
            Self::Signal => (3, 0),
            Self::Revoked => (4, 0),
            Self::Connection(key) => (5, key),
            Self::Listener(key) => (6, key),
            Self::Monitor(key) => (7, key),
        };
        kind << 32 | u64::from(key)
    }

    fn unpack(value: u64) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "the low half is the key")]
        let key = value as u32;
        match value >> 32 {
            0 => Self::Socket,
            1 => Self::Timer,
            2 => Self::Kernel,
            3 => Self::Signal,
            4 => Self::Revoked,
            5 => Self::Connection(key),
            6 => Self::Listener(key),
            _ => Self::Monitor(key),
        }
    }
}

/// An exec whose gate line is in the spool's buffer.
#[derive(Debug)]
struct Waiting {
    session: u32,
    slot: usize,
    notification: u64,
}

/// The recorder.
#[derive(Debug)]
pub struct Recorder {
    settings: Settings,
    epoll: Epoll,
    timer: TimerFd,
    signals: nix::sys::signalfd::SignalFd,
    revoked: ends::RevokedWatch,
    socket: OwnedFd,
    connections: HashMap<u32, OwnedFd>,
    /// Answers that a connection has no room for yet.
    unsent: HashMap<u32, VecDeque<String>>,
    spool: Spool,
    states: StateFolder,
    uses: uses::Uses,
    slots: Slots,
    /// Execs whose callers this turn has to read.
    unread: VecDeque<Unread>,
    store: Store,
    kernel: Option<KernelCopy>,
    /// How many of its events were lost so far.
    lost: u64,
    /// When its ring is looked at next, and how long that is after the last look.
    look: Option<(Boottime, u64)>,
    /// Why there is no kernel's copy; empty if there is.
    no_kernel: String,
    sessions: BTreeMap<u32, Live>,
    next_key: u32,
    waiting: Vec<Waiting>,
    /// Execs that stay at the gate until the kernel has told of their thread's last one.
    held: Vec<held::Held>,
    replies: Vec<(u32, String)>,
    /// Sessions whose opening is in the spool's buffer, with the connection that waits for it.
    opening: Vec<(u32, u32)>,
    /// Refused connections and when they are ended.
    refused: Vec<ends::RefusedConnection>,
    /// Administrators who wait for sessions to be over.
    waiters: Vec<ends::Waiter>,
    /// Records that could not be written yet; endings are never dropped.
    backlog: Vec<String>,
    /// Sessions whose file goes when the backlog is durable.
    closed_on_disk: Vec<String>,
    /// Since when something written is not yet synced.
    dirty_since: Option<Boottime>,
    /// When the service manager is told next that the recorder is alive, and how often it wants that.
    watchdog: Option<(Boottime, u64)>,
    /// Wakes the shipper.
    bell: Arc<Bell>,
    /// The spool's end when it was woken last.
    rung_at: Position,
    boot_id: String,
    /// What the timer is set to.
    alarm: Option<Boottime>,
    _lock: nix::fcntl::Flock<File>,
}

impl Recorder {
    /// Starts the recorder: takes the lock, the spool, what an earlier recorder left, and the socket.
    ///
    /// # Errors
    /// Names the step that failed.
    pub fn start(settings: Settings, bell: Arc<Bell>) -> anyhow::Result<Self> {
        restart::start(settings, bell)
    }

    /// Runs until it is asked to stop (SIGTERM, SIGINT). Sessions go on with the next recorder.
    ///
    /// # Errors
    /// Only what makes going on pointless: epoll itself failing, no threads to be had.
    pub fn run(self) -> anyhow::Result<()> {
        self.store.ready()?;
        reading::run(Box::new(self))
    }

    /// The loop, in the thread that has the recorder; `None` when another has it now. `stuck` is an exec whose caller could
    /// not be read in time.
    fn go_on(mut self: Box<Self>, reading: &Reading, stuck: Option<Unread>) -> Option<anyhow::Result<()>> {
        if let Some(stuck) = stuck {
            self.gate(&stuck, None);
        }
        let mut events = [EpollEvent::empty(); 256];
        loop {
            self.release_held();
            while let Some(of) = self.unread.pop_front() {
                let caller;
                (self, caller) = reading.read(self, of)?;
                self.gate(&of, Some(caller));
            }
            self.turn();
            let count = match self.epoll.wait(&mut events, EpollTimeout::NONE) {
                Ok(count) => count,
                Err(Errno::EINTR) => 0,
                Err(error) => return Some(Err(error.into())),
            };
            if !self.hear(&events[..count]) {
                self.turn();
                return Some(Ok(()));
            }
        }
    }

    /// Hears what happened; `false` if that was the order to stop.
    fn hear(&mut self, events: &[EpollEvent]) -> bool {
        let mut go_on = true;
        let mut exited = Vec::new();
        for event in events {
            match Token::unpack(event.data()) {
                Token::Socket => self.accept(),
                Token::Timer => {
                    self.alarm = None;
                    let _ = self.timer.wait();
                }
                Token::Kernel => drop(self.kernel_speaks()),
                Token::Signal => go_on = false,
                Token::Revoked => self.revoked_changed(),
                Token::Connection(key) => self.connection_speaks(key, event.events()),
                Token::Listener(key) => self.listener_speaks(key, event.events()),
                Token::Monitor(key) => exited.push(key),
            }
        }
        if !exited.is_empty() {
            // A logout that was sent before the monitor exited may still wait to be read.
            self.accept();
            for key in self.connections.keys().copied().collect::<Vec<_>>() {
                self.connection_speaks(key, EpollFlags::EPOLLIN);
            }
            exited.into_iter().for_each(|key| self.monitor_exited(key));
        }
        go_on
    }

    /// What every turn ends with, in this order.
    fn turn(&mut self) {
        self.kernel_is_looked_at(Boottime::now());
        self.commit();
        self.due();
        self.write_backlog();
        for (connection, reply) in std::mem::take(&mut self.replies) {
            self.reply(connection, &reply);
        }
        self.sync(Boottime::now());
        self.set_timer();
        let confirmed = self.spool.confirmed();
        if confirmed != self.rung_at {
            self.rung_at = confirmed;
            self.spool.set_shipped(self.bell.segment());
            self.bell.ring(confirmed);
        }
    }

    /// What nothing waited for is synced within a second, so that an idle recorder sleeps.
    fn sync(&mut self, now: Boottime) {
        match self.dirty_since {
            _ if !self.spool.is_dirty() => self.dirty_since = None,
            None => self.dirty_since = Some(now),
            Some(since) if now.millis_since(since) >= 1_000 => {
                if self.spool.commit().is_err() {
                    self.backlog.extend(self.spool.take_failed().lines().map(str::to_owned));
                }
                self.dirty_since = None;
            }
            Some(_) => {}
        }
        if let Some((next, interval)) = &mut self.watchdog
            && now >= *next
        {
            *next = Boottime(now.0.saturating_add(*interval));
            let _ = self.store.alive();
        }
    }

    // ---- the gate

    /// Takes every exec that waits at a session's gate; notices the session's end.
    fn listener_speaks(&mut self, key: u32, events: EpollFlags) {
        if events.contains(EpollFlags::EPOLLIN) {
            // The rest has its turn with everybody else's: level-triggered, it is told again.
            let _ = (0..TAKEN_AT_ONCE).all(|_| self.take_one(key));
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
    fn arrived(&mut self, key: u32, slot: usize) {
        let notification = *self.slots.notification(slot);
        let tid = i32::try_from(notification.pid).unwrap_or(0);
        let again = |live: &Live| live.pending.contains_key(&tid);
        if self.sessions.get(&key).is_some_and(again) {
            // What the kernel has to tell of this thread's last exec is in its ring by now, and comes first.
            self.kernel_speaks();
        }
        if !self.refused_at_its_end(key, slot, notification.id) && !self.hold(key, slot, &notification) {
            self.unread.push_back(Unread { session: key, slot, notification });
        }
    }

    /// Nothing of a session that is being ended is read any more: it is being killed, and may be as slow as it likes.
    fn refused_at_its_end(&mut self, key: u32, slot: usize, notification: u64) -> bool {
        let Some(live) = self.sessions.get(&key) else {
            self.slots.release(slot);
            return true;
        };
        if live.ending.is_none() {
            return false;
        }
        if let Some(listener) = &live.listener {
            let _ = notify_ffi::deny(listener.as_fd(), notification, Errno::EPERM);
        }
        self.slots.release(slot);
        true
    }

    /// Puts one exec into the spool's buffer, or refuses it. Without a caller, it could not be read in time.
    fn gate(&mut self, of: &Unread, read: Option<Caller>) {
        let (key, slot, notification) = (of.session, of.slot, &of.notification);
        if self.refused_at_its_end(key, slot, notification.id) {
            return;
        }
        let pid = read.as_ref().map_or(0, |caller| caller.pid);
        let same_process = |live: &Live| live.pending.values().any(|pending| pending.caller.pid == pid);
        if self.sessions.get(&key).is_some_and(same_process) {
            // Another program has this number now; what the kernel has to tell of the last one comes first.
            self.kernel_speaks();
        }
        let Some(live) = self.sessions.get_mut(&key) else { return };
        let Some(listener) = live.listener.as_ref().map(AsFd::as_fd) else { return };
        live.stalled += u8::from(read.is_none());
        let stalls = read.is_none() && live.stalled >= STALLS;
        let caller = read.unwrap_or_else(|| Caller::unread(notification, Errno::ETIMEDOUT));
        if !notify_ffi::waits(listener, notification.id) {
            self.slots.release(slot);
            return;
        }
        let time = wall_millis();
        let gate = Gate::of(live.id(), notification.id, live.seq + 1, time, &caller);
        let last = gate.argv.join(" ").chars().take(LAST).collect();
        let line = gate.line();
        // The command's own line comes later and is about as long.
        let bytes = 2 * line.len() as u64 + 2_000;
        let over_quota = live.bytes + bytes > self.settings.session_quota;
        if over_quota || !self.spool.has_room(bytes) {
            let _ = match self.settings.on_audit_failure {
                OnAuditFailure::Stop => notify_ffi::deny(listener, notification.id, Errno::ENOSPC),
                OnAuditFailure::Continue => notify_ffi::let_run(listener, notification.id),
            };
            live.unrecorded += 1;
            self.slots.release(slot);
            self.tell_full(key, over_quota);
            return;
        }
        live.seq += 1;
        live.bytes += line.len() as u64 + 1;
        live.last = Some(last);
        if let Some(error) = caller.unreadable {
            // What can't be read can't be recorded, so it does not run; the kernel would say the same to an honest
            // caller.
            let _ = notify_ffi::deny(listener, notification.id, error);
            let pending = Pending { seq: live.seq, time, caller };
            self.slots.release(slot);
            self.finish(key, &pending, Outcome::Failed(error as i32));
            if stalls {
                // It holds up every other session's commands, a second each time.
                self.begin_end(key, CloseReason::RecorderLost, Boottime::now());
            }
            return;
        }
        if !live.grant.features.sftp && gate::is_sftp_server(&caller) {
            // sshd has no setting for it that a certificate could carry.
            let _ = notify_ffi::deny(listener, notification.id, Errno::EPERM);
            self.slots.release(slot);
            let refused = Pending { seq: live.seq, time, caller };
            self.finish(key, &refused, Outcome::Failed(Errno::EPERM as i32));
            return;
        }
        if live.first.is_none() {
            live.first = Some((caller.pid, None));
            if let Some(kernel) = &mut self.kernel {
                kernel.watch_exit(caller.pid);
            }
        }
        let pending = Pending { seq: live.seq, time, caller };
        let earlier = live.pending.insert(pending.caller.tid, pending);
        self.spool.append(&line);
        self.waiting.push(Waiting { session: key, slot, notification: notification.id });
        if let Some(earlier) = earlier {
            // The same thread stands at the gate again, so its earlier exec failed untold.
            self.finish(key, &earlier, Outcome::Unknown);
        }
        self.warn_again(key);
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
    fn commit(&mut self) {
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
            self.answer(waiting, durable);
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

    // ---- records

    fn notice(&mut self, event: Event, session: Option<String>, message: &str) {
        let host = self.settings.host.clone();
        let notice = Notice { time: wall_millis(), host, event, session, message: message.to_owned() };
        self.backlog.push(notice.json());
    }

    /// Writes what could not be written before; endings wait here while the disk is full.
    fn write_backlog(&mut self) {
        if self.backlog.is_empty() {
            return;
        }
        for line in &self.backlog {
            self.spool.append(line);
        }
        if self.spool.commit().is_err() {
            // What stood before them in the buffer failed with them, and is as true.
            let failed = self.spool.take_failed();
            if !failed.is_empty() {
                self.backlog = failed.lines().map(str::to_owned).collect();
            }
            return;
        }
        self.backlog.clear();
        for session in std::mem::take(&mut self.closed_on_disk) {
            let _ = self.states.remove(&session);
        }
    }

    // ---- time

    fn set_timer(&mut self) {
        let next = self.next_due();
        if next == self.alarm {
            return;
        }
        self.alarm = next;
        let Some(next) = next else {
            let _ = self.timer.unset();
            return;
        };
        let at = TimeSpec::new(
            i64::try_from(next.0 / 1_000_000_000).unwrap_or(i64::MAX),
            i64::try_from(next.0 % 1_000_000_000).unwrap_or(0),
        );
        let _ = self.timer.set(Expiration::OneShot(at), TimerSetTimeFlags::TFD_TIMER_ABSTIME);
    }

    fn watch(&self, descriptor: impl AsFd, token: Token) -> io::Result<()> {
        Ok(self.epoll.add(descriptor, EpollEvent::new(EpollFlags::EPOLLIN, token.pack()))?)
    }

    fn key(&mut self) -> u32 {
        self.next_key = self.next_key.wrapping_add(1);
        self.next_key
    }
}

fn new_epoll() -> io::Result<Epoll> {
    Ok(Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?)
}

fn new_timer() -> io::Result<TimerFd> {
    Ok(TimerFd::new(ClockId::CLOCK_BOOTTIME, TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC)?)
}

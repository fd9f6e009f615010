//! The recorder: one event loop that records every exec of every session before it runs, and ends
//! sessions at their deadline.
//!
//! The order of a turn is the promise. Whatever the kernel and the module have to say is gathered; the
//! spool is made durable once for all of it; only then are execs let run and logins confirmed. Nothing in
//! the loop waits for a person, a syslog or a session.

mod arguments;
pub(crate) mod caller;
pub mod clock;
mod descriptors_ffi;
mod ends;
mod execution;
mod extension;
pub(crate) mod gate;
mod heap_ffi;
mod held;
mod live;
mod notify_ffi;
mod opening;
mod queue;
mod reading;
mod reception;
pub(crate) mod restart;
mod revoked;
mod slots_ffi;
pub mod state;
mod store;
mod tail;
mod terminal;
mod told;
pub mod units;
mod unserved;
pub(crate) mod uses;
mod warning;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::sync::Arc;

use audit::{Event, Notice};
use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};

use crate::kernel_copy::{self, KernelCopy};
use crate::shipper::Bell;
use crate::spool::{Limits, Position, Spool};
use clock::{Boottime, wall_millis};
use execution::Waiting;
use gate::Gate;
use live::Live;
use queue::Queue;
use reading::{Reading, Unread};
use slots_ffi::Slots;
use state::StateFolder;
use store::Store;

/// After so many milliseconds of reading callers, whoever else has something to say is heard.
const TURN: u64 = 20;

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

/// The recorder.
#[derive(Debug)]
pub struct Recorder {
    settings: Settings,
    epoll: Epoll,
    timer: TimerFd,
    signals: nix::sys::signalfd::SignalFd,
    revoked: revoked::RevokedWatch,
    socket: OwnedFd,
    connections: HashMap<u32, OwnedFd>,
    /// Answers that a connection has no room for yet.
    unsent: HashMap<u32, VecDeque<String>>,
    spool: Spool,
    states: StateFolder,
    uses: uses::Uses,
    slots: Slots,
    /// Execs whose callers this turn has to read.
    unread: Queue<Unread>,
    store: Store,
    kernel: Option<KernelCopy>,
    /// How many of its events were lost so far.
    lost: u64,
    /// When its ring is looked at next, and how long that is after the last look.
    look: Option<(Boottime, u64)>,
    /// Why there is no kernel's copy; empty if there is.
    no_kernel: String,
    sessions: BTreeMap<u32, Live>,
    /// Sessions that are there and not in the loop.
    unserved: Vec<unserved::Unserved>,
    next_key: u32,
    waiting: Vec<Waiting>,
    /// Execs at the gate whose lines an earlier recorder wrote, by session and notification.
    taken_up: HashMap<(u32, u64), Gate>,
    /// Execs that stay at the gate until the kernel has told of their thread's last one.
    held: Vec<held::Held>,
    replies: Vec<(u32, String)>,
    /// Records that the module brought in this turn, with the connection that waits to hear that they are kept.
    told: Vec<(u32, String)>,
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
        // What a sweep saw before this start says nothing about the next time. One that comes no further is still missing.
        drop(std::fs::remove_file(self.settings.runtime.join(restart::MISSING)));
        heap_ffi::give_back();
        reading::run(Box::new(self))
    }

    /// The loop, in the thread that has the recorder; `None` when another has it now. `stuck` is an exec whose caller could
    /// not be read in time.
    fn go_on(mut self: Box<Self>, reading: &Reading, stuck: Option<Unread>) -> Option<anyhow::Result<()>> {
        if let Some(stuck) = stuck {
            self.could_not_be_read(&stuck);
            self.turn();
        }
        let mut events = [EpollEvent::empty(); 256];
        loop {
            self.release_held();
            let mut now = Boottime::now();
            let until = now.plus_millis(TURN);
            while let Some(of) = self.unread.pop(now) {
                if self.refused_at_its_end(&of) {
                    continue;
                }
                let began = now;
                let (caller, waited);
                (self, caller, waited) = reading.read(self, of)?;
                self.gate(&of, caller);
                now = Boottime::now();
                self.unread.spend(of.session, began, now);
                if waited >= execution::SLOW {
                    self.cost(of.session, waited);
                }
                if now >= until {
                    break;
                }
            }
            self.turn();
            let wait = if self.unread.is_empty() { EpollTimeout::NONE } else { EpollTimeout::ZERO };
            let count = match self.epoll.wait(&mut events, wait) {
                Ok(count) => count,
                Err(Errno::EINTR) => 0,
                Err(error) => return Some(Err(error.into())),
            };
            if !self.hear(&events[..count]) {
                self.hear_the_kernel_out();
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
        self.answer_told();
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
        self.alarm = None;
        let Some(next) = next else {
            let _ = self.timer.unset();
            return;
        };
        let at = TimeSpec::new(
            i64::try_from(next.0 / 1_000_000_000).unwrap_or(i64::MAX),
            i64::try_from(next.0 % 1_000_000_000).unwrap_or(0),
        );
        let set = self.timer.set(Expiration::OneShot(at), TimerSetTimeFlags::TFD_TIMER_ABSTIME);
        self.alarm = set.is_ok().then_some(next);
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

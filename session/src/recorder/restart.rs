//! Starting: what an earlier recorder left is taken up where it stood.
//!
//! Listeners come back from systemd's store, sessions from their files, execs in flight from the slots,
//! and the spool tells what was durable. An exec whose gate line is in the spool is let run; one
//! whose line is not is recorded now. So a kill at any point loses no command and repeats none.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::sync::Arc;

use anyhow::Context;
use audit::{Close, CloseReason, Event};
use grant::Grant;
use nix::fcntl::{FcntlArg, Flock, FlockArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::epoll::EpollFlags;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

use super::clock::{Boottime, wall_millis};
use super::gate::{Gate, from_gate_line};
use super::queue::Queue;
use super::slots_ffi::{Leftover, Slots};
use super::state::{SessionState, StateFolder, boot_id};
use super::tail::Tail;
use super::{Recorder, Settings, Token, new_epoll, new_timer, notify_ffi, reception, revoked, store, uses};
use crate::kernel_copy::KernelCopy;
use crate::shipper::Bell;
use crate::spool::{Position, Spool};

/// What a sweep leaves in the runtime folder when it finds no recorder.
pub(crate) const MISSING: &str = "recorder.missing";

/// Takes the lock that says that a recorder runs. The sweep looks at it too, for a moment.
fn lock(path: &std::path::Path) -> anyhow::Result<Flock<File>> {
    let mut lock = File::options()
        .write(true)
        .create(true)
        .truncate(false)
        // Who can open it can lock it, and keep every recorder from starting.
        .mode(0o600)
        .open(path)
        .context("can't open the recorder's lock")?;
    for _ in 0..50 {
        match Flock::lock(lock, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => return Ok(lock),
            Err((file, _)) => lock = file,
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    anyhow::bail!("another recorder runs already")
}

pub(super) fn start(settings: Settings, bell: Arc<Bell>) -> anyhow::Result<Recorder> {
    let mut passed = store::passed();
    // Two descriptors a session, and as many as the system lets us have.
    if let Ok((_, most)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, most, most);
    }
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&settings.runtime)
        .with_context(|| format!("can't make {}", settings.runtime.display()))?;
    let lock = lock(&settings.runtime.join("recorder.lock"))?;

    let spool = Spool::open(&settings.spool, settings.limits).context("can't open the spool")?;
    let states =
        StateFolder::open(&settings.state.join("sessions")).context("can't open the folder of sessions")?;
    let store = store::Store::from_environment()?;
    let tail = Tail::read(&settings.spool, &states.all()?, || store.still_starting());
    let tail = tail.context("can't read the spool")?;
    let uses = uses::Uses::open(&settings.state.join("uses")).context("can't open the folder of uses")?;
    let slots = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(settings.runtime.join("slots"));
    let (slots, leftover) =
        Slots::map(&slots.context("can't open the slots")?).context("can't map the slots")?;
    // Before any thread: whichever had them not blocked would end the process with them.
    let mut mask = SigSet::empty();
    mask.add(Signal::SIGTERM);
    mask.add(Signal::SIGINT);
    mask.thread_block()?;
    let (kernel, no_kernel) = match KernelCopy::start(settings.kernel_copy, &settings.runtime) {
        Ok(kernel) => (Some(kernel), String::new()),
        Err(error) => (None, error.to_string()),
    };
    let signals = SignalFd::with_flags(&mask, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
    let socket = match passed.socket.take() {
        Some(socket) => {
            // Whatever the unit says of it: a loop that accepts must not wait.
            fcntl(&socket, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
            socket
        }
        None => reception::listen_at(&settings.socket)
            .with_context(|| format!("can't listen at {}", settings.socket.display()))?,
    };
    let mut recorder = Recorder {
        epoll: new_epoll()?,
        timer: new_timer()?,
        signals,
        revoked: revoked::RevokedWatch::new(&settings.config)?,
        socket,
        connections: HashMap::new(),
        unsent: HashMap::new(),
        spool,
        states,
        uses,
        slots,
        unread: Queue::new(),
        taken_up: HashMap::new(),
        store,
        kernel,
        no_kernel,
        lost: 0,
        look: None,
        alarm: None,
        sessions: BTreeMap::new(),
        unserved: Vec::new(),
        next_key: 0,
        waiting: Vec::new(),
        held: Vec::new(),
        replies: Vec::new(),
        told: Vec::new(),
        opening: Vec::new(),
        refused: Vec::new(),
        waiters: Vec::new(),
        backlog: Vec::new(),
        closed_on_disk: Vec::new(),
        dirty_since: None,
        watchdog: store::watchdog().map(|interval| (Boottime(0), interval)),
        bell,
        rung_at: Position::default(),
        boot_id: boot_id()?,
        settings,
        _lock: lock,
    };
    recorder.watch(recorder.socket.as_fd(), Token::Socket)?;
    recorder.watch(recorder.timer.as_fd(), Token::Timer)?;
    recorder.watch(recorder.signals.as_fd(), Token::Signal)?;
    recorder.watch(recorder.revoked.as_fd(), Token::Revoked)?;
    if let Some(kernel) = &recorder.kernel {
        recorder.watch(kernel.as_fd(), Token::Kernel)?;
    }
    let source = match &recorder.kernel {
        Some(kernel) => format!("argv_source: kernel ({})", kernel.name()),
        None => format!("argv_source: gate ({})", recorder.no_kernel),
    };
    recorder.notice(Event::RecorderStart, None, &format!("the recorder started; {source}"));
    recorder.take_up(&mut passed, tail, leftover)?;
    recorder.lost_monitors();
    if let Some(kernel) = &mut recorder.kernel {
        kernel.taken_up();
    }
    if !recorder.sessions.is_empty() {
        // Somebody may have been revoked while no recorder ran.
        recorder.end_revoked();
    }
    recorder.turn();
    Ok(recorder)
}

impl Recorder {
    /// Takes up the sessions that an earlier recorder left.
    fn take_up(
        &mut self,
        passed: &mut store::Passed,
        mut tail: Tail,
        leftover: Vec<Leftover>,
    ) -> anyhow::Result<()> {
        for state in self.states.all()? {
            let id = state.handover.session.clone();
            let listener = passed.listeners.remove(&id);
            let grant = Grant::parse(state.handover.document.as_bytes());
            let (Ok(grant), false) = (grant, tail.closed.contains(&id)) else {
                // Closed already: there is nothing to go on with.
                self.states.remove(&id)?;
                let _ = self.store.release(&id);
                continue;
            };
            if !state.recorded {
                let opened = tail.counts.get(&id).is_some_and(|counts| counts.opening);
                let _ = self.store.release(&id);
                if opened {
                    // Recorded and never confirmed, so the login was refused: whoever reads of it reads that it is over.
                    self.close_unseen(&state, &grant, &mut tail, CloseReason::RecorderLost);
                } else {
                    self.states.remove(&id)?;
                }
                continue;
            }
            if state.boot_id != self.boot_id {
                self.close_unseen(&state, &grant, &mut tail, CloseReason::HostRestarted);
                continue;
            }
            let lost = listener.is_none();
            let ending = state.ending.clone();
            let watched = self.kernel_watches(state.audit_session);
            let (handover, deadline, audit_session) =
                (state.handover.clone(), state.deadline, state.audit_session);
            let key = match watched.and_then(|()| self.adopt(state, grant, listener)) {
                Ok(key) => key,
                Err(error) => {
                    // One session that can't be taken up must not keep all others waiting: nothing of it runs, and process
                    // 1 or the sweep ends it.
                    let message = format!("a session can't be taken up, and ends at its deadline: {error}");
                    self.notice(Event::RecorderConfig, Some(id), &message);
                    self.keep_in_mind(handover, deadline, audit_session);
                    continue;
                }
            };
            if let Some(live) = self.sessions.get_mut(&key) {
                let counts = tail.counts.get(&id).copied().unwrap_or_default();
                (live.seq, live.differences, live.bytes) = (counts.last, counts.differences, counts.bytes);
                let there = |pid: &i32| crate::ending::audit_session(*pid) == Some(live.state.audit_session);
                let first = counts.first.filter(there);
                if counts.last > 0 {
                    // Where it has exited meanwhile nobody knows how: no later process stands in for it.
                    live.first = Some((first.unwrap_or(0), None));
                }
                if let (Some(pid), Some(kernel)) = (first, &mut self.kernel) {
                    kernel.watch_exit(pid);
                }
            }
            if let Some(reason) = ending {
                // An end that was ordered is not undone by a restart.
                self.begin_end(key, reason, Boottime::now());
            } else if lost {
                // Nothing of it can run any more, and what runs can't be told over: it ends.
                self.begin_end(key, CloseReason::RecorderLost, Boottime::now());
            }
        }
        self.tell_unreadable()?;
        for (id, listener) in passed.listeners.drain() {
            // A listener without a session: its login was never confirmed.
            drop(listener);
            let _ = self.store.release(&id);
        }
        for left in leftover {
            self.take_up_exec(&mut tail, &left);
        }
        let mut rest: Vec<Gate> = tail.gates.into_values().collect();
        rest.sort_by_key(|gate| (gate.session.clone(), gate.seq));
        for gate in rest {
            let Some((key, live)) = self.sessions.iter().find(|(_, live)| live.id() == gate.session) else {
                continue;
            };
            let (key, command) = (*key, from_gate_line(&gate, &live.state, &live.grant));
            self.append_command(key, &command);
        }
        Ok(())
    }

    /// Monitors that are gone and said nothing before were killed, while no recorder ran: their sessions end. One that did
    /// speak may not have been heard yet.
    fn lost_monitors(&mut self) {
        self.accept();
        for key in self.connections.keys().copied().collect::<Vec<_>>() {
            self.connection_speaks(key, EpollFlags::EPOLLIN);
        }
        let over = |listener: &OwnedFd| {
            let mut ready = [PollFd::new(listener.as_fd(), PollFlags::empty())];
            poll(&mut ready, PollTimeout::ZERO).is_ok()
                && ready[0].revents().is_some_and(|r| r.contains(PollFlags::POLLHUP))
        };
        let lost = self.sessions.iter().filter(|(_, live)| {
            // Where nothing is left there is nothing to end.
            live.monitor.is_none() && !live.logged_out && !live.listener.as_ref().is_some_and(over)
        });
        for key in lost.map(|(key, _)| *key).collect::<Vec<_>>() {
            self.monitor_exited(key);
        }
    }

    /// An exec that was received and not answered, or answered and not forgotten.
    fn take_up_exec(&mut self, tail: &mut Tail, left: &Leftover) {
        let found = self.sessions.iter().find(|(_, live)| live.id() == left.session);
        let Some((key, listener)) =
            found.and_then(|(key, live)| Some((*key, live.listener.as_ref()?.as_fd())))
        else {
            self.slots.release(left.slot);
            return;
        };
        let id = left.notification.id;
        if let Some(gate) = tail.gates.get(&(left.session.clone(), id)) {
            if !notify_ffi::waits(listener, id) {
                // It was answered, or is dead: nobody knows what became of it.
                self.slots.release(left.slot);
                return;
            }
            self.taken_up.insert((key, id), gate.clone());
            tail.gates.remove(&(left.session.clone(), id));
        }
        self.arrived(key, left.slot);
    }

    /// A session that ended while nobody looked: what it ran last is completed, then it is closed.
    fn close_unseen(&mut self, state: &SessionState, grant: &Grant, tail: &mut Tail, reason: CloseReason) {
        let counts = tail.counts.get(&state.handover.session).copied().unwrap_or_default();
        let handover = &state.handover;
        let of_it = |gate: &Gate| gate.session == handover.session;
        let mut rest: Vec<Gate> = tail.gates.values().filter(|gate| of_it(gate)).cloned().collect();
        tail.gates.retain(|_, gate| !of_it(gate));
        rest.sort_by_key(|gate| gate.seq);
        self.backlog.extend(rest.iter().flat_map(|gate| from_gate_line(gate, state, grant).json()));
        let close = Close {
            time: wall_millis(),
            host: handover.host.clone(),
            session: handover.session.clone(),
            grant: grant.id.to_string(),
            vendor: grant.vendor.to_string(),
            person: grant.person.to_string(),
            account: handover.account.clone(),
            source: handover.source.clone(),
            reason,
            lateness_ms: 0,
            duration_ms: 0,
            commands: counts.last,
            differences: counts.differences,
            unrecorded: state.unrecorded,
            killed: 0,
            exit_status: None,
            proved: state.boot_id != self.boot_id,
            removed: Vec::new(),
            left: Vec::new(),
        };
        self.backlog.push(close.json());
        self.closed_on_disk.push(handover.session.clone());
    }
}

//! How sessions end: deadlines, warnings, orders, revocation, a lost monitor; and when they are over.

use audit::handover::{Reply, Which};
use audit::{Close, CloseReason, Event};
use hostfile::HostConfig;
use nix::sys::signal::Signal;

use super::clock::{Boottime, wall_millis};
use super::live::Ending;
use super::reception::json;
use super::state::Extension;
use super::{Recorder, gate, heap_ffi, terminal, units};
use crate::ending::{self, Pidfd, start_and_state};

/// Between two rounds of killing, in milliseconds.
const ROUND: u64 = 20;
/// How long after the deadline or the order they follow each other so closely, in milliseconds.
const PERSISTENT: u64 = 3_000;
/// How long sshd may take to bring the last message to the person, in milliseconds; all else of the session is killed at
/// once, after which sshd mostly ends by itself.
const LAST_WORDS: u64 = 300;
/// How long a refused connection may stay, in seconds: time to read why.
const REFUSED_STAYS: u64 = 3;

/// A connection that was refused and may stay a moment.
#[derive(Debug)]
pub(super) struct RefusedConnection {
    monitor: Pidfd,
    /// The login's own: sshd's other process of the connection does not notice that its monitor is gone.
    audit_session: Option<u32>,
    ends: Boottime,
}

/// An administrator who waits for sessions to be over.
#[derive(Debug)]
pub(super) struct Waiter {
    connection: u32,
    sessions: Vec<u32>,
    count: usize,
}

impl Recorder {
    // ---- why a session ends

    /// Everything that the clock brings: warnings, deadlines, rounds of killing.
    pub(super) fn due(&mut self) {
        let now = Boottime::now();
        let keys: Vec<u32> = self.sessions.keys().copied().collect();
        for key in keys {
            self.warn(key, now);
            let Some(live) = self.sessions.get(&key) else { continue };
            if live.ending.is_none() && now >= live.state.deadline {
                let reason = if live.state.limit == "host_limit" {
                    CloseReason::HostLimit
                } else {
                    CloseReason::WindowClosed
                };
                let due = live.state.deadline;
                self.begin_end(key, reason, due);
            }
        }
        self.kill_rounds(now);
        let open: Vec<u32> = self.sessions.values().map(|live| live.state.audit_session).collect();
        self.refused.retain(|refused| {
            if now < refused.ends {
                return true;
            }
            // Gone already, and its number perhaps another's: the id is looked at only while the process is there.
            if refused.monitor.signal(Signal::SIGKILL)
                && let Some(id) = refused.audit_session.filter(|id| !open.contains(id))
            {
                ending::kill_session(id);
            }
            false
        });
    }

    /// The earliest moment at which [`Recorder::due`] has something to do.
    pub(super) fn next_due(&self) -> Option<Boottime> {
        let going = self.sessions.values().filter(|live| live.over.is_none());
        let sessions = going.map(|live| match &live.ending {
            Some(ending) => ending.next_kill,
            None => live.next_warning(),
        });
        let backlog = (!self.backlog.is_empty()).then(|| Boottime::now().plus_secs(1));
        let sync = self.dirty_since.map(|since| since.plus_secs(1));
        let watchdog = self.watchdog.map(|(next, _)| next);
        let refused = self.refused.iter().map(|refused| refused.ends);
        let look = self.look.map(|(at, _)| at);
        sessions
            .chain(refused)
            .chain(look)
            .chain(self.held_until())
            .chain(backlog)
            .chain(sync)
            .chain(watchdog)
            .min()
    }

    /// The module said that the connection ended as it should.
    pub(super) fn logged_out(&mut self, session: &str) {
        if let Some(live) = self.sessions.values_mut().find(|live| live.id() == session) {
            live.logged_out = true;
            live.state.logged_out = true;
            // For a next recorder; if the disk refuses, it takes the monitor for a killed one. At an end it does not matter.
            if live.ending.is_none() {
                let _ = self.states.note(&live.state);
            }
        }
    }

    /// The process that serves the connection is gone. If it could not say so, it was killed: then the
    /// session has lost what ends it at logout, and ends now.
    pub(super) fn monitor_exited(&mut self, key: u32) {
        let Some(live) = self.sessions.get_mut(&key) else { return };
        if let Some(monitor) = live.monitor.take() {
            let _ = self.epoll.delete(&monitor);
        }
        if !live.logged_out && live.ending.is_none() {
            live.logged_out = true;
            self.begin_end(key, CloseReason::RecorderLost, Boottime::now());
        }
    }

    /// The revoked list was replaced: sessions that it names end.
    pub(super) fn revoked_changed(&mut self) {
        if self.revoked.changed() {
            self.end_revoked();
        }
    }

    /// Ends every session that the revoked list names.
    pub(super) fn end_revoked(&mut self) {
        let trust = match HostConfig::load(&self.settings.config).and_then(|host| host.trust()) {
            Ok(trust) => trust,
            Err(error) => {
                return self.notice(
                    Event::RecorderConfig,
                    None,
                    &format!("the revoked list changed and can't be used: {error}"),
                );
            }
        };
        let now = Boottime::now();
        let named = self.sessions.iter().filter(|(_, live)| {
            let revoked = |digest, serial| trust.revoked.meets(&digest, serial, &live.grant.person).is_some();
            let extension = |e: &Extension| e.digest.parse().is_ok_and(|digest| revoked(digest, e.serial));
            live.ending.is_none()
                && (revoked(live.grant.digest(), live.state.handover.serial)
                    || live.state.extensions.iter().any(extension))
        });
        for key in named.map(|(key, _)| *key).collect::<Vec<_>>() {
            self.begin_end(key, CloseReason::Revoked, now);
        }
    }

    /// An administrator ends sessions; the answer comes when they are over.
    pub(super) fn end_by_order(&mut self, connection: u32, which: &Which, reason: &str, by: &str) {
        let meant = self.sessions.iter().filter(|(_, live)| match which {
            Which::Session(id) => live.id() == id,
            Which::Grant(id) => {
                live.grant.id.as_str() == id
                    || live.state.extensions.iter().any(|extension| extension.grant == *id)
            }
            Which::Person(name) => live.grant.person.as_str() == name,
            Which::Vendor(name) => live.grant.vendor.as_str() == name,
            Which::All => true,
        });
        let sessions: Vec<u32> = meant.map(|(key, _)| *key).collect();
        let reason = CloseReason::EndedBy { by: by.to_owned(), reason: reason.to_owned() };
        for key in &sessions {
            self.begin_end(*key, reason.clone(), Boottime::now());
        }
        self.waiters.push(Waiter { connection, count: sessions.len(), sessions });
        self.answer_waiters();
    }

    /// A refused connection is ended if it stays.
    pub(super) fn end_refused_connection(&mut self, monitor: i32, connection: u32) {
        let audit_session = ending::own_audit_session(monitor);
        if start_and_state(monitor).is_some()
            && let Ok(monitor) = Pidfd::open(monitor)
            && !self.hung_up(connection)
        {
            let ends = Boottime::now().plus_secs(REFUSED_STAYS);
            self.refused.push(RefusedConnection { monitor, audit_session, ends });
        }
    }

    // ---- the end

    /// Begins to end a session: the person is told why, nothing more runs, and killing starts a moment later.
    pub(super) fn begin_end(&mut self, key: u32, reason: CloseReason, due: Boottime) {
        let Some(live) = self.sessions.get_mut(&key) else { return };
        if live.ending.is_some() || live.over.is_some() {
            return;
        }
        // sshd needs a moment to bring that to the person; nothing more runs meanwhile.
        let killed_from = Boottime(Boottime::now().0 + LAST_WORDS * 1_000_000);
        live.state.ending = Some(reason.clone());
        live.ending = Some(Ending { reason, due, next_kill: killed_from, killed: 0, told: false });
        // A next recorder goes on with it; if the disk refuses, the deadline still ends the session.
        let _ = self.states.put(&live.state);
    }

    /// The last words, and the rounds of killing that are due, with one look at the processes for all of them.
    fn kill_rounds(&mut self, now: Boottime) {
        let concerned = |end: &Ending| !end.told || now >= end.next_kill;
        let sessions = self.sessions.iter().filter(|(_, live)| live.ending.as_ref().is_some_and(concerned));
        let sessions: Vec<(u32, u32)> =
            sessions.map(|(key, live)| (*key, live.state.audit_session)).collect();
        if sessions.is_empty() {
            return;
        }
        let mut processes = ending::processes_of_each(sessions.iter().map(|(_, audit)| *audit));
        for (key, audit_session) in sessions {
            self.kill_round(key, now, &processes.remove(&audit_session).unwrap_or_default());
        }
    }

    fn kill_round(&mut self, key: u32, now: Boottime, processes: &[(i32, Pidfd)]) {
        let Some(live) = self.sessions.get_mut(&key) else { return };
        let Some(end) = live.ending.as_mut() else { return };
        if !std::mem::replace(&mut end.told, true)
            && !terminal::tell_processes(processes, &format!("this session is over: {}", end.reason.told()))
        {
            // No terminal, no last words.
            end.next_kill = now;
        }
        if now < end.next_kill {
            let monitor = live.state.handover.monitor;
            let serves = |pid: i32| pid == monitor || ending::parent(pid) == Some(monitor);
            for (_, process) in processes.iter().filter(|(pid, _)| !serves(*pid)) {
                process.signal(Signal::SIGKILL);
            }
            end.killed = end.killed.max(processes.len() as u64);
            return;
        }
        if let Some(scope) = &live.state.scope {
            let _ = ending::kill_cgroup(scope);
        }
        ending::kill(processes);
        end.killed = end.killed.max(processes.len() as u64);
        // What can't be found or does not die must not keep the loop from its other work.
        let round = if now.millis_since(end.due) < PERSISTENT { ROUND } else { 1_000 };
        end.next_kill = Boottime(now.0 + round * 1_000_000);
        // Without a listener the kernel does not say when it is over; that nothing is found must do.
        if live.listener.is_none() && processes.is_empty() {
            self.over(key, false);
        }
    }

    /// The session is over: `session.close` is written, then everything of it is forgotten.
    pub(super) fn over(&mut self, key: u32, proved: bool) {
        // What the kernel still has to tell of it comes first.
        self.kernel_speaks();
        if self.over_later(key, proved) {
            return;
        }
        let Some(live) = self.sessions.get_mut(&key) else { return };
        let mut noted: Vec<_> =
            self.taken_up.extract_if(|(of, _), _| *of == key).map(|(_, gate)| gate).collect();
        noted.sort_by_key(|gate| gate.seq);
        let noted: Vec<_> =
            noted.iter().map(|gate| gate::from_gate_line(gate, &live.state, &live.grant)).collect();
        let mut pending: Vec<_> = std::mem::take(&mut live.pending).into_values().collect();
        pending.sort_by_key(|pending| pending.seq);
        // What an earlier recorder had noted, and died before its turn came.
        noted.iter().for_each(|command| self.append_command(key, command));
        for pending in &pending {
            self.finish(key, pending, audit::command::Outcome::Unknown);
        }
        let Some(live) = self.sessions.get(&key) else { return };
        let (now, uid) = (live.over.map_or_else(Boottime::now, |over| over.since), live.state.handover.uid);
        let (reason, lateness_ms, killed) = match &live.ending {
            Some(end) => (end.reason.clone(), now.millis_since(end.due), end.killed),
            // Another line of ending was quicker than ours.
            None if now >= live.state.deadline => {
                let reason = if live.state.limit == "host_limit" {
                    CloseReason::HostLimit
                } else {
                    CloseReason::WindowClosed
                };
                (reason, now.millis_since(live.state.deadline), 0)
            }
            None => (CloseReason::Logout, 0, 0),
        };
        let alone =
            !self.sessions.iter().any(|(other, live)| *other != key && live.state.handover.uid == uid);
        let mut removed = if alone { units::end_manager(uid) } else { Vec::new() };
        let units = units::end(&live.state.asked, units::Wait::No);
        removed.extend(units.removed);
        let (handover, wall) = (&live.state.handover, wall_millis());
        let close = Close {
            time: wall,
            host: handover.host.clone(),
            session: handover.session.clone(),
            grant: live.grant.id.to_string(),
            vendor: live.grant.vendor.to_string(),
            person: live.grant.person.to_string(),
            account: handover.account.clone(),
            source: handover.source.clone(),
            reason,
            lateness_ms,
            duration_ms: live.state.began.map_or_else(
                || u64::try_from(wall.saturating_sub(live.state.opened)).unwrap_or(0),
                |began| Boottime::now().millis_since(began),
            ),
            commands: live.seq,
            differences: live.differences,
            unrecorded: live.unrecorded,
            killed,
            exit_status: live.first.and_then(|(_, status)| status),
            proved,
            removed,
            left: units.left,
        };
        self.backlog.push(close.json());
        self.write_backlog();
        self.forget(key);
    }

    /// Its opening is recorded, and the login was refused after all.
    pub(super) fn never_began(&mut self, key: u32) {
        if let Some(live) = self.sessions.get_mut(&key) {
            let now = Boottime::now();
            let reason = CloseReason::RecorderLost;
            live.ending = Some(Ending { reason, due: now, next_kill: now, killed: 0, told: true });
        }
        self.over(key, false);
    }

    /// Takes a session out of the loop. Its file on disk goes once its close is durable.
    pub(super) fn forget(&mut self, key: u32) {
        let Some(live) = self.sessions.remove(&key) else { return };
        self.unread.forget(key);
        if self.sessions.is_empty() {
            heap_ffi::give_back();
        }
        if let Some(listener) = &live.listener {
            let _ = self.epoll.delete(listener);
        }
        if let Some(monitor) = &live.monitor {
            let _ = self.epoll.delete(monitor);
        }
        if let Some(kernel) = &mut self.kernel {
            kernel.forget(live.state.audit_session);
            if let Some((pid, _)) = live.first {
                kernel.forget_exit(pid);
            }
        }
        let id = live.id().to_owned();
        if let Some(scope) = &live.state.scope {
            ending::own_cgroup::remove(scope);
        }
        // The sweep looks for a while whether anything of it turns up after all.
        let closed = self.settings.runtime.join("closed");
        let _ = std::fs::create_dir_all(&closed);
        let _ = std::fs::write(closed.join(live.state.audit_session.to_string()), "");
        let _ = std::fs::remove_file(
            self.settings.runtime.join("sudo").join(live.state.audit_session.to_string()),
        );
        let _ = self.store.release(&id);
        if self.backlog.is_empty() {
            let _ = self.states.remove(&id);
        } else {
            self.closed_on_disk.push(id);
        }
        for waiter in &mut self.waiters {
            waiter.sessions.retain(|session| *session != key);
        }
        self.answer_waiters();
    }

    fn answer_waiters(&mut self) {
        let (done, waiting) =
            std::mem::take(&mut self.waiters).into_iter().partition(|waiter| waiter.sessions.is_empty());
        self.waiters = waiting;
        self.replies.extend(
            done.into_iter()
                .map(|waiter: Waiter| (waiter.connection, json(&Reply::Done { sessions: waiter.count }))),
        );
    }
}

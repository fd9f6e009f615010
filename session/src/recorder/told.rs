//! What the kernel tells of execs, from whichever source: each completes the record of the one that stood at the gate.

use std::time::Duration;

use audit::Event;
use audit::command::{Command, Outcome};
use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::Pid;

use super::arguments::Identity;
use super::clock::Boottime;
use super::live::Pending;
use super::reading::Unread;
use super::{Recorder, gate, units};
use crate::kernel_copy::{self, Call, KernelCopy, Standing};

/// How long after an exec was let run the kernel's ring is looked at, in milliseconds. Every event by itself would wake
/// the recorder beside the very program that just started, and keep a processor from it.
const LOOK: u64 = 10;
/// The longest time between two looks while an exec is under way and nothing is told of it, in milliseconds.
const LATEST: u64 = 1_000;
/// After so many milliseconds what is dead stays so.
const SETTLED: u64 = 50;
/// The pause between two looks before an orderly stop.
const AGAIN: Duration = Duration::from_millis(1);

impl Pending {
    /// Whether what the kernel told at this time can be of this exec.
    fn is_told_at(&self, time: Option<u64>) -> bool {
        time.is_none_or(|time| time >= self.stood.0)
    }
}

impl Recorder {
    /// An exec was let run, of which the kernel will tell: the ring is looked at soon.
    pub(super) fn will_be_told(&mut self) {
        let wakes = self.kernel.as_ref().is_some_and(KernelCopy::tells_later);
        let soon = Boottime::now().plus_millis(LOOK);
        if !wakes && self.look.is_none_or(|(at, _)| at > soon) {
            self.look = Some((soon, LOOK));
        }
    }

    /// Looks at the ring if it is time.
    pub(super) fn kernel_is_looked_at(&mut self, now: Boottime) {
        let Some((at, after)) = self.look else { return };
        if now < at {
            return;
        }
        let told = self.kernel_speaks();
        let untold = self.sessions.values().any(|live| !live.pending.is_empty());
        // An exec from a disk that does not answer is no reason to look every few milliseconds.
        let after = if told { LOOK } else { (after * 2).min(LATEST) };
        if after == LATEST {
            self.give_up_the_dead();
        }
        self.look = untold.then(|| (now.plus_millis(after), after));
    }

    /// Before an orderly stop: what was let run is on its way into its program, and what the kernel tells of it would be lost
    /// with the ring.
    pub(super) fn hear_the_kernel_out(&mut self) {
        let until = Boottime::now().plus_millis(LATEST);
        // A thread that starts a program loses its own number a moment before the kernel tells of it.
        let dead = Boottime::now().plus_millis(SETTLED);
        loop {
            self.kernel_speaks();
            if Boottime::now() >= dead {
                self.give_up_the_dead();
            }
            let untold = self.kernel.is_some() && self.sessions.values().any(|live| !live.pending.is_empty());
            if !untold || Boottime::now() >= until {
                return;
            }
            std::thread::sleep(AGAIN);
        }
    }

    /// Of a thread that was killed in its exec, or became another's, nothing will be told any more.
    fn give_up_the_dead(&mut self) {
        let gone = |tid: &i32| kill(Pid::from_raw(*tid), None) == Err(Errno::ESRCH);
        let dead = self.sessions.iter().flat_map(|(key, live)| {
            live.pending.keys().filter(|tid| gone(tid)).map(|tid| (*key, *tid)).collect::<Vec<_>>()
        });
        for (key, tid) in dead.collect::<Vec<_>>() {
            let pending = self.sessions.get_mut(&key).and_then(|live| live.pending.remove(&tid));
            if let Some(pending) = pending {
                self.finish(key, &pending, Outcome::Unknown);
            }
        }
    }

    /// Who stands at the gate, and where, if the kernel says it.
    pub(super) fn standing(&mut self, of: &Unread) -> Option<Standing> {
        let tid = i32::try_from(of.notification.pid).ok()?;
        self.kernel.as_mut()?.standing(tid)
    }

    /// Whether it tells of this session now.
    pub(super) fn kernel_tells_of(&self, audit_session: u32) -> bool {
        self.kernel.as_ref().is_some_and(|kernel| kernel.tells_of(audit_session))
    }

    /// Has it tell of this session, where there is any. Once for each session.
    pub(super) fn kernel_watches(&mut self, audit_session: u32) -> std::io::Result<()> {
        let Some(kernel) = &mut self.kernel else { return Ok(()) };
        kernel.watch(audit_session).map_err(std::io::Error::other)
    }

    /// Takes in all that the kernel has to tell by now; whether that was anything.
    pub(super) fn kernel_speaks(&mut self) -> bool {
        let mut told = false;
        let lost = self.kernel.as_ref().map_or(0, KernelCopy::lost);
        if lost > self.lost {
            let message = format!(
                "the kernel could not hand over {} events: those records show the gate only",
                lost - self.lost
            );
            self.lost = lost;
            self.notice(Event::RecorderFull, None, &message);
        }
        while let Some(event) = self.kernel.as_mut().and_then(KernelCopy::next_event) {
            told = true;
            match event {
                kernel_copy::Event::Ran(ran) => self.ran(&ran),
                kernel_copy::Event::Failed { time, session, pid, tid, call, errno } => {
                    self.ended(session, (pid, tid, time), call.as_ref(), Outcome::Failed(errno));
                }
                kernel_copy::Event::Died { session, pid, call } => {
                    self.ended(session, (pid, None, None), Some(&call), Outcome::Unknown);
                }
                kernel_copy::Event::Exited { session, pid, status } => {
                    let Some(key) = self.by_audit_session(session) else { continue };
                    if let Some(live) = self.sessions.get_mut(&key)
                        && let Some((first, known)) = &mut live.first
                        && *first == pid
                    {
                        known.get_or_insert(status);
                    }
                }
            }
        }
        while let Some(trouble) = self.kernel.as_mut().and_then(KernelCopy::trouble) {
            self.notice(Event::RecorderConfig, None, &trouble);
        }
        told
    }

    /// An exec of which nothing came.
    pub(super) fn ended(
        &mut self,
        session: u32,
        (pid, tid, time): (i32, Option<i32>, Option<u64>),
        call: Option<&Call>,
        outcome: Outcome,
    ) {
        let Some(key) = self.by_audit_session(session) else { return };
        let Some(live) = self.sessions.get_mut(&key) else { return };
        let tid = tid.or_else(|| live.caller_of(pid, call?));
        let tid = tid.filter(|tid| live.pending.get(tid).is_some_and(|pending| pending.is_told_at(time)));
        if let Some(pending) = tid.and_then(|tid| live.pending.remove(&tid)) {
            self.finish(key, &pending, outcome);
        }
    }

    pub(super) fn ran(&mut self, ran: &kernel_copy::Ran) {
        let Some(key) = self.by_audit_session(ran.session) else { return };
        let Some(live) = self.sessions.get_mut(&key) else { return };
        // After an exec the thread has the number of its process; several threads may have stood at the gate.
        let mut same: Vec<_> =
            live.pending.values().filter(|p| p.caller.pid == ran.pid && p.is_told_at(ran.time)).collect();
        if same.len() > 1 {
            let its = Identity::of(&ran.argv);
            same.sort_by_key(|p| (p.arguments.identity != its, p.caller.path != ran.name, p.seq));
        }
        let tid = match &ran.call {
            Some(call) => live.caller_of(ran.pid, call),
            None => same.first().map(|p| p.caller.tid),
        };
        let Some(tid) = tid else { return };
        let Some(pending) = live.pending.remove(&tid) else { return };
        let (command, differs) = gate::ran(live, &pending, ran);
        live.differences += u64::from(differs);
        let executable = command.executable.as_deref().unwrap_or(&ran.name);
        if let Some(asked) = units::Asked::of(executable, command.time, &ran.argv, pending.caller.euid == 0)
            && units::remember(&mut live.state.asked, asked)
        {
            // For a next recorder; without it the unit is left to its own end.
            let _ = self.states.put(&live.state);
        }
        self.append_command(key, &command);
    }

    pub(super) fn finish(&mut self, key: u32, pending: &Pending, outcome: Outcome) {
        let Some(live) = self.sessions.get(&key) else { return };
        let command = gate::not_ran(&live.state, &live.grant, pending, outcome);
        self.append_command(key, &command);
    }

    pub(super) fn append_command(&mut self, key: u32, command: &Command) {
        for line in command.json() {
            if let Some(live) = self.sessions.get_mut(&key) {
                live.bytes += line.len() as u64 + 1;
            }
            self.spool.append(&line);
        }
    }

    pub(super) fn by_audit_session(&self, audit_session: u32) -> Option<u32> {
        self.sessions.iter().find(|(_, live)| live.state.audit_session == audit_session).map(|(key, _)| *key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recorder::arguments::Arguments;
    use crate::recorder::caller::Caller;

    #[test]
    fn what_was_told_before_an_exec_stood_at_the_gate_is_of_another() {
        let (caller, arguments) = (Caller::default(), Arguments::of(&[]));
        let pending = Pending { seq: 1, time: 0, stood: Boottime(1_000), caller, arguments };
        assert!(!pending.is_told_at(Some(999)));
        assert!(pending.is_told_at(Some(1_000)));
        assert!(pending.is_told_at(None), "the source has another clock, and looks by itself");
    }
}

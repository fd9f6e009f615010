//! The second source: the audit subsystem, for hosts without BPF.
//!
//! Each watched session has rules by which the kernel tells of its execs when they return; the records are heard beside
//! an audit daemon, which has them too. It is not started where audit is off: without a daemon every record, with all
//! arguments, would go to the kernel log. Records come a moment after the exec, and are joined by `gathered.rs`.

mod change;
mod clerk;
mod control;
mod gathered;
mod rule;
mod text;

use std::collections::{HashSet, VecDeque};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::{Event, Unavailable};
use change::Change;
use clerk::Clerk;
use control::{Control, LOCKED, LONGEST, hear, listen};
use gathered::Gathered;
use rule::{Owner, Rule};

/// Record: somebody changed audit's rules or settings.
const CHANGED: u16 = 1305;
/// Bytes that may wait to be heard: some hundred execs with the most arguments, tens of thousands of others.
const WAITING: usize = 64 * 1024 * 1024;
/// Records that are heard in one go, so that a busy host's other records leave time for the rest.
const HEARD_AT_ONCE: usize = 8192;
/// After it was switched off, records may come for so many milliseconds.
const OFF: i64 = 200;
/// How long the trial at the start may take.
const TRIAL: Duration = Duration::from_secs(3);

/// The audit subsystem, and our rules in it.
#[derive(Debug)]
pub(crate) struct KernelAudit {
    records: OwnedFd,
    clerk: Clerk,
    owner: Owner,
    watched: HashSet<u32>,
    /// Rules of an earlier recorder, until their session is watched again.
    left: Vec<Rule>,
    gathered: Gathered,
    /// A parent whose children are wanted: the trial.
    trial: Option<i32>,
    /// How often records were dropped because too many waited here.
    overrun: u64,
    /// What the kernel had dropped itself when it was asked last, and since the start.
    dropped: (u32, u64),
    /// The time of the last record.
    heard: i64,
    /// When somebody switched audit off.
    off: Option<i64>,
    /// Somebody locked the rules until the next boot: no session can be watched that is not already.
    locked: bool,
    trouble: VecDeque<String>,
    buffer: Vec<u8>,
}

/// Removes the rules that an earlier recorder of this folder left, if there are any.
pub(super) fn remove_left(runtime: &Path) {
    let owner = Owner::of(runtime);
    // What can't be removed costs the host a little time, and tells nobody.
    let _ = Clerk::start().and_then(|mut clerk| {
        clerk.ask(move |control| {
            let rules = control.rules()?;
            let mut ours = rules.iter().filter(|rule| owner.session(rule.key()).is_some());
            ours.try_for_each(|rule| control.remove(rule))
        })
    });
}

fn unavailable(text: impl Into<String>) -> Unavailable {
    Unavailable(text.into())
}

impl KernelAudit {
    /// Begins to listen, and tries with a program of our own whether execs are told. `alone`: also without a daemon.
    ///
    /// # Errors
    /// [`Unavailable`] says what is in the way.
    pub(super) fn start(runtime: &Path, alone: bool) -> Result<Self, Unavailable> {
        let no_way = |error: Errno| {
            unavailable(match error {
                Errno::EPERM | Errno::ECONNREFUSED | Errno::EPROTONOSUPPORT | Errno::EAFNOSUPPORT => {
                    format!(
                        "the kernel gives no access to audit (a container, or no CAP_AUDIT_CONTROL): {error}"
                    )
                }
                _ => format!("audit does not answer: {error}"),
            })
        };
        let mut clerk = Clerk::start().map_err(no_way)?;
        let status = clerk.ask(Control::status).map_err(no_way)?;
        match status.enabled {
            0 => return Err(unavailable("audit is off, and a recorder does not switch it on (auditd does)")),
            LOCKED => {
                return Err(unavailable("audit's rules are locked until the next boot (auditctl -e 2)"));
            }
            _ => {}
        }
        if status.daemon == 0 && !alone {
            return Err(unavailable(
                "no audit daemon runs, so the arguments of every command would go to the kernel log \
                 (kernel_copy = \"audit\" in host.toml takes it all the same)",
            ));
        }
        let records = listen(WAITING).map_err(|error| {
            unavailable(format!("audit's records can't be heard (CAP_AUDIT_READ): {error}"))
        })?;
        let owner = Owner::of(runtime);
        let mut left = clerk.ask(Control::rules).map_err(no_way)?;
        left.retain(|rule| owner.session(rule.key()).is_some());
        let mut audit = Self::with(records, clerk, owner, left, status.lost);
        audit.try_out()?;
        Ok(audit)
    }

    fn with(records: OwnedFd, clerk: Clerk, owner: Owner, left: Vec<Rule>, lost: u32) -> Self {
        Self {
            records,
            clerk,
            owner,
            watched: HashSet::new(),
            left,
            gathered: Gathered::default(),
            trial: None,
            overrun: 0,
            dropped: (lost, 0),
            heard: 0,
            off: None,
            locked: false,
            trouble: VecDeque::new(),
            buffer: vec![0; LONGEST],
        }
    }

    /// Runs a program, and waits until it is told: a host's own rules can suppress it.
    fn try_out(&mut self) -> Result<(), Unavailable> {
        let parent = std::process::id();
        let rules: Vec<Rule> = Rule::for_children(&self.owner, parent).collect();
        let tried = match self.add(rules.clone()) {
            Ok(()) => self.hear_a_child(i32::try_from(parent).unwrap_or(0)),
            Err(error) => Err(unavailable(format!("audit takes no rule: {error}"))),
        };
        self.remove(rules);
        tried
    }

    fn add(&mut self, rules: Vec<Rule>) -> nix::Result<()> {
        self.clerk.ask(move |control| rules.iter().try_for_each(|rule| control.add(rule)))
    }

    /// One that can't be removed, or not in time, is found by its key at the next start.
    fn remove(&mut self, rules: Vec<Rule>) {
        self.clerk
            .tell(move |control| rules.iter().for_each(|rule| control.remove(rule).unwrap_or_default()));
    }

    fn hear_a_child(&mut self, parent: i32) -> Result<(), Unavailable> {
        let failed = |error: std::io::Error| unavailable(format!("audit can't be tried out: {error}"));
        self.trial = Some(parent);
        let mut child = Command::new("/proc/self/exe")
            .args(["--version"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(failed)?;
        let pid = i32::try_from(child.id()).unwrap_or(0);
        let until = Instant::now() + TRIAL;
        let mut told = false;
        while !told && Instant::now() < until {
            let mut ready = [PollFd::new(self.records.as_fd(), PollFlags::POLLIN)];
            let _ = poll(&mut ready, PollTimeout::from(50_u8));
            while let Some(event) = self.next_event() {
                told |= matches!(event, Event::Ran(ran) if ran.pid == pid && ran.whole);
            }
        }
        self.trial = None;
        child.wait().map_err(failed)?;
        if told {
            return Ok(());
        }
        Err(unavailable(
            "audit is on and tells nothing of a program that was run (a rule like -a never,task?)",
        ))
    }

    /// Whether audit is on.
    pub(super) fn tells(&self) -> bool {
        self.off.is_none()
    }

    /// Whether it tells of this session.
    pub(super) fn tells_of(&self, session: u32) -> bool {
        self.tells() && self.watched.contains(&session)
    }

    /// Why it would not tell of a session that opens now.
    pub(super) fn tells_of_no_other(&self) -> Option<&'static str> {
        if !self.tells() {
            return Some("audit was switched off");
        }
        self.locked.then_some(
            "audit's rules were locked until the next boot (auditctl -e 2), so sessions that opened since have the gate's word alone",
        )
    }

    /// Where the rules are locked the session is not watched, and that is no error: [`Self::tells_of`] says it.
    pub(super) fn watch(&mut self, session: u32) -> Result<(), Unavailable> {
        let rules: Vec<Rule> = Rule::for_session(&self.owner, session).collect();
        let left = self.left.iter().filter(|left| self.owner.session(left.key()) == Some(session));
        if left.count() >= rules.len() {
            // An earlier recorder's: they never stopped telling. Should one be missing, that is noticed like any other.
            self.watched.insert(session);
            return Ok(());
        }
        if self.locked {
            return Ok(());
        }
        if let Err(error) = self.add(rules.clone()) {
            if !self.watched.contains(&session) {
                // It may have been added late, or one of two.
                self.remove(rules);
            }
            // The record of the lock may not be read yet, or never come.
            if error == Errno::EPERM && self.ask().is_ok_and(|enabled| enabled == LOCKED) {
                return Ok(());
            }
            return Err(unavailable(format!("audit takes no rule: {error}")));
        }
        self.watched.insert(session);
        if self.off.is_some() {
            let _ = self.ask();
        }
        Ok(())
    }

    pub(super) fn forget(&mut self, session: u32) {
        if self.watched.remove(&session) {
            self.remove(Rule::for_session(&self.owner, session).collect());
        }
    }

    /// Removes the rules of an earlier recorder whose sessions nobody has taken up.
    pub(super) fn remove_unclaimed(&mut self) {
        let mut rules = std::mem::take(&mut self.left);
        rules.retain(|rule| {
            self.owner.session(rule.key()).is_none_or(|session| !self.watched.contains(&session))
        });
        self.remove(rules);
    }

    /// An exec of this session should have been told by now: are its rules there, is audit on, did the kernel drop
    /// anything?
    pub(super) fn look_after(&mut self, session: u32) {
        if self.watched.contains(&session) {
            let _ = self.watch(session);
        }
        let _ = self.ask();
    }

    /// Asks how audit stands.
    fn ask(&mut self) -> nix::Result<u32> {
        let status = self.clerk.ask(Control::status)?;
        self.switched(status.enabled != 0, "somebody");
        if status.enabled == LOCKED {
            self.lock("somebody");
        }
        let more = status.lost.wrapping_sub(self.dropped.0);
        self.dropped = (status.lost, self.dropped.1 + u64::from(more));
        Ok(status.enabled)
    }

    /// The next exec that is told completely.
    pub(super) fn next_event(&mut self) -> Option<Event> {
        for _ in 0..HEARD_AT_ONCE {
            let (kind, record) = match hear(&self.records, &mut self.buffer) {
                Ok(Some(heard)) => heard,
                Ok(None) | Err(Errno::EINTR) => continue,
                Err(Errno::ENOBUFS) => {
                    self.overrun += 1;
                    continue;
                }
                Err(_) => return None,
            };
            let Some((stamp, fields)) = text::stamped(record) else { continue };
            self.heard = stamp.time;
            if kind == CHANGED {
                let change = Change::read(&self.owner, fields);
                self.changed(change);
                continue;
            }
            let (watched, trial) = (&self.watched, self.trial);
            let wanted = |session: u32, parent: i32| watched.contains(&session) || trial == Some(parent);
            let event = self.gathered.take(kind, stamp, fields, wanted);
            if self.off.is_some_and(|since| stamp.time > since + OFF) {
                // The kernel tells when it is switched off, and not when on.
                self.switched(true, "somebody");
            }
            if event.is_some() {
                return event;
            }
        }
        None
    }

    fn changed(&mut self, change: Change) {
        match change {
            Change::Removed(session) if self.watched.contains(&session) => {
                // As `auditctl -D` does, and with it each restart of an audit daemon.
                self.watched.remove(&session);
                self.left.retain(|left| self.owner.session(left.key()) != Some(session));
                let back = self.watch(session).is_ok() && self.watched.contains(&session);
                let outcome = if back { "they were put back" } else { "they could not be put back" };
                let trouble = format!("somebody removed audit rules of an open session; {outcome}");
                if self.trouble.back() != Some(&trouble) {
                    self.trouble.push_back(trouble);
                }
            }
            Change::Switched { on, by } => self.switched(on, &by),
            Change::Locked { by } => {
                self.switched(true, &by);
                self.lock(&by);
            }
            Change::Removed(_) | Change::Other => {}
        }
    }

    fn switched(&mut self, on: bool, by: &str) {
        if self.off.is_some() == on {
            self.off = (!on).then_some(self.heard);
            let what = if on { "on again: records have" } else { "off: from now on records lack" };
            self.trouble.push_back(format!("{by} switched audit {what} the kernel's copy of what ran"));
        }
    }

    /// Nothing unlocks them but a boot.
    fn lock(&mut self, by: &str) {
        if !std::mem::replace(&mut self.locked, true) {
            self.trouble.push_back(format!(
                "{by} locked audit's rules until the next boot: records of sessions that open from now on lack the kernel's copy of what ran"
            ));
        }
    }

    pub(super) fn lost(&self) -> u64 {
        self.overrun + self.gathered.lost + self.dropped.1
    }

    pub(super) fn trouble(&mut self) -> Option<String> {
        self.trouble.pop_front()
    }
}

impl AsFd for KernelAudit {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.records.as_fd()
    }
}

#[cfg(test)]
#[path = "kernel_audit/locked_tests.rs"]
mod locked_tests;

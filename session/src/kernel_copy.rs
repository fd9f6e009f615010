//! The kernel's own copy of what ran, from whichever source the host has: a BPF program, or the audit subsystem.
//!
//! A caller can change its arguments between the gate and the exec, so what it showed at the gate may be a lie. Both
//! sources report the arguments as the kernel has them. BPF comes first: its events are there before the exec is over.
//! Audit's come a moment later (`recorder/held.rs` waits for them). Without either, records say `argv_source: gate`.

mod bpf;
mod event;
mod kernel_audit;

use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use bpf::Bpf;
pub(crate) use event::{Call, Event, Ran, Standing};
use kernel_audit::KernelAudit;

/// Why the kernel's copy is not to be had on this host.
#[derive(Debug, thiserror::Error)]
#[error("the kernel's copy of what ran is not available: {0}")]
pub struct Unavailable(String);

/// Which source the host's configuration wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// BPF; else audit, where an audit daemon runs.
    Auto,
    /// BPF alone.
    Bpf,
    /// Audit alone, also where no daemon runs.
    Audit,
    /// None.
    Nothing,
}

/// A source of the kernel's own copy.
#[derive(Debug)]
pub(crate) enum KernelCopy {
    /// The BPF program.
    Bpf(Box<Bpf>),
    /// The audit subsystem.
    Audit(Box<KernelAudit>),
}

impl KernelCopy {
    /// Starts the source that is wanted and to be had. It reports nothing before [`KernelCopy::watch`]. `runtime` is
    /// the recorder's folder, by which it knows what an earlier one has left in the kernel.
    ///
    /// # Errors
    /// [`Unavailable`] says why there is none.
    pub(crate) fn start(wanted: Wanted, runtime: &Path) -> Result<Self, Unavailable> {
        let bpf = || Bpf::start().map(|bpf| Self::Bpf(Box::new(bpf)));
        let audit = |alone| KernelAudit::start(runtime, alone).map(|audit| Self::Audit(Box::new(audit)));
        let started = match wanted {
            Wanted::Bpf => bpf(),
            Wanted::Audit => audit(true),
            Wanted::Auto => bpf().or_else(|Unavailable(no_bpf)| {
                audit(false)
                    .map_err(|Unavailable(no_audit)| Unavailable(format!("BPF: {no_bpf}; audit: {no_audit}")))
            }),
            Wanted::Nothing => Err(Unavailable("host.toml says kernel_copy = \"none\"".to_owned())),
        };
        if !matches!(started, Ok(Self::Audit(_))) {
            // An earlier recorder may have had another source.
            kernel_audit::remove_left(runtime);
        }
        started
    }

    /// What it is called.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Bpf(_) => "BPF",
            Self::Audit(_) => "audit",
        }
    }

    /// Whether it tells of a session that is watched: audit can be switched off by others, and its rules be locked.
    pub(crate) fn tells_of(&self, audit_session: u32) -> bool {
        match self {
            Self::Bpf(_) => true,
            Self::Audit(audit) => audit.tells_of(audit_session),
        }
    }

    /// Why it would not tell of a session that opens now, if it would not.
    pub(crate) fn tells_of_no_other(&self) -> Option<&'static str> {
        match self {
            Self::Bpf(_) => None,
            Self::Audit(audit) => audit.tells_of_no_other(),
        }
    }

    /// Whether an exec can be over before its event is there.
    pub(crate) fn tells_later(&self) -> bool {
        matches!(self, Self::Audit(audit) if audit.tells())
    }

    /// Reports what runs under this audit session id from now on.
    ///
    /// # Errors
    /// [`Unavailable`] if the kernel refuses.
    pub(crate) fn watch(&mut self, audit_session: u32) -> Result<(), Unavailable> {
        match self {
            Self::Bpf(bpf) => bpf.watch(audit_session),
            Self::Audit(audit) => audit.watch(audit_session),
        }
    }

    /// Reports it no longer.
    pub(crate) fn forget(&mut self, audit_session: u32) {
        match self {
            Self::Bpf(bpf) => bpf.forget(audit_session),
            Self::Audit(audit) => audit.forget(audit_session),
        }
    }

    /// Every session of an earlier recorder is watched again: what else it left in the kernel goes.
    pub(crate) fn taken_up(&mut self) {
        if let Self::Audit(audit) = self {
            audit.remove_unclaimed();
        }
    }

    /// Nothing was told of an exec of this session although it should have been by now.
    pub(crate) fn missed(&mut self, audit_session: u32) {
        if let Self::Audit(audit) = self {
            audit.look_after(audit_session);
        }
    }

    /// Reports the exit of this process of a watched session, if the source can.
    pub(crate) fn watch_exit(&mut self, pid: i32) {
        if let Self::Bpf(bpf) = self {
            bpf.watch_exit(pid);
        }
    }

    /// Reports it no longer.
    pub(crate) fn forget_exit(&mut self, pid: i32) {
        if let Self::Bpf(bpf) = self {
            bpf.forget_exit(pid);
        }
    }

    /// Who stands at the gate in this thread, and where, if the source can say it. It need not: /proc says it too.
    pub(crate) fn standing(&mut self, tid: i32) -> Option<Standing> {
        match self {
            Self::Bpf(bpf) => bpf.standing(tid),
            Self::Audit(_) => None,
        }
    }

    /// The next event that is complete, without waiting.
    pub(crate) fn next_event(&mut self) -> Option<Event> {
        match self {
            Self::Bpf(bpf) => bpf.next_event(),
            Self::Audit(audit) => audit.next_event(),
        }
    }

    /// How many events the kernel could not hand over because there was no room.
    pub(crate) fn lost(&self) -> u64 {
        match self {
            Self::Bpf(bpf) => bpf.lost(),
            Self::Audit(audit) => audit.lost(),
        }
    }

    /// What somebody did to the source since this was asked last.
    pub(crate) fn trouble(&mut self) -> Option<String> {
        match self {
            Self::Bpf(_) => None,
            Self::Audit(audit) => audit.trouble(),
        }
    }
}

/// For epoll, which wants a borrowed descriptor.
impl AsFd for KernelCopy {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Bpf(bpf) => bpf.as_fd(),
            Self::Audit(audit) => audit.as_fd(),
        }
    }
}

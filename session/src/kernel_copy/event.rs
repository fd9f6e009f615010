//! What the kernel tells of execs, whichever source has it.

/// What the kernel tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    /// It succeeded.
    Ran(Ran),
    /// It failed.
    Failed {
        /// When, nanoseconds of CLOCK_BOOTTIME, where the source says it so.
        time: Option<u64>,
        /// Audit session id.
        session: u32,
        /// Thread group in this pid namespace, 0 if it is elsewhere.
        pid: i32,
        /// Thread in this pid namespace, where the source knows it.
        tid: Option<i32>,
        /// What else tells it from other execs of the process, where the source knows it.
        call: Option<Call>,
        /// The error number, positive.
        errno: i32,
    },
    /// Its process died in the call, so that nothing came of it.
    Died {
        /// Audit session id.
        session: u32,
        /// Process id in this pid namespace.
        pid: i32,
        /// What tells it from other execs of the process.
        call: Call,
    },
    /// A process named with [`super::KernelCopy::watch_exit`] exited.
    Exited {
        /// Audit session id.
        session: u32,
        /// Process id in this pid namespace.
        pid: i32,
        /// Its status, as a shell shows it.
        status: i32,
    },
}

/// A program that was started, as the kernel has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ran {
    /// When, nanoseconds of CLOCK_BOOTTIME, where the source says it so.
    pub(crate) time: Option<u64>,
    /// Audit session id.
    pub(crate) session: u32,
    /// Process id in this pid namespace, 0 if it is elsewhere.
    pub(crate) pid: i32,
    /// Inode of the executable.
    pub(crate) inode: u64,
    /// Device of the executable, as the kernel numbers it.
    pub(crate) device: u32,
    /// The file asked for, at most 255 bytes of it.
    pub(crate) name: Vec<u8>,
    /// The file that runs, resolved, where the source knows it.
    pub(crate) executable: Option<Vec<u8>>,
    /// What tells this exec from others of the process, where the source knows it.
    pub(crate) call: Option<Call>,
    /// Whether that file is a script, so that its interpreter runs and stands first in the arguments.
    pub(crate) script: bool,
    /// The arguments.
    pub(crate) argv: Vec<Vec<u8>>,
    /// False when some argument bytes could not be read.
    pub(crate) whole: bool,
}

/// Who stands at the gate, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Process.
    pub(crate) pid: i32,
    /// Parent process, 0 if it is in another pid namespace.
    pub(crate) parent: i32,
    /// Real user id.
    pub(crate) uid: u32,
    /// Effective user id.
    pub(crate) euid: u32,
    /// Working directory.
    pub(crate) cwd: Vec<u8>,
}

/// What tells one exec of a process from another where the kernel names no thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Call {
    /// When it began, wall clock milliseconds, at most a timer tick early.
    pub(crate) time: i64,
    /// Its first four arguments, as the registers had them.
    pub(crate) registers: [u64; 4],
}

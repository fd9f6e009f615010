//! The first source: the BPF program of `session/bpf/exec.bpf.c`, loaded and read.
//!
//! It reports the arguments as the kernel copied them, while the exec is still in the kernel. It needs BTF, CAP_BPF
//! and CAP_PERFMON; where they are missing, [`Bpf::start`] says why. The object is compiled from source in the build
//! and carried in the binary.

mod chunks;
mod standing;

use std::os::fd::BorrowedFd;
use std::os::unix::fs::MetadataExt;

use aya::maps::{HashMap, MapData, PerCpuArray, RingBuf};
use aya::programs::{BtfTracePoint, FExit, ProgramError, RawTracePoint, RawTracePointRunOptions, TestRun};
use aya::{Btf, Ebpf, EbpfLoader};

use super::{Event, Standing, Unavailable};

/// The compiled program; build.rs makes it with clang.
static OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/exec.bpf.o"));

/// The functions whose return tells of a failed exec, where the kernel lets functions be traced.
#[cfg(target_arch = "aarch64")]
const RETURNS: [(&str, &str); 4] = [
    ("execve_returned", "__arm64_sys_execve"),
    ("execveat_returned", "__arm64_sys_execveat"),
    ("compat_execve_returned", "__arm64_compat_sys_execve"),
    ("compat_execveat_returned", "__arm64_compat_sys_execveat"),
];
/// The functions whose return tells of a failed exec, where the kernel lets functions be traced.
#[cfg(not(target_arch = "aarch64"))]
const RETURNS: [(&str, &str); 4] = [
    ("execve_returned", "__x64_sys_execve"),
    ("execveat_returned", "__x64_sys_execveat"),
    ("compat_execve_returned", "__ia32_compat_sys_execve"),
    ("compat_execveat_returned", "__ia32_compat_sys_execveat"),
];

/// The loaded program.
pub(crate) struct Bpf {
    bpf: Ebpf,
    sessions: HashMap<MapData, u32, u8>,
    firsts: HashMap<MapData, u32, u8>,
    events: RingBuf<MapData>,
    gates: RingBuf<MapData>,
    /// Whether the kernel takes the program that says who stands at the gate. /proc says the same, slower.
    asks: bool,
    /// Chunks of an exec whose arguments need more than one event.
    parts: chunks::Parts,
    watched: usize,
    /// True when failed execs are told by function returns; otherwise by a tracepoint that costs every
    /// system call a little, attached only while a session is open.
    by_function: bool,
    link: Option<aya::programs::tp_btf::BtfTracePointLinkId>,
}

impl std::fmt::Debug for Bpf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bpf").field("watched", &self.watched).finish_non_exhaustive()
    }
}

fn unavailable(error: impl std::fmt::Display) -> Unavailable {
    // A verifier log has thousands of lines; the first says what is wrong.
    Unavailable(error.to_string().lines().next().unwrap_or_default().chars().take(300).collect())
}

impl Bpf {
    /// Loads the program and attaches it. It reports nothing before [`Bpf::watch`].
    ///
    /// # Errors
    /// [`Unavailable`] if the kernel or a missing capability refuses.
    pub(super) fn start() -> Result<Self, Unavailable> {
        let namespace = std::fs::metadata("/proc/self/ns/pid").map_err(unavailable)?;
        let inode = namespace.ino();
        let mut bpf = EbpfLoader::new()
            .override_global("namespace_inode", &inode, true)
            .load(OBJECT)
            .map_err(unavailable)?;
        let btf = Btf::from_sys_fs().map_err(unavailable)?;
        attach(&mut bpf, &btf, "command_ran", "sched_process_exec").map_err(unavailable)?;
        attach(&mut bpf, &btf, "process_exited", "sched_process_exit").map_err(unavailable)?;
        let by_function = RETURNS
            .iter()
            .all(|(program, function)| attach_return(&mut bpf, &btf, program, function).is_ok());
        if !by_function {
            let returned: &mut BtfTracePoint = program(&mut bpf, "call_returned").map_err(unavailable)?;
            returned.load("sys_exit", &btf).map_err(unavailable)?;
        }
        let asks = program::<RawTracePoint>(&mut bpf, "who_stands").and_then(RawTracePoint::load).is_ok();
        let missing = || unavailable("the program lacks a map");
        let sessions =
            HashMap::try_from(bpf.take_map("sessions").ok_or_else(missing)?).map_err(unavailable)?;
        let firsts = HashMap::try_from(bpf.take_map("firsts").ok_or_else(missing)?).map_err(unavailable)?;
        let events = RingBuf::try_from(bpf.take_map("events").ok_or_else(missing)?).map_err(unavailable)?;
        let gates = RingBuf::try_from(bpf.take_map("gates").ok_or_else(missing)?).map_err(unavailable)?;
        Ok(Self {
            bpf,
            sessions,
            firsts,
            events,
            gates,
            asks,
            parts: chunks::Parts::default(),
            watched: 0,
            by_function,
            link: None,
        })
    }

    /// Reports what runs under this audit session id from now on.
    ///
    /// # Errors
    /// [`Unavailable`] if the kernel's table is full.
    pub(super) fn watch(&mut self, audit_session: u32) -> Result<(), Unavailable> {
        self.sessions.insert(audit_session, 1, 0).map_err(unavailable)?;
        self.watched += 1;
        if self.watched == 1 && !self.by_function {
            let returned: &mut BtfTracePoint =
                program(&mut self.bpf, "call_returned").map_err(unavailable)?;
            self.link = Some(returned.attach().map_err(unavailable)?);
        }
        Ok(())
    }

    /// Reports it no longer.
    pub(super) fn forget(&mut self, audit_session: u32) {
        if self.sessions.remove(&audit_session).is_err() {
            return;
        }
        self.watched = self.watched.saturating_sub(1);
        if self.watched == 0
            && let Some(link) = self.link.take()
            && let Ok(returned) = program::<BtfTracePoint>(&mut self.bpf, "call_returned")
        {
            // A link that can't be detached ends with the program at the latest.
            let _ = returned.detach(link);
        }
    }

    /// Reports the exit of this process of a watched session.
    pub(super) fn watch_exit(&mut self, pid: i32) {
        // A full table costs an exit status, nothing else.
        let _ = self.firsts.insert(pid.cast_unsigned(), 1, 0);
    }

    /// Reports it no longer.
    pub(super) fn forget_exit(&mut self, pid: i32) {
        let _ = self.firsts.remove(&pid.cast_unsigned());
    }

    /// Who stands at the gate in this thread, and where.
    pub(super) fn standing(&mut self, tid: i32) -> Option<Standing> {
        if !self.asks {
            return None;
        }
        let mut asked = RawTracePointRunOptions::new();
        asked.args[0] = u64::try_from(tid).ok()?;
        let who: &RawTracePoint = self.bpf.program("who_stands")?.try_into().ok()?;
        who.test_run(asked).ok()?;
        let mut answer = None;
        while let Some(item) = self.gates.next() {
            answer = standing::read(&item, tid);
        }
        answer
    }

    /// The next event that is complete, without waiting.
    pub(super) fn next_event(&mut self) -> Option<Event> {
        while let Some(item) = self.events.next() {
            if let Some(event) = self.parts.take(&item) {
                return Some(event);
            }
        }
        None
    }

    /// How many events the kernel could not hand over because the ring was full.
    #[must_use]
    pub(super) fn lost(&self) -> u64 {
        let Some(map) = self.bpf.map("lost") else { return 0 };
        let Ok(lost) = PerCpuArray::<_, u64>::try_from(map) else { return 0 };
        lost.get(&0, 0).map(|counts| counts.iter().sum()).unwrap_or(0)
    }
}

fn program<'a, T>(bpf: &'a mut Ebpf, name: &str) -> Result<&'a mut T, ProgramError>
where
    &'a mut T: TryFrom<&'a mut aya::programs::Program, Error = ProgramError>,
{
    bpf.program_mut(name).ok_or(ProgramError::NotLoaded)?.try_into()
}

fn attach(bpf: &mut Ebpf, btf: &Btf, name: &str, tracepoint: &str) -> Result<(), ProgramError> {
    let traced: &mut BtfTracePoint = program(bpf, name)?;
    traced.load(tracepoint, btf)?;
    traced.attach().map(drop)
}

fn attach_return(bpf: &mut Ebpf, btf: &Btf, name: &str, function: &str) -> Result<(), ProgramError> {
    let returned: &mut FExit = program(bpf, name)?;
    returned.load(function, btf)?;
    returned.attach().map(drop)
}

/// For epoll, which wants a borrowed descriptor.
impl std::os::fd::AsFd for Bpf {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.events.as_fd()
    }
}

//! What a caller shows at the gate: which program, which arguments, who and where.
//!
//! Read while the caller waits: who and where as the kernel says if it can be asked, else from /proc; program and
//! arguments from its memory. It may change that meanwhile; the kernel's own copy tells afterwards what ran
//! (`kernel_copy.rs`).

use std::fs::File;
use std::io::{IoSliceMut, Read as _};
use std::path::PathBuf;

use nix::errno::Errno;
use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::unistd::Pid;

use super::notify_ffi::Notification;
use crate::kernel_copy::Standing;

/// The kernel takes at most this many argument bytes (execve(2): three quarters of the stack's 8 MiB).
const ARGUMENTS: usize = 6 * 1024 * 1024;
/// More arguments than this are refused as too many, as the kernel does with their bytes.
const COUNT: usize = 256 * 1024;
/// And at most this many bytes in one argument (`MAX_ARG_STRLEN`).
const ARGUMENT: usize = 128 * 1024;
/// Bytes of a path (`PATH_MAX`).
const PATH: usize = 4096;

/// AUDIT_ARCH_* of linux/audit.h.
const X86_64: u32 = 0xC000_003E;
const I386: u32 = 0x4000_0003;
const AARCH64: u32 = 0xC000_00B7;
const ARM: u32 = 0x4000_0028;
/// The bit of an x32 system call's number.
const X32: i32 = 0x4000_0000;

/// What stood at the gate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Caller {
    /// Thread, in the recorder's pid namespace.
    pub tid: i32,
    /// Process.
    pub pid: i32,
    /// Parent process.
    pub parent: i32,
    /// Real user id.
    pub uid: u32,
    /// Effective user id.
    pub euid: u32,
    /// Working directory.
    pub cwd: Vec<u8>,
    /// The file asked for, as written; for `execveat` with an empty path the file that the descriptor names.
    pub path: Vec<u8>,
    /// Whether the program was asked for by a descriptor (execveat), which the kernel names in its own way.
    pub by_descriptor: bool,
    /// The arguments as shown.
    pub argv: Vec<Vec<u8>>,
    /// The call's first arguments as they stood in registers, which no other thread can change.
    pub registers: [u64; 4],
    /// What could not be read, as an error; the exec itself will most likely fail with it.
    pub unreadable: Option<Errno>,
}

/// How a call passes its arguments.
struct Shape {
    /// execveat: a directory descriptor stands first.
    at: bool,
    /// Pointers have 4 bytes.
    narrow: bool,
}

fn shape(arch: u32, number: i32) -> Option<Shape> {
    let (at, narrow) = match (arch, number) {
        (X86_64, 59) | (AARCH64, 221) => (false, false),
        (X86_64, 322) | (AARCH64, 281) => (true, false),
        (X86_64, n) if n == X32 | 520 => (false, true),
        (X86_64, n) if n == X32 | 545 => (true, true),
        (I386 | ARM, 11) => (false, true),
        (I386, 358) | (ARM, 387) => (true, true),
        _ => return None,
    };
    Some(Shape { at, narrow })
}

impl Caller {
    /// Reads the caller of a notification. Nothing is believed before the notification is found still
    /// waiting afterwards.
    pub(crate) fn read(notification: &Notification, standing: Option<Standing>) -> Self {
        let tid = i32::try_from(notification.pid).unwrap_or(0);
        let [a0, a1, a2, a3, ..] = notification.data.args;
        let mut caller = Self { tid, pid: tid, registers: [a0, a1, a2, a3], ..Self::default() };
        if let Some(Standing { pid, parent, uid, euid, cwd }) = standing {
            (caller.pid, caller.parent, caller.uid, caller.euid, caller.cwd) = (pid, parent, uid, euid, cwd);
        } else {
            caller.read_status();
            caller.cwd = link(tid, "cwd");
        }
        if let Err(error) = caller.read_call(notification) {
            caller.unreadable = Some(error);
        }
        caller
    }

    /// A caller of whom nothing could be read.
    pub(crate) fn unread(notification: &Notification, error: Errno) -> Self {
        let tid = i32::try_from(notification.pid).unwrap_or(0);
        let mut caller = Self { tid, pid: tid, unreadable: Some(error), ..Self::default() };
        caller.read_status();
        caller
    }

    fn read_status(&mut self) {
        // What is looked for stands in its first lines: one reading, of as much as there may be before them.
        let mut status = [0; 1024];
        let file = File::open(format!("/proc/{}/status", self.tid));
        let count = file.and_then(|mut file| file.read(&mut status)).unwrap_or(0);
        for line in status[..count].split(|b| *b == b'\n') {
            let Ok(line) = std::str::from_utf8(line) else { continue };
            let Some((key, value)) = line.split_once(':') else { continue };
            let mut numbers = value.split_ascii_whitespace();
            let mut number = || numbers.next().unwrap_or_default();
            match key {
                "Tgid" => self.pid = number().parse().unwrap_or(self.tid),
                "PPid" => self.parent = number().parse().unwrap_or(0),
                "Uid" => {
                    self.uid = number().parse().unwrap_or(u32::MAX);
                    self.euid = number().parse().unwrap_or(u32::MAX);
                    return;
                }
                _ => {}
            }
        }
    }

    fn read_call(&mut self, notification: &Notification) -> Result<(), Errno> {
        let data = &notification.data;
        let shape = shape(data.arch, data.nr).ok_or(Errno::ENOSYS)?;
        let memory = Memory(Pid::from_raw(self.tid));
        let first = usize::from(shape.at);
        self.by_descriptor = shape.at;
        let (path, argv) = (data.args[first], data.args[first + 1]);
        self.path = string(memory, path, PATH)?;
        if self.path.is_empty() && shape.at {
            // AT_EMPTY_PATH: the descriptor is the program, for example a memfd.
            #[expect(
                clippy::cast_possible_truncation,
                reason = "the kernel reads the low 32 bits as a descriptor"
            )]
            let descriptor = data.args[0] as i32;
            self.path = link(self.tid, &format!("fd/{descriptor}"));
        }
        self.argv = arguments(memory, argv, shape.narrow)?;
        Ok(())
    }
}

fn link(tid: i32, name: &str) -> Vec<u8> {
    use std::os::unix::ffi::OsStringExt;
    std::fs::read_link(format!("/proc/{tid}/{name}"))
        .map(PathBuf::into_os_string)
        .map(OsStringExt::into_vec)
        .unwrap_or_default()
}

/// Another process's memory, as far as it may read that itself. Arguments in memory that can only be written or run are
/// taken for unreadable, so their exec does not run.
#[derive(Debug, Clone, Copy)]
struct Memory(Pid);

impl Memory {
    fn read(self, to: &mut [u8], at: u64) -> Result<usize, Errno> {
        let base = usize::try_from(at).map_err(|_| Errno::EFAULT)?;
        let from = [RemoteIoVec { base, len: to.len() }];
        process_vm_readv(self.0, &mut [IoSliceMut::new(to)], &from)
    }
}

/// A NUL-terminated string of at most `limit` bytes; longer ones are cut, the kernel refuses them anyway.
fn string(memory: Memory, address: u64, limit: usize) -> Result<Vec<u8>, Errno> {
    let mut bytes = Vec::new();
    let mut at = address;
    let mut page = [0; 4096];
    while bytes.len() < limit {
        // Never across a page's end: the next page may not be there, and need not be.
        let room = 4096 - usize::try_from(at % 4096).unwrap_or(0);
        let count = memory.read(&mut page[..room.min(limit - bytes.len())], at)?;
        if count == 0 {
            return Err(Errno::EFAULT);
        }
        if let Some(end) = page[..count].iter().position(|b| *b == 0) {
            bytes.extend_from_slice(&page[..end]);
            return Ok(bytes);
        }
        bytes.extend_from_slice(&page[..count]);
        at = at.wrapping_add(count as u64);
    }
    Ok(bytes)
}

/// The strings of a NULL-terminated array of pointers.
fn arguments(memory: Memory, address: u64, narrow: bool) -> Result<Vec<Vec<u8>>, Errno> {
    let width: usize = if narrow { 4 } else { 8 };
    let mut argv = Vec::new();
    let mut total = 0;
    if address == 0 {
        return Ok(argv); // Linux takes a NULL array as an empty one.
    }
    let mut at = address;
    let mut page = [0; 4096];
    loop {
        let room = (4096 - usize::try_from(at % 4096).unwrap_or(0)).max(width);
        let count = memory.read(&mut page[..room.min(4096)], at)?;
        if count < width {
            return Err(Errno::EFAULT);
        }
        for pointer in page[..count].chunks_exact(width) {
            let pointer = if narrow {
                u64::from(u32::from_ne_bytes(pointer.try_into().map_err(|_| Errno::EFAULT)?))
            } else {
                u64::from_ne_bytes(pointer.try_into().map_err(|_| Errno::EFAULT)?)
            };
            if pointer == 0 {
                return Ok(argv);
            }
            let argument = string(memory, pointer, ARGUMENT)?;
            // As the kernel counts: the string, its end, and its pointer.
            total += argument.len() + 1 + width;
            argv.push(argument);
            if total > ARGUMENTS || argv.len() > COUNT {
                return Err(Errno::E2BIG);
            }
        }
        at = at.wrapping_add((count - count % width) as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_abi_that_can_exec_has_a_shape() {
        for (arch, number) in [
            (X86_64, 59),
            (X86_64, 322),
            (X86_64, X32 | 520),
            (X86_64, X32 | 545),
            (I386, 11),
            (I386, 358),
            (AARCH64, 221),
            (AARCH64, 281),
        ] {
            assert!(shape(arch, number).is_some(), "{arch:x} {number}");
        }
        assert!(shape(X86_64, 11).is_none());
    }

    #[test]
    fn arguments_are_read_from_another_memory() {
        let words = [c"ls".as_ptr() as u64, c"".as_ptr() as u64, c"a\n\xff".as_ptr() as u64, 0];
        let memory = Memory(Pid::this());
        let argv = arguments(memory, words.as_ptr() as u64, false).unwrap();
        assert_eq!(argv, [b"ls".to_vec(), b"".to_vec(), b"a\n\xff".to_vec()]);
        assert_eq!(arguments(memory, 0, false), Ok(vec![]));
        assert!(arguments(memory, 8, false).is_err());
    }
}

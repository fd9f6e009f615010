//! The records of one exec, gathered into one [`Event`].
//!
//! The kernel tells an exec in several records with one number: SYSCALL (who, and how it went), EXECVE (the arguments, in
//! as many records as they need), CWD, PATH (one a file), PROCTITLE, EOE. An administrator may have excluded some of the
//! last ones, so the first of them that comes, or the last PATH, is the end.

use std::collections::BTreeMap;

use rustix::fs::{AtFlags, CWD, StatxFlags, statx};

use super::rule::CALLS;
use super::text::{Stamp, field, fields, hex, number, text};
use crate::kernel_copy::event::{Call, Event, Ran};

const SYSCALL: u16 = 1300;
const PATH: u16 = 1302;
const EXECVE: u16 = 1309;
const END: u16 = 1320;
const TITLE: u16 = 1327;

/// Execs that can be unfinished at once: the kernel writes the records of one exec almost together.
const UNFINISHED: usize = 512;
/// Bytes of arguments: more than the kernel takes.
const ARGUMENTS: usize = 8 * 1024 * 1024;
/// Files of one exec; more than a chain of interpreters can have.
const FILES: usize = 16;

/// A file that the exec looked up.
#[derive(Debug)]
struct File {
    name: Option<Vec<u8>>,
    inode: u64,
    device: u32,
}

#[derive(Debug)]
struct Exec {
    session: u32,
    pid: i32,
    call: Call,
    /// `None` when the process died in the call.
    success: Option<bool>,
    exit: i32,
    /// How many files there will be.
    items: usize,
    executable: Option<Vec<u8>>,
    /// How many arguments there will be.
    count: Option<usize>,
    argv: Vec<Vec<u8>>,
    /// The number of the last argument's last piece.
    piece: usize,
    bytes: usize,
    broken: bool,
    files: Vec<File>,
}

/// Events whose end has not come.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    unfinished: BTreeMap<u64, Exec>,
    /// How many never ended.
    pub(super) lost: u64,
}

impl Gathered {
    /// Takes a record; gives the event back once all of it is there. `wanted` says of a session and a parent process
    /// whether anybody wants to hear of it.
    pub(super) fn take(
        &mut self,
        kind: u16,
        stamp: Stamp,
        record: &[u8],
        wanted: impl FnOnce(u32, i32) -> bool,
    ) -> Option<Event> {
        if kind == SYSCALL {
            let exec = Exec::begin(stamp, record, wanted)?;
            self.unfinished.insert(stamp.serial, exec);
            if self.unfinished.len() > UNFINISHED {
                self.unfinished.pop_first();
                self.lost += 1;
            }
            return None;
        }
        let exec = self.unfinished.get_mut(&stamp.serial)?;
        let over = match kind {
            EXECVE => {
                exec.arguments(record);
                false
            }
            PATH => exec.file(record),
            END | TITLE => true,
            _ => false,
        };
        if over { self.unfinished.remove(&stamp.serial).map(Exec::event) } else { None }
    }
}

impl Exec {
    fn begin(stamp: Stamp, record: &[u8], wanted: impl FnOnce(u32, i32) -> bool) -> Option<Self> {
        let all: BTreeMap<&[u8], &[u8]> = fields(record).collect();
        let get = |name: &str| all.get(name.as_bytes()).copied();
        let (arch, call) = (hex(get("arch")?)?, number::<u32>(get("syscall")?)?);
        if !CALLS.iter().any(|(known, calls)| u64::from(*known) == arch && calls.contains(&call)) {
            return None;
        }
        let session = number(get("ses")?)?;
        if !wanted(session, number(get("ppid")?)?) {
            return None;
        }
        let register = |name| get(name).and_then(hex).unwrap_or(0);
        Some(Self {
            session,
            pid: number(get("pid")?)?,
            call: Call { time: stamp.time, registers: ["a0", "a1", "a2", "a3"].map(register) },
            success: get("success").map(|word| word == b"yes"),
            exit: get("exit").and_then(number).unwrap_or(0),
            items: get("items").and_then(number).unwrap_or(0),
            executable: get("exe").and_then(text),
            count: None,
            argv: Vec::new(),
            piece: 0,
            bytes: 0,
            broken: false,
            files: Vec::new(),
        })
    }

    /// `argc=N a0=... a1=...`; a long one comes as `a1_len=... a1[0]=... a1[1]=...`, perhaps over several records.
    fn arguments(&mut self, record: &[u8]) {
        for (name, value) in fields(record) {
            if name == b"argc" {
                self.count = number(value);
                continue;
            }
            if name.ends_with(b"_len") {
                continue;
            }
            let (place, piece) = match name.iter().position(|b| *b == b'[') {
                Some(at) => {
                    (&name[..at], number::<usize>(name[at + 1..].strip_suffix(b"]").unwrap_or_default()))
                }
                None => (name, Some(0)),
            };
            let place = place.strip_prefix(b"a").and_then(number::<usize>);
            let (Some(place), Some(piece), Some(value)) = (place, piece, text(value)) else {
                self.broken = true;
                return;
            };
            self.bytes += value.len() + 1;
            if self.bytes > ARGUMENTS {
                self.broken = true;
                return;
            }
            let there = self.argv.len();
            if piece == 0 && place == there {
                self.argv.push(value);
            } else if piece > 0
                && piece == self.piece + 1
                && place + 1 == there
                && let Some(last) = self.argv.last_mut()
            {
                last.extend_from_slice(&value);
            } else {
                // A record between two of them is missing.
                self.broken = true;
                return;
            }
            self.piece = piece;
        }
    }

    /// Takes a file; says whether it was the last.
    fn file(&mut self, record: &[u8]) -> bool {
        let item: Option<usize> = field(record, "item").and_then(number);
        if item.is_none_or(|item| item != self.files.len() || item >= FILES) {
            self.broken = true;
            return item.is_some_and(|item| item + 1 >= self.items);
        }
        let device = field(record, "dev").and_then(|device| {
            let at = device.iter().position(|b| *b == b':')?;
            let (major, minor) = (hex(&device[..at])?, hex(&device[at + 1..])?);
            // As the kernel numbers it.
            u32::try_from(major << 20 | minor).ok()
        });
        self.files.push(File {
            name: field(record, "name").and_then(text),
            inode: field(record, "inode").and_then(number).unwrap_or(0),
            device: device.unwrap_or(0),
        });
        self.files.len() >= self.items
    }

    fn event(self) -> Event {
        let (session, pid, call) = (self.session, self.pid, self.call);
        match self.success {
            Some(true) => Event::Ran(self.ran()),
            Some(false) => Event::Failed {
                time: None,
                session,
                pid,
                tid: None,
                call: Some(call),
                errno: self.exit.saturating_neg(),
            },
            None => Event::Died { session, pid, call },
        }
    }

    fn ran(self) -> Ran {
        let runs = self.runs();
        let asked = self.files.first().and_then(|file| file.name.clone());
        let whole = !self.broken && self.count == Some(self.argv.len()) && asked.is_some();
        let file = self.files.get(runs);
        Ran {
            time: None,
            session: self.session,
            pid: self.pid,
            inode: file.map_or(0, |file| file.inode),
            device: file.map_or(0, |file| file.device),
            // By a descriptor: as the kernel names it itself.
            name: match asked {
                Some(name) if name.is_empty() => format!("/dev/fd/{}", self.call.registers[0]).into_bytes(),
                name => name.unwrap_or_default(),
            },
            executable: self.executable,
            call: Some(self.call),
            script: runs > 0,
            argv: self.argv,
            whole,
        }
    }

    /// Which of the files runs. That of a script is its interpreter's, which the kernel puts before the arguments, with the
    /// script behind it; the last file may be the loader.
    fn runs(&self) -> usize {
        let name = |file: &File| file.name.clone().unwrap_or_default();
        let Some(asked) = self.files.first().map(name) else { return 0 };
        let passed = |argument: &Vec<u8>| *argument == asked || argument.starts_with(b"/dev/fd/");
        let interpreted = self.argv.iter().skip(1).any(passed);
        let by_name = self.files.iter().skip(1).position(|file| {
            interpreted && self.argv.first().is_some_and(|interpreter| *interpreter == name(file))
        });
        let by_name = by_name.map_or(0, |position| position + 1);
        // Where the process still is this program, /proc knows better. Its server is not asked: it may be far away.
        let exe = format!("/proc/{}/exe", self.pid);
        let found = statx(CWD, &exe, AtFlags::STATX_DONT_SYNC, StatxFlags::INO);
        let known =
            found.ok().and_then(|found| self.files.iter().position(|file| file.inode == found.stx_ino));
        match known {
            // A loader that was asked for under another name is not what "runs behind a script" means.
            Some(file) if file == 0 || interpreted => file,
            _ => by_name,
        }
    }
}

#[cfg(test)]
#[path = "gathered_tests.rs"]
mod tests;

//! The events of `session/bpf/exec.bpf.c`, read into [`Event`]s.
//!
//! Each event has a fixed head and a chunk of the argument bytes; an exec with more arguments than one
//! chunk comes as several events in a row, and before them the path of its file; [`Parts`] joins them.

use std::collections::HashMap;

use crate::kernel_copy::event::{Event, Ran};

/// Bytes of the head, up to the argument bytes.
const HEAD: usize = 312;
/// Bytes of the file name in the head.
const NAME: usize = 256;
/// Kind: a program image was replaced.
const EXEC: u32 = 1;
/// Kind: a process exited.
const EXITED: u32 = 3;
/// Kind: the path of the file that the exec told of next runs.
const FILE_PATH: u32 = 4;
/// Execs that can be unfinished at once: one a processor, and room.
const UNFINISHED: usize = 256;
/// Flag: the file is a script, and what runs is its interpreter.
const SCRIPT: u32 = 1;
/// Flag: the file has no name any more.
const DELETED: u32 = 2;

/// What tells an exec from others: session, thread, time.
type Exec = (u32, u32, u64);

/// Execs of which not all has arrived.
#[derive(Debug, Default)]
pub(super) struct Parts(HashMap<Exec, Part>);

#[derive(Debug, Default)]
struct Part {
    executable: Option<Vec<u8>>,
    argv: Vec<u8>,
    seen: u32,
}

impl Parts {
    /// Takes one event; gives the exec back once all of it has arrived.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Option<Event> {
        let u32_at = |at: usize| Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
        let u64_at = |at: usize| Some(u64::from_ne_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
        let pid_at = |at: usize| Some(i32::try_from(u32_at(at)?).unwrap_or(0));
        let (time, inode, device) = (u64_at(0)?, u64_at(8)?, u32_at(16)?);
        let (session, pid, tid) = (u32_at(24)?, pid_at(28)?, pid_at(32)?);
        let result = i32::from_ne_bytes(bytes.get(36..40)?.try_into().ok()?);
        let kind = u32_at(20)?;
        if kind == EXITED {
            // As a shell shows it: a signal's number and 128, else the exit status (wait(2)).
            let signal = result & 0x7f;
            let status = if signal == 0 { (result >> 8) & 0xff } else { 128 + signal };
            return Some(Event::Exited { session, pid, status });
        }
        if kind != EXEC && kind != FILE_PATH {
            return Some(Event::Failed {
                time: Some(time),
                session,
                pid,
                tid: Some(tid),
                call: None,
                errno: result.saturating_neg(),
            });
        }
        let key = (session, u32_at(32)?, time);
        let (flags, total, offset, length) = (u32_at(40)?, u32_at(44)?, u32_at(48)?, u32_at(52)?);
        let name = bytes.get(56..56 + NAME)?;
        let name = name.split(|b| *b == 0).next().unwrap_or_default().to_vec();
        let data = bytes.get(HEAD..HEAD + length as usize)?;
        if kind == FILE_PATH {
            self.put(key, Part { executable: Some(path(data, flags & DELETED != 0)), ..Part::default() });
            return None;
        }
        let mut part = match self.0.remove(&key) {
            None if offset > 0 => return None,
            part => part.unwrap_or_default(),
        };
        part.argv.extend_from_slice(data);
        let end = offset.saturating_add(length);
        let broken = length == 0 && total > 0;
        let in_order = offset == part.seen;
        if end < total && !broken && in_order {
            part.seen = end;
            self.put(key, part);
            return None;
        }
        let whole = end == total && in_order;
        Some(Event::Ran(Ran {
            time: Some(time),
            session,
            pid,
            inode,
            device,
            name,
            executable: part.executable,
            call: None,
            script: flags & SCRIPT != 0,
            argv: split(&part.argv),
            whole,
        }))
    }

    fn put(&mut self, key: Exec, part: Part) {
        if self.0.len() >= UNFINISHED {
            // Their ends were lost; nobody waits for them any more.
            self.0.clear();
        }
        self.0.insert(key, part);
    }
}

/// A path from its components, the last first, as /proc/PID/exe names it.
pub(super) fn path(components: &[u8], deleted: bool) -> Vec<u8> {
    if components.is_empty() {
        return b"/".to_vec();
    }
    let mut path = Vec::with_capacity(components.len() + 1);
    for component in split(components).iter().rev() {
        path.push(b'/');
        path.extend_from_slice(component);
    }
    if deleted {
        path.extend_from_slice(b" (deleted)");
    }
    path
}

/// Arguments end with NUL each.
fn split(bytes: &[u8]) -> Vec<Vec<u8>> {
    let body = bytes.strip_suffix(&[0]).unwrap_or(bytes);
    if bytes.is_empty() { Vec::new() } else { body.split(|b| *b == 0).map(<[u8]>::to_vec).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(total: u32, offset: u32, data: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; HEAD];
        let mut put = |at: usize, value: u32| bytes[at..at + 4].copy_from_slice(&value.to_ne_bytes());
        put(20, EXEC);
        put(24, 7);
        put(28, 41);
        put(32, 41);
        put(44, total);
        put(48, offset);
        put(52, u32::try_from(data.len()).unwrap());
        bytes[56..60].copy_from_slice(b"/bin");
        bytes.extend_from_slice(data);
        bytes
    }

    #[test]
    fn chunks_of_one_exec_are_joined() {
        let mut parts = Parts::default();
        assert_eq!(parts.take(&event(8, 0, b"a\0bc")), None);
        let Some(Event::Ran(ran)) = parts.take(&event(8, 4, b"\0\0d\0")) else { panic!("an exec") };
        assert_eq!(ran.argv, [b"a".to_vec(), b"bc".to_vec(), b"".to_vec(), b"d".to_vec()]);
        assert!(ran.whole);
        assert_eq!(ran.name, b"/bin");
    }

    #[test]
    fn the_path_comes_before_and_is_put_in_order() {
        let mut parts = Parts::default();
        let mut told = event(0, 0, b"true\0bin\0usr\0");
        told[20] = u8::try_from(FILE_PATH).unwrap();
        assert_eq!(parts.take(&told), None);
        let Some(Event::Ran(ran)) = parts.take(&event(2, 0, b"a\0")) else { panic!("an exec") };
        assert_eq!(ran.executable.as_deref(), Some(&b"/usr/bin/true"[..]));
        assert_eq!(path(b"memfd:x\0", true), b"/memfd:x (deleted)");
        assert_eq!(parts.0.len(), 0);
    }

    #[test]
    fn a_missing_chunk_is_told() {
        let mut parts = Parts::default();
        let Some(Event::Ran(ran)) = parts.take(&event(8, 0, b"")) else { panic!("an exec") };
        assert!(!ran.whole);
        assert_eq!(parts.take(&event(8, 4, b"\0\0d\0")), None);
    }
}

//! Who stands at the gate, and where, as the BPF program answers.

use super::chunks::path;
use crate::kernel_copy::event::Standing;

/// Bytes before the working directory.
const HEAD: usize = 28;
/// Flag: the directory has no name any more.
const DELETED: u32 = 2;

/// Reads the answer about a thread; what is not one is none.
pub(super) fn read(bytes: &[u8], asked: i32) -> Option<Standing> {
    let u32_at = |at: usize| Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let number = |at: usize| i32::try_from(u32_at(at)?).ok();
    let (pid, tid) = (number(0)?, number(4)?);
    let length = usize::try_from(u32_at(24)?).ok()?;
    let cwd = path(bytes.get(HEAD..HEAD + length)?, u32_at(20)? & DELETED != 0);
    let standing = Standing { pid, parent: number(8)?, uid: u32_at(12)?, euid: u32_at(16)?, cwd };
    (pid > 0 && tid == asked).then_some(standing)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(tid: u32, flags: u32, cwd: &[u8]) -> Vec<u8> {
        let length = u32::try_from(cwd.len()).unwrap();
        let mut bytes: Vec<u8> =
            [41, tid, 1, 1000, 0, flags, length].iter().flat_map(|value: &u32| value.to_ne_bytes()).collect();
        bytes.extend_from_slice(cwd);
        bytes.resize(HEAD + 1028, 0);
        bytes
    }

    #[test]
    fn an_answer_is_about_the_thread_that_was_asked_for() {
        let standing = read(&answer(42, 0, b"jo\0home\0"), 42).unwrap();
        assert_eq!((standing.pid, standing.parent, standing.uid, standing.euid), (41, 1, 1000, 0));
        assert_eq!(standing.cwd, b"/home/jo");
        assert_eq!(read(&answer(42, 0, b""), 42).unwrap().cwd, b"/");
        assert_eq!(read(&answer(42, DELETED, b"gone\0tmp\0"), 42).unwrap().cwd, b"/tmp/gone (deleted)");
        assert_eq!(read(&answer(42, 0, b""), 43), None);
        assert_eq!(read(b"short", 42), None);
    }
}

//! Telling a person something on the terminals of her session.
//!
//! Terminals are found through the session's processes; a write never waits, so a stopped terminal
//! delays nobody. A session without a terminal is told nothing.

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};

use crate::ending::{Pidfd, processes_of};

/// Writes a line to every terminal of the session; gives whether one took it.
pub(super) fn tell(audit_session: u32, line: &str) -> bool {
    tell_processes(&processes_of(audit_session), line)
}

/// The same for processes that were found already.
pub(super) fn tell_processes(processes: &[(i32, Pidfd)], line: &str) -> bool {
    let mut told = false;
    let terminals: BTreeSet<u32> = processes.iter().filter_map(|(pid, _)| terminal_of(*pid)).collect();
    for number in terminals {
        let path = format!("/dev/pts/{number}");
        let options = OpenOptions::new()
            .write(true)
            .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY | libc::O_NOFOLLOW)
            .open(path);
        if let Ok(mut terminal) = options
            && terminal.metadata().is_ok_and(|m| m.file_type().is_char_device())
        {
            // BEL draws the eye; a terminal that takes nothing now is left alone.
            told |= terminal.write_all(format!("\r\n\u{7}*** {line}\r\n").as_bytes()).is_ok();
        }
    }
    told
}

/// The number of a process's pseudo-terminal (proc(5), `stat` field 7; majors 136 to 143 are pts).
fn terminal_of(pid: i32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let device: u32 = stat
        .get(stat.rfind(')')? + 2..)?
        .split_ascii_whitespace()
        .nth(4)?
        .parse::<i32>()
        .ok()?
        .cast_unsigned();
    let (major, minor) = ((device >> 8) & 0xfff, (device & 0xff) | ((device >> 12) & 0xfff00));
    (136..=143).contains(&major).then(|| (major - 136) * 256 + minor)
}

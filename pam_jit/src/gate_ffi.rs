//! The gate: the seccomp filter whose only effect is that every exec asks the recorder first
//! (seccomp_unotify(2)).
//!
//! Installed as root in sshd's monitor, before the person's process is forked, without no_new_privs, so
//! that sudo keeps working; every descendant inherits it and nobody can take it off. A machine that the
//! filter does not know is killed: what it can't watch it does not let run.
#![allow(unsafe_code, reason = "seccomp(2) has no safe wrapper")]

use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

/// Offsets in `struct seccomp_data` (linux/seccomp.h).
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;

/// `AUDIT_ARCH_*` of linux/audit.h.
#[cfg(target_arch = "x86_64")]
const ARCHITECTURES: [(u32, &[u32]); 2] = [
    // x86_64, and x32 by the bit in the number.
    (0xC000_003E, &[59, 322, 0x4000_0000 | 520, 0x4000_0000 | 545]),
    // i386.
    (0x4000_0003, &[11, 358]),
];
#[cfg(target_arch = "aarch64")]
const ARCHITECTURES: [(u32, &[u32]); 2] = [
    (0xC000_00B7, &[221, 281]),
    // arm.
    (0x4000_0028, &[11, 387]),
];

/// The filter as a program: for each machine its exec calls notify, all else is allowed.
fn program() -> Vec<libc::sock_filter> {
    #[expect(clippy::cast_possible_truncation, reason = "BPF operation codes have 16 bits")]
    let op = |code: u32| code as u16;
    let statement = |code: u32, k: u32| libc::sock_filter { code: op(code), jt: 0, jf: 0, k };
    let equal = |k: u32, jt: u8, jf: u8| libc::sock_filter {
        code: op(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K),
        jt,
        jf,
        k,
    };
    let load = |offset: u32| statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, offset);
    let answer = |action: u32| statement(libc::BPF_RET | libc::BPF_K, action);

    let mut program = vec![load(ARCHITECTURE)];
    for (architecture, numbers) in ARCHITECTURES {
        let count = u8::try_from(numbers.len()).unwrap_or(u8::MAX);
        // Another machine: past the load, the comparisons and both answers.
        program.push(equal(architecture, 0, count + 3));
        program.push(load(NUMBER));
        for (index, number) in (0..count).zip(numbers) {
            // Equal: past the rest of the comparisons and the first answer.
            program.push(equal(*number, count - index, 0));
        }
        program.push(answer(libc::SECCOMP_RET_ALLOW));
        program.push(answer(libc::SECCOMP_RET_USER_NOTIF));
    }
    program.push(answer(libc::SECCOMP_RET_KILL_PROCESS));
    program
}

/// Puts the filter on this process, for ever, and gives its listener.
///
/// # Errors
/// What seccomp(2) says: `EACCES` without CAP_SYS_ADMIN, `EINVAL` before Linux 5.19, `EBUSY` if a filter
/// with a listener is there already.
pub(crate) fn install() -> io::Result<OwnedFd> {
    let mut program = program();
    let length = libc::c_ushort::try_from(program.len()).map_err(io::Error::other)?;
    let filter = libc::sock_fprog { len: length, filter: program.as_mut_ptr() };
    // WAIT_KILLABLE_RECV: a signal in the caller must not restart the exec and notify again.
    let flags = libc::SECCOMP_FILTER_FLAG_NEW_LISTENER | libc::SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
    // SAFETY: `filter` points to `length` valid instructions that live over the call; the kernel copies and
    // checks them.
    let listener =
        unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &raw const filter) };
    let listener = RawFd::try_from(listener).map_err(io::Error::other)?;
    if listener < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel just gave us this descriptor (close-on-exec by definition of NEW_LISTENER); nobody
    // else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(listener) })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs the filter as the kernel does, for one call.
    fn run(architecture: u32, number: u32) -> u32 {
        let program = program();
        let (mut at, mut accumulator) = (0, 0);
        loop {
            let step = program[at];
            at += 1;
            match u32::from(step.code) {
                code if code == libc::BPF_LD | libc::BPF_W | libc::BPF_ABS => {
                    accumulator = if step.k == NUMBER { number } else { architecture };
                }
                code if code == libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K => {
                    at += usize::from(if accumulator == step.k { step.jt } else { step.jf });
                }
                _ => return step.k,
            }
        }
    }

    #[test]
    fn every_way_to_exec_asks_and_nothing_else_does() {
        for (architecture, numbers) in ARCHITECTURES {
            for number in numbers {
                assert_eq!(
                    run(architecture, *number),
                    libc::SECCOMP_RET_USER_NOTIF,
                    "{architecture:x} {number}"
                );
            }
            for number in (0..1000).filter(|n| !numbers.contains(n)) {
                assert_eq!(run(architecture, number), libc::SECCOMP_RET_ALLOW, "{architecture:x} {number}");
            }
        }
        assert_eq!(run(0x1234, 59), libc::SECCOMP_RET_KILL_PROCESS);
    }
}

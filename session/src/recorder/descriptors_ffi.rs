//! Taking over descriptors that came as numbers: those that systemd passes (sd_listen_fds(3)), and those that
//! a system call has just made.
#![allow(unsafe_code, reason = "an inherited descriptor is a number until somebody says who owns it")]

use std::os::fd::{FromRawFd, OwnedFd, RawFd};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};

/// The first passed descriptor (`SD_LISTEN_FDS_START`).
const FIRST: RawFd = 3;

/// Owns a descriptor that accept4(2) or recvmsg(2) has just made for the caller.
pub(super) fn own(number: RawFd) -> OwnedFd {
    // SAFETY: every caller passes a number that the kernel gave it a moment ago and that it keeps nowhere else.
    unsafe { OwnedFd::from_raw_fd(number) }
}

/// The passed descriptors with their names; none if they are not for this process.
pub(super) fn take() -> Vec<(String, OwnedFd)> {
    let variable = |name| std::env::var(name).unwrap_or_default();
    if variable("LISTEN_PID").parse() != Ok(std::process::id()) {
        return Vec::new();
    }
    let count: RawFd = variable("LISTEN_FDS").parse().unwrap_or(0);
    let names = variable("LISTEN_FDNAMES");
    let mut names = names.split(':').map(str::to_owned).chain(std::iter::repeat(String::new()));
    let mut taken = Vec::new();
    for number in FIRST..FIRST.saturating_add(count.clamp(0, 65_536)) {
        // SAFETY: systemd says that these numbers are open and ours, and this function, called once before
        // anything else opens a descriptor, is the only one that takes them.
        let descriptor = unsafe { OwnedFd::from_raw_fd(number) };
        // Not inherited by anything that the recorder starts.
        let _ = fcntl(&descriptor, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC));
        taken.push((names.next().unwrap_or_default(), descriptor));
    }
    taken
}

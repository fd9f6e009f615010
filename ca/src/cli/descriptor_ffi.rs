//! The descriptor that `--passphrase-fd` names. It is the caller's, and is read through a number of our own: to open it anew by
//! its name under /dev/fd would ask for a right that whoever handed it over has and this user may not have (sudo), and a
//! socket can't be opened so at all.
#![allow(unsafe_code, reason = "an inherited descriptor is a number until somebody says who owns it")]

use std::fs::File;
use std::os::fd::{FromRawFd, RawFd};

use nix::errno::Errno;
use nix::libc;

/// A descriptor of our own for what the number stands for, at the same place in it.
///
/// # Errors
/// `EBADF` when no such descriptor is open.
pub(super) fn duplicate(number: RawFd) -> Result<File, Errno> {
    // SAFETY: with F_DUPFD_CLOEXEC fcntl(2) takes two integers and touches no memory; a number that is not open is EBADF.
    let ours = Errno::result(unsafe { libc::fcntl(number, libc::F_DUPFD_CLOEXEC, 3) })?;
    // SAFETY: the kernel has just made this number for us, and nobody else has it.
    Ok(unsafe { File::from_raw_fd(ours) })
}

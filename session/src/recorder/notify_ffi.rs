//! The ioctls of a seccomp listener (seccomp_unotify(2)); the only unsafe file of the recorder besides
//! `slots_ffi.rs`.
//!
//! A notification is one exec that waits at the gate. Receiving it copies it into the caller's buffer;
//! answering lets the exec go on in the kernel, or makes it fail with an error number.
#![allow(unsafe_code, reason = "ioctl(2) on a seccomp listener has no safe wrapper")]

use std::os::fd::{AsRawFd, BorrowedFd};

use nix::errno::Errno;

/// One notification, as the kernel writes it.
pub(super) type Notification = libc::seccomp_notif;

mod raw {
    nix::ioctl_readwrite!(receive, b'!', 0, libc::seccomp_notif);
    nix::ioctl_readwrite!(send, b'!', 1, libc::seccomp_notif_resp);
    nix::ioctl_write_ptr!(id_valid, b'!', 2, u64);
    nix::ioctl_write_int!(set_flags, b'!', 4);
}

/// Wake the caller on the recorder's processor: quicker, since one waits for the other (Linux 6.6).
const SYNC_WAKE_UP: u64 = 1;
/// Run the call as if there were no filter.
const CONTINUE: u32 = 1;

/// Receives one notification into `slot`, which must be all zero. Call only after poll(2) said that one
/// is there.
///
/// # Errors
/// `ENOENT` if the caller died meanwhile; otherwise what ioctl(2) says.
pub(super) fn receive(listener: BorrowedFd<'_>, slot: &mut Notification) -> Result<(), Errno> {
    // SAFETY: `slot` is a valid, exclusively borrowed `seccomp_notif`, which is what the kernel writes.
    unsafe { raw::receive(listener.as_raw_fd(), slot) }.map(drop)
}

/// Lets the exec go on.
///
/// # Errors
/// `ENOENT` if it no longer waits.
pub(super) fn let_run(listener: BorrowedFd<'_>, id: u64) -> Result<(), Errno> {
    answer(listener, libc::seccomp_notif_resp { id, val: 0, error: 0, flags: CONTINUE })
}

/// Makes the exec fail with `error`.
///
/// # Errors
/// `ENOENT` if it no longer waits.
pub(super) fn deny(listener: BorrowedFd<'_>, id: u64, error: Errno) -> Result<(), Errno> {
    answer(listener, libc::seccomp_notif_resp { id, val: 0, error: -(error as i32), flags: 0 })
}

fn answer(listener: BorrowedFd<'_>, mut response: libc::seccomp_notif_resp) -> Result<(), Errno> {
    // SAFETY: `response` is a valid `seccomp_notif_resp` that lives over the call.
    unsafe { raw::send(listener.as_raw_fd(), &mut response) }.map(drop)
}

/// Whether the exec still waits, so that what was read under its process id was its own.
pub(super) fn waits(listener: BorrowedFd<'_>, id: u64) -> bool {
    // SAFETY: the pointer is to a live u64, which is what the kernel reads.
    unsafe { raw::id_valid(listener.as_raw_fd(), &raw const id) }.is_ok()
}

/// Asks for the quicker wake-up; kernels before 6.6 have none, which is no error.
pub(super) fn wake_quickly(listener: BorrowedFd<'_>) {
    // SAFETY: the argument is an integer; no memory is passed.
    let _ = unsafe { raw::set_flags(listener.as_raw_fd(), SYNC_WAKE_UP) };
}

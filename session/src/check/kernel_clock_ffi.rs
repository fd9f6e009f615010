//! Whether the kernel's clock is kept by somebody (adjtimex(2)).
//!
//! It asks and sets nothing: `modes` is 0.

#![allow(unsafe_code, reason = "adjtimex has no wrapper without unsafe in nix or std")]

use std::mem::MaybeUninit;

/// What the kernel says about its clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KernelClock {
    /// A time service keeps it; the largest error it may have, in microseconds.
    Kept(libc::c_long),
    /// Nobody keeps it.
    Unsynchronised,
    /// The kernel does not say.
    Unknown,
}

/// Asks the kernel.
pub(super) fn ask() -> KernelClock {
    let mut timex = MaybeUninit::<libc::timex>::zeroed();
    // SAFETY: adjtimex(2) reads `modes`, which is 0 here (all-zero is a valid timex), and otherwise
    // writes into the struct, which is ours and of the size it expects.
    let state = unsafe { libc::adjtimex(timex.as_mut_ptr()) };
    // SAFETY: zeroed at first, and then written by the kernel: initialised either way.
    let timex = unsafe { timex.assume_init() };
    match state {
        -1 => KernelClock::Unknown,
        libc::TIME_ERROR => KernelClock::Unsynchronised,
        _ if timex.status & libc::STA_UNSYNC != 0 => KernelClock::Unsynchronised,
        _ => KernelClock::Kept(timex.maxerror),
    }
}

//! Memory that is free and still ours, given back to the kernel (malloc_trim(3)).
//!
//! Loading the BPF program reads the kernel's types, some megabytes, once; and long arguments come and go. A recorder that
//! idles for months needs none of it.
#![allow(unsafe_code, reason = "malloc_trim has no wrapper without unsafe in nix or std")]

/// Gives it back. Costs milliseconds: for moments in which nobody waits.
pub(super) fn give_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: it takes a number by value, and moves nothing that is in use.
    unsafe {
        libc::malloc_trim(0);
    }
}

//! Whether the kernel holds programs back as the recorder needs (seccomp(2), Linux 5.19).
//!
//! It asks and installs nothing: there is no filter behind the null pointer.

#![allow(unsafe_code, reason = "seccomp has no wrapper without unsafe in nix or std")]

/// Asks the kernel. It looks at the flags before it looks at the filter: flags that it knows lead to EFAULT.
#[must_use]
pub fn is_there() -> bool {
    let flags = libc::SECCOMP_FILTER_FLAG_NEW_LISTENER | libc::SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
    let none = std::ptr::null::<libc::sock_fprog>();
    // SAFETY: the kernel reads a filter from the pointer, which is null: that fails, and nothing else is done.
    let answer = unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, none) };
    let unknown = matches!(std::io::Error::last_os_error().raw_os_error(), Some(libc::EINVAL | libc::ENOSYS));
    answer != -1 || !unknown
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_kernel_of_these_tests_has_it() {
        assert!(super::is_there());
    }
}

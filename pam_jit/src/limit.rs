//! PID 1's own limit on a session: `RuntimeMaxSec` of its scope, the first of the three lines of ending.
//!
//! `stage=first` leaves the number for pam_systemd as PAM data; `stage=last` looks whether the process
//! really is in a scope of its own that has the limit. With logind down a login would go on without one.

use std::fs;

/// The PAM data that pam_systemd(8) reads.
pub(crate) const RUNTIME_MAX: &str = "systemd.runtime_max_sec";

/// Seconds that PID 1 waits beyond the window's end. None: what is left is counted from a whole second and the scope
/// starts later, so that the recorder, which is exact, comes first all the same.
pub(crate) const MARGIN: u64 = 0;

/// Whether this process is in a login session's scope with a limit on it.
///
/// # Errors
/// A sentence that says what is missing.
pub(crate) fn holds() -> Result<(), String> {
    let cgroup = fs::read_to_string("/proc/self/cgroup")
        .map_err(|error| format!("can't read its own cgroup: {error}"))?;
    let scope = scope_of(&cgroup).ok_or(
        "the login is in no scope of its own: no pam_systemd.so among sshd's session lines, or systemd-logind is down",
    )?;
    let unit = fs::read_to_string(format!("/run/systemd/transient/{scope}")).unwrap_or_default();
    if unit.lines().any(|line| {
        line.trim_start().starts_with("RuntimeMaxUSec=") || line.trim_start().starts_with("RuntimeMaxSec=")
    }) {
        Ok(())
    } else {
        Err(format!("{scope} has no limit (is pam_systemd after stage=first?)"))
    }
}

/// The scope's name in the lines of /proc/PID/cgroup (cgroups(7)).
fn scope_of(cgroup: &str) -> Option<&str> {
    let names = cgroup.lines().filter_map(|line| line.rsplit('/').next());
    names.into_iter().find(|name| {
        let number = name.strip_prefix("session-").and_then(|name| name.strip_suffix(".scope"));
        number.is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_alphanumeric()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_sessions_own_scope_counts() {
        assert_eq!(scope_of("0::/user.slice/user-1001.slice/session-12.scope\n"), Some("session-12.scope"));
        assert_eq!(
            scope_of("1:name=systemd:/user.slice/user-1001.slice/session-c3.scope\n0::/\n"),
            Some("session-c3.scope")
        );
        for other in [
            "0::/system.slice/ssh.service\n",
            "0::/session-.scope\n",
            "0::/session-1.scope/x\n",
            "0::/xsession-1.scope\n",
            "",
        ] {
            assert_eq!(scope_of(other), None, "{other}");
        }
    }
}

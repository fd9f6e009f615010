//! Killing everything that belongs to a session, and nothing else.
//!
//! A session's processes are those of its scope's cgroup and those that carry its audit session id,
//! inside or outside of the scope. The id is set at login, inherited by every descendant, and can't be
//! changed by an ordinary user. Never killed: process 1, this process, kernel threads, and anything whose
//! id is unset. A process is held by a pidfd and looked at again before it is signalled, so that a reused
//! number hits nobody else.

pub mod own_cgroup;
mod pidfd_ffi;

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use nix::sys::signal::Signal;

pub use pidfd_ffi::Pidfd;

/// The audit session id of what belongs to no login (linux/audit.h, `AUDIT_SID_UNSET`).
pub const UNSET: u32 = u32::MAX;

/// The audit session id of a process; `None` if there is no such process.
#[must_use]
pub fn audit_session(pid: i32) -> Option<u32> {
    fs::read_to_string(format!("/proc/{pid}/sessionid")).ok()?.trim().parse().ok()
}

/// When a process started, in clock ticks since boot (proc(5), `stat` field 22), and its state letter.
#[must_use]
pub fn start_and_state(pid: i32) -> Option<(u64, char)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name stands in parentheses and may hold anything.
    let mut fields = stat.get(stat.rfind(')')? + 2..)?.split_ascii_whitespace();
    let state = fields.next()?.chars().next()?;
    Some((fields.nth(18)?.parse().ok()?, state))
}

/// The audit session of the login that a process serves; `None` if it has none of its own. A daemon that was started in
/// a login hands that one's id on to its children, until pam_loginuid gives a login its own.
#[must_use]
pub fn own_audit_session(pid: i32) -> Option<u32> {
    let id = audit_session(pid).filter(|id| *id != UNSET)?;
    (audit_session(parent(pid)?) != Some(id)).then_some(id)
}

/// The parent of a process (proc(5), `stat` field 4).
#[must_use]
pub fn parent(pid: i32) -> Option<i32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.get(stat.rfind(')')? + 2..)?.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// The processes that carry an audit session id, zombies left out, each held.
#[must_use]
pub fn processes_of(session: u32) -> Vec<(i32, Pidfd)> {
    processes_of_each([session]).remove(&session).unwrap_or_default()
}

/// The same for several ids, with one look at all processes.
#[must_use]
pub fn processes_of_each(sessions: impl IntoIterator<Item = u32>) -> HashMap<u32, Vec<(i32, Pidfd)>> {
    let mut held: HashMap<u32, Vec<(i32, Pidfd)>> = sessions
        .into_iter()
        .filter(|session| *session != UNSET)
        .map(|session| (session, Vec::new()))
        .collect();
    if held.is_empty() {
        return held;
    }
    let Ok(entries) = fs::read_dir("/proc") else { return held };
    let own = i32::try_from(std::process::id()).unwrap_or(0);
    for entry in entries.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else {
            continue;
        };
        let Some(session) = audit_session(pid) else { continue };
        let Some(of_session) = held.get_mut(&session) else { continue };
        if pid <= 1 || pid == own {
            continue;
        }
        let Ok(process) = Pidfd::open(pid) else { continue };
        // Looked at again behind the pidfd: this is still the process that was meant.
        let alive = start_and_state(pid).is_some_and(|(_, state)| !matches!(state, 'Z' | 'X'));
        if alive && audit_session(pid) == Some(session) {
            of_session.push((pid, process));
        }
    }
    held
}

/// Kills every process that carries the id; gives how many were signalled. Call again until it is 0.
pub fn kill_session(session: u32) -> usize {
    kill(&processes_of(session))
}

/// Kills these processes; gives how many were signalled.
pub fn kill(processes: &[(i32, Pidfd)]) -> usize {
    // Stopped first, so that a fork loop does not outrun the killing.
    for (_, process) in processes {
        process.signal(Signal::SIGSTOP);
    }
    processes.iter().filter(|(_, process)| process.signal(Signal::SIGKILL)).count()
}

/// Kills a cgroup as a whole (cgroup v2, `cgroup.kill`): atomic, fork loops included. Gives whether the
/// kernel took it.
#[must_use]
pub fn kill_cgroup(cgroup: &str) -> bool {
    let Some(folder) = cgroup_folder(cgroup) else { return false };
    fs::write(folder.join("cgroup.kill"), "1").is_ok()
}

/// Where the v2 hierarchy is mounted, pure or hybrid.
const ROOTS: [&str; 2] = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"];

/// Where a cgroup of the v2 hierarchy is, pure or hybrid. A name that could lead elsewhere has none.
fn cgroup_folder(cgroup: &str) -> Option<PathBuf> {
    let relative = cgroup.strip_prefix('/')?;
    if relative.is_empty() || relative.split('/').any(|part| part.is_empty() || part == "." || part == "..") {
        return None;
    }
    ROOTS.iter().map(|root| Path::new(root).join(relative)).find(|folder| folder.join("cgroup.kill").exists())
}

/// The cgroup of a process, if it is a login session's own scope (`session-*.scope`).
#[must_use]
pub fn session_scope(pid: i32) -> Option<String> {
    let text = fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
    let paths = text.lines().filter_map(|line| line.splitn(3, ':').nth(2));
    paths.map(str::to_owned).find(|path| {
        let last = path.rsplit('/').next().unwrap_or_default();
        last.starts_with("session-") && last.ends_with(".scope")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unset_audit_session_is_never_killed() {
        assert!(processes_of(UNSET).is_empty());
        assert_eq!(kill_session(UNSET), 0);
    }

    #[test]
    fn a_cgroup_name_leads_nowhere_else() {
        for name in ["", "/", "x", "/../x", "/a//b", "/a/./b", "/a/.."] {
            assert_eq!(cgroup_folder(name), None, "{name}");
        }
    }

    #[test]
    fn a_process_knows_its_start_and_state() {
        let own = i32::try_from(std::process::id()).unwrap();
        let (start, state) = start_and_state(own).unwrap();
        assert!(start > 0);
        assert!(matches!(state, 'R' | 'S'), "{state}");
    }
}

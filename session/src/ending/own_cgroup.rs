//! A cgroup for a session that has no scope, as in a container without systemd, so that it too can be killed as a whole.
//!
//! Made below the cgroup of the process that serves the session, which is moved into it before the person's first
//! process is there; so everything of the session is born in it. Removed when the session is over.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::{ROOTS, cgroup_folder};

/// What its name begins with.
const PREFIX: &str = "jit-";

/// Makes the cgroup and moves the process into it; `None` where cgroups can't be made or killed.
#[must_use]
pub fn make(session: &str, pid: i32) -> Option<String> {
    if session.is_empty() || !session.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        return None;
    }
    let text = fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
    let above = text.lines().find_map(|line| line.strip_prefix("0::"))?.trim_end_matches('/');
    let root = ROOTS.iter().map(Path::new).find(|root| root.join("cgroup.procs").exists())?;
    let cgroup = format!("{above}/{PREFIX}{session}");
    fs::create_dir(root.join(cgroup.trim_start_matches('/'))).ok()?;
    let moved = cgroup_folder(&cgroup)
        .is_some_and(|folder| fs::write(folder.join("cgroup.procs"), pid.to_string()).is_ok());
    if !moved {
        let _ = fs::remove_dir(root.join(cgroup.trim_start_matches('/')));
    }
    moved.then_some(cgroup)
}

/// Removes such cgroups in which nothing is any more, from this process's own cgroup up to the root: where a session's last
/// process was still on its way out when it was over, or nobody was there to see it.
pub fn remove_empty() {
    let text = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let Some(own) = text.lines().find_map(|line| line.strip_prefix("0::/")) else { return };
    let Some(root) = ROOTS.iter().map(Path::new).find(|root| root.join("cgroup.procs").exists()) else {
        return;
    };
    for above in Path::new(own).ancestors() {
        for entry in fs::read_dir(root.join(above)).into_iter().flatten().flatten() {
            let ours = entry.file_name().to_str().is_some_and(|name| name.starts_with("jit-S-"));
            // A new one is empty for a moment.
            let old = || entry.metadata().and_then(|m| m.modified()).is_ok_and(is_old);
            if ours && old() {
                // The kernel refuses while anything is in it.
                let _ = fs::remove_dir(entry.path());
            }
        }
    }
}

fn is_old(modified: SystemTime) -> bool {
    modified.elapsed().is_ok_and(|age| age > Duration::from_secs(60))
}

/// Removes such a cgroup, once nothing is in it; a scope is systemd's to remove.
pub fn remove(cgroup: &str) {
    let own = cgroup.rsplit('/').next().is_some_and(|name| name.starts_with(PREFIX));
    if let Some(folder) = cgroup_folder(cgroup).filter(|_| own) {
        let _ = fs::remove_dir(folder);
    }
}

//! A session as the kernel sees it from outside the product: the processes that carry its audit session id, and its scope.

use std::path::PathBuf;

use crate::booted::host::Host;

/// A process of the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its number on the host.
    pub pid: u32,
    /// Its name.
    pub name: String,
    /// Its cgroup.
    pub cgroup: String,
}

impl Host {
    /// The living processes with this audit session id; what has ended and waits to be collected does not count.
    #[must_use]
    pub fn processes_of(&self, audit_session: u32) -> Vec<Process> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(self.path("/proc")).into_iter().flatten().flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            let read = |name: &str| std::fs::read_to_string(entry.path().join(name)).unwrap_or_default();
            if read("sessionid").trim().parse() != Ok(audit_session) {
                continue;
            }
            // The name is in parentheses and may hold anything; the state follows.
            let stat = read("stat");
            let Some((before, after)) = stat.rsplit_once(')') else { continue };
            if matches!(after.trim_start().chars().next(), Some('Z' | 'X') | None) {
                continue;
            }
            let name = before.split_once('(').map_or("", |(_, name)| name).to_owned();
            let cgroup = read("cgroup")
                .lines()
                .find_map(|line| line.strip_prefix("0::"))
                .unwrap_or_default()
                .to_owned();
            found.push(Process { pid, name, cgroup });
        }
        found
    }

    /// Moves a process into a cgroup outside of every session, as root in a session could.
    ///
    /// # Panics
    /// When the kernel refuses.
    pub fn move_out_of_its_scope(&self, pid: u32) {
        let move_it =
            "mkdir -p /sys/fs/cgroup/elsewhere && echo \"$1\" >/sys/fs/cgroup/elsewhere/cgroup.procs";
        drop(self.script(move_it, [&pid.to_string()]).ok());
    }

    /// The host's wall clock in milliseconds since 1970.
    ///
    /// # Panics
    /// When `date` fails.
    #[must_use]
    pub fn wall_millis(&self) -> u64 {
        let now = self.run(["date", "+%s%3N"]).ok().stdout;
        now.trim().parse().expect("milliseconds")
    }

    /// Where the scope of a login session is while it exists.
    #[must_use]
    pub fn scope(&self, audit_session: u32) -> Option<PathBuf> {
        let slices = std::fs::read_dir(self.path("/sys/fs/cgroup/user.slice")).ok()?;
        let scopes =
            slices.flatten().map(|slice| slice.path().join(format!("session-{audit_session}.scope")));
        scopes.into_iter().find(|scope| scope.is_dir())
    }
}

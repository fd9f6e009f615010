//! The machine's audit subsystem, switched on for tests and left as it was found.
//!
//! It is one for the whole machine: tests of several programs share it, and some need it alone. Locks say who is using it,
//! so the last one restores it, and a test that was killed leaves that to the next.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use e2e::host::Host;
use e2e::namespace::Namespace;
use e2e::process::{program, run};
use e2e::recording::{Recording, TABLE, probe};
use e2e::world::{Sshd, World};

/// Who uses it; how it was before is written in it.
const USERS: &str = "jit-tests-audit-users";
/// Held while it is looked at and switched.
const DOOR: &str = "jit-tests-audit-door";

fn lock_file(name: &str) -> (PathBuf, File) {
    let path = std::env::temp_dir().join(name);
    let file = File::options().read(true).write(true).create(true).truncate(false).open(&path);
    let file = file.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    (path, file)
}

fn door() -> File {
    let (_, door) = lock_file(DOOR);
    door.lock().expect("locks the door");
    door
}

/// Runs `auditctl` on the machine; gives what it says.
pub(crate) fn auditctl<const N: usize>(words: [&str; N]) -> String {
    let mut command = Command::new(program("auditctl", "auditd"));
    command.args(words);
    run(command).ok().stdout
}

/// Audit, on as long as this lives.
#[derive(Debug)]
pub(crate) struct AuditSwitch {
    users: Option<File>,
}

impl AuditSwitch {
    /// On, perhaps together with other tests.
    pub(crate) fn shared() -> Self {
        let (path, users) = lock_file(USERS);
        users.lock_shared().expect("locks");
        Self::on(&path, users)
    }

    /// On, with nobody else who needs it: for tests that switch it off, remove all rules, or are its daemon.
    pub(crate) fn alone() -> Self {
        let (path, users) = lock_file(USERS);
        users.lock().expect("locks");
        Self::on(&path, users)
    }

    fn on(path: &Path, users: File) -> Self {
        let _door = door();
        if std::fs::read_to_string(path).is_ok_and(|before| before.is_empty()) {
            let before = [status("enabled"), status("backlog_limit")].join(" ");
            std::fs::write(path, before).expect("writes how it was");
        }
        // As Debian's auditd has it.
        drop(auditctl(["-e", "1", "-b", "8192"]));
        assert_eq!(
            status("enabled"),
            "1",
            "audit is to be had, and its rules are not locked: these tests need it"
        );
        Self { users: Some(users) }
    }
}

impl Drop for AuditSwitch {
    fn drop(&mut self) {
        let _door = door();
        drop(self.users.take());
        let (path, users) = lock_file(USERS);
        if users.try_lock().is_ok()
            && let Ok(before) = std::fs::read_to_string(&path)
            && let Some((enabled, backlog)) = before.split_once(' ')
        {
            drop(auditctl(["-e", enabled, "-b", backlog]));
            drop(std::fs::write(&path, ""));
        }
    }
}

/// A line of audit's status.
pub(crate) fn status(name: &str) -> String {
    let status = auditctl(["-s"]);
    let found = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    found.unwrap_or_else(|| panic!("no {name}: {status}")).to_owned()
}

/// The machine's rules whose key has this in it.
pub(crate) fn rules(key: &str) -> Vec<String> {
    auditctl(["-l"]).lines().filter(|rule| rule.contains(key)).map(str::to_owned).collect()
}

/// A host among the machine's own processes, as audit needs it, with a runtime folder of its own name: by that a recorder
/// knows its rules. The recorder is not started yet.
pub(crate) fn host(table: &str) -> (Recording, String) {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let runtime = format!("/run/jit-{}-{count}", std::process::id());
    let world = World::on(Host::bare_in(Namespace::with_the_machines_processes()), Sshd::AsDocumented);
    probe::install(&world.host);
    let table = format!("{}{table}", place(&runtime));
    (Recording::without_recorder(world, &table), runtime)
}

/// The table that a host with this folder begins with.
pub(crate) fn place(runtime: &str) -> String {
    format!("{TABLE}runtime = \"{runtime}\"\nsocket = \"{runtime}/recorder.sock\"\n")
}

/// A program that starts the recorder with what the unit allows it, less these capabilities.
pub(crate) fn launcher_without(less: &[&str]) -> Vec<String> {
    let unit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../systemd/jit-recorder.service");
    let unit = std::fs::read_to_string(unit).expect("reads the unit");
    let line = unit.lines().find_map(|line| line.strip_prefix("CapabilityBoundingSet=")).expect("a set");
    let mut set = String::from("-all");
    for name in line.split(' ').map(|name| name.trim_start_matches("CAP_").to_lowercase()) {
        if !less.contains(&name.as_str()) {
            set += &format!(",+{name}");
        }
    }
    ["/usr/bin/setpriv", "--bounding-set", &set, "--inh-caps", "-all", "--no-new-privs"]
        .map(str::to_owned)
        .to_vec()
}

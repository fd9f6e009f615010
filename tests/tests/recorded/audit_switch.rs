//! The machine's audit subsystem, switched on for tests and left as it was found.
//!
//! It is one for the whole machine: tests of several programs share it, and some need it alone. Locks say who is using it,
//! so the last one restores it, and a test that was killed leaves that to the next.

use std::fs::File;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use e2e::host::Host;
use e2e::namespace::Namespace;
use e2e::recording::Recording;
use e2e::recording::probe;
use e2e::world::{Sshd, World};
use nix::fcntl::{Flock, FlockArg};
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, recv, sendto, socket,
};

const GET: u16 = 1000;
const SET: u16 = 1001;
const ADD_RULE: u16 = 1011;
const DEL_RULE: u16 = 1012;
const LIST_RULES: u16 = 1013;
/// Numbers of a rule before its texts: flags, action, count, and four columns; then their length.
const BEFORE_TEXTS: usize = 4 * (3 + 4 * 64);

/// The files whose locks say who uses it.
fn lock_file(name: &str) -> File {
    let path: PathBuf = std::env::temp_dir().join(name);
    let file = File::options().read(true).write(true).create(true).truncate(false).open(&path);
    file.unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn locked(name: &str, how: FlockArg) -> Flock<File> {
    Flock::lock(lock_file(name), how).unwrap_or_else(|(_, error)| panic!("a lock on {name}: {error}"))
}

/// Who uses it; whether it has to be switched off is written in it.
const USERS: &str = "jit-tests-audit-users";
/// Held while it is looked at and switched.
const DOOR: &str = "jit-tests-audit-door";

/// Audit, on as long as this lives.
#[derive(Debug)]
pub(crate) struct AuditSwitch {
    users: Option<Flock<File>>,
}

impl AuditSwitch {
    /// On, perhaps together with other tests.
    pub(crate) fn shared() -> Self {
        Self::on(FlockArg::LockShared)
    }

    /// On, with nobody else who needs it: for tests that switch it off, or are its daemon.
    pub(crate) fn alone() -> Self {
        Self::on(FlockArg::LockExclusive)
    }

    fn on(how: FlockArg) -> Self {
        let users = locked(USERS, how);
        let _door = locked(DOOR, FlockArg::LockExclusive);
        match enabled() {
            0 => {
                std::fs::write(std::env::temp_dir().join(USERS), "off before").expect("writes how it was");
                enable(true);
            }
            1 => {}
            other => panic!("the machine's audit rules are locked ({other}); these tests need to add some"),
        }
        Self { users: Some(users) }
    }
}

impl Drop for AuditSwitch {
    fn drop(&mut self) {
        let _door = locked(DOOR, FlockArg::LockExclusive);
        drop(self.users.take());
        if let Ok(alone) = Flock::lock(lock_file(USERS), FlockArg::LockExclusiveNonblock) {
            let path = std::env::temp_dir().join(USERS);
            if std::fs::read_to_string(&path).is_ok_and(|text| text == "off before") {
                enable(false);
                drop(std::fs::write(&path, ""));
            }
            drop(alone);
        }
    }
}

/// Sends a request, and gives the bodies of the answers.
fn ask(kind: u16, body: &[u8]) -> Vec<Vec<u8>> {
    let request =
        socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::NetlinkAudit)
            .expect("a netlink socket");
    send(&request, kind, body);
    let mut answers = Vec::new();
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let length =
            recv(request.as_raw_fd(), &mut buffer, MsgFlags::empty()).expect("an answer of the kernel");
        let answer = u16::from_ne_bytes([buffer[4], buffer[5]]);
        let body = buffer[16..length].to_vec();
        match answer {
            // The end of a list.
            3 => return answers,
            2 => {
                let code = i32::from_ne_bytes(body[..4].try_into().expect("a code"));
                assert_eq!(
                    code, 0,
                    "audit refuses a request (these tests need the machine's own namespaces)"
                );
                // What was asked for comes behind it.
                if !matches!(kind, GET | LIST_RULES) {
                    return answers;
                }
            }
            _ => answers.push(body),
        }
        if kind == GET && !answers.is_empty() {
            return answers;
        }
    }
}

fn send(socket: &OwnedFd, kind: u16, body: &[u8]) {
    let length = u32::try_from(16 + body.len()).expect("a length");
    let head =
        [&length.to_ne_bytes()[..], &kind.to_ne_bytes(), &5_u16.to_ne_bytes(), &[1, 0, 0, 0, 0, 0, 0, 0]];
    let message = [head.concat(), body.to_vec()].concat();
    sendto(socket.as_raw_fd(), &message, &NetlinkAddr::new(0, 0), MsgFlags::empty())
        .expect("asks the kernel");
}

/// 0 off, 1 on, 2 on and locked.
pub(crate) fn enabled() -> u32 {
    let status = ask(GET, &[]).pop().expect("a status");
    u32::from_ne_bytes(status[4..8].try_into().expect("a number"))
}

/// Switches audit on or off.
pub(crate) fn enable(on: bool) {
    let numbers = [1, u32::from(on), 0, 0, 0, 0, 0, 0, 0, 0, 0];
    drop(ask(SET, &numbers.map(u32::to_ne_bytes).concat()));
}

/// A rule of the machine, whole.
pub(crate) struct Rule(Vec<u8>);

impl Rule {
    /// Its key, if it has no other text.
    pub(crate) fn key(&self) -> String {
        String::from_utf8_lossy(&self.0[BEFORE_TEXTS + 4..]).trim_end_matches('\0').to_owned()
    }

    /// Puts a rule with another key beside it, the same otherwise.
    pub(crate) fn again_as(&self, key: &str) -> Self {
        let mut bytes = self.0[..BEFORE_TEXTS].to_vec();
        let length = u32::try_from(key.len()).expect("a length").to_ne_bytes();
        // The values' column, third field: the length of the key.
        let value = 4 * (3 + 2 * 64 + 2);
        bytes[value..value + 4].copy_from_slice(&length);
        bytes.extend(length);
        bytes.extend(key.as_bytes());
        drop(ask(ADD_RULE, &bytes));
        Self(bytes)
    }

    /// Removes it.
    pub(crate) fn remove(&self) {
        drop(ask(DEL_RULE, &self.0));
    }
}

/// The machine's rules whose key ends with this.
pub(crate) fn rules(end: &str) -> Vec<Rule> {
    let all = ask(LIST_RULES, &[]).into_iter().map(Rule);
    all.filter(|rule| rule.key().ends_with(end)).collect()
}

/// A host among the machine's own processes, as audit needs it, with a runtime folder of its own name: by that a recorder
/// knows its rules. The recorder is not started yet.
pub(crate) fn host(table: &str) -> (Recording, String) {
    static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let runtime = format!("/run/jit-{}-{count}", std::process::id());
    let world = World::on(Host::bare_in(Namespace::with_the_machines_processes()), Sshd::AsDocumented);
    probe::install(&world.host);
    let place = format!("runtime = \"{runtime}\"\nsocket = \"{runtime}/recorder.sock\"\n");
    let table = format!("{}{place}{table}", e2e::recording::TABLE);
    (Recording::without_recorder(world, &table), runtime)
}

/// What a running recorder is allowed, by the unit, less these.
pub(crate) fn capabilities_without(less: &[&str]) -> String {
    let unit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../systemd/jit-recorder.service");
    let unit = std::fs::read_to_string(unit).expect("reads the unit");
    let line = unit.lines().find_map(|line| line.strip_prefix("CapabilityBoundingSet=")).expect("a set");
    let kept = line.split(' ').map(|name| name.trim_start_matches("CAP_").to_lowercase());
    let kept: String =
        kept.filter(|name| !less.contains(&name.as_str())).map(|name| format!(",+{name}")).collect();
    format!("--bounding-set=-all{kept}")
}

//! The gate: what becomes of an exec between its notification and its answer.
//!
//! Received into a slot, read, appended to the spool; answered only after the spool is durable. The gate
//! line is the spool's own (it is not shipped): `session.command` follows when the kernel has told what
//! ran, or at once where it can't. A gate line without its command is completed by the next recorder.

use audit::command::{self, ArgvSource, Command, Outcome};
use grant::Grant;
use serde::{Deserialize, Serialize};

use super::arguments::{Arguments, Identity};
use super::caller::Caller;
use super::clock::Boottime;
use super::live::{Live, Pending};
use super::state::SessionState;
use crate::kernel_copy::Ran;

/// Bytes of a file's name that the kernel's copy has at most.
const NAME: usize = 255;

/// The key that begins a gate line, so that a reader can tell it without parsing.
pub(crate) const GATE: &str = "{\"gate\":";

/// What the spool says of an exec before it is let run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct GateLine {
    /// The line.
    pub(crate) gate: Gate,
}

/// See [`GateLine`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Gate {
    /// The session's id.
    pub(crate) session: String,
    /// The kernel's id of the notification; with the session it names the exec.
    pub(crate) notification: u64,
    /// Its number within the session.
    pub(crate) seq: u64,
    /// When, wall clock milliseconds.
    pub(crate) time: i64,
    pub(crate) pid: i32,
    pub(crate) parent: i32,
    pub(crate) uid: u32,
    pub(crate) euid: u32,
    pub(crate) cwd: String,
    pub(crate) path: String,
    /// After redaction, as `audit::command::text` writes bytes, up to its bound.
    pub(crate) argv: Vec<String>,
    /// How many arguments there were.
    pub(crate) count: usize,
    pub(crate) sha256: String,
    /// Whether `argv` is not all of them, or not all of the last.
    #[serde(default)]
    pub(crate) cut: bool,
}

/// Whether sshd's sftp server is asked for, by its own name. A grant without `sftp` does not start it; who
/// may run commands can move files in other ways, and each of those is recorded.
pub(crate) fn is_sftp_server(caller: &Caller) -> bool {
    caller.path.rsplit(|b| *b == b'/').next() == Some(b"sftp-server")
}

impl Gate {
    /// The gate's entry for an exec: which session and notification, its number and time, who and what.
    pub(crate) fn of(
        (session, notification): (&str, u64),
        (seq, time): (u64, i64),
        caller: &Caller,
        arguments: &Arguments,
    ) -> Self {
        Self {
            session: session.to_owned(),
            notification,
            seq,
            time,
            pid: caller.pid,
            parent: caller.parent,
            uid: caller.uid,
            euid: caller.euid,
            cwd: command::text(&caller.cwd),
            path: command::text(&caller.path),
            argv: arguments.kept().iter().map(|argument| command::text(argument)).collect(),
            count: arguments.count,
            sha256: arguments.sha256.clone(),
            cut: arguments.cut,
        }
    }

    /// The gate's entry as a line.
    pub(crate) fn line(self) -> String {
        // Strings and numbers into memory: this does not fail.
        serde_json::to_string(&GateLine { gate: self }).unwrap_or_default()
    }
}

/// The command of an exec that the kernel says has run.
pub(super) fn ran(live: &Live, pending: &Pending, ran: &Ran) -> (Command, bool) {
    let shown = &pending.arguments;
    let same = shown.identity == Identity::of(&ran.argv);
    let differs = differs(pending, ran, same);
    // Nearly always they are those that were shown.
    let own = (!same).then(|| Arguments::of(&ran.argv));
    let arguments = own.as_ref().unwrap_or(shown);
    let mut command = base(&live.state, &live.grant, pending, arguments, ArgvSource::Kernel, Outcome::Ran);
    command.executable.clone_from(&ran.executable);
    command.inode = Some((ran.inode, ran.device));
    command.argv_cut |= !ran.whole;
    command.shown = differs.then(|| shown.kept());
    (command, differs)
}

/// The command of an exec of which the kernel says that it failed, or nothing.
pub(super) fn not_ran(state: &SessionState, grant: &Grant, pending: &Pending, outcome: Outcome) -> Command {
    let mut command = base(state, grant, pending, &pending.arguments, ArgvSource::Gate, outcome);
    command.argv_unreadable = pending.caller.unreadable.map(|error| error as i32);
    command
}

fn base(
    state: &SessionState,
    grant: &Grant,
    pending: &Pending,
    arguments: &Arguments,
    argv_source: ArgvSource,
    outcome: Outcome,
) -> Command {
    let caller = &pending.caller;
    Command {
        time: pending.time,
        host: state.handover.host.clone(),
        session: state.handover.session.clone(),
        session_seq: pending.seq,
        grant: grant.id.to_string(),
        vendor: grant.vendor.to_string(),
        person: grant.person.to_string(),
        account: state.handover.account.clone(),
        pid: caller.pid,
        parent: caller.parent,
        uid: caller.uid,
        euid: caller.euid,
        cwd: caller.cwd.clone(),
        path: caller.path.clone(),
        executable: None,
        inode: None,
        argv: arguments.kept(),
        argv_count: arguments.count,
        argv_cut: arguments.cut,
        argv_sha256: arguments.sha256.clone(),
        argv_source,
        shown: None,
        argv_unreadable: None,
        outcome,
    }
}

/// Whether what ran is not what was shown. A script's interpreter stands before the script's own
/// arguments, and an empty list gets an empty first argument: both are the kernel's doing.
/// `same` says whether the arguments are, each and all.
fn differs(pending: &Pending, ran: &Ran, same: bool) -> bool {
    let (caller, shown) = (&pending.caller, &pending.arguments.identity);
    // A descriptor is named otherwise on the two sides, and a long name is cut.
    let descriptor = |name: &[u8]| caller.by_descriptor && name.starts_with(b"/dev/fd/");
    let cut = ran.name.len() >= NAME && caller.path.starts_with(&ran.name);
    let same_name = cut || descriptor(&ran.name) || ran.name == caller.path;
    let same_arguments = if ran.script {
        // The interpreter and its option, then the script's name, then what was shown behind the first.
        let at = ran.argv.len().checked_sub(shown.behind_the_first() + 1);
        at.and_then(|at| ran.argv[at..].split_first()).is_some_and(|(script, rest)| {
            // Its name stands once: what is put between the interpreter and it would else pass for the interpreter's own.
            let once = !ran.argv[..ran.argv.len() - rest.len() - 1].contains(script);
            once && shown.has_rest(rest) && (*script == caller.path || descriptor(script))
        })
    } else {
        same || (shown.is_empty() && ran.argv == [Vec::<u8>::new()])
    };
    !ran.whole || !same_arguments || !same_name
}

/// The command of a gate line that an earlier recorder left without one.
pub(super) fn from_gate_line(gate: &Gate, state: &SessionState, grant: &Grant) -> Command {
    let caller = Caller {
        pid: gate.pid,
        parent: gate.parent,
        uid: gate.uid,
        euid: gate.euid,
        cwd: bytes(&gate.cwd),
        path: bytes(&gate.path),
        ..Caller::default()
    };
    let kept: Vec<_> = gate.argv.iter().map(|argument| bytes(argument)).collect();
    let arguments = Arguments::noted(&kept, gate.count, &gate.sha256, gate.cut);
    let pending = Pending { seq: gate.seq, time: gate.time, stood: Boottime(0), caller, arguments };
    not_ran(state, grant, &pending, Outcome::Unknown)
}

/// The inverse of `audit::command::text`.
fn bytes(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        match (first, tail) {
            (b'\\', [b'x', high, low, after @ ..]) => {
                let digits = [*high, *low];
                let byte = std::str::from_utf8(&digits).ok().and_then(|hex| u8::from_str_radix(hex, 16).ok());
                bytes.extend(byte);
                rest = after;
            }
            (b'\\', [b'\\', after @ ..]) => {
                bytes.push(b'\\');
                rest = after;
            }
            _ => bytes.push(*first),
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(path: &str, argv: &[&str]) -> Pending {
        let argv: Vec<_> = argv.iter().map(|a| a.as_bytes().to_vec()).collect();
        let caller = Caller { path: path.as_bytes().to_vec(), ..Caller::default() };
        Pending { seq: 1, time: 0, stood: Boottime(0), caller, arguments: Arguments::of(&argv) }
    }

    fn differs(shown: &Pending, ran: &Ran) -> bool {
        super::differs(shown, ran, shown.arguments.identity == Identity::of(&ran.argv))
    }

    fn kernel(name: &str, argv: &[&str], script: bool) -> Ran {
        let argv = argv.iter().map(|a| a.as_bytes().to_vec()).collect();
        Ran {
            time: None,
            session: 1,
            pid: 1,
            inode: 1,
            device: 1,
            name: name.as_bytes().to_vec(),
            executable: None,
            call: None,
            script,
            argv,
            whole: true,
        }
    }

    #[test]
    fn a_lie_at_the_gate_is_a_difference_and_a_script_is_none() {
        assert!(!differs(&shown("/bin/ls", &["ls", "-l"]), &kernel("/bin/ls", &["ls", "-l"], false)));
        assert!(differs(&shown("/bin/ls", &["ls", "-l"]), &kernel("/bin/ls", &["ls", "-a"], false)));
        assert!(differs(&shown("/bin/ls", &["ls"]), &kernel("/bin/rm", &["ls"], false)));
        assert!(!differs(
            &shown("./x.sh", &["./x.sh", "a"]),
            &kernel("./x.sh", &["/bin/sh", "./x.sh", "a"], true)
        ));
        assert!(differs(
            &shown("./x.sh", &["./x.sh", "a"]),
            &kernel("./x.sh", &["/bin/sh", "./x.sh", "b"], true)
        ));
        assert!(!differs(&shown("/bin/ls", &[]), &kernel("/bin/ls", &[""], false)));
        // What is put behind a script without arguments, and a descriptor's name in place of a path's.
        assert!(!differs(
            &shown("./x.sh", &["./x.sh"]),
            &kernel("./x.sh", &["/bin/sh", "-e", "./x.sh"], true)
        ));
        assert!(differs(&shown("./x.sh", &["./x.sh"]), &kernel("./x.sh", &["/bin/sh", "./x.sh", "b"], true)));
        assert!(differs(
            &shown("./x.sh", &["./x.sh"]),
            &kernel("./x.sh", &["/bin/sh", "./x.sh", "evil", "./x.sh"], true)
        ));
        assert!(differs(&shown("/bin/ls", &["ls"]), &kernel("/dev/fd/5", &["ls"], false)));
        let mut memory = shown("/memfd:x (deleted)", &["ls"]);
        memory.caller.by_descriptor = true;
        assert!(!differs(&memory, &kernel("/dev/fd/5", &["ls"], false)));
        let long = "/".repeat(300);
        assert!(!differs(&shown(&long, &["ls"]), &kernel(&long[..255], &["ls"], false)));
        assert!(differs(&shown("/bin/ls", &["ls"]), &kernel(&long[..255], &["ls"], false)));
    }

    #[test]
    fn bytes_come_back_from_a_gate_line() {
        for original in [&b"plain"[..], b"\xff\x00\n\\x41\\", "\u{20ac}\\\\".as_bytes()] {
            assert_eq!(bytes(&command::text(original)), original);
        }
    }
}

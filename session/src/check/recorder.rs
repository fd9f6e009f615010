//! Doors 901-919: the recorder, which records sessions and ends them in time; and what outlives a session.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use audit::handover::{Message, Reply};
use hostfile::{HostConfig, RecorderConfig};

use super::door::{Door, Finding};
use super::kernel_gate_ffi;
use super::pam_stack::{self, Kind};
use crate::request;

static NO_RECORDER: Door = Door::warning(
    901,
    "sessions are not recorded on this host",
    "grants are checked at login, and nothing records a session or ends it when the window closes",
    "write the table [recorder] into host.toml and start jit-recorder.socket and jit-sweep.timer",
);
static SILENT: Door = Door::error(
    902,
    "the recorder does not answer",
    "no vendor can log in, and open sessions can run nothing more",
    "systemctl status jit-recorder.service, and its journal",
);
static GATE_ONLY: Door = Door::warning(
    903,
    "records show what callers claim to run, not what the kernel ran",
    "a caller can change its arguments while it waits at the gate, and the record says so: argv_source gate",
    "give the recorder CAP_BPF and CAP_PERFMON, on a kernel with BTF (CONFIG_DEBUG_INFO_BTF); or run auditd",
);
static TIMED_JOBS: Door = Door::warning(
    904,
    "a vendor account may leave jobs for later (at, cron)",
    "such a job runs outside of every session, unrecorded",
    "add the account to /etc/at.deny and /etc/cron.deny",
);
static USER_MANAGER: Door = Door::warning(
    905,
    "a vendor account may have a service manager of its own (systemd --user)",
    "what it starts is outside of the session's scope; the recorder ends it, but only with the session",
    "systemctl mask user@UID.service for the account, and loginctl disable-linger",
);
static PATIENT: Door = Door::warning(
    906,
    "process 1 gives what ignores SIGTERM at a session's limit 90 s more",
    "where the recorder is dead, such a process outlives the session's window by that much",
    "jit setup; or by hand systemd/session-.scope.d/50-jit.conf into /etc/systemd/system/session-.scope.d, and systemctl daemon-reload",
);

static NO_SCOPES: Door = Door::error(
    907,
    "logins through sshd get no scope of their own",
    "process 1 can't end a session without one, so no vendor can log in",
    "apt install libpam-systemd (EL: systemd-pam); or `require_scope = false` in [recorder] of host.toml, without process 1's line of ending",
);
static NO_ROOM: Door = Door::error(
    908,
    "there is no room for records",
    "no vendor can log in, and in open sessions nothing more runs (or runs unrecorded, where on_audit_failure says continue)",
    "make room on the file system of /var/lib/jit, or let the log take what waits: the records that are shipped make room by themselves",
);
static LITTLE_ROOM: Door = Door::warning(
    909,
    "little room is left for records",
    "when it is used up, no vendor can log in, and in open sessions nothing more runs",
    "make room on the file system of /var/lib/jit, or a smaller `total_kib` in [recorder] of host.toml",
);
static OLD_KERNEL: Door = Door::error(
    910,
    "the kernel can't hold programs back for the recorder",
    "no vendor can log in where sessions are recorded",
    "a kernel with seccomp notifications that wait killably: Linux 5.19 or newer",
);

/// The doors of this area.
pub(super) static DOORS: [&Door; 10] = [
    &NO_RECORDER,
    &SILENT,
    &GATE_ONLY,
    &TIMED_JOBS,
    &USER_MANAGER,
    &PATIENT,
    &NO_SCOPES,
    &NO_ROOM,
    &LITTLE_ROOM,
    &OLD_KERNEL,
];

/// Less free space than this is little: more than a few sessions write in an hour.
const LITTLE: u64 = 64 << 20;

/// Where systemd looks for drop-ins, systemd.unit(5); of two of one name the first counts.
const UNIT_FOLDERS: [&str; 5] = [
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
];
/// The modules that register a login with logind.
const SCOPE_MAKERS: [&str; 2] = ["pam_systemd.so", "pam_elogind.so"];
/// The drop-in that `jit setup` writes.
const SCOPES: &str = "session-.scope.d/50-jit.conf";

/// Looks at the recorder of a host: what is wrong with it, and what tells it what ran.
pub(super) fn look(host: &HostConfig) -> (Vec<Finding>, Option<String>) {
    let Some(recorder) = &host.recorder else {
        return (vec![NO_RECORDER.open(format!("{} has no table [recorder]", host.path.display()))], None);
    };
    let mut findings = Vec::new();
    let mut told_by = None;
    let mut room = true;
    match request::send(&recorder.socket, &Message::About, Duration::from_secs(2)) {
        Ok(Reply::About { kernel_copy, source, reason, room: its }) => {
            room = its;
            if kernel_copy {
                told_by = Some(source);
            } else {
                findings.push(GATE_ONLY.open(reason));
            }
        }
        Ok(_) => findings.push(SILENT.open(format!("{} gives other answers", recorder.socket.display()))),
        Err(error) => findings.push(SILENT.open(format!("{}: {error}", recorder.socket.display()))),
    }
    findings.extend(look_at_room(recorder, room));
    if !kernel_gate_ffi::is_there() {
        findings.push(OLD_KERNEL.open("seccomp(2) does not know the flags of Linux 5.19"));
    }
    (findings, told_by)
}

/// Looks at the space for records; `room` is what the recorder says, which also counts what it may not use.
fn look_at_room(recorder: &RecorderConfig, room: bool) -> Option<Finding> {
    let state = &recorder.state;
    let volume = nix::sys::statvfs::statvfs(state).ok();
    let free = volume.map(|volume| volume.blocks_available().saturating_mul(volume.fragment_size()));
    let said = |free: u64| format!("{} MiB are free where {} is", free >> 20, state.display());
    match free {
        Some(free) if !room => Some(NO_ROOM.open(said(free))),
        None if !room => Some(NO_ROOM.open("the recorder says so")),
        Some(free) if free < LITTLE.min(recorder.total) => Some(LITTLE_ROOM.open(said(free))),
        _ => None,
    }
}

/// Looks at what a vendor account could leave behind, where sessions are recorded.
pub(super) fn look_at_accounts(accounts: &BTreeSet<String>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for account in accounts {
        let open: Vec<_> = [
            ("/usr/bin/at", "/etc/at.deny", "/etc/at.allow"),
            ("/usr/bin/crontab", "/etc/cron.deny", "/etc/cron.allow"),
        ]
        .into_iter()
        .filter(|(program, deny, allow)| Path::new(program).exists() && may_use(account, deny, allow))
        .map(|(program, deny, _)| format!("{program} without a line in {deny}"))
        .collect();
        if !open.is_empty() {
            findings.push(TIMED_JOBS.open(format!("{account}: {}", open.join(", "))));
        }
        let uid = nix::unistd::User::from_name(account).ok().flatten().map(|user| user.uid);
        let masked = uid.is_none_or(|uid| {
            let unit = format!("/etc/systemd/system/user@{uid}.service");
            fs::read_link(unit).is_ok_and(|target| target == Path::new("/dev/null"))
        });
        if !masked && Path::new("/run/systemd/system").exists() {
            findings.push(USER_MANAGER.open(format!("{account}: user@UID.service is not masked")));
        }
    }
    findings
}

/// Looks whether process 1 ends the scope of a session soon at its limit. Without scopes, or without systemd, it ends none.
pub(super) fn look_at_scopes(recorder: &RecorderConfig) -> Option<Finding> {
    if !recorder.require_scope || !Path::new("/run/systemd/system").exists() {
        return None;
    }
    let found = patience(&UNIT_FOLDERS.map(Path::new));
    found.is_none_or(|text| !says_how_long(&text)).then(|| PATIENT.open(format!("no {SCOPES} that says so")))
}

/// Looks whether anything in sshd's session stack has logind make a scope for each login.
pub(crate) fn look_at_scope_makers(
    recorder: Option<&RecorderConfig>,
    directory: &Path,
    service: &str,
) -> Option<Finding> {
    let wanted = recorder.is_none_or(|recorder| recorder.require_scope);
    if !wanted || !Path::new("/run/systemd/system").exists() || has_scope_maker(directory, service) {
        return None;
    }
    Some(NO_SCOPES.open(format!("no {} in the session lines of {service}", SCOPE_MAKERS[0])))
}

fn has_scope_maker(directory: &Path, service: &str) -> bool {
    // A stack that can't be read is a door of its own.
    let Ok(steps) = pam_stack::stack(directory, service, Kind::Session) else { return true };
    steps.iter().filter_map(|step| step.module.as_deref()).any(|module| SCOPE_MAKERS.contains(&module))
}

/// The text of the drop-in that counts, if there is one.
fn patience(folders: &[&Path]) -> Option<String> {
    let mut paths = folders.iter().map(|folder| folder.join(SCOPES));
    // A link to /dev/null is one that says nothing.
    paths.find(|path| fs::symlink_metadata(path).is_ok()).and_then(|path| fs::read_to_string(path).ok())
}

/// Whether it sets how long process 1 waits: to what, an administrator decides.
fn says_how_long(text: &str) -> bool {
    text.lines().any(|line| line.trim().starts_with("TimeoutStopSec="))
}

/// at(1), crontab(1): with an allow file only who stands in it; else who does not stand in the deny file.
fn may_use(account: &str, deny: &str, allow: &str) -> bool {
    let names = |text: String| text.lines().any(|line| line.trim() == account);
    match (fs::read_to_string(allow), fs::read_to_string(deny)) {
        (Ok(allow), _) => names(allow),
        (Err(_), Ok(deny)) => !names(deny),
        // Debian's cron lets everybody when there is neither file; its at lets only root.
        (Err(_), Err(_)) => deny.ends_with("cron.deny"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_without_pam_systemd_makes_no_scopes() {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        put("sshd", "session required pam_loginuid.so\n@include common-session\n");
        put("common-session", "session required pam_unix.so\n");
        assert!(!has_scope_maker(folder.path(), "sshd"));
        put("common-session", "session required pam_unix.so\nsession optional pam_systemd.so\n");
        assert!(has_scope_maker(folder.path(), "sshd"));
    }

    #[test]
    fn the_first_drop_in_of_that_name_counts() {
        let folder = tempfile::tempdir().unwrap();
        let (etc, lib) = (folder.path().join("etc"), folder.path().join("lib"));
        let said = || patience(&[&etc, &lib]).is_some_and(|text| says_how_long(&text));
        assert!(!said());
        fs::create_dir_all(lib.join("session-.scope.d")).unwrap();
        fs::write(lib.join(SCOPES), include_str!("../../../systemd/session-.scope.d/50-jit.conf")).unwrap();
        assert!(said());
        fs::create_dir_all(etc.join("session-.scope.d")).unwrap();
        std::os::unix::fs::symlink("/dev/null", etc.join(SCOPES)).unwrap();
        assert!(!said(), "masked");
    }
}

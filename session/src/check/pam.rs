//! Doors 601-629: the lines that put our module where a vendor cannot get past it, and where nobody
//! else meets it.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::door::{Door, Finding};
use super::pam_flow::{self, Persona, follow, is_ours};
use super::pam_stack::{self, Kind, Step};
use super::sshd::Effective;

static NO_PAM: Door = Door::error(
    601,
    "sshd does not use PAM",
    "the module is never asked: a stolen CA key and a revoked grant let vendors in",
    "set `UsePAM yes` in the global section of sshd_config",
);
static UNREADABLE: Door = Door::error(
    602,
    "the PAM service cannot be read",
    "nobody can say whether vendors meet the module there",
    "put the service's file in order, see pam.conf(5)",
);
static NO_ACCOUNT: Door = Door::error(
    603,
    "sshd's account stack does not ask the module",
    "a login that shows its certificate early is not checked there",
    "add the three account lines of pam_jit(8) to the service",
);
static NO_FIRST: Door = Door::error(
    604,
    "sshd's session stack does not ask the module first",
    "no verdict is made before other modules act for the vendor",
    "add the three session lines with `pam_jit.so stage=first` right after pam_loginuid.so",
);
static NO_LAST: Door = Door::error(
    605,
    "sshd's session stack does not ask the module last",
    "the session is not opened by the module after everything else is in place",
    "add the three session lines with `pam_jit.so stage=last` at the end of the service",
);
static FIRST_PLACE: Door = Door::error(
    606,
    "`pam_jit.so stage=first` stands in the wrong place",
    "it needs the session id of pam_loginuid, and nothing may act for the vendor before the verdict",
    "move its three lines to right after pam_loginuid.so, before `@include common-session` and pam_systemd.so",
);
static LAST_PLACE: Door = Door::error(
    607,
    "`pam_jit.so stage=last` is not the last session line",
    "what runs after it can undo or outlive what it has checked",
    "move its three lines to the end of the session lines",
);
static NO_MODULE: Door = Door::error(
    608,
    "the module's file is missing or not root's alone",
    "if missing, no vendor can log in; if others can write it, they are root",
    "install the package again, and mend the modes of the directories above the file",
);
static NO_FORCE: Door = Door::error(
    609,
    "a refusal of the module does not count",
    "the control field lets the stack succeed although the module refused",
    "write `requisite pam_jit.so` (`required` for stage=last)",
);
static AROUND: Door = Door::error(
    610,
    "a vendor can get around the module",
    "on some path through the stack the module is not asked",
    "put the module's lines before the named line, and let its own two jumps land right behind it",
);
static IN_THE_WAY: Door = Door::error(
    611,
    "the module stands in the way of others",
    "an account outside the vendor group is sent to the module; with the file missing, administrators are locked out",
    "put the two jump lines (`user notingroup`, `uid < 1000`) right before the module, with success=2 and success=1",
);
static OTHER_CONFIG: Door = Door::error(
    612,
    "the module reads another configuration",
    "what this check has looked at is not what decides about logins",
    "make `config=` of the PAM lines and `--config` of this check the same file",
);
static NOT_FOR_NOBODY: Door = Door::error(
    613,
    "sshd's PAM service cannot be read by everybody",
    "`jit principals` runs as nobody, and names no principals when it can't see that vendors meet the module: none can log in",
    "chmod a+r the named file, as Debian ships it",
);
static OTHER_ENTRY: Door = Door::error(
    620,
    "another service lets vendor accounts in without a grant",
    "su, login and cron start processes of a vendor account that no grant covers",
    "add the three account lines of pam_jit(8) to the top of the account lines of that service",
);
static FURTHER_ENTRIES: Door = Door::warning(
    621,
    "further services do not ask the module",
    "if they can start a process for any account, they are a way in without a grant",
    "add the three account lines of pam_jit(8) to those that log people in",
);
static SUDO: Door = Door::warning(
    622,
    "sudo does not ask the module",
    "a vendor account that sudoers names becomes root whether or not its grant says so",
    "add the three account lines of pam_jit(8) to the service, or name no vendor account in sudoers",
);

/// The doors of this area.
pub(super) static DOORS: [&Door; 16] = [
    &NO_PAM,
    &UNREADABLE,
    &NO_ACCOUNT,
    &NO_FIRST,
    &NO_LAST,
    &FIRST_PLACE,
    &LAST_PLACE,
    &NO_MODULE,
    &NO_FORCE,
    &AROUND,
    &IN_THE_WAY,
    &OTHER_CONFIG,
    &NOT_FOR_NOBODY,
    &OTHER_ENTRY,
    &FURTHER_ENTRIES,
    &SUDO,
];

/// What may run before the verdict: it labels or numbers the process and acts for nobody.
const BEFORE_FIRST: [&str; 4] = ["pam_selinux.so", "pam_loginuid.so", "pam_keyinit.so", "pam_succeed_if.so"];
/// Services that start processes for an account without sshd.
const ENTRIES: [&str; 6] = ["su", "su-l", "login", "cron", "crond", "atd"];
const SUDOS: [&str; 2] = ["sudo", "sudo-i"];
/// Services that start nothing for the account (they change it, or are for root, or are only included),
/// and the user manager, which only logind starts for a session that was already admitted.
const NO_ENTRIES: [&str; 13] = [
    "chfn",
    "chsh",
    "chpasswd",
    "passwd",
    "newusers",
    "other",
    "runuser",
    "runuser-l",
    "polkit-1",
    "systemd-user",
    "useradd",
    "groupadd",
    "samba",
];

/// Where to look.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    /// The directory of the services.
    pub(crate) directory: &'a Path,
    /// sshd's service.
    pub(crate) service: &'a str,
    /// The vendor group.
    pub(crate) group: &'a str,
    /// The host configuration that is being checked.
    pub(crate) config: &'a Path,
}

/// Looks at sshd's answer for a vendor account.
pub(super) fn look_at_sshd(effective: &Effective) -> Option<Finding> {
    effective.other_than("usepam", &["yes"]).map(|is| NO_PAM.open(format!("UsePAM is {is}")))
}

/// Looks at the services.
pub(crate) fn look(place: &Place<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if pam_stack::exists(place.directory, place.service) {
        look_at_account(place, &mut findings);
        look_at_session(place, &mut findings);
    } else {
        findings.push(
            UNREADABLE.open(format!("{} does not exist", place.directory.join(place.service).display())),
        );
    }
    look_at_other_services(place, &mut findings);
    findings
}

fn look_at_account(place: &Place<'_>, findings: &mut Vec<Finding>) {
    let Some(steps) = read(place, place.service, Kind::Account, findings) else { return };
    match steps.iter().position(is_ours) {
        None => findings.push(NO_ACCOUNT.open(place.service)),
        Some(at) => look_at_line(place, place.service, &steps, at, findings),
    }
    look_at_others(place, place.service, &steps, findings);
    look_at_module_files(&steps, findings);
}

fn look_at_session(place: &Place<'_>, findings: &mut Vec<Finding>) {
    let Some(steps) = read(place, place.service, Kind::Session, findings) else { return };
    let stage = |stage| steps.iter().position(|step| is_ours(step) && step.argument("stage") == Some(stage));
    match stage("first") {
        None => findings.push(NO_FIRST.open(place.service)),
        Some(at) => {
            look_at_line(place, place.service, &steps, at, findings);
            findings.extend(first_misplaced(&steps, at));
        }
    }
    match stage("last") {
        None => findings.push(NO_LAST.open(place.service)),
        Some(at) => {
            look_at_line(place, place.service, &steps, at, findings);
            if let Some(after) = steps.get(at + 1) {
                findings.push(LAST_PLACE.open(format!("{} stands after it: {}", after.path, after.place())));
            }
        }
    }
    look_at_others(place, place.service, &steps, findings);
    look_at_module_files(&steps, findings);
    for file in steps.iter().map(|step| &step.file).collect::<BTreeSet<_>>() {
        if fs::metadata(file).is_ok_and(|facts| facts.permissions().mode() & 0o004 == 0) {
            findings.push(NOT_FOR_NOBODY.open(file.display().to_string()));
        }
    }
}

fn first_misplaced(steps: &[Step], at: usize) -> Option<Finding> {
    let before = steps.get(..at).unwrap_or_default();
    if !before.iter().any(|step| step.module.as_deref() == Some("pam_loginuid.so")) {
        return Some(FIRST_PLACE.open("pam_loginuid.so does not stand before it"));
    }
    let acts = before
        .iter()
        .find(|step| step.module.as_deref().is_none_or(|module| !BEFORE_FIRST.contains(&module)));
    acts.map(|step| FIRST_PLACE.open(format!("{} stands before it: {}", step.path, step.place())))
}

/// One line of our module: it is reached, its refusal counts, and it reads the right configuration.
fn look_at_line(place: &Place<'_>, service: &str, steps: &[Step], at: usize, findings: &mut Vec<Finding>) {
    let Some(step) = steps.get(at) else { return };
    if !pam_flow::refusal_counts(&step.control) {
        findings.push(NO_FORCE.open(step.place()));
    }
    let vendor = Persona { uid: 1000, group: place.group, member: true };
    if let Some(by) = follow(steps, vendor, Some(at)).around {
        let by =
            steps.get(by).map_or_else(String::new, |step| format!("by {}, {}, ", step.path, step.place()));
        findings.push(AROUND.open(format!("{by}in {service}, past {}", step.place())));
    }
    let config = step.argument("config").map_or(Path::new(hostfile::DEFAULT_CONFIG), Path::new);
    if config != place.config {
        let (here, there) = (place.config.display(), config.display());
        findings.push(OTHER_CONFIG.open(format!("{} reads {there}, this check {here}", step.place())));
    }
}

/// Nobody outside the group, and no system account in it, meets the module.
fn look_at_others(place: &Place<'_>, service: &str, steps: &[Step], findings: &mut Vec<Finding>) {
    let others =
        [("root", 0, false), ("an account outside the group", 1000, false), ("a system account", 999, true)];
    let mut seen = BTreeSet::new();
    for (who, uid, member) in others {
        for at in follow(steps, Persona { uid, group: place.group, member }, None).reached {
            if let Some(step) = steps.get(at).filter(|_| seen.insert(at)) {
                findings.push(IN_THE_WAY.open(format!("{who} meets it in {service}: {}", step.place())));
            }
        }
    }
}

fn look_at_module_files(steps: &[Step], findings: &mut Vec<Finding>) {
    for path in
        steps.iter().filter(|step| is_ours(step)).map(|step| step.path.as_str()).collect::<BTreeSet<_>>()
    {
        let Some(file) = module_file(path) else {
            findings.push(NO_MODULE.open(format!("{path} is in no directory of PAM modules")));
            continue;
        };
        // /lib is a link on a merged /usr; the file itself is what counts.
        let checked = fs::canonicalize(&file).ok().map(|real| hostfile::secure::check(&real));
        match checked {
            Some(Ok(())) => {}
            Some(Err(error)) => findings.push(NO_MODULE.open(error.to_string())),
            None => findings.push(NO_MODULE.open(format!("{} does not exist", file.display()))),
        }
    }
}

/// Where libpam finds a module.
fn module_file(path: &str) -> Option<PathBuf> {
    if path.starts_with('/') {
        return Some(PathBuf::from(path));
    }
    let multiarch = format!("/usr/lib/{}-linux-gnu/security", std::env::consts::ARCH);
    let directories =
        [multiarch.as_str(), "/usr/lib64/security", "/usr/lib/security", "/lib64/security", "/lib/security"];
    directories.iter().map(|directory| Path::new(directory).join(path)).find(|file| file.exists())
}

fn look_at_other_services(place: &Place<'_>, findings: &mut Vec<Finding>) {
    let names = fs::read_dir(place.directory).into_iter().flatten().flatten();
    let mut names: Vec<String> = names.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    let mut further = Vec::new();
    for name in names {
        let not_a_service = name.starts_with("common-") || name.contains(['.', '~']) || name == place.service;
        if not_a_service || NO_ENTRIES.contains(&name.as_str()) {
            continue;
        }
        let entry = ENTRIES.contains(&name.as_str());
        let Ok(steps) = pam_stack::stack(place.directory, &name, Kind::Account) else {
            if entry {
                findings.push(UNREADABLE.open(name));
            }
            continue;
        };
        match steps.iter().position(is_ours) {
            Some(at) => {
                look_at_line(place, &name, &steps, at, findings);
                look_at_others(place, &name, &steps, findings);
            }
            None if steps.iter().all(denies) => {}
            None if entry => findings.push(OTHER_ENTRY.open(name)),
            None if SUDOS.contains(&name.as_str()) => findings.push(SUDO.open(name)),
            None => further.push(name),
        }
    }
    if !further.is_empty() {
        findings.push(FURTHER_ENTRIES.open(further.join(", ")));
    }
}

/// A stack of nothing but pam_deny lets nobody in.
fn denies(step: &Step) -> bool {
    step.module.as_deref() == Some("pam_deny.so")
}

fn read(place: &Place<'_>, service: &str, kind: Kind, findings: &mut Vec<Finding>) -> Option<Vec<Step>> {
    match pam_stack::stack(place.directory, service, kind) {
        Ok(steps) => Some(steps),
        Err(error) => {
            findings.push(UNREADABLE.open(error.to_string()));
            None
        }
    }
}

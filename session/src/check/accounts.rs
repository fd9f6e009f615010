//! Doors 201-219: who the vendor accounts are, and that none of them is more than a vendor account.

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, Stdio};

use hostfile::vendor_group::{self, FIRST_UID};

use super::door::{Door, Finding};

static NO_GROUP: Door = Door::error(
    201,
    "the vendor group does not exist",
    "no account is a vendor account, so none of the rules for them holds",
    "groupadd --system the group that host.toml names, and add the vendor accounts",
);
static EMPTY: Door = Door::warning(
    202,
    "the vendor group has no members",
    "there is no vendor account, so nothing about logins could be checked",
    "add the vendor accounts: usermod -aG GROUP ACCOUNT",
);
static SYSTEM: Door = Door::error(
    203,
    "a system account is in the vendor group",
    "with a uid below 1000 the module is jumped over: its certificates are checked by sshd alone",
    "take it out of the group, or give it a uid of 1000 or more",
);
static ROOT: Door = Door::error(
    204,
    "an account with uid 0 is in the vendor group",
    "it is root, and the module is jumped over",
    "take it out of the group",
);
static AS_GOOD_AS_ROOT: Door = Door::error(
    205,
    "a vendor account is in a group that is as good as root",
    "its members become root, read every disk, or rewrite the logs, whatever the grant says",
    "take it out of that group: gpasswd -d ACCOUNT GROUP",
);
static SHARED_UID: Door = Door::error(
    206,
    "a vendor account shares its uid with another account",
    "the other name enters the same files and processes, and is under no rule for vendors",
    "give each account a uid of its own",
);
static PASSWORD: Door = Door::warning(
    207,
    "a vendor account has a password",
    "it is of no use to sshd, but su, login and the console take it",
    "lock it: usermod -p '*' ACCOUNT",
);
static UNKNOWN: Door = Door::error(
    208,
    "the accounts cannot be listed",
    "nobody can say which accounts are vendor accounts",
    "mend NSS: `getent passwd` and `getent group` must answer",
);

/// The doors of this area.
pub(super) static DOORS: [&Door; 8] =
    [&NO_GROUP, &EMPTY, &SYSTEM, &ROOT, &AS_GOOD_AS_ROOT, &SHARED_UID, &PASSWORD, &UNKNOWN];

/// Groups whose members are root in disguise.
const AS_GOOD_AS: [&str; 15] = [
    "root",
    "sudo",
    "wheel",
    "admin",
    "docker",
    "podman",
    "lxd",
    "incus",
    "incus-admin",
    "libvirt",
    "disk",
    "adm",
    "shadow",
    "kmem",
    "staff",
];
/// Outsiders that sshd is asked about besides root, at most.
const OUTSIDERS: usize = 15;

/// The accounts of the host that matter.
#[derive(Debug, Default)]
pub(crate) struct Accounts {
    /// Vendor accounts, by name.
    pub(crate) vendors: BTreeSet<String>,
    /// root and some others that are no vendors.
    pub(crate) outsiders: Vec<String>,
}

struct Account {
    uid: u32,
    shell: String,
    has_password: bool,
}

/// Finds the vendor accounts and looks at each.
pub(crate) fn look(group: &str) -> (Accounts, Vec<Finding>) {
    let mut accounts = Accounts::default();
    let mut findings = Vec::new();
    let (all, groups) = match (all_accounts(group), all_groups()) {
        (Ok(all), Ok(groups)) => (all, groups),
        (Err(problem), _) | (_, Err(problem)) => {
            accounts.outsiders.push("root".to_owned());
            return (accounts, vec![UNKNOWN.open(problem)]);
        }
    };
    for (name, account) in &all {
        match vendor_group::is_in_group(name, group) {
            Ok(true) if account.uid == 0 => findings.push(ROOT.open(name.as_str()).about(name)),
            Ok(true) if account.uid < FIRST_UID => {
                findings.push(SYSTEM.open(format!("{name} has uid {}", account.uid)).about(name))
            }
            Ok(true) => {
                accounts.vendors.insert(name.clone());
                look_at_vendor(name, account, &all, &groups, &mut findings);
            }
            Ok(false) => {}
            Err(error) => {
                let door = if groups.contains_key(group) { &UNKNOWN } else { &NO_GROUP };
                findings.push(door.open(error.to_string()));
                break;
            }
        }
    }
    if accounts.vendors.is_empty() && findings.is_empty() {
        findings.push(EMPTY.open(group));
    }
    let logs_in =
        |account: &Account| !account.shell.ends_with("nologin") && !account.shell.ends_with("/false");
    let people = all.iter().filter(|(name, account)| {
        account.uid >= FIRST_UID && !accounts.vendors.contains(*name) && logs_in(account)
    });
    accounts.outsiders.push("root".to_owned());
    accounts.outsiders.extend(people.take(OUTSIDERS).map(|(name, _)| name.clone()));
    (accounts, findings)
}

fn look_at_vendor(
    name: &str,
    account: &Account,
    all: &BTreeMap<String, Account>,
    groups: &BTreeMap<String, u32>,
    findings: &mut Vec<Finding>,
) {
    for group in AS_GOOD_AS.iter().filter(|group| groups.contains_key(**group)) {
        if vendor_group::is_in_group(name, group) == Ok(true) {
            findings.push(AS_GOOD_AS_ROOT.open(format!("the group {group}")).about(name));
        }
    }
    let same = all.iter().filter(|(other, a)| a.uid == account.uid && *other != name);
    findings.extend(
        same.map(|(other, _)| SHARED_UID.open(format!("uid {} is also {other}", account.uid)).about(name)),
    );
    if account.has_password {
        findings.push(PASSWORD.open("it is not locked").about(name));
    }
}

/// Every account that NSS lists, and the members that the group names though NSS does not list them.
fn all_accounts(group: &str) -> Result<BTreeMap<String, Account>, String> {
    let mut lines = getent(&["passwd"])?;
    let members = getent(&["group", group]).unwrap_or_default();
    let members = members.lines().filter_map(|line| line.split(':').nth(3)).flat_map(|list| list.split(','));
    for member in members.filter(|name| !name.is_empty() && !name.starts_with('-')) {
        lines.push_str(&getent(&["passwd", member]).unwrap_or_default());
    }
    // Only root can read these; for anybody else no account seems to have a password.
    let shadow = getent(&["shadow"]).unwrap_or_default();
    let with_password: BTreeSet<&str> = shadow
        .lines()
        .filter_map(|line| {
            let mut fields = line.split(':');
            let (name, hash) = (fields.next()?, fields.next()?);
            (!hash.starts_with(['!', '*'])).then_some(name)
        })
        .collect();
    let parsed = lines.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        let (name, uid, shell) = (*fields.first()?, fields.get(2)?.parse().ok()?, *fields.get(6)?);
        let account = Account { uid, shell: shell.to_owned(), has_password: with_password.contains(name) };
        Some((name.to_owned(), account))
    });
    Ok(parsed.collect())
}

fn all_groups() -> Result<BTreeMap<String, u32>, String> {
    let lines = getent(&["group"])?;
    let parsed = lines.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        Some(((*fields.first()?).to_owned(), fields.get(2)?.parse().ok()?))
    });
    Ok(parsed.collect())
}

/// glibc's own tool lists accounts as every program sees them, directory services included.
fn getent(args: &[&str]) -> Result<String, String> {
    let output = Command::new("/usr/bin/getent").args(args).env_clear().stdin(Stdio::null()).output();
    match output {
        Err(error) => Err(format!("/usr/bin/getent does not run: {error}")),
        // 2: the name is not there.
        Ok(output) if output.status.code() == Some(2) => Ok(String::new()),
        Ok(output) if !output.status.success() => Err(format!("getent {} failed", args.join(" "))),
        Ok(output) => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
    }
}

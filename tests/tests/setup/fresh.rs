//! A host with the packages' files on it and nothing set up, and what its /etc looks like.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use e2e::artefacts;
use e2e::authority::{Authority, Request};
use e2e::host::Host;
use e2e::identity::Identity;
use e2e::process::{Outcome, run};
use e2e::refusal::{assert_enters, assert_refused};
use e2e::world::{HOST, World};

/// Debian's line in sshd_config.
pub(crate) const INCLUDE: &str = "Include /etc/ssh/sshd_config.d/*.conf\n";

/// What a file is: mode, owner, group, and its bytes.
pub(crate) type Facts = (u32, u32, u32, Vec<u8>);

/// A host before `jit setup`, its authority and persons. `more` stands at the end of its sshd_config.
pub(crate) fn host(more: &str) -> World {
    let folder = tempfile::Builder::new().prefix("jit-keys-").tempdir().expect("a scratch folder");
    let key = |name| Identity::make(folder.path(), name);
    let (jo, kim, lee, ada) = (key("jo"), key("kim"), key("lee"), key("ada"));
    let authority = Authority::new();
    authority.enrol("acme/jo", &[&jo]);
    authority.appoint("kim", &kim.public());
    drop(authority.ca(["host", "add", HOST, "--role", "db"]).ok());
    let mut host = Host::bare();
    // `jit setup` remembers here: the machine's own is not touched.
    drop(host.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/var/lib"]).ok());
    host.admit_admin(&ada.public_line());
    host.put("/usr/bin/jit", artefacts::jit());
    host.install_module();
    if !more.is_empty() {
        host.restart_sshd(more);
    }
    World { host, authority, jo, kim, lee, ada, folder }
}

/// Takes the vendors' group away, which the harness makes: `jit setup` has to make it then.
pub(crate) fn without_group(host: &Host) {
    let groups = host.read("/etc/group");
    let others = groups.lines().filter(|line| !line.starts_with("jit-vendors:"));
    host.write("/etc/group", others.map(|line| format!("{line}\n")).collect::<String>());
}

/// `jit setup` with these words more.
#[track_caller]
pub(crate) fn setup<const N: usize>(world: &World, words: [&str; N]) -> Outcome {
    let mut command = world.host.command("/usr/bin/jit");
    command.arg("setup").args(words);
    run(command)
}

/// `jit setup --yes` with the authority's fingerprint.
#[track_caller]
pub(crate) fn setup_yes(world: &World) -> Outcome {
    let authority = world.authority.fingerprint().to_owned();
    setup(world, ["--yes", "--host", HOST, "--authority", &authority])
}

/// What of /etc is looked at, besides whatever the host has written to.
const WATCHED: [&str; 7] = ["pam.d", "ssh", "jit", "group", "gshadow", "passwd", "shadow"];

/// The files of the host's /etc; what tools keep beside the accounts' files is left out. What only the machine below it
/// has is too: somebody may install a package there meanwhile.
pub(crate) fn etc(host: &Host) -> BTreeMap<String, Facts> {
    let root = host.path("/etc");
    let written = std::fs::read_dir(host.path("/run/overlay/etc/upper")).expect("reads the host's own layer");
    let written = written.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    let top: BTreeSet<String> = WATCHED.into_iter().map(str::to_owned).chain(written).collect();
    let mut found = BTreeMap::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let (path, kind) = (entry.path(), entry.file_type().expect("a file's type"));
            if folder == root && !top.contains(&*entry.file_name().to_string_lossy()) {
                continue;
            }
            let name = path.strip_prefix(&root).expect("below /etc").display().to_string();
            if kind.is_dir() {
                found.extend(facts(&path, Vec::new()).map(|facts| (format!("{name}/"), facts)));
                folders.push(path);
            } else if kind.is_file() && !name.ends_with('-') && name != ".pwd.lock" {
                // One that goes at this moment is gone: it may be looked at while it is being restored.
                let bytes = std::fs::read(&path).ok();
                found.extend(bytes.and_then(|bytes| facts(&path, bytes)).map(|facts| (name, facts)));
            }
        }
    }
    found
}

fn facts(path: &Path, bytes: Vec<u8>) -> Option<Facts> {
    let facts = std::fs::symlink_metadata(path).ok()?;
    Some((facts.mode(), facts.uid(), facts.gid(), bytes))
}

/// Both are the same; else the names that differ.
#[track_caller]
pub(crate) fn assert_same(before: &BTreeMap<String, Facts>, now: &BTreeMap<String, Facts>, when: &str) {
    let names = before.keys().chain(now.keys());
    let mut different: Vec<_> = names.filter(|name| before.get(*name) != now.get(*name)).collect();
    different.dedup();
    assert!(different.is_empty(), "{when}: {different:?}");
}

/// The administrator gets in with the plain key.
#[track_caller]
pub(crate) fn admin_enters(world: &World, when: &str) {
    let entered = world.admin().exec("id -un");
    assert!(
        entered.succeeded() && entered.stdout == "ada\n",
        "{when}: {entered:?}\n--- sshd\n{}",
        world.host.sshd_log()
    );
}

/// The host is set up: a vendor enters with a grant and not with a plain key, the administrator as ever.
#[track_caller]
pub(crate) fn is_set_up(world: &World, when: &str) {
    admin_enters(world, when);
    world.publish();
    assert_enters(&world.host, &world.client(&world.granted(&Request::default())));
    drop(assert_refused(&world.host, &world.client(&world.jo)));
}

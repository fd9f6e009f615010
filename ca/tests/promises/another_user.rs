//! `ca` as another user than root, as `sudo -u jit-ca ca` runs it. Needs root, to become somebody else.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use nix::unistd::{Uid, chown};

use crate::scene::{CA, Ran, Scene};

/// Who has no rights of its own on any machine.
pub(crate) const SOMEBODY: &str = "nobody";

/// A folder that everybody may enter, with a copy of `ca` that everybody may run, and an authority of [`SOMEBODY`]'s.
pub(crate) struct Stage {
    pub(crate) dir: tempfile::TempDir,
}

impl Stage {
    pub(crate) fn new() -> Self {
        assert!(Uid::effective().is_root(), "this test makes files of another user: run it as root");
        let dir = tempfile::Builder::new().prefix("ca-").tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        fs::create_dir(dir.path().join("bin")).unwrap();
        fs::set_permissions(dir.path().join("bin"), fs::Permissions::from_mode(0o755)).unwrap();
        fs::copy(CA, dir.path().join("bin/ca")).unwrap();
        fs::set_permissions(dir.path().join("bin/ca"), fs::Permissions::from_mode(0o755)).unwrap();
        let stage = Self { dir };
        fs::create_dir(stage.authority()).unwrap();
        let user = nix::unistd::User::from_name(SOMEBODY).unwrap().unwrap();
        chown(&stage.authority(), Some(user.uid), Some(user.gid)).unwrap();
        fs::set_permissions(stage.authority(), fs::Permissions::from_mode(0o700)).unwrap();
        stage
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The authority's directory.
    pub(crate) fn authority(&self) -> PathBuf {
        self.path("jit-ca")
    }

    /// Runs lines of bash as root, `ca` in its path, up to the first that fails.
    pub(crate) fn bash(&self, lines: &str) -> Ran {
        let path = format!("{}:{}", self.path("bin").display(), std::env::var("PATH").unwrap());
        let mut bash = Command::new("bash");
        bash.args(["-euo", "pipefail", "-c", lines]).current_dir(self.dir.path());
        bash.env("PATH", path).env("TZ", "UTC").env("CA_DIR", self.authority());
        bash.env_remove("SSH_AUTH_SOCK")
            .env_remove("CREDENTIALS_DIRECTORY")
            .stdin(std::process::Stdio::null());
        Ran::of(&bash.output().unwrap())
    }

    /// Runs `ca` as [`SOMEBODY`].
    pub(crate) fn ca(&self, line: &str) -> Ran {
        self.bash(&format!("setpriv --reuid {SOMEBODY} --regid nogroup --clear-groups ca {line}"))
    }
}

#[test]
fn a_passphrase_comes_from_the_descriptor_itself_whatever_its_file_allows() {
    let stage = Stage::new();
    fs::write(stage.path("secret"), "correct horse\n").unwrap();
    fs::set_permissions(stage.path("secret"), fs::Permissions::from_mode(0o600)).unwrap();
    assert!(!stage.bash(&format!("setpriv --reuid {SOMEBODY} cat secret")).err.is_empty());
    // Opened by root, handed over as sudo does.
    stage.ca("init --passphrase-fd 0 < secret").ok();
    stage.bash("ssh-keygen -y -P 'correct horse' -f jit-ca/ca_key").ok();
    stage.bash("rm jit-ca/*").ok();
    stage.ca("init --passphrase-fd 7 7< secret").ok();
    stage.bash("rm jit-ca/*").ok();
    let closed = stage.ca("init --passphrase-fd 7");
    assert!(closed.err.contains("\nhint: sudo hands over no descriptor above 2"), "{closed:?}");
    closed.refused("cannot read the passphrase from file descriptor 7: Bad file descriptor");
}

#[test]
fn a_passphrase_comes_through_a_socket_too() {
    use std::io::Write;
    let scene = Scene::empty();
    let (mut ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    ours.write_all(b"correct horse\n").unwrap();
    let mut ca = scene.command(OsStr::new(CA));
    ca.args(["init", "--passphrase-fd", "0"]).stdin(std::os::fd::OwnedFd::from(theirs));
    Ran::of(&ca.output().unwrap()).ok();
    scene.run("ssh-keygen", ["-y", "-P", "correct horse", "-f", "ca/ca_key"]).ok();
}

/// The lines of the fenced block of a section of docs/operations.md, for the stage's folder and user.
fn typed(stage: &Stage, heading: &str) -> String {
    let page = include_str!("../../../docs/operations.md");
    let section = page.split_once(&format!("\n## {heading}\n")).unwrap().1;
    let block = section.split_once("\n```\n").unwrap().1.split_once("\n```\n").unwrap().0;
    let become_somebody = format!("setpriv --reuid {SOMEBODY} --regid nogroup --clear-groups ca");
    block
        .replace("sudo -u jit-ca ca", &become_somebody)
        .replace("chown -R jit-ca:", &format!("chown -R {SOMEBODY}:"))
        .replace("/var/lib/jit-ca", stage.authority().to_str().unwrap())
        .replace("/backup", stage.path("backup").to_str().unwrap())
}

/// The events, oldest first, as somebody reads them.
fn log(stage: &Stage) -> String {
    stage.ca("log --all --json").ok()
}

#[test]
fn what_the_operations_page_backs_up_and_restores_is_the_authority_of_then() {
    let stage = Stage::new();
    stage.ca("init --no-passphrase").ok();
    stage.ca("host add db1.prod").ok();
    let then = log(&stage);
    stage.bash(&typed(&stage, "Back up the authority")).ok();
    assert_eq!(log(&stage), then, "a backup changes nothing");

    // A change that stands in the write-ahead log alone, which must not come back with the restored ledger.
    stage.ca("host add lost.prod").ok();
    let wal = stage.authority().join("ledger.db-wal");
    assert!(fs::metadata(wal).unwrap().len() > 0);
    stage.bash(&typed(&stage, "Restore it")).ok();
    assert_eq!(log(&stage), then);
    stage.ca("host add web1.prod").ok();
    stage.ca("check").ok();

    // On a new machine there is the package's empty folder.
    let authority = stage.authority();
    let authority = authority.display();
    stage
        .bash(&format!("rm -r {authority} {authority}.old; install -d -m 700 -o {SOMEBODY} {authority}"))
        .ok();
    stage.bash(&typed(&stage, "Restore it")).ok();
    assert_eq!(log(&stage), then);
}

#[test]
fn check_by_root_says_what_the_owner_of_an_authority_can_not_do() {
    let stage = Stage::new();
    stage.ca("init --no-passphrase").ok();
    stage.ca("check").ok();
    stage.bash("ca check").ok();
    let found = |number: u16, line: &str, parts: &[&str]| {
        let checked = stage.bash(line);
        assert_eq!(checked.code, 1, "{checked:?}");
        let (_, rest) =
            checked.out.split_once(&format!("error {number}: ")).unwrap_or_else(|| panic!("{checked:?}"));
        let finding = rest.split("\n\n").next().unwrap();
        assert!(parts.iter().all(|part| finding.contains(part)), "{parts:?} are not in {finding}");
    };
    let authority = stage.authority();
    let authority = authority.to_str().unwrap();
    let mend = format!("mend   chown -R {SOMEBODY}: {authority}");

    // A key and the ledger are another's.
    stage.bash("chown daemon jit-ca/ca_key && chown root jit-ca/ledger.db").ok();
    found(108, "ca check", &["ca_key (daemon)", "ledger.db (root)", &mend]);
    // Restored with `cp -a` by root: all of it is root's, in the home of the package's user.
    stage.bash("chown -R root: jit-ca").ok();
    stage.bash("ca check").ok();
    stage.bash(&format!("sed '/^nobody:/d; /^jit-ca:/d' /etc/passwd >passwd; echo 'jit-ca:x:65534:65534::{authority}:/bin/false' >>passwd")).ok();
    let by_root = "unshare --mount sh -c 'mount --bind passwd /etc/passwd && ca check'";
    found(
        108,
        by_root,
        &["is jit-ca's", "the folder itself (root)", "ledger.db (root)", "mend   chown -R jit-ca: "],
    );
    let denied = stage.ca("check");
    assert!(
        denied.out.contains(&format!(
            "error 101: cannot work in {authority}: cannot open {authority}/ca.toml: Permission denied"
        )),
        "{denied:?}"
    );
    assert!(
        denied.out.contains(
            "mend   it belongs to root: sudo -u root ca ...; or, if it should be nobody's, as root: chown -R"
        ),
        "{denied:?}"
    );
    let listed = stage.ca("list");
    listed.refused_with("ca.toml: Permission denied");
    stage.bash(&mend.replace("mend   ", "")).ok();
    stage.ca("check").ok();

    // Modes that root does not notice.
    for (name, mode, was, what) in
        [("ledger.db", "400", "600", "write"), ("ca_key", "000", "600", "read"), (".", "500", "700", "write")]
    {
        stage.bash(&format!("chmod {mode} jit-ca/{name}")).ok();
        let shown = if name == "." { authority.to_owned() } else { format!("{authority}/{name}") };
        let what = format!("{SOMEBODY} can't {what} {shown} (mode 0{mode})");
        found(109, "ca check", &[&what, "mend   chmod u+r", &shown]);
        stage.bash(&format!("chmod {was} jit-ca/{name}")).ok();
    }
    found(
        109,
        "unshare --mount sh -c 'mount --bind jit-ca jit-ca && mount -o remount,bind,ro jit-ca && ca check'",
        &["is on a file system that is mounted read-only"],
    );
    stage.bash("ca check").ok();
}

#[test]
fn a_ledger_that_can_not_be_written_is_one_error_with_its_path_and_what_to_do() {
    let stage = Stage::new();
    stage.ca("init --no-passphrase").ok();
    let ledger = stage.authority().join("ledger.db").display().to_string();
    let error = format!("cannot open {ledger} for writing: attempt to write a readonly database");
    let refused = |ran: Ran, hint: &str| {
        assert!(ran.err.contains(&format!("\nhint: {hint}")), "{ran:?}");
        ran.refused(&error);
    };
    let add = "host add db1.prod";
    stage.bash("chmod 400 jit-ca/ledger.db").ok();
    refused(
        stage.ca(add),
        "look at its mode, at its folder's, and whether its file system is mounted read-only",
    );
    stage.bash("chown root jit-ca/ledger.db && chmod 644 jit-ca/ledger.db").ok();
    refused(stage.ca(add), "it belongs to root: sudo -u root ca ...; or, if it should be nobody's");
    stage.bash(&format!("chown {SOMEBODY} jit-ca/ledger.db && chmod 600 jit-ca/ledger.db*")).ok();
    let read_only = "unshare --mount sh -c 'mount --bind jit-ca jit-ca && mount -o remount,bind,ro jit-ca && ca host add db1.prod'";
    refused(stage.bash(read_only), "look at its mode, ");
    stage.ca(add).ok();
}

#[test]
fn a_backup_overwrites_nothing_and_is_as_private_as_what_it_copies() {
    let scene = Scene::new();
    scene.signed(&[]);
    scene.ca(["backup", "copy"]).ok();
    let copy = scene.shell("ca --dir copy check && ca --dir copy log --all --json").ok();
    assert!(copy.starts_with("all is well in copy\n"), "{copy}");
    assert!(copy.ends_with(&scene.ca(["log", "--all", "--json"]).ok()), "{copy}");
    for (name, mode) in [(".", 0o700), ("ca_key", 0o600), ("trust_root", 0o600), ("ledger.db", 0o600)] {
        let facts = fs::metadata(scene.path("copy").join(name)).unwrap();
        assert_eq!(facts.permissions().mode() & 0o7777, mode, "{name}");
    }
    scene.ca(["backup", "copy"]).refused("copy is not empty, and nothing is overwritten");
    scene.ca(["backup", "jo.pub"]).refused_with("cannot make jo.pub: File exists");
    scene.shell("chmod 640 ca/ca_key").ok();
    scene.ca(["backup", "other"]).refused_with("ca_key can be read by others");
    scene.ca(["--dir", "other", "list"]).refused("there is no authority in other");
}

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
    stage
        .ca("init --passphrase-fd 7")
        .refused_with("cannot read the passphrase from file descriptor 7: Bad file descriptor");
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

//! A folder of its own for each test, below the build directory: that is root's alone, /tmp is not.
//! Keys are made by ssh-keygen when the test runs.
#![allow(dead_code, reason = "each test file uses a part")]

use std::fs;
use std::path::PathBuf;
use std::process::Command;

pub(crate) struct Scratch(tempfile::TempDir);

impl Scratch {
    pub(crate) fn new() -> Self {
        let root = env!("CARGO_TARGET_TMPDIR");
        Self(tempfile::Builder::new().permissions(mode(0o755)).tempdir_in(root).unwrap())
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A file of root's, mode 0644.
    pub(crate) fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.at(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, mode(0o644)).unwrap();
        path
    }

    /// A new key pair; the line of its public half.
    pub(crate) fn key(&self, name: &str, kind: &[&str]) -> String {
        let path = self.at(name);
        let made = Command::new("ssh-keygen")
            .args(["-q", "-N", "", "-C", name, "-f"])
            .arg(&path)
            .args(kind)
            .status();
        assert!(made.unwrap().success());
        fs::read_to_string(path.with_extension("pub")).unwrap().trim().to_owned()
    }
}

fn mode(mode: u32) -> fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(mode)
}

/// The fingerprint of a public key line.
pub(crate) fn fingerprint(line: &str) -> String {
    grant::PublicKey::parse_line(line).unwrap().fingerprint().to_string()
}

pub(crate) fn is_one_printable_line(text: &str) -> bool {
    text.bytes().all(|b| b == b' ' || b.is_ascii_graphic())
}

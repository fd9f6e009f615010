//! The packages, built as `make deb` and `make rpm` build them, once a run, under `target/packages`.
//!
//! Compiled crates stay there from run to run. A second version has the same programs under another number: what an
//! upgrade does to a host is what is looked at.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::booted::host::Host;
use crate::process::program;

/// The version of [`Debs::newer`].
pub const NEWER: &str = "99.0.0";

/// The three Debian packages.
#[derive(Debug)]
pub struct Debs(Vec<PathBuf>);

impl Debs {
    /// Of this version.
    #[must_use]
    pub fn current() -> &'static Self {
        static BUILT: OnceLock<Debs> = OnceLock::new();
        BUILT.get_or_init(|| Self(built("make-deb", "deb", "current", &[])))
    }

    /// Of a later version.
    #[must_use]
    pub fn newer() -> &'static Self {
        static BUILT: OnceLock<Debs> = OnceLock::new();
        BUILT.get_or_init(|| Self(built("make-deb", "deb", "newer", &["--version", NEWER])))
    }

    /// Their files.
    #[must_use]
    pub fn files(&self) -> &[PathBuf] {
        &self.0
    }

    /// Installs them on a host, or upgrades to them, with apt and without a network.
    #[track_caller]
    pub fn install(&self, host: &Host) {
        drop(host.script("rm -rf /root/packages", []).ok());
        for file in &self.0 {
            let name = file.file_name().expect("a package's name").to_string_lossy();
            host.put(&format!("/root/packages/{name}"), std::fs::read(file).expect("reads a package"), 0o644);
        }
        let install = "DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends /root/packages/*.deb";
        drop(host.script(install, []).ok());
    }
}

/// The three packages for EL10.
#[must_use]
pub fn rpms() -> &'static [PathBuf] {
    static BUILT: OnceLock<Vec<PathBuf>> = OnceLock::new();
    BUILT.get_or_init(|| built("make-rpm", "rpm", "current", &[]))
}

/// The root of the workspace.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the workspace")
}

/// Builds packages with a script of the tree. One builds at a time: sources and compiled crates lie in one place.
fn built(script: &str, kind: &str, folder: &str, arguments: &[&str]) -> Vec<PathBuf> {
    let kept = root().join("target/packages");
    std::fs::create_dir_all(&kept).expect("makes the folder for packages");
    let lock = File::create(kept.join("lock")).expect("makes the lock of the packages");
    lock.lock().expect("locks the packages");
    let into = kept.join("tested").join(format!("{folder}-{kind}"));
    let mut command = Command::new(root().join("scripts").join(script));
    command.arg("--into").arg(&into).args(arguments);
    build(command);
    files(&into, kind)
}

/// Runs a build to its end, which takes minutes where nothing is compiled yet.
///
/// # Panics
/// When it fails: with what it said.
pub fn build(mut command: Command) {
    let _present = (program("dpkg-buildpackage", "dpkg-dev"), program("rpmbuild", "rpm"));
    for name in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_TARGET_DIR"] {
        command.env_remove(name);
    }
    let output = command.output().expect("starts a script of the tree");
    assert!(
        output.status.success(),
        "{command:?}:\n{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// The packages in a folder, by name.
///
/// # Panics
/// When there are not three.
#[must_use]
pub fn files(folder: &Path, kind: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("reads the folder of packages");
    let mut files: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == kind));
    files.sort();
    assert_eq!(files.len(), 3, "three packages: {files:?}");
    files
}

//! The built artefacts: `ca`, `jit` and `pam_jit.so`, built once a run and copied to where nobody rebuilds them meanwhile.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Names a folder with `ca`, `jit` and `libpam_jit.so` to test instead of building them: those of a package, say.
pub const ELSEWHERE: &str = "E2E_ARTEFACTS";

/// The authority's program.
///
/// # Panics
/// When it does not build.
#[must_use]
pub fn ca() -> &'static Path {
    static KEPT: OnceLock<PathBuf> = OnceLock::new();
    KEPT.get_or_init(|| kept("ca", "ca"))
}

/// The host's program.
///
/// # Panics
/// When it does not build.
#[must_use]
pub fn jit() -> &'static Path {
    static KEPT: OnceLock<PathBuf> = OnceLock::new();
    KEPT.get_or_init(|| kept("session", "jit"))
}

/// The PAM module.
///
/// # Panics
/// When it does not build.
#[must_use]
pub fn module() -> &'static Path {
    static KEPT: OnceLock<PathBuf> = OnceLock::new();
    KEPT.get_or_init(|| kept("pam_jit", "libpam_jit.so"))
}

/// Builds a package and copies one file that came out.
fn kept(package: &str, file: &str) -> PathBuf {
    if let Some(built) = std::env::var_os(ELSEWHERE) {
        return Path::new(&built).join(file);
    }
    let place = Place::of_this_test();
    let _held = place.lock("product");
    place.build(&place.target, &["-p", package]);
    place.keep(&place.target.join(&place.profile).join(file), file)
}

/// The module built with `panic-probe`: each of its hooks panics for a vendor account.
///
/// # Panics
/// When it does not build.
#[must_use]
pub fn panicking_module() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let place = Place::of_this_test();
        let _held = place.lock("panic-probe");
        // A folder of its own: a module that can panic must never lie where the real one is taken from.
        let target = place.target.join("panic-probe");
        // Everything is compiled once more for this one file: as quickly as can be.
        let quick =
            ["--config", "profile.dev.package.'*'.opt-level=0", "--config", "profile.dev.debug=false"];
        let what = ["-p", "pam_jit", "--features", "panic-probe"];
        place.build(&target, &[&what[..], &quick[..]].concat());
        place.keep(&target.join(&place.profile).join("libpam_jit.so"), "pam_jit-panic-probe.so")
    })
}

/// A program of this crate, built beside the test that runs.
///
/// # Panics
/// When it is not there.
#[must_use]
pub fn own_program(name: &str) -> PathBuf {
    let place = Place::of_this_test();
    let path = place.target.join(&place.profile).join(name);
    assert!(path.exists(), "{} is missing: run the tests with `cargo test -p e2e`", path.display());
    path
}

struct Place {
    target: PathBuf,
    profile: String,
    kept: PathBuf,
}

impl Place {
    /// Cargo runs `TARGET/PROFILE/deps/NAME`; the same target folder spares a second build.
    fn of_this_test() -> Self {
        let runs = std::env::current_exe().expect("the path of the running test");
        let profile = runs.ancestors().nth(2).expect("TARGET/PROFILE/deps/NAME");
        let target = profile.parent().expect("TARGET/PROFILE").to_owned();
        let profile = profile.file_name().expect("a profile's name").to_string_lossy().into_owned();
        let kept = target.join("tmp").join("e2e");
        std::fs::create_dir_all(&kept).expect("makes a folder for the artefacts");
        Self { target, profile, kept }
    }

    /// Test binaries may run side by side: one builds and copies at a time.
    fn lock(&self, what: &str) -> File {
        let lock = File::create(self.kept.join(format!("{what}.lock"))).expect("makes the lock file");
        lock.lock().expect("locks the artefacts");
        lock
    }

    fn build(&self, target: &Path, what: &[&str]) {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."));
        command.arg("build").args(what).arg("--target-dir").arg(target);
        if self.profile != "debug" {
            command.arg("--profile").arg(&self.profile);
        }
        let output = command.output().expect("starts cargo");
        assert!(output.status.success(), "{command:?}:\n{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Copies a built file, by rename, so that a running host keeps the one it has.
    fn keep(&self, built: &Path, name: &str) -> PathBuf {
        let kept = self.kept.join(format!("{}-{name}", self.profile));
        let fresh = self.kept.join(format!("{}-{name}.new", self.profile));
        std::fs::copy(built, &fresh).unwrap_or_else(|error| panic!("copies {}: {error}", built.display()));
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&fresh, mode).expect("sets the mode of an artefact");
        std::fs::rename(&fresh, &kept).expect("renames an artefact");
        kept
    }
}

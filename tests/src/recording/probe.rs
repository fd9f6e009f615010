//! Small programs that start programs in unusual ways, compiled once and put on a host by name.
//!
//! `probe` is static C, `narrow` a 32-bit program in assembly, `forks` what the benchmarks time. The built file's name carries a hash of its source, so a
//! changed source is built anew, and test programs that run side by side build it by rename.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use sha2::{Digest, Sha256};

use crate::host::Host;
use crate::process::{program, run};

/// Where a host has the program with the many ways.
pub const PROBE: &str = "/usr/local/bin/probe";

/// Where a host has the 32-bit program.
pub const NARROW: &str = "/usr/local/bin/narrow";

/// Where a host has the loop that the benchmarks time.
pub const FORKS: &str = "/usr/local/bin/forks";
/// The same loop behind a gate that does nothing but wait for the disk.
pub const FLOOR: &str = "/usr/local/bin/floor";

/// Where a host has the program with the long arguments.
pub const HEAVY: &str = "/usr/local/bin/heavy";

/// While it is there, see [`install_lock`].
pub const LOCKED: &str = "/tmp/audit-is-locked";

const LOCK_SOURCE: &str = include_str!("probes/locked.c");
const PROBE_SOURCE: &str = include_str!("probes/probe.c");
const NARROW_SOURCE: &str = include_str!("probes/narrow.s");
const FLOOR_SOURCE: &str = include_str!("probes/floor.c");
const HEAVY_SOURCE: &str = include_str!("probes/heavy.c");
const FORKS_SOURCE: &str = include_str!("probes/forks.c");

/// Puts both programs on a host.
///
/// # Panics
/// When they do not build.
pub fn install(host: &Host) {
    static BUILT: OnceLock<(PathBuf, PathBuf)> = OnceLock::new();
    let (probe, narrow) = BUILT.get_or_init(|| {
        let probe = built("probe.c", PROBE_SOURCE, |source, to| {
            let mut gcc = Command::new(program("gcc", "gcc"));
            gcc.args(["-O1", "-static", "-Wall", "-Wextra", "-Werror", "-pthread", "-o"]).arg(to).arg(source);
            drop(run(gcc).ok());
        });
        let narrow = built("narrow.s", NARROW_SOURCE, |source, to| {
            let object = to.with_extension("o");
            let mut assembler = Command::new(program("as", "binutils"));
            assembler.arg("--32").arg(source).arg("-o").arg(&object);
            drop(run(assembler).ok());
            let mut linker = Command::new(program("ld", "binutils"));
            linker.args(["-m", "elf_i386", "-o"]).arg(to).arg(&object);
            drop(run(linker).ok());
        });
        (probe, narrow)
    });
    host.put(PROBE, probe);
    host.put(NARROW, narrow);
}

/// Puts the loops that the benchmarks time on a host.
///
/// # Panics
/// When they do not build.
pub fn install_forks(host: &Host) {
    static BUILT: OnceLock<[PathBuf; 2]> = OnceLock::new();
    let [forks, floor] = BUILT.get_or_init(|| {
        [("forks.c", FORKS_SOURCE), ("floor.c", FLOOR_SOURCE)].map(|(name, text)| {
            built(name, text, |source, to| {
                let mut gcc = Command::new(program("gcc", "gcc"));
                gcc.args(["-O2", "-Wall", "-Wextra", "-Werror", "-o"]).arg(to).arg(source);
                drop(run(gcc).ok());
            })
        })
    });
    host.put(FORKS, forks);
    host.put(FLOOR, floor);
}

/// Puts the program on a host that starts programs with very long arguments, or has the kernel hold them back.
///
/// # Panics
/// When it does not build.
pub fn install_heavy(host: &Host) {
    let heavy = built("heavy.c", HEAVY_SOURCE, |source, to| {
        let mut gcc = Command::new(program("gcc", "gcc"));
        gcc.args(["-O1", "-Wall", "-Wextra", "-Werror", "-o"]).arg(to).arg(source);
        drop(run(gcc).ok());
    });
    host.put(HEAVY, &heavy);
}

/// Puts the library on a host by which a recorder sees an audit with locked rules, as long as [`LOCKED`] is there; gives
/// its path.
///
/// # Panics
/// When it does not build.
pub fn install_lock(host: &Host) -> &'static str {
    let library = built("locked.c", LOCK_SOURCE, |source, to| {
        let mut gcc = Command::new(program("gcc", "gcc"));
        gcc.args(["-O1", "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror", "-o"]).arg(to).arg(source);
        drop(run(gcc).ok());
    });
    host.put("/usr/local/lib/locked.so", &library);
    "/usr/local/lib/locked.so"
}

/// The built file of a source, from the cache in the target folder or made now.
fn built(name: &str, source: &str, build: impl FnOnce(&Path, &Path)) -> PathBuf {
    let runs = std::env::current_exe().expect("the path of the running test");
    let folder = runs.ancestors().nth(3).expect("TARGET/PROFILE/deps/NAME").join("tmp").join("probes");
    std::fs::create_dir_all(&folder).expect("makes a folder for the probes");
    let hash = Sha256::digest(source.as_bytes());
    let kept = folder.join(format!("{name}-{:02x}{:02x}{:02x}{:02x}", hash[0], hash[1], hash[2], hash[3]));
    if !kept.exists() {
        let scratch = tempfile::tempdir_in(&folder).expect("a scratch folder");
        let text = scratch.path().join(name);
        let fresh = scratch.path().join("built");
        std::fs::write(&text, source).expect("writes the source");
        build(&text, &fresh);
        std::fs::rename(&fresh, &kept).expect("renames the built program");
    }
    kept
}

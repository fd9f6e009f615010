//! Two builds of the same tree, in two folders and with two caches of crates, give the same packages, byte for byte.

use std::path::{Path, PathBuf};
use std::process::Command;

use e2e::packages::{Debs, build, files, root, rpms};
use e2e::process::{clean, program, run};

fn digest(file: &Path) -> String {
    let mut sum = clean(program("sha256sum", "coreutils"));
    sum.arg(file);
    run(sum).ok().stdout.split(' ').next().unwrap_or_default().to_owned()
}

fn digests(files: &[PathBuf]) -> Vec<(String, String)> {
    let name = |path: &PathBuf| path.file_name().expect("a package's name").to_string_lossy().into_owned();
    files.iter().map(|file| (name(file), digest(file))).collect()
}

#[test]
fn two_builds_in_two_places_are_the_same_packages() {
    let (first_deb, first_rpm) = (digests(Debs::current().files()), digests(rpms()));
    let folder = tempfile::tempdir().expect("a scratch folder");
    // The sources lie elsewhere too, under another path, with other times; and so does everything that cargo keeps.
    let tree = folder.path().join("another-tree");
    let mut export = Command::new(root().join("scripts/export"));
    export.arg(&tree);
    build(export);
    let epoch = "[ -d .git ] && git log -1 --format=%ct || stat --format=%Y Cargo.lock";
    let mut time = clean(program("sh", "dash"));
    time.args(["-c", epoch]).current_dir(root());
    let epoch = run(time).ok().stdout.trim().to_owned();
    let cargo_home = folder.path().join("cargo");
    std::fs::create_dir(&cargo_home).expect("makes a folder");
    let own = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let own = own.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")));
    // Where crates come from is the machine's business.
    if let Some(config) = own.map(|own| own.join("config.toml")).filter(|config| config.exists()) {
        std::fs::copy(config, cargo_home.join("config.toml")).expect("copies cargo's configuration");
    }
    let again = |kind: &str| {
        let mut again = Command::new(tree.join("scripts").join(format!("make-{kind}")));
        // The time is that of the first build: an export has no history.
        again.env("SOURCE_DATE_EPOCH", &epoch).env("CARGO_HOME", &cargo_home);
        again.env("TZ", "Pacific/Kiritimati").env("LC_ALL", "C");
        build(again);
        digests(&files(&tree.join("target/packages").join(kind), kind))
    };
    assert_eq!(again("deb"), first_deb);
    assert_eq!(again("rpm"), first_rpm);
}

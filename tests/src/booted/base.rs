//! The root folder that every booted host is a layer over: Debian 12 by debootstrap, made once, read-only from then on.
//!
//! It lies beside the build (`TARGET/booted/base-HASH`) and is named after the package list and the recipe, so a change
//! of either makes a new one. It is made under another name and renamed, so a folder of that name is whole. The child
//! that makes it holds the lock itself: a harness that is killed leaves no second one to start meanwhile.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use crate::process::program;

const RELEASE: &str = "bookworm";

/// What a booted host has, beyond debootstrap's minimum. Each with its reason.
const PACKAGES: &[&str] = &[
    "systemd",
    "systemd-sysv",   // process 1
    "dbus",           // logind's bus
    "libpam-systemd", // session scopes
    "openssh-server", // what vendors reach
    "openssh-client", // the far end of `scp -O`
    "openssh-sftp-server",
    "sudo",
    "rsyslog",
    "rsyslog-gnutls", // forwarding over TLS
    "openssl",        // makes the certificates for it
    "at",
    "cron", // what outlives a session
    "procps",
    "iproute2",
    "strace",   // kills a program at a step of its work
    "faketime", // another wall clock for one service, without setting the machine's
];

/// Runs in mount and process namespaces of its own. Arguments: release, mirror (may be empty), folder for downloaded
/// packages, folder to make, packages.
const RECIPE: &str = r#"
set -e
release=$1 mirror=$2 downloads=$3 made=$4 packages=$5
mount -t proc proc /proc
rm -rf "$made".new-*
mkdir -p "$downloads"
debootstrap --variant=minbase --cache-dir="$downloads" --include="$packages" "$release" "$made.new-$$" $mirror
cd "$made.new-$$"
rm -rf var/cache/apt/archives/*.deb var/lib/apt/lists/*
# Timers of upkeep, and a console that nobody sits at: they would only take time from the tests.
for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer \
    e2scrub_reap.service console-getty.service systemd-networkd-wait-online.service; do
    ln -sf /dev/null etc/systemd/system/$unit
done
echo db1 >etc/hostname
printf '127.0.0.1 localhost\n127.0.1.1 db1\n::1 localhost\n' >etc/hosts
# 200 logins at once come from the tests, not from an attacker; and the log says why a login failed.
printf 'MaxStartups 500\nMaxSessions 100\nLogLevel VERBOSE\nUseDNS no\n' >etc/ssh/sshd_config.d/10-tests.conf
cd /
mv "$made.new-$$" "$made"
"#;

/// The folder, made if it is not there yet.
///
/// # Panics
/// When debootstrap fails, with the end of what it said.
#[must_use]
pub fn folder() -> &'static Path {
    static MADE: OnceLock<PathBuf> = OnceLock::new();
    MADE.get_or_init(|| {
        let made = kept().join(format!("base-{}", name()));
        let lock = File::create(kept().join("base.lock")).expect("makes the lock of the base folder");
        lock.lock().expect("locks the base folder");
        if !made.is_dir() {
            make(&made, lock);
        }
        made
    })
}

/// `TARGET/booted`, beside the build of the running test.
fn kept() -> PathBuf {
    let runs = std::env::current_exe().expect("the path of the running test");
    // TARGET/PROFILE/deps/NAME
    let kept = runs.ancestors().nth(3).expect("a target folder").join("booted");
    std::fs::create_dir_all(&kept).expect("makes the folder for booted hosts");
    kept
}

fn name() -> String {
    let recipe = format!("{RELEASE}\n{PACKAGES:?}\n{RECIPE}");
    let digest = Sha256::digest(recipe.as_bytes());
    digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

fn make(made: &Path, lock: File) {
    let _present = program("debootstrap", "debootstrap");
    let started = Instant::now();
    let downloads = kept().join("packages");
    let mut command = Command::new(program("unshare", "util-linux"));
    command.args([
        "--mount",
        "--propagation",
        "private",
        "--pid",
        "--fork",
        "--kill-child",
        "sh",
        "-c",
        RECIPE,
    ]);
    command.arg("base").args([RELEASE, &mirror()]).arg(downloads).arg(made).arg(PACKAGES.join(","));
    command.env("LC_ALL", "C.UTF-8").env("DEBIAN_FRONTEND", "noninteractive");
    let errors = tempfile::tempfile().expect("a scratch file");
    let mut child = command
        .stdin(Stdio::from(lock))
        .stdout(Stdio::piped())
        .stderr(errors.try_clone().expect("duplicates a scratch file"))
        .spawn()
        .expect("starts debootstrap");
    progress(format_args!(
        "making a Debian 12 in {} for the booted hosts, once (a minute or more)",
        made.display()
    ));
    let mut last = Vec::new();
    let mut told = Instant::now();
    for line in BufReader::new(child.stdout.take().expect("a pipe")).lines().map_while(Result::ok) {
        if told.elapsed() > Duration::from_secs(2) {
            told = Instant::now();
            progress(format_args!(
                "{:>3} s  {}",
                started.elapsed().as_secs(),
                line.trim_start_matches("I: ")
            ));
        }
        last.push(line);
    }
    let status = child.wait().expect("waits for debootstrap");
    let said = last.iter().rev().take(15).rev().map(|line| format!("{line}\n")).collect::<String>();
    assert!(
        status.success(),
        "debootstrap failed; it needs root and this machine's Debian mirror\n{said}{}",
        crate::booted::place::text_of(&errors)
    );
    progress(format_args!("made after {} s", started.elapsed().as_secs()));
}

/// The mirror of this machine's own apt, which is known to be reachable; empty for debootstrap's own choice.
fn mirror() -> String {
    let mut command = Command::new(program("apt-get", "apt"));
    command.args(["indextargets", "--format", "$(REPO_URI)", "Identifier: Packages"]);
    command.args([&format!("Codename: {RELEASE}"), "Component: main", "Origin: Debian"]);
    let output = command.output().expect("starts apt-get");
    String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or_default().to_owned()
}

/// To standard error itself: the test runner keeps `eprintln!` to itself, and a person waits.
fn progress(what: std::fmt::Arguments<'_>) {
    drop(writeln!(std::io::stderr(), "booted: {what}"));
}

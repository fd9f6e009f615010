//! A booted host: an ordinary Debian 12 with an administrator's account, until [`Host::install`] puts the product on it.
//!
//! What the harness does on it runs in its process 1's namespaces, as root, outside of every session and unit.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::booted::base;
use crate::booted::place::{BOOT, HOST_ADDRESS, Place};
use crate::deadline::{self, SOON};
use crate::host::ADMIN;
use crate::process::{Outcome, clean, program, run};

/// A running host.
#[derive(Debug)]
pub struct Host {
    place: Place,
    leader: u32,
    address: String,
}

impl Host {
    /// An ordinary host, booted: sshd listens, and the administrator `ada` may be let in with [`Host::admit_admin`].
    ///
    /// # Panics
    /// When it does not come up.
    #[must_use]
    pub fn boot() -> Self {
        Self::boot_in(Place::new(base::folder(), "db1", HOST_ADDRESS, None), HOST_ADDRESS)
    }

    /// Another machine in this one's network, of this name and address (10.217.0.0/17).
    ///
    /// # Panics
    /// When it does not come up.
    #[must_use]
    pub fn boot_beside(&self, name: &str, address: &str) -> Self {
        Self::boot_in(Place::new(base::folder(), name, address, Some(&self.place)), address)
    }

    fn boot_in(mut place: Place, address: &str) -> Self {
        let leader = place.boot();
        let host = Self { place, leader, address: address.to_owned() };
        host.wait_until_up();
        drop(host.run(["useradd", "--create-home", "--shell", "/bin/bash", ADMIN]).ok());
        host
    }

    /// Restarts the host in good order; files stay, processes and `/run` do not.
    ///
    /// # Panics
    /// When it does not go down or come up again.
    pub fn reboot(&mut self) {
        drop(self.run(["systemctl", "--no-block", "reboot"]).ok());
        self.boot_again();
    }

    /// Restarts it as a power cut would: every process is gone at once. (What was written stays: there is one kernel.)
    ///
    /// # Panics
    /// When it does not come up again.
    pub fn crash(&mut self) {
        // Process 1 of a process namespace takes its whole namespace with it.
        drop(run({
            let mut kill = clean(program("kill", "procps"));
            kill.args(["-KILL", &self.leader.to_string()]);
            kill
        }));
        self.boot_again();
    }

    fn boot_again(&mut self) {
        let off = deadline::poll(BOOT, || self.place.is_off().then_some(()));
        assert!(off.is_some(), "the host does not go down:\n{}", self.place.console());
        self.leader = self.place.boot();
        self.wait_until_up();
    }

    fn wait_until_up(&self) {
        let up = deadline::poll(BOOT, || {
            assert!(!self.place.is_off(), "the host went off:\n{}", self.place.console());
            let state = self.run(["systemctl", "is-system-running"]).stdout;
            matches!(state.trim(), "running" | "degraded").then_some(())
        });
        assert!(up.is_some(), "the host is not up within {BOOT:?}:\n{}", self.place.console());
    }

    /// A command that runs on the host, as root.
    #[must_use]
    pub fn command(&self, inside: &str) -> Command {
        let mut command = clean(program("nsenter", "util-linux"));
        command.arg(format!("--target={}", self.leader));
        command.args(["--mount", "--uts", "--ipc", "--net", "--pid", "--", inside]);
        command
    }

    /// Runs a command on the host, as root, to its end.
    #[must_use]
    #[track_caller]
    pub fn run<const N: usize>(&self, words: [&str; N]) -> Outcome {
        let mut command = self.command(words[0]);
        command.args(&words[1..]);
        run(command)
    }

    /// Runs a shell script on the host, as root; `$1` and on are `arguments`.
    #[must_use]
    #[track_caller]
    pub fn script<const N: usize>(&self, text: &str, arguments: [&str; N]) -> Outcome {
        let mut command = self.command("sh");
        command.args(["-c", text, "script"]).args(arguments);
        run(command)
    }

    /// Its address in the network that it shares with its clients.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Pulls its cable: nobody reaches it, and it reaches nobody.
    pub fn pull_cable(&self) {
        self.place.plug("down");
    }

    /// Plugs it in again.
    pub fn plug_in(&self) {
        self.place.plug("up");
    }

    /// A command on the clients' end of the cable.
    #[must_use]
    pub fn outside(&self, program: &str) -> Command {
        self.place.outside(program)
    }

    /// Where the harness sees a path of the running host.
    ///
    /// # Panics
    /// When `inside` is not absolute.
    #[must_use]
    pub fn path(&self, inside: &str) -> PathBuf {
        let relative = inside.strip_prefix('/').expect("an absolute path");
        PathBuf::from(format!("/proc/{}/root", self.leader)).join(relative)
    }

    /// True when the host has such a file.
    #[must_use]
    pub fn has(&self, inside: &str) -> bool {
        self.path(inside).exists()
    }

    /// The text of a file of the host.
    ///
    /// # Panics
    /// When it can't be read.
    #[must_use]
    #[track_caller]
    pub fn read(&self, inside: &str) -> String {
        std::fs::read_to_string(self.path(inside)).unwrap_or_else(|error| panic!("reads {inside}: {error}"))
    }

    /// Writes a file of the host through a rename, and makes its folder.
    ///
    /// # Panics
    /// When it can't be written.
    #[track_caller]
    pub fn put(&self, inside: &str, bytes: impl AsRef<[u8]>, mode: u32) {
        let path = self.path(inside);
        let fresh = self.path(&format!("{inside}.new"));
        std::fs::create_dir_all(path.parent().expect("a path with a folder"))
            .expect("makes a folder on the host");
        std::fs::write(&fresh, bytes).unwrap_or_else(|error| panic!("writes {inside}: {error}"));
        let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
        std::fs::set_permissions(&fresh, mode).unwrap_or_else(|error| panic!("{inside}: {error}"));
        std::fs::rename(&fresh, &path).unwrap_or_else(|error| panic!("renames {inside}: {error}"));
    }

    /// Lets `public_key` (one line) into the administrator's account.
    pub fn admit_admin(&self, public_key: &str) {
        let folder = format!("/home/{ADMIN}/.ssh");
        self.put(&format!("{folder}/authorized_keys"), format!("{}\n", public_key.trim()), 0o600);
        drop(self.run(["chown", "-R", &format!("{ADMIN}:{ADMIN}"), &folder]).ok());
    }

    /// The process id, on the host, of a running service's main process.
    ///
    /// # Panics
    /// When the service does not run within the deadline.
    #[must_use]
    #[track_caller]
    pub fn main_process(&self, unit: &str) -> u32 {
        let main = || {
            let shown = self.run(["systemctl", "show", "--property=MainPID", "--value", unit]).stdout;
            shown.trim().parse().ok().filter(|pid| *pid != 0)
        };
        deadline::poll(SOON, main).unwrap_or_else(|| panic!("{unit} does not run:\n{}", self.journal(unit)))
    }

    /// Adds lines to a unit, as `systemctl edit` does; what runs is restarted.
    #[track_caller]
    pub fn edit_unit(&self, unit: &str, lines: &str) {
        self.put(&format!("/etc/systemd/system/{unit}.d/test.conf"), lines, 0o644);
        drop(self.run(["systemctl", "daemon-reload"]).ok());
        drop(self.run(["systemctl", "try-restart", unit]).ok());
    }

    /// The latest lines of a unit in the journal, for a failure's message.
    #[must_use]
    pub fn journal(&self, unit: &str) -> String {
        self.run([
            "journalctl",
            "--no-pager",
            "--quiet",
            "--lines=60",
            "--output=short-precise",
            "--unit",
            unit,
        ])
        .stdout
    }

    /// Everything that explains a failure: what sshd, logind, the recorder and the sweep said last.
    #[must_use]
    pub fn explain(&self) -> String {
        let mut journal = self.command("journalctl");
        journal.args(["--no-pager", "--quiet", "--lines=120", "--output=short-precise"]);
        // It is asked while a test fails: another failure here would hide the first.
        journal
            .output()
            .map_or_else(|error| error.to_string(), |said| String::from_utf8_lossy(&said.stdout).into_owned())
    }

    /// Waits until `ask` holds.
    ///
    /// # Panics
    /// When it does not within `limit`.
    #[track_caller]
    pub fn wait(&self, limit: Duration, what: &str, mut ask: impl FnMut() -> bool) {
        let held = deadline::poll(limit, || ask().then_some(()));
        assert!(held.is_some(), "waited {limit:?} in vain for: {what}");
    }
}

impl Drop for Host {
    /// A test that failed shows what the host said, before the host is gone.
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- the host's journal, its last lines\n{}---", self.explain());
        }
    }
}

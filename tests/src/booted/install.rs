//! Putting the product on a booted host, as an administrator does: programs, module, units, sshd's block, PAM lines.
//!
//! Everything comes from the repository as it is shipped (`packaging/`, `systemd/`); nothing is written here a second
//! time. Units are found by listing the folder, so a new one is installed without a change here.

use std::path::Path;
use std::sync::OnceLock;

use crate::artefacts;
use crate::booted::host::Host;
use crate::deadline::SOON;
use crate::host::VENDORS;
use crate::process::{clean, program, run};

const MATCH_BLOCK: &str = include_str!("../../../packaging/sshd/50-pam-jit.conf");
const ACCOUNT: &str = include_str!("../../../packaging/pam/account.txt");
const SESSION_FIRST: &str = include_str!("../../../packaging/pam/session-first.txt");
const SCOPES: &str = include_str!("../../../systemd/session-.scope.d/50-jit.conf");
const SESSION_LAST: &str = include_str!("../../../packaging/pam/session-last.txt");

/// Programs that ask PAM and show no certificate: closed to vendors by the account lines, sudo unless the session's
/// grant has it.
const OTHER_SERVICES: [&str; 7] = ["su", "su-l", "login", "cron", "atd", "sudo", "sudo-i"];

impl Host {
    /// Puts the product on the host and sets it up. The files of `/etc/jit` come from the authority, before.
    ///
    /// # Panics
    /// When a step fails: with its output.
    pub fn install(&self) {
        self.unpack();
        self.set_up();
    }

    /// Sets the host up by hand, as the documents say, and starts the units: everything but the programs, which a package
    /// may have brought.
    ///
    /// # Panics
    /// When a step fails: with its output.
    pub fn set_up(&self) {
        self.put("/etc/ssh/sshd_config.d/50-pam-jit.conf", MATCH_BLOCK, 0o644);
        self.put("/etc/systemd/system/session-.scope.d/50-jit.conf", SCOPES, 0o644);
        self.add_pam_lines();
        drop(self.run(["groupadd", "--force", "--system", "jit-vendors"]).ok());
        for account in VENDORS {
            self.add_vendor_account(account);
        }
        drop(self.run(["systemctl", "daemon-reload"]).ok());
        self.enable_units();
        // A reload comes back before sshd listens again, a restart when it does; sessions live through both.
        drop(self.run(["systemctl", "restart", "ssh.service"]).ok());
    }

    /// Enables and starts the units of a host whose sessions are recorded, and waits until the recorder runs.
    pub fn enable_units(&self) {
        let units = ["jit-recorder.socket", "jit-recorder.service", "jit-sweep.timer"];
        let mut enable = self.command("systemctl");
        enable.args(["enable", "--now"]).args(units);
        drop(run(enable));
        self.wait(SOON, "jit-recorder.service is active", || self.is_active("jit-recorder.service"));
    }

    /// The files of the packages, and nothing set up: no login changes.
    pub fn unpack(&self) {
        self.put("/usr/bin/jit", stripped_jit(), 0o755);
        self.put(&self.module(), module(), 0o644);
        for unit in units() {
            self.put(&format!("/usr/lib/systemd/system/{}", unit.0), unit.1, 0o644);
        }
        drop(self.run(["systemctl", "daemon-reload"]).ok());
        drop(self.run(["systemctl", "enable", "--quiet", "jit-setup-restore.service"]).ok());
    }

    /// A vendor's account: no other door than sshd's, nothing that goes on after the session.
    pub fn add_vendor_account(&self, account: &str) {
        drop(
            self.run([
                "useradd",
                "--create-home",
                "--shell",
                "/bin/bash",
                "--groups",
                "jit-vendors",
                account,
            ])
            .ok(),
        );
        let uid = self.run(["id", "-u", account]).ok().stdout;
        drop(self.run(["systemctl", "mask", &format!("user@{}.service", uid.trim())]).ok());
        for closed in ["/etc/at.deny", "/etc/cron.deny"] {
            let listed = std::fs::read_to_string(self.path(closed)).unwrap_or_default();
            self.put(closed, format!("{listed}{account}\n"), 0o644);
        }
    }

    /// Whether a unit is active.
    #[must_use]
    pub fn is_active(&self, unit: &str) -> bool {
        self.run(["systemctl", "is-active", "--quiet", unit]).succeeded()
    }

    /// Where the module's file lies on the host: beside Debian's own.
    #[must_use]
    pub fn module(&self) -> String {
        let found = self.script("ls -d /usr/lib/*/security /lib/*/security | head -n 1", []).ok().stdout;
        format!("{}/pam_jit.so", found.trim())
    }

    fn add_pam_lines(&self) {
        let sshd = self.read("/etc/pam.d/sshd");
        let mut with_ours = String::new();
        let mut account = Some(marked(ACCOUNT));
        for line in sshd.lines() {
            if line.starts_with("account") {
                with_ours += &account.take().unwrap_or_default();
            }
            with_ours += &format!("{line}\n");
            if line.starts_with("session") && line.contains("pam_loginuid.so") {
                with_ours += &marked(SESSION_FIRST);
            }
        }
        assert!(with_ours.contains(SESSION_FIRST), "Debian's /etc/pam.d/sshd has pam_loginuid.so:\n{sshd}");
        self.put("/etc/pam.d/sshd", with_ours + &marked(SESSION_LAST), 0o644);
        for service in OTHER_SERVICES.map(|name| format!("/etc/pam.d/{name}")) {
            if self.has(&service) {
                self.put(&service, marked(ACCOUNT) + &self.read(&service), 0o644);
            }
        }
    }
}

/// Lines between the two marks by which a removal finds them.
fn marked(lines: &str) -> String {
    format!("# BEGIN jit-host\n{lines}# END jit-host\n")
}

/// Units as they lie in `systemd/`, by their names.
fn units() -> Vec<(String, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../systemd");
    let entries = std::fs::read_dir(root).expect("reads systemd/").flatten();
    let named = entries.map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path()));
    let units = named.filter(|(name, _)| name.starts_with("jit-"));
    units.map(|(name, path)| (name, std::fs::read(path).expect("reads a unit"))).collect()
}

/// `jit` without its debug information: a hundred megabytes that each host would hold in memory.
fn stripped_jit() -> &'static [u8] {
    static STRIPPED: OnceLock<Vec<u8>> = OnceLock::new();
    STRIPPED.get_or_init(|| stripped(artefacts::jit()))
}

fn module() -> &'static [u8] {
    static STRIPPED: OnceLock<Vec<u8>> = OnceLock::new();
    STRIPPED.get_or_init(|| stripped(artefacts::module()))
}

fn stripped(built: &Path) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let out = folder.path().join("stripped");
    let mut strip = clean(program("strip", "binutils"));
    strip.arg("-o").arg(&out).arg(built);
    drop(run(strip).ok());
    std::fs::read(out).expect("reads a stripped program")
}

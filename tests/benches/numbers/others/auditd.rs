//! Debian's auditd, run from its unpacked package, for a while: the kernel's audit is one for the whole machine.
//!
//! Its settings are put back at the end, and its only rule names one session. What can't be put back before the next boot:
//! once audit was enabled, the kernel keeps an audit context for each process.

use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use e2e::deadline;
use e2e::process::{Outcome, clean, program, run};

/// As Debian's audit.rules has them.
const SETTINGS: [&str; 4] = ["-b", "8192", "--backlog_wait_time", "60000"];

/// Runs the daemon where its file in /run is not the machine's; it ends with this process at the latest.
const STARTER: &str = "mount -t tmpfs tmpfs /run && exec setpriv --pdeathsig TERM \"$0\" -n -c \"$1\"";

/// The running daemon.
#[derive(Debug)]
pub(super) struct Auditd {
    daemon: Child,
    unpacked: PathBuf,
    logs: PathBuf,
    /// What `auditctl -s` said before.
    before: String,
}

impl Auditd {
    /// Starts it with the package's configuration, its log in `disk`.
    ///
    /// # Errors
    /// Why it can't run here.
    pub(super) fn start(unpacked: &Path, disk: &Path) -> Result<Self, String> {
        let status = auditctl(unpacked, ["-s"]);
        if !status.succeeded() {
            return Err(format!("the kernel's audit is not to be had ({})", status.stderr.trim()));
        }
        if number(&status.stdout, "pid") != 0 {
            return Err("another audit daemon runs on this machine".to_owned());
        }
        if number(&status.stdout, "enabled") == 2 {
            return Err("this machine's audit configuration is locked".to_owned());
        }
        let (folder, logs) = (disk.join("audit"), disk.join("audit/log"));
        std::fs::create_dir_all(&logs).expect("makes a folder for the log");
        std::fs::create_dir_all(folder.join("plugins.d")).expect("makes a folder without plugins");
        let packaged = unpacked.join("etc/audit/auditd.conf");
        let text = std::fs::read_to_string(packaged).expect("reads the package's configuration");
        let text = text.replace("/var/log/audit/", &format!("{}/", logs.display()));
        let text = text.replace("/etc/audit/plugins.d", &folder.join("plugins.d").display().to_string());
        std::fs::write(folder.join("auditd.conf"), text).expect("writes the configuration");
        let mut command = clean(program("unshare", "util-linux"));
        command.args(["--mount", "--propagation", "private", "sh", "-c", STARTER]);
        command.arg(unpacked.join("usr/sbin/auditd")).arg(&folder);
        command.env("LD_LIBRARY_PATH", libraries(unpacked));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let daemon = command.spawn().expect("starts unshare");
        let auditd = Self { daemon, unpacked: unpacked.to_owned(), logs, before: status.stdout };
        let listens = || (number(&auditctl(unpacked, ["-s"]).stdout, "pid") != 0).then_some(());
        if deadline::poll(deadline::SOON, listens).is_none() {
            return Err("auditd does not start here".to_owned());
        }
        drop(auditctl(unpacked, SETTINGS).ok());
        auditd.enable(true);
        Ok(auditd)
    }

    /// Switches the kernel's audit on or off.
    pub(super) fn enable(&self, on: bool) {
        drop(auditctl(&self.unpacked, ["-e", if on { "1" } else { "0" }]).ok());
    }

    /// Adds (`-a`) or removes (`-d`) the rule for the programs of one session.
    pub(super) fn rule(&self, what: &str, session: &str) {
        let session = format!("sessionid={session}");
        let words = [what, "always,exit", "-F", "arch=b64", "-S", "execve,execveat", "-F", &session];
        drop(auditctl(&self.unpacked, words).ok());
    }

    /// The log must have at least so many programs.
    pub(super) fn assert_recorded(&self, programs: usize) {
        deadline::until("auditd has logged each program of the last run", || {
            let logs = std::fs::read_dir(&self.logs).expect("reads the folder of the log").flatten();
            let texts = logs.map(|log| std::fs::read(log.path()).unwrap_or_default());
            let count = |text: Vec<u8>| String::from_utf8_lossy(&text).matches("type=EXECVE").count();
            texts.map(count).sum::<usize>() >= programs
        });
    }
}

impl Drop for Auditd {
    fn drop(&mut self) {
        let [enabled, backlog, wait] = ["enabled", "backlog_limit", "backlog_wait_time"]
            .map(|name| number(&self.before, name).to_string());
        let words = ["-e", &enabled, "-b", &backlog, "--backlog_wait_time", &wait];
        let restored = auditctl(&self.unpacked, words);
        let mut kill = clean(program("kill", "procps"));
        kill.arg(self.daemon.id().to_string());
        drop(run(kill));
        drop(self.daemon.wait());
        if !restored.succeeded() {
            println!("  the kernel's audit was not set back: {restored:?}");
        }
    }
}

fn auditctl<const N: usize>(unpacked: &Path, words: [&str; N]) -> Outcome {
    let mut command = clean(unpacked.join("usr/sbin/auditctl"));
    command.args(words).env("LD_LIBRARY_PATH", libraries(unpacked));
    run(command)
}

fn libraries(unpacked: &Path) -> PathBuf {
    let folders = std::fs::read_dir(unpacked.join("usr/lib")).expect("reads usr/lib").flatten();
    let found = folders.map(|folder| folder.path()).find(|folder| folder.join("libauparse.so.0").exists());
    found.expect("libauparse was unpacked")
}

/// A number of `auditctl -s`.
fn number(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.and_then(|number| number.trim().parse().ok()).unwrap_or(0)
}

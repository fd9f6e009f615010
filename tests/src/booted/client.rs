//! The OpenSSH client at the other end of the cable: it reaches the booted host and nothing else.
//!
//! Every client comes from a source address of its own, so that its session can be found in the records.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use tempfile::TempDir;

use crate::booted::host::Host;
use crate::identity::Identity;
use crate::process::{Outcome, Running, program, run};

/// One person's `ssh`, `sftp` and `scp` towards one booted host and account.
#[derive(Debug)]
pub struct Client<'a> {
    host: &'a Host,
    folder: TempDir,
    account: String,
    identity: Identity,
    source: Ipv4Addr,
}

impl<'a> Client<'a> {
    /// A client that will log in as `account` with `identity`.
    ///
    /// # Panics
    /// When its scratch folder can't be made.
    #[must_use]
    pub fn new(host: &'a Host, account: &str, identity: &Identity) -> Self {
        let folder = tempfile::Builder::new().prefix("jit-client-").tempdir().expect("a scratch folder");
        let key = host.read("/etc/ssh/ssh_host_ed25519_key.pub");
        std::fs::write(folder.path().join("known_hosts"), format!("{} {key}", host.address()))
            .expect("writes known_hosts");
        let (account, identity) = (account.to_owned(), identity.clone());
        Self { host, folder, account, identity, source: unused_address() }
    }

    /// The address it connects from, as the host sees it.
    #[must_use]
    pub fn source(&self) -> Ipv4Addr {
        self.source
    }

    /// A folder of the client's machine.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// `ssh` with everything but the words after the destination; `flags` stand first, so they count.
    #[must_use]
    pub fn ssh(&self, flags: &[&str], words: &[&str]) -> Command {
        let mut command = self.tool("ssh", flags);
        command.args(["-b", &self.source.to_string(), &self.destination()]).args(words);
        command
    }

    /// Runs one command on the host, as `ssh HOST COMMAND` does.
    #[must_use]
    #[track_caller]
    pub fn exec(&self, words: &str) -> Outcome {
        run(self.ssh(&[], &[words]))
    }

    /// Starts one command on the host and lets it run.
    #[must_use]
    #[track_caller]
    pub fn start(&self, words: &str) -> Running {
        Running::start(self.ssh(&[], &[words]), b"")
    }

    /// A shell on a terminal, with `input` typed into it.
    #[must_use]
    #[track_caller]
    pub fn shell(&self, input: &str) -> Outcome {
        Running::start(self.ssh(&["-tt"], &[]), input.as_bytes()).finish()
    }

    /// A shell on a terminal that stays open until it is ended, with `input` typed into it and more flags for `ssh`.
    ///
    /// # Panics
    /// When `ssh` can't be started.
    #[must_use]
    pub fn open_shell(&self, flags: &[&str], input: &str) -> OpenShell {
        let screen = self.folder.path().join(format!("screen-{}", unused_number()));
        let mut shell = OpenShell::start(self.ssh(&[&["-tt"], flags].concat(), &[]), screen);
        shell.types(input);
        shell
    }

    /// `sftp` in batch mode.
    ///
    /// # Panics
    /// When the batch can't be written.
    #[must_use]
    #[track_caller]
    pub fn sftp(&self, batch: &str) -> Outcome {
        let script = self.folder.path().join("batch");
        std::fs::write(&script, batch).expect("writes the batch");
        let mut command = self.tool("sftp", &["-o", &format!("BindAddress={}", self.source)]);
        command.arg("-b").arg(&script).arg(self.destination());
        run(command)
    }

    /// `scp FROM ACCOUNT@HOST:TO`, with flags.
    #[must_use]
    #[track_caller]
    pub fn scp(&self, flags: &[&str], from: &Path, to: &str) -> Outcome {
        let mut command = self.tool("scp", flags);
        command.arg("-o").arg(format!("BindAddress={}", self.source));
        command.arg(from).arg(format!("{}:{to}", self.destination()));
        run(command)
    }

    fn destination(&self) -> String {
        format!("{}@{}", self.account, self.host.address())
    }

    /// The first value of an option counts: what a test asks for stands before what holds for every client.
    fn tool(&self, name: &str, flags: &[&str]) -> Command {
        let mut command = self.host.outside(&program(name, "openssh-client"));
        command.env("HOME", self.folder.path()).args(["-F", "none"]).args(flags);
        let known = format!("UserKnownHostsFile={}", self.folder.path().join("known_hosts").display());
        let mut options = vec![known, "GlobalKnownHostsFile=none".into(), "StrictHostKeyChecking=yes".into()];
        options.extend(["BatchMode=yes".into(), "IdentitiesOnly=yes".into(), "ConnectTimeout=20".into()]);
        options.extend(["ControlMaster=no".into(), "ControlPath=none".into(), "IdentityAgent=none".into()]);
        options.push(format!("IdentityFile={}", self.identity.key.display()));
        options.extend(
            self.identity.certificate.iter().map(|path| format!("CertificateFile={}", path.display())),
        );
        for option in options {
            command.arg("-o").arg(option);
        }
        command
    }
}

/// A shell on a terminal, as a person has it open.
#[derive(Debug)]
pub struct OpenShell {
    child: Child,
    keyboard: ChildStdin,
    screen: PathBuf,
}

impl OpenShell {
    /// Starts a program that makes a terminal; what is on it goes to the file `screen`.
    pub(crate) fn start(mut command: Command, screen: PathBuf) -> Self {
        let file = std::fs::File::create(&screen).expect("a scratch file for the screen");
        command.stdin(Stdio::piped()).stdout(file.try_clone().expect("duplicates it")).stderr(file);
        let mut child = command.spawn().expect("starts a program with a terminal");
        let keyboard = child.stdin.take().expect("a pipe");
        Self { child, keyboard, screen }
    }

    /// Types.
    ///
    /// # Panics
    /// When the shell is gone.
    pub fn types(&mut self, input: &str) {
        use std::io::Write;
        self.keyboard.write_all(input.as_bytes()).expect("types");
    }

    /// What the screen has shown so far, and what `ssh` itself said.
    #[must_use]
    pub fn screen(&self) -> String {
        std::fs::read(&self.screen)
            .map_or_else(|_| String::new(), |text| String::from_utf8_lossy(&text).into_owned())
    }

    /// True when `ssh` has ended.
    #[must_use]
    pub fn has_ended(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(_)))
    }
}

impl Drop for OpenShell {
    fn drop(&mut self) {
        if !self.has_ended() {
            drop(self.child.kill());
            drop(self.child.wait());
        }
    }
}

fn unused_number() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// 10.217.128.1 and up.
fn unused_address() -> Ipv4Addr {
    let number = unused_number();
    let [_, _, high, low] = (number / 250 * 256 + number % 250 + 1).to_be_bytes();
    Ipv4Addr::new(10, 217, 128 + high, low)
}

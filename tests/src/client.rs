//! The OpenSSH client as a person's machine runs it: no configuration of the test machine, nothing but what is said here.
//!
//! Every client comes from a source address of its own in 127.0.0.0/8, so that log lines of logins that run side by side
//! can be told apart.

use std::io::Read;
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use tempfile::TempDir;

use crate::deadline::{self, SOON};
use crate::host::{Host, free_port};
use crate::identity::Identity;
use crate::process::{Outcome, Running, clean, program, run};

/// One person's `ssh`, `sftp` and `scp` towards one host and account.
#[derive(Debug)]
pub struct Client {
    folder: TempDir,
    port: u16,
    account: String,
    identity: Option<Identity>,
    source: Ipv4Addr,
}

impl Client {
    /// A client that will log in as `account` with `identity`.
    ///
    /// # Panics
    /// When its scratch folder can't be made.
    #[must_use]
    pub fn new(host: &Host, account: &str, identity: &Identity) -> Self {
        let mut client = Self::without_key(host, account);
        client.identity = Some(identity.clone());
        client
    }

    /// A client that has no key to show.
    ///
    /// # Panics
    /// When its scratch folder can't be made.
    #[must_use]
    pub fn without_key(host: &Host, account: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("jit-client-").tempdir().expect("a scratch folder");
        std::fs::write(folder.path().join("known_hosts"), host.known_hosts()).expect("writes known_hosts");
        let (port, account) = (host.port(), account.to_owned());
        Self { folder, port, account, identity: None, source: unused_address() }
    }

    /// The same client from another source address.
    #[must_use]
    pub fn from(mut self, source: Ipv4Addr) -> Self {
        self.source = source;
        self
    }

    /// The account it logs in to.
    #[must_use]
    pub fn account(&self) -> &str {
        &self.account
    }

    /// The address it connects from, as the host sees it.
    #[must_use]
    pub fn source(&self) -> Ipv4Addr {
        self.source
    }

    /// True when a log line is about this client's connection.
    #[must_use]
    pub fn is_in(&self, line: &str) -> bool {
        let source = self.source.to_string();
        line.match_indices(&source)
            .any(|(at, _)| !line[at + source.len()..].starts_with(|next: char| next.is_ascii_digit()))
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
        command.arg("-p").arg(self.port.to_string()).arg("-b").arg(self.source.to_string());
        command.arg(format!("{}@127.0.0.1", self.account)).args(words);
        command
    }

    /// Runs one command on the host, as `ssh HOST COMMAND` does.
    #[must_use]
    #[track_caller]
    pub fn exec(&self, words: &str) -> Outcome {
        run(self.ssh(&[], &[words]))
    }

    /// A shell on a terminal, with `input` typed into it.
    #[must_use]
    #[track_caller]
    pub fn shell(&self, input: &str) -> Outcome {
        Running::start(self.ssh(&["-tt"], &[]), input.as_bytes()).finish()
    }

    /// `sftp` in batch mode.
    #[must_use]
    #[track_caller]
    pub fn sftp(&self, batch: &str) -> Outcome {
        let script = self.folder.path().join("batch");
        std::fs::write(&script, batch).expect("writes the batch");
        let mut command = self.tool("sftp", &[]);
        command.arg("-P").arg(self.port.to_string()).arg("-o").arg(format!("BindAddress={}", self.source));
        command.arg("-b").arg(&script).arg(format!("{}@127.0.0.1", self.account));
        run(command)
    }

    /// `scp FROM ACCOUNT@HOST:TO`, with flags.
    #[must_use]
    #[track_caller]
    pub fn scp(&self, flags: &[&str], from: &Path, to: &str) -> Outcome {
        let mut command = self.tool("scp", flags);
        command.arg("-P").arg(self.port.to_string()).arg("-o").arg(format!("BindAddress={}", self.source));
        command.arg(from).arg(format!("{}@127.0.0.1:{to}", self.account));
        run(command)
    }

    /// Answers every question of `ssh` with `password`, as a person at the keyboard would.
    #[must_use]
    #[track_caller]
    pub fn exec_with_password(&self, methods: &str, password: &str, words: &str) -> Outcome {
        let ask = self.folder.path().join("askpass");
        std::fs::write(&ask, format!("#!/bin/sh\necho '{password}'\n")).expect("writes the askpass program");
        std::fs::set_permissions(&ask, std::os::unix::fs::PermissionsExt::from_mode(0o700))
            .expect("sets its mode");
        let methods = format!("PreferredAuthentications={methods}");
        let flags = ["-o", &methods, "-o", "BatchMode=no", "-o", "NumberOfPasswordPrompts=1"];
        let mut command = self.ssh(&flags, &[words]);
        command.env("SSH_ASKPASS", &ask).env("SSH_ASKPASS_REQUIRE", "force").env("DISPLAY", ":0");
        run(command)
    }

    /// `ssh -W`: standard output is a connection to this port of the host's loopback.
    #[must_use]
    #[track_caller]
    pub fn direct(&self, port: u16) -> String {
        run(self.ssh(&["-W", &format!("127.0.0.1:{port}")], &[])).stdout
    }

    /// `ssh -N -L` to this port of the host's loopback, and one connection through it: what the other end said.
    ///
    /// # Panics
    /// When `ssh` does not even listen.
    #[must_use]
    #[track_caller]
    pub fn through(&self, port: u16) -> String {
        let local = free_port();
        let forward = format!("127.0.0.1:{local}:127.0.0.1:{port}");
        let mut running = Running::start(self.ssh(&["-N", "-L", &forward], &[]), b"");
        let connection = deadline::poll(SOON, || {
            assert!(!running.has_ended(), "ssh -N ended: {:?}", running.so_far());
            TcpStream::connect(("127.0.0.1", local)).ok()
        });
        let mut connection = connection.expect("ssh listens for -L");
        connection.set_read_timeout(Some(SOON)).expect("sets a deadline");
        let mut said = String::new();
        drop(connection.read_to_string(&mut said));
        drop(running.kill());
        said
    }

    /// The first value of an option counts: what a test asks for stands before what holds for every client.
    fn tool(&self, name: &str, flags: &[&str]) -> Command {
        let mut command = clean(program(name, "openssh-client"));
        command.env("HOME", self.folder.path()).args(["-F", "none"]).args(flags);
        let known = format!("UserKnownHostsFile={}", self.folder.path().join("known_hosts").display());
        let mut options = vec![known, "GlobalKnownHostsFile=none".into(), "StrictHostKeyChecking=yes".into()];
        options.extend(["BatchMode=yes".into(), "IdentitiesOnly=yes".into(), "ConnectTimeout=20".into()]);
        options.extend(["ControlMaster=no".into(), "ControlPath=none".into(), "IdentityAgent=none".into()]);
        match &self.identity {
            None => options.push("IdentityFile=none".into()),
            Some(identity) => {
                options.push(format!("IdentityFile={}", identity.key.display()));
                let certificate: Option<&PathBuf> = identity.certificate.as_ref();
                options.extend(certificate.map(|path| format!("CertificateFile={}", path.display())));
            }
        }
        for option in options {
            command.arg("-o").arg(option);
        }
        command
    }
}

/// 127.1.0.1 and up: no address twice in one run, none that a test names itself.
fn unused_address() -> Ipv4Addr {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let [_, high, middle, low] = (number / 250 * 256 + number % 250 + 1).to_be_bytes();
    Ipv4Addr::new(127, 1 + high, middle, low)
}

//! A real login before anything is live: the host's own sshd and libpam with the new files, a throw-away key, and the
//! OpenSSH client, over a socket on loopback.
//!
//! The throw-away key is the administrator's by a Match block before all others, in an included file, with which it ends: the
//! first value counts. For everybody else it is what a plain key is, where no Match block says otherwise.
//!
//! sshd's PAM service is the name it was started under (since 9.8 its option PAMServiceName), so that a link of another name
//! makes it read another file of /etc/pam.d. `sshd -i` serves one connection that was accepted here: it binds no address of
//! the configuration, writes no PidFile and executes itself no second time. Where systemd runs, process 1 starts it, so that
//! it has an audit session, a scope and a label as the real one's connections have.

use std::fmt::Write as _;
use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::error::{Result, SetupError};
use super::place::{self, PAM, Place, TRIAL_SERVICE, stage};
use super::{replace, trial_key};
use crate::check::connection::Connection;
use crate::check::sshd::{Effective, Sshd};
use crate::check::sshd_files::like;
use crate::recorder::clock::Boottime;

/// Where a trial comes from.
pub(super) const LOOPBACK: &str = "127.0.0.1";

/// No login takes longer.
const LIMIT: u64 = 40;
/// One is ours; others on this machine may look in too, but not without end.
const CONNECTIONS: usize = 16;
const STEP: Duration = Duration::from_millis(10);

/// How a trial ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Login {
    /// The account got in and ran a command.
    Entered,
    /// It did not; what client and sshd said last.
    Refused(String),
}

/// A prepared trial.
#[derive(Debug)]
pub(super) struct Trial<'a> {
    place: &'a Place,
    /// Whether sshd takes its PAM service from an option.
    named_by_option: bool,
    /// sshd's PAM service.
    service: PathBuf,
    /// What the configuration has to take besides, so that the throw-away host key is one.
    host_algorithms: Option<String>,
}

impl<'a> Trial<'a> {
    /// Makes the keys and the link. `config` is the one that will be tried, `service` sshd's PAM service.
    pub(super) fn prepare(
        place: &'a Place,
        named_by_option: bool,
        service: &str,
        administrator: &str,
        config: &Path,
    ) -> Result<Self> {
        let sshd = Sshd { program: place.sshd.clone(), config: config.to_owned() };
        let asked = sshd.effective(administrator, &Connection::from_addr(LOOPBACK));
        let effective =
            asked.map_err(|error| SetupError::new(format!("the trial login could not be made: {error}")))?;
        let (host, host_is_taken) = trial_key::of_a_host(&effective);
        let (person, person_is_taken) = trial_key::of_a_person(&effective);
        host.make(&stage("host_key"))?;
        person.make(&stage("key"))?;
        let mut block = format!(
            "Match User {administrator}\n    PubkeyAuthentication yes\n    AuthenticationMethods publickey\n    \
             AuthorizedKeysFile {}\n    AuthorizedKeysCommand none\n    PermitRootLogin prohibit-password\n    \
             ForceCommand none\n",
            stage("authorized_keys").display()
        );
        if !person_is_taken {
            // Only such as nobody can make here: keys on hardware.
            let _ = writeln!(block, "    PubkeyAcceptedAlgorithms {}", person.algorithms());
        }
        if may_come_from_elsewhere(&effective, administrator) {
            let _ = writeln!(block, "    AllowUsers {administrator}");
        }
        let made = fs::copy(stage("key.pub"), stage("authorized_keys"))
            .and_then(|_| fs::set_permissions(stage("authorized_keys"), Permissions::from_mode(0o644)))
            .and_then(|()| fs::canonicalize(&place.sshd))
            .and_then(|sshd| symlink(sshd, stage(TRIAL_SERVICE)))
            .and_then(|()| fs::write(stage("administrator.conf"), block));
        made.map_err(|source| {
            SetupError::file("prepare the trial login in", Path::new(place::STAGE), source)
        })?;
        let host_algorithms = (!host_is_taken).then(|| host.algorithms());
        let service = Path::new(PAM).join(service);
        Ok(Self { place, named_by_option, service, host_algorithms })
    }

    /// Logs in to `account` with the plain key, under this configuration and this text of sshd's PAM service.
    pub(super) fn login(&self, account: &str, config: &Path, service: &[u8]) -> Result<Login> {
        let path = Path::new(PAM).join(TRIAL_SERVICE);
        replace::put(&path, service, Some(&self.service))?;
        let around =
            format!("Include {}\nInclude {}\n", stage("administrator.conf").display(), config.display());
        let failed = |source| SetupError::new("the trial login could not be made").because(source);
        let config = stage("trial.conf");
        let login = fs::write(&config, around)
            .map_err(failed)
            .and_then(|()| self.attempt(account, &config).map_err(failed));
        replace::delete(&path)?;
        login
    }

    fn attempt(&self, account: &str, config: &Path) -> io::Result<Login> {
        let log = stage("log");
        drop(fs::remove_file(&log));
        let listener = TcpListener::bind((LOOPBACK, 0))?;
        listener.set_nonblocking(true)?;
        let token = format!("jit-setup-{}", std::process::id());
        let (out, said) = (stage("out"), stage("said"));
        let mut client = Started(
            self.client(account, listener.local_addr()?.port(), &token)
                .stdin(Stdio::null())
                .stdout(File::create(&out)?)
                .stderr(File::create(&said)?)
                .spawn()
                .map_err(|error| io::Error::new(error.kind(), format!("cannot run ssh: {error}")))?,
        );
        let end = Boottime::now().plus_secs(LIMIT);
        let mut servers = Vec::new();
        let status = loop {
            match listener.accept() {
                Ok(_) if servers.len() >= CONNECTIONS => {}
                Ok((connection, _)) => servers.push(Started(self.server(config, &log, connection)?)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
            if let Some(status) = client.0.try_wait()? {
                break Some(status);
            }
            if Boottime::now() > end {
                break None;
            }
            std::thread::sleep(STEP);
        };
        let ran = fs::read_to_string(&out).is_ok_and(|out| out.lines().any(|line| line == token));
        if status.is_some_and(|status| status.success()) && ran {
            return Ok(Login::Entered);
        }
        let last = |path: &PathBuf, count: usize| {
            let text = String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned();
            let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
            lines.get(lines.len().saturating_sub(count)..).unwrap_or_default().join("; ")
        };
        let timeout = if status.is_none() { format!("no end within {LIMIT} s; ") } else { String::new() };
        Ok(Login::Refused(format!("{timeout}ssh: {}; sshd: {}", last(&said, 1), last(&log, 3))))
    }

    fn client(&self, account: &str, port: u16, token: &str) -> Command {
        let mut ssh = Command::new("ssh");
        // One connection, to a server of our own: nothing of this machine's client configuration counts.
        ssh.args(["-F", "none", "-T", "-l", account, "-p", &port.to_string(), "-i"]).arg(stage("key"));
        for option in [
            "BatchMode=yes",
            "IdentitiesOnly=yes",
            "IdentityAgent=none",
            "PreferredAuthentications=publickey",
            "StrictHostKeyChecking=no",
            "UserKnownHostsFile=/dev/null",
            "GlobalKnownHostsFile=/dev/null",
            "ControlPath=none",
            "LogLevel=ERROR",
            "ConnectTimeout=30",
        ] {
            ssh.args(["-o", option]);
        }
        ssh.args([LOOPBACK, &format!("echo {token}")]).env_remove("SSH_AUTH_SOCK");
        ssh
    }

    fn server(&self, config: &Path, log: &Path, connection: TcpStream) -> io::Result<Child> {
        connection.set_nonblocking(false)?;
        let mut command = if place::has_systemd() {
            let mut run = Command::new("systemd-run");
            run.args(["--quiet", "--pipe", "--wait", "--collect", "--service-type=exec", "--"]);
            run.arg(stage(TRIAL_SERVICE));
            run
        } else {
            Command::new(stage(TRIAL_SERVICE))
        };
        command.arg("-i").arg("-f").arg(config).arg("-E").arg(log);
        let mut options = vec![
            format!("HostKey={}", stage("host_key").display()),
            format!("AuthorizedKeysFile={}", stage("authorized_keys").display()),
            "UsePAM=yes".to_owned(),
            "LogLevel=VERBOSE".to_owned(),
            "PidFile=none".to_owned(),
        ];
        if let Some(algorithms) = &self.host_algorithms {
            options.push(format!("HostKeyAlgorithms={algorithms}"));
        }
        if self.named_by_option {
            options.push(format!("PAMServiceName={TRIAL_SERVICE}"));
        }
        for option in options {
            command.args(["-o", &option]);
        }
        let twin = connection.try_clone()?;
        command
            .env_clear()
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .stdin(Stdio::from(std::os::fd::OwnedFd::from(connection)))
            .stdout(Stdio::from(std::os::fd::OwnedFd::from(twin)))
            .stderr(Stdio::null())
            .spawn()
    }

    /// The configuration that sshd was given, for messages.
    #[must_use]
    pub(super) fn live_config(&self) -> &Path {
        &self.place.sshd_config
    }
}

/// A child that does not outlive its trial.
#[derive(Debug)]
struct Started(Child);

impl Drop for Started {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Whether sshd's `AllowUsers` lets the account in from some addresses only. That rule is left as it is by set-up, and a trial
/// can't come from there.
fn may_come_from_elsewhere(effective: &Effective, account: &str) -> bool {
    let patterns = effective.all("allowusers").flat_map(str::split_whitespace);
    patterns.filter_map(|pattern| pattern.rsplit_once('@')).any(|(user, _)| like(user, account))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_may_log_in_from_somewhere_is_let_in_from_here() {
        let effective =
            Effective::parse("allowusers root@10.0.0.0/8\nallowusers ad?@192.0.2.1\nallowusers kim\n");
        for (account, may) in [("root", true), ("ada", true), ("kim", false), ("jo", false)] {
            assert_eq!(may_come_from_elsewhere(&effective, account), may, "{account}");
        }
    }
}

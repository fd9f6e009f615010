//! Letting sshd read its configuration again, and seeing that it still answers.
//!
//! With systemd its unit is reloaded, which runs `sshd -t` first; else the listening process gets SIGHUP. Open sessions
//! stay. Where nothing listens there is nothing to do: the next start reads the files.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::error::{Result, SetupError};
use super::place::{Place, has_systemd};
use crate::check::connection;
use crate::check::sshd::{Effective, Sshd};
use crate::recorder::clock::Boottime;

/// How long sshd may take to listen again.
const PATIENCE: u64 = 10;
const STEP: Duration = Duration::from_millis(50);

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reloaded {
    /// A unit was reloaded.
    Unit(&'static str, i32),
    /// A process was told.
    Process(i32),
    /// A socket starts one sshd for each connection: each reads the files.
    PerConnection,
    /// None is known to listen.
    Nothing,
}

impl Reloaded {
    /// The process that listens.
    fn pid(&self) -> Option<i32> {
        match self {
            Self::Unit(_, pid) | Self::Process(pid) => Some(*pid),
            Self::PerConnection | Self::Nothing => None,
        }
    }

    /// What a person should know about it.
    pub(super) fn to_say(&self) -> Option<String> {
        match self {
            Self::Unit(..) | Self::Process(_) | Self::PerConnection => None,
            Self::Nothing => Some(
                "no listening sshd was found: if one runs, send SIGHUP to its listening process (next time with --sshd-pid)"
                    .to_owned(),
            ),
        }
    }
}

/// What the live configuration says for an ordinary login of root.
pub(super) fn effective(place: &Place) -> Result<Effective> {
    let ordinary = connection::ordinary()
        .into_iter()
        .next()
        .unwrap_or_else(|| connection::Connection::from_addr("192.0.2.1"));
    let sshd = Sshd { program: place.sshd.clone(), config: place.sshd_config.clone() };
    sshd.effective("root", &ordinary).map_err(|error| match error {
        crate::check::sshd::SshdError::Run { program, source } => SetupError::run(program.display(), source)
            .hint("install openssh-server, or say where sshd is: --sshd PATH"),
        refused @ crate::check::sshd::SshdError::Refused { .. } => {
            SetupError::new(format!("sshd does not accept its configuration as it is: {refused}"))
                .hint("mend it until `sshd -t` succeeds, then run this again")
        }
    })
}

/// Tells sshd, and waits until it listens anew.
pub(super) fn reload(place: &Place) -> Result<Reloaded> {
    let effective = effective(place)?;
    let answered = addresses(&effective).into_iter().find(|address| answers(*address));
    let listener = find(place, &effective)?;
    let sockets = listener.pid().map(sockets).unwrap_or_default();
    tell(&listener)?;
    let Some(pid) = listener.pid() else { return Ok(listener) };
    // It executes itself anew: the old listening sockets are gone, unless process 1 holds them, and the port answers again.
    let lent = has_systemd() && by_socket();
    let anew = || {
        let now = self::sockets(pid);
        !now.is_empty() && (lent || now.is_disjoint(&sockets)) && answered.is_none_or(answers)
    };
    let end = Boottime::now().plus_secs(PATIENCE);
    while !anew() {
        if !is_sshd(pid) {
            return Err(SetupError::new(format!("sshd, process {pid}, ended when it was told to reload")));
        }
        if Boottime::now() > end {
            return Err(SetupError::new(format!(
                "sshd, process {pid}, does not listen anew within {PATIENCE} s"
            )));
        }
        std::thread::sleep(STEP);
    }
    Ok(listener)
}

/// Who has to be told.
fn find(place: &Place, effective: &Effective) -> Result<Reloaded> {
    if place.sshd_pid.is_none() && has_systemd() {
        if let Some(unit) = ["ssh.service", "sshd.service"].into_iter().find(|unit| is_active(unit)) {
            let shown = systemctl(&["show", "--property=MainPID", "--value", unit])?.stdout;
            let pid = String::from_utf8_lossy(&shown).trim().parse().ok().filter(|pid| is_sshd(*pid));
            let Some(pid) = pid else {
                return Err(SetupError::new(format!("{unit} is active, and its main process is no sshd"))
                    .hint("name the listening process: --sshd-pid PID"));
            };
            return Ok(Reloaded::Unit(unit, pid));
        }
        if by_socket() {
            return Ok(Reloaded::PerConnection);
        }
    }
    let written = || fs::read_to_string(effective.first("pidfile")?).ok()?.trim().parse().ok();
    match place.sshd_pid.or_else(written) {
        Some(pid) if is_sshd(pid) => Ok(Reloaded::Process(pid)),
        Some(pid) if place.sshd_pid.is_some() => Err(SetupError::new(format!("process {pid} is no sshd"))
            .hint("--sshd-pid is the listening process, as its PidFile says")),
        _ => Ok(Reloaded::Nothing),
    }
}

fn tell(listener: &Reloaded) -> Result<()> {
    match listener {
        Reloaded::Unit(unit, _) => {
            // At once: jit-setup-restore.service, which may be asking, stands before sshd's unit, whose job would wait for it.
            let output = systemctl(&["reload", "--job-mode=ignore-dependencies", unit])?;
            if !output.status.success() {
                let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
                return Err(SetupError::new(format!("`systemctl reload {unit}` failed: {said}")));
            }
            Ok(())
        }
        Reloaded::Process(pid) => kill(Pid::from_raw(*pid), Signal::SIGHUP).map_err(|errno| {
            SetupError::new(format!("cannot send SIGHUP to sshd, process {pid}: {}", errno.desc()))
        }),
        Reloaded::PerConnection | Reloaded::Nothing => Ok(()),
    }
}

/// The sockets that a process listens on, by the kernel's numbers.
fn sockets(pid: i32) -> BTreeSet<String> {
    let tables = ["tcp", "tcp6"].map(|table| fs::read_to_string(format!("/proc/{pid}/net/{table}")));
    let listening: BTreeSet<String> = tables
        .iter()
        .flatten()
        .flat_map(|table| table.lines())
        // proc(5): the fourth field is the state, 0A is LISTEN; the tenth is the inode.
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .filter(|fields| fields.get(3) == Some(&"0A"))
        .filter_map(|fields| fields.get(9).map(|inode| format!("socket:[{inode}]")))
        .collect();
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    let links = descriptors.filter_map(|entry| fs::read_link(entry.path()).ok());
    links.map(|link| link.to_string_lossy().into_owned()).filter(|link| listening.contains(link)).collect()
}

/// A process id out of a file may be anybody's by now.
fn is_sshd(pid: i32) -> bool {
    let program = fs::read_link(format!("/proc/{pid}/exe")).unwrap_or_default();
    // After an upgrade the link says ` (deleted)`.
    program.file_name().is_some_and(|name| name.to_string_lossy().starts_with("sshd"))
}

fn by_socket() -> bool {
    ["ssh.socket", "sshd.socket"].into_iter().any(is_active)
}

fn is_active(unit: &str) -> bool {
    systemctl(&["is-active", "--quiet", unit]).is_ok_and(|output| output.status.success())
}

fn systemctl(words: &[&str]) -> Result<std::process::Output> {
    let mut command = Command::new("systemctl");
    command.args(words).stdin(Stdio::null());
    command.output().map_err(|source| SetupError::run("systemctl", source))
}

/// Where sshd listens, as this machine reaches it.
fn addresses(effective: &Effective) -> Vec<SocketAddr> {
    let parsed = effective.all("listenaddress").filter_map(|text| text.parse::<SocketAddr>().ok());
    parsed
        .map(|mut address| {
            if address.ip().is_unspecified() {
                let v4 = address.is_ipv4();
                address.set_ip(if v4 { [127, 0, 0, 1].into() } else { std::net::Ipv6Addr::LOCALHOST.into() });
            }
            address
        })
        .collect()
}

fn answers(address: SocketAddr) -> bool {
    let Ok(mut connection) = TcpStream::connect_timeout(&address, Duration::from_secs(1)) else {
        return false;
    };
    let mut first = [0; 4];
    connection.set_read_timeout(Some(Duration::from_secs(2))).is_ok()
        && connection.read_exact(&mut first).is_ok()
        && &first == b"SSH-"
}

/// `sshd -t` on a configuration.
pub(super) fn test(place: &Place, config: &Path) -> Result<()> {
    let mut command = Command::new(&place.sshd);
    command.arg("-t").arg("-f").arg(config).env_clear().stdin(Stdio::null());
    let output = command.output().map_err(|source| SetupError::run(place.sshd.display(), source))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.lines().take(3).collect::<Vec<_>>().join("; ");
    Err(SetupError::new(format!("`sshd -t` refuses the new configuration: {said}")))
}

//! Letting sshd read its configuration again, and seeing that it still answers.
//!
//! With systemd its unit is reloaded, which runs `sshd -t` first; else the listening process gets SIGHUP. Open sessions
//! stay. Where nothing listens there is nothing to do: the next start reads the files.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::error::{Result, SetupError};
use super::place::{Place, has_systemd};
use crate::check::connection;
use crate::check::sshd::{Effective, Sshd, SshdError, make_missing_folder};
use crate::recorder::clock::Boottime;

/// How long sshd may take to listen again.
const PATIENCE: u64 = 10;
const STEP: Duration = Duration::from_millis(50);
/// Where sshd writes its process id when nobody says otherwise.
const PID_FILE: &str = "/run/sshd.pid";

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reloaded {
    /// A unit was reloaded.
    Unit(&'static str, i32),
    /// A process was told.
    Process(i32),
    /// A process was told, and ended, because its socket is process 1's: the next connection has started it anew.
    BySocket(i32),
    /// A socket starts sshd when somebody connects: it reads the files then.
    PerConnection,
    /// None is known to listen.
    Nothing,
}

impl Reloaded {
    /// The process that listens.
    fn pid(&self) -> Option<i32> {
        match self {
            Self::Unit(_, pid) | Self::Process(pid) => Some(*pid),
            Self::BySocket(_) | Self::PerConnection | Self::Nothing => None,
        }
    }

    /// What would be done, as a comment of a diff.
    pub(super) fn to_foretell(&self) -> String {
        match self {
            Self::Unit(unit, _) => format!("# systemctl reload {unit}\n"),
            Self::Process(pid) | Self::BySocket(pid) => format!("# kill -HUP {pid}, which is sshd\n"),
            Self::PerConnection => {
                "# a socket starts sshd when somebody connects, and it reads the files then\n".to_owned()
            }
            Self::Nothing => "# no listening sshd was found, so none is told\n".to_owned(),
        }
    }

    /// What a person should know about it.
    pub(super) fn to_say(&self) -> Option<String> {
        match self {
            Self::Unit(..) | Self::Process(_) | Self::BySocket(_) | Self::PerConnection => None,
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
        SshdError::Run { program, source } => SetupError::run(program.display(), source)
            .hint("install openssh-server, or say where sshd is: --sshd PATH"),
        refused @ SshdError::Refused { .. } => {
            SetupError::new(format!("sshd does not accept its configuration as it is: {refused}"))
                .hint("mend it until `sshd -t` succeeds, then run this again")
        }
    })
}

/// Tells sshd, and waits until it listens anew.
pub(super) fn reload(place: &Place) -> Result<Reloaded> {
    let effective = match effective(place) {
        Ok(effective) => effective,
        // Where there is no sshd any more, and none runs, nothing has to be told.
        Err(error) => {
            let gone = !place.sshd.exists() || !place.sshd_config.exists();
            return if gone && runs(place).is_none() { Ok(Reloaded::Nothing) } else { Err(error) };
        }
    };
    let listener = find(place, effective.first("pidfile"))?;
    let Some(pid) = listener.pid() else { return Ok(listener) };
    let lent = has_systemd() && by_socket();
    let mut addresses = addresses(&effective);
    addresses.extend(lent.then(lent_addresses).into_iter().flatten());
    let answered = addresses.into_iter().find(|address| answers(*address));
    let (sockets, image) = (sockets(pid), image(pid));
    tell(&listener)?;
    // It executes itself anew: the old listening sockets are gone, unless process 1 holds them, and the port answers again.
    let anew = || {
        let now = self::sockets(pid);
        let other = if lent { self::image(pid) != image } else { now.is_disjoint(&sockets) };
        !now.is_empty() && other && answered.is_none_or(answers)
    };
    // One that got its sockets from process 1 can't take them up again, and ends: the next login starts it anew.
    let again = || answered.map_or_else(by_socket, answers);
    let end = Boottime::now().plus_secs(PATIENCE);
    while !anew() {
        if !is_sshd(pid) {
            if !lent {
                return Err(SetupError::new(format!(
                    "sshd, process {pid}, ended when it was told to reload"
                )));
            }
            if again() {
                return Ok(Reloaded::BySocket(pid));
            }
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

/// Who would be told, where sshd can be asked.
pub(super) fn who(place: &Place) -> Option<Reloaded> {
    find(place, effective(place).ok()?.first("pidfile")).ok()
}

/// Whether a process is known to listen, also where sshd can't be asked what its configuration says.
pub(super) fn runs(place: &Place) -> Option<i32> {
    // One that can't be understood is none that is known not to be there.
    find(place, Some(PID_FILE)).map_or(Some(0), |listener| listener.pid())
}

/// An address at which some sshd answers.
pub(super) fn answering(place: &Place) -> Option<SocketAddr> {
    addresses(&effective(place).ok()?).into_iter().find(|address| answers(*address))
}

/// Who has to be told.
fn find(place: &Place, pid_file: Option<&str>) -> Result<Reloaded> {
    if place.sshd_pid.is_none() && has_systemd() {
        if let Some(unit) = active_unit() {
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
    let written = || fs::read_to_string(pid_file?).ok()?.trim().parse().ok();
    match place.sshd_pid.or_else(written) {
        Some(pid) if is_sshd(pid) => Ok(Reloaded::Process(pid)),
        Some(pid) if place.sshd_pid.is_some() => Err(SetupError::new(format!("process {pid} is no sshd"))
            .hint("--sshd-pid is the listening process, as its PidFile says")),
        _ => Ok(Reloaded::Nothing),
    }
}

/// sshd's unit, if it is active.
pub(super) fn active_unit() -> Option<&'static str> {
    has_systemd().then_some(["ssh.service", "sshd.service"])?.into_iter().find(|unit| is_active(unit))
}

/// Starts a unit of sshd's that is not active, unless a socket does; says whether it did.
pub(super) fn start(unit: &str) -> Result<bool> {
    if !has_systemd() || is_active(unit) || by_socket() {
        return Ok(false);
    }
    let output = systemctl(&["start", unit])?;
    if output.status.success() {
        return Ok(true);
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(SetupError::new(format!("`systemctl start {unit}` failed: {said}")))
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
        Reloaded::BySocket(_) | Reloaded::PerConnection | Reloaded::Nothing => Ok(()),
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
pub(super) fn is_sshd(pid: i32) -> bool {
    let program = fs::read_link(format!("/proc/{pid}/exe")).unwrap_or_default();
    // After an upgrade the link says ` (deleted)`.
    program.file_name().is_some_and(|name| name.to_string_lossy().starts_with("sshd"))
}

/// What tells one image of a process from the next: exec(2) lays out another one, at other addresses.
fn image(pid: i32) -> Vec<u8> {
    fs::read(format!("/proc/{pid}/auxv")).unwrap_or_default()
}

const SOCKETS: [&str; 2] = ["ssh.socket", "sshd.socket"];

fn by_socket() -> bool {
    SOCKETS.into_iter().any(is_active)
}

/// Where process 1 listens for sshd.
fn lent_addresses() -> Vec<SocketAddr> {
    let shown = SOCKETS.into_iter().filter(|unit| is_active(unit)).filter_map(|unit| {
        systemctl(&["show", "--property=Listen", "--value", unit]).ok().map(|output| output.stdout)
    });
    let text: String = shown.map(|shown| String::from_utf8_lossy(&shown).into_owned()).collect();
    text.split_whitespace().filter_map(|word| word.parse().ok()).flat_map(near).collect()
}

/// Where this machine reaches somebody who listens at an address.
fn near(address: SocketAddr) -> Vec<SocketAddr> {
    let (v4, v6) = (Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into());
    let ips = match address {
        _ if !address.ip().is_unspecified() => vec![address.ip()],
        SocketAddr::V4(_) => vec![v4],
        // For both, where nobody says otherwise.
        SocketAddr::V6(_) => vec![v6, v4],
    };
    ips.into_iter().map(|ip| SocketAddr::new(ip, address.port())).collect()
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
    parsed.filter_map(|address| near(address).into_iter().next()).collect()
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
    let ask = || {
        let mut command = Command::new(&place.sshd);
        command.arg("-t").arg("-f").arg(config).env_clear().stdin(Stdio::null());
        command.output().map_err(|source| SetupError::run(place.sshd.display(), source))
    };
    let mut output = ask()?;
    if !output.status.success() && make_missing_folder(&String::from_utf8_lossy(&output.stderr)) {
        output = ask()?;
    }
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.lines().take(3).collect::<Vec<_>>().join("; ");
    Err(SetupError::new(format!("`sshd -t` refuses the new configuration: {said}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_who_listens_everywhere_is_reached_on_loopback() {
        let near =
            |text: &str| near(text.parse().unwrap()).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(near("0.0.0.0:22"), ["127.0.0.1:22"]);
        assert_eq!(near("[::]:2222"), ["[::1]:2222", "127.0.0.1:2222"]);
        assert_eq!(near("192.0.2.1:22"), ["192.0.2.1:22"]);
    }
}

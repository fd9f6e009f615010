//! The minute in which a person confirms, or everything is as before.
//!
//! Whoever takes it back must not depend on the terminal or on this process: with systemd a transient timer, without it a
//! child in a session of its own. It is armed before the first byte is live, and knows its change by name.

use std::io::{BufRead, BufReader, IsTerminal, Read};
use std::os::fd::AsFd;
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::error::{Result, SetupError};
use super::place::has_systemd;
use super::state::State;
use crate::recorder::clock::Boottime;

/// What the child says when it is ready.
const ARMED: &str = "armed";

/// How soon it is tried again, where it can't be taken back: a file system that is read-only for a while.
pub(super) const AGAIN: Duration = Duration::from_secs(10);

/// How the minute ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// "yes" was typed here.
    Typed,
    /// Somebody confirmed elsewhere.
    Confirmed,
    /// Somebody took it back, or "no" was typed.
    TakenBack,
    /// Nobody said anything.
    Silence,
}

/// A name for a change, which no other has.
pub(super) fn new_id() -> Result<String> {
    let mut bytes = [0; 8];
    let read = std::fs::File::open("/dev/urandom").and_then(|mut random| random.read_exact(&mut bytes));
    read.map_err(|source| SetupError::file("read", std::path::Path::new("/dev/urandom"), source))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Arms what takes the change `id` back after `seconds`.
pub(super) fn arm(id: &str, seconds: u64) -> Result<()> {
    let jit = std::env::current_exe().map_err(|source| SetupError::run("jit itself", source))?;
    if has_systemd() {
        let mut run = Command::new("systemd-run");
        run.args([
            "--quiet",
            "--collect",
            "--timer-property=AccuracySec=1s",
            // As the child does.
            "--property=Type=oneshot",
            "--property=Restart=on-failure",
            &format!("--property=RestartSec={}", AGAIN.as_secs()),
            &format!("--on-active={seconds}"),
        ]);
        run.arg(format!("--unit={}", unit(id))).arg("--").arg(jit).args([
            "setup",
            "--restore",
            "--change",
            id,
        ]);
        let output =
            run.stdin(Stdio::null()).output().map_err(|source| SetupError::run("systemd-run", source))?;
        return if output.status.success() {
            Ok(())
        } else {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            Err(SetupError::new(format!("systemd does not take the timer that would restore: {said}")))
        };
    }
    let mut child = Command::new(&jit);
    child.args(["setup", "--restore", "--change", id, "--after", &seconds.to_string()]);
    child.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = child.spawn().map_err(|source| SetupError::run(jit.display(), source))?;
    let mut first = String::new();
    if let Some(output) = child.stdout.take() {
        // Its word is waited for: from then on it is in a session of its own.
        drop(BufReader::new(output).read_line(&mut first));
    }
    if first.trim() == ARMED {
        Ok(())
    } else {
        Err(SetupError::new("the process that would restore does not start"))
    }
}

/// The child's part: leaves the terminal, says so, and waits, as long as there may be something to take back.
pub(super) fn detach(id: &str, seconds: u64) -> Result<()> {
    nix::unistd::setsid()
        .map_err(|errno| SetupError::new(format!("cannot leave the terminal: {}", errno.desc())))?;
    println!("{ARMED}");
    let end = Boottime::now().plus_secs(seconds);
    while Boottime::now() < end && State::read().map_or(true, |state| state.is_pending(id)) {
        std::thread::sleep(Duration::from_millis(500));
    }
    Ok(())
}

/// A line in the system's log, for whom nobody listens to any more (RFC 3164: security, error).
pub(super) fn log(line: &str) {
    let line = format!("<83>jit[{}]: {}", std::process::id(), crate::check::door::printable(line));
    // Nowhere to write to is no reason to stop.
    drop(UnixDatagram::unbound().and_then(|socket| {
        socket.set_nonblocking(true)?;
        socket.send_to(line.as_bytes(), "/dev/log")
    }));
}

/// Takes the timer away, also out of the service that it has started; a child finds by itself that there is nothing to do any more.
pub(super) fn disarm(id: &str) {
    if has_systemd() {
        let mut stop = Command::new("systemctl");
        stop.args(["stop", &format!("{}.timer", unit(id))]);
        // One that is gone already is as good.
        drop(stop.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status());
    }
}

fn unit(id: &str) -> String {
    format!("jit-setup-restore-{id}")
}

/// Waits until `end` for a word.
pub(super) fn wait(id: &str, end: Boottime) -> Result<Answer> {
    let stdin = std::io::stdin();
    let mut listens = stdin.is_terminal();
    while Boottime::now() < end {
        let state = State::read()?;
        if !state.is_pending(id) {
            let stays = state.last.is_some_and(|last| last.id == id && last.confirmed);
            return Ok(if stays { Answer::Confirmed } else { Answer::TakenBack });
        }
        if !listens {
            std::thread::sleep(Duration::from_millis(200));
            continue;
        }
        let mut polled = [PollFd::new(stdin.as_fd(), PollFlags::POLLIN)];
        if poll(&mut polled, PollTimeout::from(200_u8)).is_ok_and(|ready| ready > 0) {
            let mut line = String::new();
            match stdin.lock().read_line(&mut line) {
                Ok(0) | Err(_) => listens = false,
                Ok(_) => match line.trim().to_ascii_lowercase().as_str() {
                    "yes" => return Ok(Answer::Typed),
                    "no" => return Ok(Answer::TakenBack),
                    _ => println!("type yes to keep it, or no to take it back"),
                },
            }
        }
    }
    Ok(Answer::Silence)
}

//! systemd's file descriptor store: the listeners of open sessions outlive a recorder there.
//!
//! Each is stored under its session's id (sd_notify(3), `FDSTORE=1`, `FDNAME=`); a next recorder finds
//! them among the descriptors that systemd passes (sd_listen_fds(3)). Without systemd there is no store,
//! and a recorder that is killed leaves sessions that can run nothing more.

use std::collections::HashMap;
use std::io::{self, IoSlice};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixDatagram;

use nix::sys::socket::{ControlMessage, MsgFlags, UnixAddr, sendmsg};

/// The connection to whoever started us, if it wants to hear.
#[derive(Debug)]
pub(super) struct Store(Option<(UnixDatagram, UnixAddr)>);

impl Store {
    /// From `NOTIFY_SOCKET`.
    pub(super) fn from_environment() -> io::Result<Self> {
        let Some(path) = std::env::var_os("NOTIFY_SOCKET") else { return Ok(Self(None)) };
        use std::os::unix::ffi::OsStrExt;
        let bytes = path.as_bytes();
        let address = match bytes.strip_prefix(b"@") {
            Some(name) => UnixAddr::new_abstract(name)?,
            None => UnixAddr::new(bytes)?,
        };
        Ok(Self(Some((UnixDatagram::unbound()?, address))))
    }

    fn send(&self, text: &str, descriptor: Option<BorrowedFd<'_>>) -> io::Result<()> {
        let Some((socket, address)) = &self.0 else { return Ok(()) };
        let descriptors: Vec<_> = descriptor.iter().map(AsRawFd::as_raw_fd).collect();
        let rights = [ControlMessage::ScmRights(&descriptors)];
        let control = if descriptors.is_empty() { &[][..] } else { &rights[..] };
        sendmsg(
            socket.as_raw_fd(),
            &[IoSlice::new(text.as_bytes())],
            control,
            MsgFlags::MSG_NOSIGNAL,
            Some(address),
        )?;
        Ok(())
    }

    /// Says that the recorder is ready.
    pub(super) fn ready(&self) -> io::Result<()> {
        self.send("READY=1", None)
    }

    /// Says that starting takes a while longer, and is no reason to give up on it.
    pub(super) fn still_starting(&self) {
        let _ = self.send("EXTEND_TIMEOUT_USEC=30000000", None);
    }

    /// Says that the recorder is alive.
    pub(super) fn alive(&self) -> io::Result<()> {
        self.send("WATCHDOG=1", None)
    }

    /// Keeps a listener.
    pub(super) fn keep(&self, session: &str, listener: BorrowedFd<'_>) -> io::Result<()> {
        self.send(&format!("FDSTORE=1\nFDNAME={session}\nFDPOLL=0"), Some(listener))
    }

    /// Lets it go.
    pub(super) fn release(&self, session: &str) -> io::Result<()> {
        self.send(&format!("FDSTOREREMOVE=1\nFDNAME={session}"), None)
    }
}

/// How often the service manager wants to hear that we are alive, in nanoseconds: twice in its own interval
/// (sd_watchdog_enabled(3)).
pub(super) fn watchdog() -> Option<u64> {
    let ours = std::env::var("WATCHDOG_PID").ok().is_none_or(|pid| pid.parse() == Ok(std::process::id()));
    let micros: u64 = std::env::var("WATCHDOG_USEC").ok()?.parse().ok()?;
    ours.then(|| micros.saturating_mul(500))
}

/// What systemd passed: listeners by session id, and the listening socket if it made one.
#[derive(Debug, Default)]
pub(super) struct Passed {
    /// The recorder's socket.
    pub(super) socket: Option<OwnedFd>,
    /// Listeners.
    pub(super) listeners: HashMap<String, OwnedFd>,
}

/// Takes the passed descriptors; call once, before anything else opens descriptors.
pub(super) fn passed() -> Passed {
    let mut passed = Passed::default();
    for (name, descriptor) in super::descriptors_ffi::take() {
        if name.starts_with("S-") {
            passed.listeners.insert(name, descriptor);
        } else if passed.socket.is_none() {
            passed.socket = Some(descriptor);
        }
    }
    passed
}

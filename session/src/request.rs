//! Asking the recorder something over its socket.

use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use audit::handover::{MAX_MESSAGE, Message, Reply};
use nix::sys::socket::sockopt::{ReceiveTimeout, SendTimeout};
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockType, UnixAddr, connect, recvmsg, sendmsg, setsockopt, socket,
};
use nix::sys::time::{TimeVal, TimeValLike};

/// A connection with a question on its way.
#[derive(Debug)]
pub struct Asked(OwnedFd);

/// Sends `message` and waits for one answer.
///
/// # Errors
/// If nobody listens, or no answer comes within `limit`.
pub fn send(path: &Path, message: &Message, limit: Duration) -> io::Result<Reply> {
    ask(path, message, limit)?.answer()
}

/// Sends `message`; the answers are read with [`Asked::answer`], each within `limit`.
///
/// # Errors
/// If nobody listens.
pub fn ask(path: &Path, message: &Message, limit: Duration) -> io::Result<Asked> {
    let connection = socket(AddressFamily::Unix, SockType::SeqPacket, SockFlag::SOCK_CLOEXEC, None)?;
    let limit = TimeVal::milliseconds(i64::try_from(limit.as_millis()).unwrap_or(i64::MAX));
    setsockopt(&connection, SendTimeout, &limit)?;
    setsockopt(&connection, ReceiveTimeout, &limit)?;
    connect(connection.as_raw_fd(), &UnixAddr::new(path)?)?;
    let text = serde_json::to_vec(message).map_err(io::Error::other)?;
    sendmsg::<()>(connection.as_raw_fd(), &[IoSlice::new(&text)], &[], MsgFlags::MSG_NOSIGNAL, None)?;
    Ok(Asked(connection))
}

impl Asked {
    /// The next answer.
    ///
    /// # Errors
    /// If none comes in time, or the recorder hangs up.
    pub fn answer(&self) -> io::Result<Reply> {
        let mut bytes = vec![0; MAX_MESSAGE];
        let mut vectors = [IoSliceMut::new(&mut bytes)];
        let received = recvmsg::<()>(self.0.as_raw_fd(), &mut vectors, None, MsgFlags::empty())?.bytes;
        if received == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        serde_json::from_slice(&bytes[..received]).map_err(io::Error::other)
    }
}

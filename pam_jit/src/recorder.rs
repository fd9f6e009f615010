//! Speaking to the recorder: one message over its socket, and the answer, within a bounded time.
//!
//! The answer to an opening comes when `session.open` is durable, so it may take as long as a disk takes;
//! a recorder that is restarted answers when it is back. Without an answer nobody gets in.

use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::path::Path;
use std::time::Duration;

use audit::handover::{Answer, Message};
use nix::sys::socket::sockopt::{ReceiveTimeout, SendTimeout};
use nix::sys::socket::{
    AddressFamily, ControlMessage, MsgFlags, SockFlag, SockType, UnixAddr, connect, recvmsg, sendmsg,
    setsockopt, socket,
};
use nix::sys::time::{TimeVal, TimeValLike};

/// How long an opening may take.
pub(crate) const OPENING: Duration = Duration::from_secs(10);
/// How long anything else may take.
pub(crate) const TELLING: Duration = Duration::from_secs(1);

/// Sends `message`, with `listener` if there is one, and waits for the answer.
///
/// # Errors
/// If nobody listens, the answer does not come in time, or is not one.
pub(crate) fn ask(
    path: &Path,
    message: &Message,
    listener: Option<BorrowedFd<'_>>,
    limit: Duration,
) -> io::Result<Answer> {
    let connection = socket(AddressFamily::Unix, SockType::SeqPacket, SockFlag::SOCK_CLOEXEC, None)?;
    let limit = TimeVal::milliseconds(i64::try_from(limit.as_millis()).unwrap_or(i64::MAX));
    setsockopt(&connection, SendTimeout, &limit)?;
    setsockopt(&connection, ReceiveTimeout, &limit)?;
    connect(connection.as_raw_fd(), &UnixAddr::new(path)?)?;
    let text = serde_json::to_vec(message).map_err(io::Error::other)?;
    let numbers: Vec<_> = listener.iter().map(|listener| listener.as_fd().as_raw_fd()).collect();
    let rights = [ControlMessage::ScmRights(&numbers)];
    let control = if numbers.is_empty() { &[][..] } else { &rights[..] };
    sendmsg::<()>(connection.as_raw_fd(), &[IoSlice::new(&text)], control, MsgFlags::MSG_NOSIGNAL, None)?;
    let mut bytes = vec![0; 4096];
    let mut vectors = [IoSliceMut::new(&mut bytes)];
    let length = recvmsg::<()>(connection.as_raw_fd(), &mut vectors, None, MsgFlags::empty())?.bytes;
    if length == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Answer::parse(&bytes[..length]).ok_or_else(|| io::Error::other("an answer that is none"))
}

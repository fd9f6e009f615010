//! The recorder's socket: who may speak, one message, and the answer.
//!
//! `SOCK_SEQPACKET`, mode 0600; the kernel says who is there (`SO_PEERCRED`), and only root is heard. A
//! peer that does not take its answers does not delay anybody: they wait, and nothing here does.

use std::collections::VecDeque;
use std::io::{self, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::Path;

use audit::handover::{Answer, MAX_MESSAGE, Message, Reply};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::epoll::{EpollEvent, EpollFlags};
use nix::sys::socket::sockopt::PeerCredentials;
use nix::sys::socket::{
    AddressFamily, Backlog, ControlMessageOwned, MsgFlags, SockFlag, SockType, UnixAddr, accept4, bind,
    getsockopt, listen, recvmsg, send, socket,
};

use super::descriptors_ffi::own;
use super::opening::refuse;
use super::{Recorder, Token};
use crate::kernel_copy::KernelCopy;

/// Connections that may wait at once.
const BACKLOG: i32 = 512;
/// Answers that may wait for a peer to take them: more than there are sessions.
const UNSENT: usize = 65_536;

/// Bytes that a usual command takes, gate line and record.
const COMMAND: u64 = 8 * 1024;

/// Makes the listening socket at `path`, in place of one that nobody listens on.
///
/// # Errors
/// If it can't be made.
pub(super) fn listen_at(path: &Path) -> io::Result<OwnedFd> {
    use std::os::unix::fs::PermissionsExt;
    let listener = socket(
        AddressFamily::Unix,
        SockType::SeqPacket,
        SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK,
        None,
    )?;
    // Made under another name and renamed, so that it is never there with another mode.
    let temporary = path.with_extension("new");
    drop(std::fs::remove_file(&temporary));
    bind(listener.as_raw_fd(), &UnixAddr::new(&temporary)?)?;
    std::fs::set_permissions(&temporary, std::fs::Permissions::from_mode(0o600))?;
    listen(&listener, Backlog::new(BACKLOG)?)?;
    std::fs::rename(&temporary, path)?;
    Ok(listener)
}

/// Receives one message and at most one descriptor.
fn receive(connection: &OwnedFd) -> io::Result<Option<(Message, Option<OwnedFd>)>> {
    let mut bytes = vec![0; MAX_MESSAGE];
    let mut space = nix::cmsg_space!([std::os::fd::RawFd; 1]);
    let mut vectors = [IoSliceMut::new(&mut bytes)];
    let flags = MsgFlags::MSG_CMSG_CLOEXEC | MsgFlags::MSG_DONTWAIT;
    let received = recvmsg::<()>(connection.as_raw_fd(), &mut vectors, Some(&mut space), flags)?;
    let mut descriptor = None;
    for message in received.cmsgs()? {
        if let ControlMessageOwned::ScmRights(numbers) = message {
            descriptor = numbers.into_iter().map(own).next_back();
        }
    }
    if received.bytes == 0 {
        return Ok(None);
    }
    if received.flags.contains(MsgFlags::MSG_TRUNC) {
        return Err(io::Error::other("a message longer than the limit"));
    }
    let length = received.bytes;
    let message = serde_json::from_slice(&bytes[..length]).map_err(io::Error::other)?;
    Ok(Some((message, descriptor)))
}

fn send_now(connection: &OwnedFd, text: &str) -> Result<usize, Errno> {
    send(connection.as_raw_fd(), text.as_bytes(), MsgFlags::MSG_NOSIGNAL | MsgFlags::MSG_DONTWAIT)
}

fn no_space() -> Answer {
    refuse("spool", "no space is left for records")
}

/// An answer to an administrator.
pub(super) fn json(reply: &Reply) -> String {
    // Texts and numbers into memory: this does not fail.
    serde_json::to_string(reply).unwrap_or_default()
}

impl Recorder {
    /// Takes connections that wait.
    pub(super) fn accept(&mut self) {
        while let Ok(number) =
            accept4(self.socket.as_raw_fd(), SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK)
        {
            let connection = own(number);
            let root = getsockopt(&connection, PeerCredentials).is_ok_and(|peer| peer.uid() == 0);
            let key = self.key();
            if root && self.watch(&connection, Token::Connection(key)).is_ok() {
                self.connections.insert(key, connection);
            }
        }
    }

    /// Reads a message and does what it says.
    pub(super) fn connection_speaks(&mut self, key: u32, events: EpollFlags) {
        if events.contains(EpollFlags::EPOLLOUT) {
            self.reply_more(key);
            if !events.intersects(EpollFlags::EPOLLIN | EpollFlags::EPOLLHUP | EpollFlags::EPOLLERR) {
                return;
            }
        }
        let Some(connection) = self.connections.get(&key) else { return };
        let peer = getsockopt(connection, PeerCredentials).map_or(0, |peer| peer.pid());
        let received = if events.contains(EpollFlags::EPOLLIN) { receive(connection) } else { Ok(None) };
        match received {
            Ok(Some((message, descriptor))) => self.heard(key, peer, message, descriptor),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            // The other end is gone, or speaks something else.
            Ok(None) | Err(_) => self.disconnect(key),
        }
    }

    /// Whether the other end of a connection is gone. While it is not, the process that the kernel named as peer
    /// lives, and its number is nobody else's.
    pub(super) fn hung_up(&self, key: u32) -> bool {
        let Some(connection) = self.connections.get(&key) else { return true };
        let mut ready = [PollFd::new(connection.as_fd(), PollFlags::empty())];
        let gone = PollFlags::POLLHUP | PollFlags::POLLERR;
        poll(&mut ready, PollTimeout::ZERO).is_err() || ready[0].revents().is_none_or(|r| r.intersects(gone))
    }

    fn heard(&mut self, key: u32, peer: i32, message: Message, descriptor: Option<OwnedFd>) {
        match message {
            Message::Open(handover) => {
                if let Err(refusal) = self.open(key, peer, *handover, descriptor) {
                    self.replies.push((key, refusal.to_string()));
                }
            }
            Message::Logout { session } => {
                self.logged_out(&session);
                self.replies.push((key, Answer::Open.to_string()));
            }
            Message::Refused { monitor } => {
                if monitor == peer {
                    self.end_refused_connection(monitor, key);
                }
                self.replies.push((key, Answer::Open.to_string()));
            }
            Message::Record { line } => {
                // The reserve is for ends: whoever knocks in vain must not use it up.
                if self.spool.has_room(line.len() as u64 + 1) {
                    self.told.push((key, line.clone()));
                    self.backlog.push(line);
                } else {
                    self.replies.push((key, no_space().to_string()));
                }
            }
            Message::Notice { line } => {
                self.backlog.push(line);
                self.replies.push((key, json(&Reply::Done { sessions: 0 })));
            }
            Message::About => {
                let kernel = self.kernel.as_ref();
                let reason = match kernel {
                    Some(kernel) => kernel.tells_of_no_other(),
                    None => Some(&*self.no_kernel),
                };
                let room = self.spool.has_room(COMMAND);
                let about = Reply::About {
                    room,
                    kernel_copy: reason.is_none(),
                    source: kernel.map_or("", KernelCopy::name).to_owned(),
                    reason: reason.unwrap_or_default().to_owned(),
                };
                self.replies.push((key, json(&about)));
            }
            Message::List => self.list(key),
            Message::End { which, reason, by } => self.end_by_order(key, &which, &reason, &by),
            Message::Extend { session, certificate } => {
                let reply = self.extend(&session, &certificate);
                self.replies.push((key, json(&reply)));
            }
        }
    }

    /// Answers who brought a record, once this turn's backlog was written. One that could not be is taken back, and its
    /// bringer logs it by itself: whoever knocks in vain while the disk is full fills no memory.
    pub(super) fn answer_told(&mut self) {
        for (key, line) in std::mem::take(&mut self.told) {
            let kept = self.backlog.iter().rposition(|waiting| *waiting == line);
            let answer = match kept {
                None => Answer::Open,
                Some(at) => {
                    self.backlog.remove(at);
                    no_space()
                }
            };
            self.replies.push((key, answer.to_string()));
        }
    }

    /// Sends an answer. What a connection has no room for waits until it has; a peer that lets too much wait is dropped.
    pub(super) fn reply(&mut self, key: u32, text: &str) {
        let Some(connection) = self.connections.get(&key) else { return };
        if let Some(unsent) = self.unsent.get_mut(&key) {
            unsent.push_back(text.to_owned());
            if unsent.len() > UNSENT {
                self.disconnect(key);
            }
            return;
        }
        match send_now(connection, text) {
            Ok(_) => {}
            Err(Errno::EAGAIN) => {
                self.unsent.insert(key, VecDeque::from([text.to_owned()]));
                self.listen_for(key, EpollFlags::EPOLLIN | EpollFlags::EPOLLOUT);
            }
            Err(_) => self.disconnect(key),
        }
    }

    /// Sends what waited for room.
    fn reply_more(&mut self, key: u32) {
        let (Some(connection), Some(unsent)) = (self.connections.get(&key), self.unsent.get_mut(&key)) else {
            return;
        };
        while let Some(text) = unsent.front() {
            match send_now(connection, text) {
                Ok(_) => drop(unsent.pop_front()),
                Err(Errno::EAGAIN) => return,
                Err(_) => return self.disconnect(key),
            }
        }
        self.unsent.remove(&key);
        self.listen_for(key, EpollFlags::EPOLLIN);
    }

    fn listen_for(&mut self, key: u32, events: EpollFlags) {
        let Some(connection) = self.connections.get(&key) else { return };
        let mut event = EpollEvent::new(events, Token::Connection(key).pack());
        if self.epoll.modify(connection, &mut event).is_err() {
            self.disconnect(key);
        }
    }

    pub(super) fn disconnect(&mut self, key: u32) {
        self.unsent.remove(&key);
        if let Some(connection) = self.connections.remove(&key) {
            let _ = self.epoll.delete(&connection);
        }
    }
}

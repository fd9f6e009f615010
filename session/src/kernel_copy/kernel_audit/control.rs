//! Requests to the audit subsystem: how it stands, and its rules (linux/audit.h, netlink(7)).
//!
//! Needs CAP_AUDIT_CONTROL in the machine's own user and process namespaces; elsewhere the kernel refuses. Only answers
//! of the kernel itself are believed, and none is waited for longer than a moment.

use std::os::fd::{AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recvfrom, sendto,
    setsockopt, socket, sockopt,
};
use nix::sys::time::{TimeVal, TimeValLike};

use super::rule::Rule;

/// Bytes of a message's head (`struct nlmsghdr`).
pub(super) const HEAD: usize = 16;
/// Bytes of the longest message (`MAX_AUDIT_MESSAGE_LENGTH`), and room.
pub(super) const LONGEST: usize = 16 * 1024;

pub(super) const ERROR: u16 = 2;
const DONE: u16 = 3;
pub(super) const GET: u16 = 1000;
pub(super) const ADD_RULE: u16 = 1011;
pub(super) const DEL_RULE: u16 = 1012;
const LIST_RULES: u16 = 1013;
/// A request, and one that wants to hear that it was carried out.
const REQUEST: u16 = 1;
const ACK: u16 = 4;

/// `Status::enabled`: on, and its rules are locked until the next boot.
pub(super) const LOCKED: u32 = 2;

/// How audit stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Status {
    /// 0 off, 1 on, 2 on and its rules locked until the next boot.
    pub(super) enabled: u32,
    /// The audit daemon, 0 if none runs.
    pub(super) daemon: u32,
    /// Records that the kernel had to drop since it booted.
    pub(super) lost: u32,
}

/// What requests go out by and answers come back: the kernel, or in a test somebody who plays it.
pub(super) trait Line: std::fmt::Debug + Send {
    /// Sends a message.
    fn send(&mut self, message: &[u8]) -> nix::Result<()>;
    /// The next message: its type, its number and its length in the buffer. `None` if it is not the kernel's.
    fn receive(&mut self, buffer: &mut [u8]) -> nix::Result<Option<(u16, u32, usize)>>;
}

impl Line for OwnedFd {
    fn send(&mut self, message: &[u8]) -> nix::Result<()> {
        sendto(self.as_raw_fd(), message, &NetlinkAddr::new(0, 0), MsgFlags::empty()).map(drop)
    }

    fn receive(&mut self, buffer: &mut [u8]) -> nix::Result<Option<(u16, u32, usize)>> {
        receive(self, buffer)
    }
}

/// Requests, one after the other.
#[derive(Debug)]
pub(super) struct Control {
    line: Box<dyn Line>,
    sequence: u32,
}

/// A message of the kernel: its type, its number, what it says. `None` if it is somebody else's.
fn receive(socket: &OwnedFd, buffer: &mut [u8]) -> nix::Result<Option<(u16, u32, usize)>> {
    let (length, from) = recvfrom::<NetlinkAddr>(socket.as_raw_fd(), buffer)?;
    if length < HEAD || from.is_none_or(|from| from.pid() != 0) {
        return Ok(None);
    }
    let number = |at: usize| buffer[at..at + 4].try_into().map(u32::from_ne_bytes).unwrap_or(0);
    Ok(Some((u16::from_ne_bytes([buffer[4], buffer[5]]), number(8), length)))
}

/// A socket that hears every record of the kernel, beside an audit daemon and without its leave: `AUDIT_NLGRP_READLOG`.
/// `bytes` is how much may wait in it.
pub(super) fn listen(bytes: usize) -> nix::Result<OwnedFd> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let socket = socket(AddressFamily::Netlink, SockType::Raw, flags, SockProtocol::NetlinkAudit)?;
    // Without CAP_NET_ADMIN as much as the system lets everybody have.
    if setsockopt(&socket, sockopt::RcvBufForce, &bytes).is_err() {
        let _ = setsockopt(&socket, sockopt::RcvBuf, &bytes);
    }
    bind(socket.as_raw_fd(), &NetlinkAddr::new(0, 1))?;
    Ok(socket)
}

/// The next record: its type, and its text in the buffer. `None` if it is not the kernel's.
pub(super) fn hear<'a>(socket: &OwnedFd, buffer: &'a mut [u8]) -> nix::Result<Option<(u16, &'a [u8])>> {
    Ok(receive(socket, buffer)?.map(|(kind, _, length)| (kind, &buffer[HEAD..length])))
}

impl Control {
    pub(super) fn open() -> nix::Result<Self> {
        let socket = socket(
            AddressFamily::Netlink,
            SockType::Raw,
            SockFlag::SOCK_CLOEXEC,
            SockProtocol::NetlinkAudit,
        )?;
        setsockopt(&socket, sockopt::ReceiveTimeout, &TimeVal::milliseconds(500))?;
        bind(socket.as_raw_fd(), &NetlinkAddr::new(0, 0))?;
        Ok(Self::over(Box::new(socket)))
    }

    pub(super) fn over(line: Box<dyn Line>) -> Self {
        Self { line, sequence: 0 }
    }

    pub(super) fn status(&mut self) -> nix::Result<Status> {
        self.send(GET, REQUEST, &[])?;
        let mut status = None;
        self.answers(|kind, body| {
            let number =
                |index: usize| Some(u32::from_ne_bytes(body.get(4 * index..)?.first_chunk().copied()?));
            if kind == GET
                && let (Some(enabled), Some(daemon), Some(lost)) = (number(1), number(3), number(6))
            {
                status = Some(Status { enabled, daemon, lost });
            }
            status.is_some()
        })?;
        status.ok_or(Errno::EPROTO)
    }

    /// Adds a rule; one that is there already is as good.
    pub(super) fn add(&mut self, rule: &Rule) -> nix::Result<()> {
        match self.change(ADD_RULE, rule) {
            Err(Errno::EEXIST) => Ok(()),
            other => other,
        }
    }

    /// Removes a rule; one that is gone already is as good.
    pub(super) fn remove(&mut self, rule: &Rule) -> nix::Result<()> {
        match self.change(DEL_RULE, rule) {
            Err(Errno::ENOENT) => Ok(()),
            other => other,
        }
    }

    /// Every rule of the host.
    pub(super) fn rules(&mut self) -> nix::Result<Vec<Rule>> {
        self.send(LIST_RULES, REQUEST, &[])?;
        let mut rules = Vec::new();
        self.answers(|kind, body| {
            if kind == LIST_RULES {
                rules.push(Rule::from_bytes(body));
            }
            false
        })?;
        Ok(rules)
    }

    fn change(&mut self, kind: u16, rule: &Rule) -> nix::Result<()> {
        self.send(kind, REQUEST | ACK, rule.bytes())?;
        self.answers(|_, _| false)
    }

    fn send(&mut self, kind: u16, flags: u16, body: &[u8]) -> nix::Result<()> {
        self.sequence = self.sequence.wrapping_add(1);
        let length = u32::try_from(HEAD + body.len()).map_err(|_| Errno::EMSGSIZE)?;
        let mut message = Vec::with_capacity(HEAD + body.len());
        message.extend_from_slice(&length.to_ne_bytes());
        message.extend_from_slice(&kind.to_ne_bytes());
        message.extend_from_slice(&flags.to_ne_bytes());
        message.extend_from_slice(&self.sequence.to_ne_bytes());
        message.extend_from_slice(&0_u32.to_ne_bytes());
        message.extend_from_slice(body);
        self.line.send(&message)
    }

    /// Hands every answer to the last request over, until `take` says that it was the last, or the kernel does.
    fn answers(&mut self, mut take: impl FnMut(u16, &[u8]) -> bool) -> nix::Result<()> {
        let mut buffer = vec![0; LONGEST];
        loop {
            let Some((kind, sequence, length)) = self.line.receive(&mut buffer)? else { continue };
            if sequence != self.sequence {
                continue; // The answer to one that was not waited for.
            }
            let body = &buffer[HEAD..length];
            match kind {
                ERROR => {
                    let code = body.first_chunk().map_or(-libc::EPROTO, |code| i32::from_ne_bytes(*code));
                    return if code == 0 { Ok(()) } else { Err(Errno::from_raw(-code)) };
                }
                DONE => return Ok(()),
                _ if take(kind, body) => return Ok(()),
                _ => {}
            }
        }
    }
}

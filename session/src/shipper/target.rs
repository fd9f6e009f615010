//! Where records are shipped to: a datagram socket that takes RFC 5424, a plain /dev/log, or TCP.
//!
//! Sends wait, at most a second; a full socket is slowness, not loss, and any other failure ends the
//! connection, which the next send makes anew. TCP frames with the octet count of RFC 6587.

use std::io::{self, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::Duration;

use syslog::{Facility, Formatter3164, LogFormat, Severity};

const SEND: Duration = Duration::from_secs(1);

/// How a datagram socket wants its messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// RFC 5424.
    Rfc5424,
    /// RFC 3164 with an `@cee:` body.
    Cee,
}

/// A destination and its connection, if there is one now.
#[derive(Debug)]
pub enum Target {
    /// A datagram socket in the file system.
    Socket {
        /// Its path.
        path: PathBuf,
        /// What it takes.
        format: Format,
        /// The private enterprise number.
        enterprise: u32,
        /// The connection; inode and time of the socket that it leads to.
        connection: Option<(UnixDatagram, (u64, i64, i64))>,
    },
    /// A TCP receiver of RFC 5424.
    Tcp {
        /// `host:port`.
        address: String,
        /// The private enterprise number.
        enterprise: u32,
        /// The connection.
        connection: Option<TcpStream>,
    },
}

impl Target {
    /// Sends a spool line; lines that are no records are passed over.
    ///
    /// # Errors
    /// If it could not be handed over within a second.
    pub fn send(&mut self, line: &str) -> io::Result<()> {
        let message = match self {
            Self::Socket { format: Format::Cee, .. } => {
                audit::shipping::cee(line).map(|(severity, body)| cee(severity, &body))
            }
            Self::Socket { enterprise, .. } => {
                audit::shipping::rfc5424(line, *enterprise).map(String::into_bytes)
            }
            Self::Tcp { enterprise, .. } => audit::shipping::rfc5424(line, *enterprise)
                .map(|frame| format!("{} {frame}", frame.len()).into_bytes()),
        };
        let Some(message) = message else { return Ok(()) };
        let sent = self.send_bytes(&message);
        if let Err(error) = &sent {
            match self {
                // A whole datagram waits for room, with those before it.
                Self::Socket { .. } if error.kind() == io::ErrorKind::WouldBlock => {}
                Self::Socket { connection, .. } => *connection = None,
                // Half a message may be on its way.
                Self::Tcp { connection, .. } => *connection = None,
            }
        }
        sent
    }

    /// Whether there is a connection.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        match self {
            Self::Socket { connection, .. } => connection.is_some(),
            Self::Tcp { connection, .. } => connection.is_some(),
        }
    }

    /// Whether whoever got the messages so far still reads; if not, the connection is given up.
    pub fn is_there(&mut self) -> bool {
        match self {
            Self::Socket { path, connection, .. } => {
                // A datagram socket is not told that its peer has gone; another one answers then, or nobody.
                let gone = connection
                    .as_ref()
                    .is_some_and(|(_, made)| identity(path).ok() != Some(*made) || connect(path).is_err());
                if gone {
                    *connection = None;
                }
                !gone
            }
            Self::Tcp { connection, .. } => {
                let gone = connection.as_ref().is_some_and(|stream| {
                    let there = |error: io::Error| error.kind() == io::ErrorKind::WouldBlock;
                    let looked = stream.set_nonblocking(true).and_then(|()| stream.peek(&mut [0]));
                    stream.set_nonblocking(false).is_err()
                        || looked.map_or_else(|error| !there(error), |count| count == 0)
                });
                if gone {
                    *connection = None;
                }
                !gone
            }
        }
    }

    fn send_bytes(&mut self, message: &[u8]) -> io::Result<()> {
        match self {
            Self::Socket { path, connection, .. } => {
                let (socket, _) = match connection {
                    Some(connection) => connection,
                    None => {
                        // This first: if another socket takes its place now, that shows at the next look.
                        let made = identity(path)?;
                        connection.insert((connect(path)?, made))
                    }
                };
                socket.send(message).map(drop)
            }
            Self::Tcp { address, connection, .. } => {
                let stream = match connection {
                    Some(stream) => stream,
                    None => {
                        let address = address
                            .to_socket_addrs()?
                            .next()
                            .ok_or_else(|| io::Error::other("no such address"))?;
                        let stream = TcpStream::connect_timeout(&address, SEND)?;
                        stream.set_write_timeout(Some(SEND))?;
                        connection.insert(stream)
                    }
                };
                stream.write_all(message)
            }
        }
    }
}

fn connect(path: &Path) -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    socket.connect(path)?;
    socket.set_write_timeout(Some(SEND))?;
    Ok(socket)
}

/// What tells sockets of one name apart: a file system may use an inode again at once, so the time too.
fn identity(path: &Path) -> io::Result<(u64, i64, i64)> {
    let file = std::fs::metadata(path)?;
    Ok((file.ino(), file.mtime(), file.mtime_nsec()))
}

/// The frame that a plain /dev/log reads. Its timestamp is the receiver's business; the JSON has ours.
fn cee(severity: u8, body: &str) -> Vec<u8> {
    let severity = if severity <= 4 { Severity::LOG_WARNING } else { Severity::LOG_INFO };
    let formatter = Formatter3164 {
        facility: Facility::LOG_AUTHPRIV,
        hostname: None,
        process: "pam-jit".to_owned(),
        pid: std::process::id(),
    };
    let mut message = Vec::new();
    // Formatting into memory does not fail.
    let _ = formatter.format(&mut message, severity, body);
    message
}

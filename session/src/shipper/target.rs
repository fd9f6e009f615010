//! Where records are shipped to: a datagram socket that takes RFC 5424, a plain /dev/log, or TCP.
//!
//! Sends wait, at most a second, and a failed one reconnects; so a full socket is slowness, not loss. TCP
//! frames with the octet count of RFC 6587.

use std::io::{self, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
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
        /// The connection.
        connection: Option<UnixDatagram>,
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
    /// If it could not be handed over within a second. The connection is then made anew next time.
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
        if sent.is_err() {
            match self {
                Self::Socket { connection, .. } => *connection = None,
                Self::Tcp { connection, .. } => *connection = None,
            }
        }
        sent
    }

    fn send_bytes(&mut self, message: &[u8]) -> io::Result<()> {
        match self {
            Self::Socket { path, connection, .. } => {
                let socket = match connection {
                    Some(socket) => socket,
                    None => {
                        let socket = UnixDatagram::unbound()?;
                        socket.connect(&*path)?;
                        socket.set_write_timeout(Some(SEND))?;
                        connection.insert(socket)
                    }
                };
                socket.send(message).map(drop)
            }
            Self::Tcp { address, connection, .. } => {
                let stream = match connection {
                    Some(stream) => stream,
                    None => {
                        use std::net::ToSocketAddrs;
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

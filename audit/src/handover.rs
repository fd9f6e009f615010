//! What the PAM module, the recorder and `jit` say to each other over the recorder's Unix socket.
//!
//! `SOCK_SEQPACKET` messages: a [`Message`] of JSON to the recorder, an [`Answer`] or [`Reply`]s back. To open a session the
//! module sends a [`Handover`] with the session's seccomp listener as its one descriptor; the recorder
//! answers after `session.open` is durable. Administrators ask over the same socket. The grant travels as
//! its document, so that this crate needs to know nothing about grants.

use serde::{Deserialize, Serialize};

/// The longest message, in bytes: a document and what surrounds it.
pub const MAX_MESSAGE: usize = 64 * 1024;

/// The version of both messages. Another one is refused: the module and the recorder are of one release.
pub const VERSION: u32 = 1;

/// A login that the module let in, and that becomes a session if the recorder agrees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Handover {
    /// [`VERSION`].
    pub version: u32,
    /// The session's id, such as `S-7F3K9QAB`.
    pub session: String,
    /// The grant document, canonical.
    pub document: String,
    /// The Unix account.
    pub account: String,
    /// Its user id.
    pub uid: u32,
    /// The address that the connection comes from.
    pub source: String,
    /// The certificate's serial.
    pub serial: u64,
    /// Fingerprint of the person's key.
    pub key: String,
    /// Names of the approvers whose approvals counted.
    pub approved_by: Vec<String>,
    /// The process that serves the connection as root: it ends with the session.
    pub monitor: i32,
    /// The PAM service.
    pub service: String,
    /// The host's name in grants.
    pub host: String,
    /// The time of the login, seconds since 1970-01-01T00:00:00Z.
    pub now: u64,
}

/// What is said to the recorder. Only root can say it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Message {
    /// The module: this login becomes a session; its listener comes as the one descriptor.
    Open(Box<Handover>),
    /// The module: the connection of this session ended as it should.
    Logout {
        /// The session's id.
        session: String,
    },
    /// The module: this connection was refused. It is ended if it stays, as `ssh -N` would.
    Refused {
        /// The process that serves it as root.
        monitor: i32,
    },
    /// The module: put this record into the spool.
    Record {
        /// A line of JSON.
        line: String,
    },
    /// The sweep: put this record into the spool.
    Notice {
        /// A line of JSON.
        line: String,
    },
    /// An administrator: what can this recorder do?
    About,
    /// An administrator: which sessions are open?
    List,
    /// An administrator: end these sessions, and answer when the kernel says that they are over.
    End {
        /// Which.
        which: Which,
        /// Why, for the record and the person.
        reason: String,
        /// Who says so.
        by: String,
    },
    /// An administrator: let this session go on under a new grant.
    Extend {
        /// The session's id.
        session: String,
        /// The new grant's certificate, base64.
        certificate: String,
    },
}

/// Sessions to end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Which {
    /// One session by its id.
    Session(String),
    /// All of a grant, by its id.
    Grant(String),
    /// All of a person.
    Person(String),
    /// All of a vendor.
    Vendor(String),
    /// Every one.
    All,
}

/// What the recorder answers to the module, as text: the module carries no reader of JSON into sshd.
///
/// `open`, or `refuse CODE SENTENCE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The session is open and recorded, or the message was heard.
    Open,
    /// It may not begin.
    Refuse {
        /// The stable word for records.
        code: String,
        /// The sentence for the person, without `access refused: `.
        told: String,
    },
}

impl Answer {
    /// Reads an answer; `None` if it is not one.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        if text == "open" {
            return Some(Self::Open);
        }
        let (code, told) = text.strip_prefix("refuse ")?.split_once(' ')?;
        Some(Self::Refuse { code: code.to_owned(), told: told.to_owned() })
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Open => f.write_str("open"),
            Self::Refuse { code, told } => write!(f, "refuse {code} {told}"),
        }
    }
}

/// What the recorder answers to an administrator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reply {
    /// The request was not carried out.
    Refuse {
        /// The stable word.
        code: String,
        /// The sentence.
        told: String,
    },
    /// What the recorder can do.
    About {
        /// Whether records hold the kernel's own copy of what ran.
        kernel_copy: bool,
        /// Where it comes from: `BPF`, `audit`, or empty.
        source: String,
        /// Why not, if not.
        reason: String,
        /// Whether a command could be recorded now.
        room: bool,
    },
    /// One open session; more may follow, then [`Reply::Done`].
    Session(Box<OpenSession>),
    /// The session goes on.
    Extended {
        /// Until then, seconds since 1970-01-01T00:00:00Z.
        until: u64,
    },
    /// That was all.
    Done {
        /// How many sessions it concerned.
        sessions: usize,
    },
}

/// An open session, as an administrator sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenSession {
    /// The session's id.
    pub session: String,
    /// The person.
    pub person: String,
    /// The grant's id.
    pub grant: String,
    /// The Unix account.
    pub account: String,
    /// Where it came from.
    pub source: String,
    /// Since when, seconds since 1970-01-01T00:00:00Z.
    pub opened: u64,
    /// Seconds until its deadline.
    pub left: u64,
    /// Commands so far.
    pub commands: u64,
    /// The last command, as text.
    pub last: Option<String>,
    /// Whether the connection is gone and processes go on.
    pub detached: bool,
    /// Its audit session id.
    pub audit_session: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_back() {
        let refuse = Answer::Refuse { code: "uses".to_owned(), told: "grant G-7F3K9Q is used up".to_owned() };
        for answer in [Answer::Open, refuse] {
            assert_eq!(Answer::parse(answer.to_string().as_bytes()), Some(answer));
        }
        for other in [&b""[..], b"opened", b"refuse", b"refuse uses", b"\xff", b"open\n"] {
            assert_eq!(Answer::parse(other), None);
        }
    }
}

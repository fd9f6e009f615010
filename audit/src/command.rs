//! The record of one command, `session.command`, in as many numbered parts as its arguments need.
//!
//! Arguments are bytes; JSON holds text. A byte that is not UTF-8 is written `\xNN`, and a backslash
//! `\\`, so that no two arguments read the same. Each part is a whole record of at most
//! [`MAX_RECORD`] bytes with the same `jit.session_seq`; readers join on that and `jit.part`.

use std::borrow::Cow;

use serde::Serialize;

use crate::ascii::{AsciiFormatter, clip, escaped_len};
use crate::event::Event;
use crate::record::{MAX_RECORD, rfc3339};

/// Escaped bytes of arguments that are recorded; beyond, only their number, size and hash are.
pub const MAX_ARGUMENTS: usize = 64 * 1024;

/// Escaped bytes of arguments in one part: [`MAX_RECORD`] less everything else at its longest.
const PART: usize = 2_900;
/// Escaped bytes of a path.
const PATH: usize = 1_024;
/// Escaped bytes of a name.
const NAME: usize = 128;

/// Where the arguments in a record come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ArgvSource {
    /// The kernel's own copy of what ran.
    Kernel,
    /// What the caller showed at the gate; it can have lied.
    Gate,
}

/// How the exec ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The program runs.
    Ran,
    /// The kernel refused, with this error number; or the recorder did.
    Failed(i32),
    /// Nothing on this host can tell.
    Unknown,
}

/// One command of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// When it stood at the gate, in milliseconds since 1970-01-01T00:00:00Z.
    pub time: i64,
    /// The host's name in grants.
    pub host: String,
    /// The session's id.
    pub session: String,
    /// Its number within the session, from 1.
    pub session_seq: u64,
    /// The grant's id.
    pub grant: String,
    /// The vendor.
    pub vendor: String,
    /// The person.
    pub person: String,
    /// The Unix account of the session.
    pub account: String,
    /// Process.
    pub pid: i32,
    /// Parent process.
    pub parent: i32,
    /// Real user id.
    pub uid: u32,
    /// Effective user id; 0 inside sudo.
    pub euid: u32,
    /// Working directory.
    pub cwd: Vec<u8>,
    /// The file asked for.
    pub path: Vec<u8>,
    /// The file that runs, resolved, if that is known.
    pub executable: Option<Vec<u8>>,
    /// Its inode and device, from the kernel.
    pub inode: Option<(u64, u32)>,
    /// The arguments after redaction; the first of them may do, see `argv_cut`.
    pub argv: Vec<Vec<u8>>,
    /// How many there were.
    pub argv_count: usize,
    /// Whether `argv` is not all of them, or not all of the last.
    pub argv_cut: bool,
    /// SHA-256, in hex, of the arguments after redaction, each followed by a NUL.
    pub argv_sha256: String,
    /// Where they come from.
    pub argv_source: ArgvSource,
    /// What the caller showed at the gate, after redaction, if the kernel ran something else.
    pub shown: Option<Vec<Vec<u8>>>,
    /// The error with which the arguments could not be read at the gate; the exec most likely failed with it.
    pub argv_unreadable: Option<i32>,
    /// How it ended.
    pub outcome: Outcome,
}

/// Bytes as text: UTF-8 as it is, other bytes as `\xNN`, a backslash doubled.
#[must_use]
pub fn text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if c == '\\' {
                text.push('\\');
            }
            text.push(c);
        }
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}

/// One piece of an argument in one part.
struct Pieces {
    parts: Vec<Vec<String>>,
    /// Parts whose first piece continues the argument before.
    continued: Vec<bool>,
    cut: bool,
}

/// Distributes arguments over parts.
fn pieces(argv: &[Vec<u8>]) -> Pieces {
    let mut pieces = Pieces { parts: vec![Vec::new()], continued: vec![false], cut: false };
    let (mut room, mut total) = (PART, 0);
    for argument in argv {
        let argument = text(argument);
        let mut piece = String::new();
        for c in argument.chars() {
            let length = escaped_len(c);
            total += length;
            if total > MAX_ARGUMENTS {
                pieces.cut = true;
                pieces.push(piece);
                return pieces;
            }
            if length + 3 > room {
                pieces.push(std::mem::take(&mut piece));
                pieces.parts.push(Vec::new());
                pieces.continued.push(true);
                room = PART;
            }
            room -= length;
            piece.push(c);
        }
        pieces.push(piece);
        total += 3;
        if total > MAX_ARGUMENTS {
            pieces.cut = true;
            return pieces;
        }
        if room < 3 {
            pieces.parts.push(Vec::new());
            pieces.continued.push(false);
            room = PART;
        }
        room -= 3; // quotes and comma
    }
    pieces
}

impl Pieces {
    fn push(&mut self, piece: String) {
        if let Some(part) = self.parts.last_mut() {
            part.push(piece);
        }
    }
}

impl Command {
    /// The record as lines of JSON, one a part, each without its newline.
    #[must_use]
    pub fn json(&self) -> Vec<String> {
        let pieces = pieces(&self.argv);
        let count = pieces.parts.len();
        let parts = pieces.parts.iter().zip(&pieces.continued).enumerate();
        parts
            .map(|(index, (args, continued))| {
                self.part(args, *continued, index + 1, count, pieces.cut || self.argv_cut)
            })
            .collect()
    }

    fn part(&self, args: &[String], continued: bool, part: usize, parts: usize, cut: bool) -> String {
        let path = |bytes: &[u8]| clip(&text(bytes), PATH).into_owned();
        let name = |text: &str| clip(text, NAME).into_owned();
        let (outcome, errno) = match self.outcome {
            Outcome::Ran => ("success", None),
            Outcome::Failed(errno) => ("failure", Some(errno)),
            Outcome::Unknown => ("unknown", None),
        };
        let line = Line {
            timestamp: rfc3339(self.time),
            message: clip(&self.message(args), 300).into_owned(),
            ecs: Version { version: "8.11.0" },
            event: EventFields {
                kind: "event",
                category: ["process"],
                r#type: ["start"],
                action: Event::SessionCommand.name(),
                outcome,
                provider: "pam-jit",
                sequence: self.session_seq,
            },
            host: Named { name: clip(&self.host, 255).into_owned() },
            process: Process {
                pid: self.pid,
                parent: Parent { pid: self.parent },
                executable: self.executable.as_deref().map(path),
                args,
                args_count: self.argv_count,
                working_directory: path(&self.cwd),
            },
            user: User {
                name: name(&self.account),
                id: self.uid.to_string(),
                effective: Id { id: self.euid.to_string() },
            },
            ocsf: Ocsf { class_uid: 1007, activity_id: 1 },
            jit: Jit {
                session: name(&self.session),
                session_seq: self.session_seq,
                grant: name(&self.grant),
                vendor: name(&self.vendor),
                person: name(&self.person),
                path: path(&self.path),
                inode: self.inode.map(|(inode, _)| inode.to_string()),
                device: self.inode.map(|(_, device)| device),
                argv_source: self.argv_source,
                argv_sha256: &self.argv_sha256,
                argv_cut: cut.then_some(true),
                argv_continued: continued.then_some(true),
                argv_unreadable: self.argv_unreadable,
                errno,
                differs: self.shown.is_some().then_some(true),
                shown: self.shown.as_ref().map(|argv| {
                    let all: Vec<_> = argv.iter().map(|argument| text(argument)).collect();
                    clip(&all.join(" "), 512).into_owned()
                }),
                part,
                parts,
            },
        };
        let mut out = Vec::with_capacity(1024);
        let mut serializer = serde_json::Serializer::with_formatter(&mut out, AsciiFormatter);
        // Texts, numbers and lists into memory: this does not fail.
        let _ = line.serialize(&mut serializer);
        debug_assert!(out.len() <= MAX_RECORD, "{} bytes", out.len());
        String::from_utf8_lossy(&out).into_owned()
    }

    fn message(&self, args: &[String]) -> String {
        let did = match self.outcome {
            Outcome::Ran => Cow::Borrowed("ran"),
            Outcome::Failed(errno) => Cow::Owned(format!("could not run (error {errno})")),
            Outcome::Unknown => Cow::Borrowed("started"),
        };
        format!("{} as {} {did}: {}", self.person, self.account, args.join(" "))
    }
}

#[derive(Serialize)]
struct Line<'a> {
    #[serde(rename = "@timestamp")]
    timestamp: String,
    message: String,
    ecs: Version,
    event: EventFields,
    host: Named,
    process: Process<'a>,
    user: User,
    ocsf: Ocsf,
    jit: Jit<'a>,
}

#[derive(Serialize)]
struct Version {
    version: &'static str,
}

#[derive(Serialize)]
struct EventFields {
    kind: &'static str,
    category: [&'static str; 1],
    r#type: [&'static str; 1],
    action: &'static str,
    outcome: &'static str,
    provider: &'static str,
    sequence: u64,
}

#[derive(Serialize)]
struct Named {
    name: String,
}

#[derive(Serialize)]
struct Process<'a> {
    pid: i32,
    parent: Parent,
    #[serde(skip_serializing_if = "Option::is_none")]
    executable: Option<String>,
    args: &'a [String],
    args_count: usize,
    working_directory: String,
}

#[derive(Serialize)]
struct Parent {
    pid: i32,
}

#[derive(Serialize)]
struct User {
    name: String,
    id: String,
    effective: Id,
}

#[derive(Serialize)]
struct Id {
    id: String,
}

#[derive(Serialize)]
struct Ocsf {
    class_uid: u32,
    activity_id: u32,
}

#[derive(Serialize)]
struct Jit<'a> {
    session: String,
    session_seq: u64,
    grant: String,
    vendor: String,
    person: String,
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    inode: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<u32>,
    argv_source: ArgvSource,
    argv_sha256: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    argv_cut: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    argv_continued: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    argv_unreadable: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    errno: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    differs: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shown: Option<String>,
    part: usize,
    parts: usize,
}

#[cfg(test)]
#[path = "command_tests.rs"]
mod tests;

//! The administrator's view: open sessions, one session's commands, ending and extending.
//!
//! What is open the recorder knows and is asked; what was is in the spool and is read there. Nothing here
//! decides.

use std::fmt::Write as _;
use std::io;
use std::path::Path;
use std::time::Duration;

use audit::handover::{Message, OpenSession, Reply, Which};
use grant::UnixTime;

use crate::request::ask;
use crate::spool::{Position, Reader};

/// How long the recorder may take for one answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the end of sessions is waited for.
const ENDING: Duration = Duration::from_secs(60);

/// Why something could not be had or done.
#[derive(Debug, thiserror::Error)]
pub enum AdministrateError {
    /// The recorder does not answer.
    #[error("the recorder does not answer at {path}")]
    Recorder {
        /// Its socket.
        path: String,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// It refuses.
    #[error("{told}")]
    Refused {
        /// The stable word.
        code: String,
        /// The sentence.
        told: String,
    },
    /// The spool can't be read.
    #[error("the spool in {path} can't be read")]
    Spool {
        /// Its folder.
        path: String,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// No such session in the spool.
    #[error("the spool has no session {0}")]
    NoSession(String),
}

fn answers(
    socket: &Path,
    message: &Message,
    limit: Duration,
) -> Result<(Vec<OpenSession>, usize), AdministrateError> {
    let failed = |source| AdministrateError::Recorder { path: socket.display().to_string(), source };
    let asked = ask(socket, message, limit).map_err(failed)?;
    let mut open = Vec::new();
    loop {
        match asked.answer().map_err(failed)? {
            Reply::Session(session) => open.push(*session),
            Reply::Done { sessions } => return Ok((open, sessions)),
            Reply::About { .. } | Reply::Extended { .. } => {
                return Err(failed(io::Error::other("an answer to another question")));
            }
            Reply::Refuse { code, told } => return Err(AdministrateError::Refused { code, told }),
        }
    }
}

/// The open sessions.
///
/// # Errors
/// If the recorder does not answer.
pub fn sessions(socket: &Path) -> Result<Vec<OpenSession>, AdministrateError> {
    answers(socket, &Message::List, PATIENCE).map(|(open, _)| open)
}

/// Ends sessions, and comes back when the kernel says that they are over; gives how many.
///
/// # Errors
/// If the recorder does not answer.
pub fn end(socket: &Path, which: Which, reason: String, by: String) -> Result<usize, AdministrateError> {
    answers(socket, &Message::End { which, reason, by }, ENDING).map(|(_, ended)| ended)
}

/// Extends a session by a new grant's certificate (base64); gives until when.
///
/// # Errors
/// The recorder's refusal, or that it does not answer.
pub fn extend(socket: &Path, session: String, certificate: String) -> Result<UnixTime, AdministrateError> {
    let failed = |source| AdministrateError::Recorder { path: socket.display().to_string(), source };
    match crate::request::send(socket, &Message::Extend { session, certificate }, PATIENCE).map_err(failed)? {
        Reply::Extended { until } => Ok(UnixTime::from_secs(until)),
        Reply::Refuse { code, told } => Err(AdministrateError::Refused { code, told }),
        _ => Err(failed(io::Error::other("an answer to another question"))),
    }
}

/// The records of one session, in the spool's order, each a line of JSON.
///
/// # Errors
/// If the spool can't be read or knows no such session.
pub fn records(spool: &Path, session: &str) -> Result<Vec<serde_json::Value>, AdministrateError> {
    let failed = |source| AdministrateError::Spool { path: spool.display().to_string(), source };
    let mut reader = Reader::at(spool, Position::default());
    let mut records = Vec::new();
    while let Some(line) = reader.next_line().map_err(failed)? {
        // Cheap first: most lines are of other sessions.
        if !line.contains(session) {
            continue;
        }
        let Ok(record) = serde_json::from_str::<serde_json::Value>(&line) else { continue };
        if record["jit"]["session"] == session {
            records.push(record);
        }
    }
    if records.is_empty() { Err(AdministrateError::NoSession(session.to_owned())) } else { Ok(records) }
}

/// Open sessions as a table.
#[must_use]
pub fn table(sessions: &[OpenSession]) -> String {
    if sessions.is_empty() {
        return "no open sessions".to_owned();
    }
    let head = ["SESSION", "PERSON", "GRANT", "ACCOUNT", "FROM", "SINCE", "LEFT", "COMMANDS", "LAST COMMAND"];
    let mut rows = vec![head.map(str::to_owned)];
    for session in sessions {
        let since = UnixTime::from_secs(session.opened).to_string();
        let last: String = session.last.as_deref().unwrap_or("-").chars().take(60).collect();
        rows.push([
            session.session.clone(),
            session.person.clone(),
            session.grant.clone(),
            session.account.clone(),
            session.source.clone(),
            since.get(11..).unwrap_or_default().to_owned(),
            if session.detached { format!("{} (detached)", left(session.left)) } else { left(session.left) },
            session.commands.to_string(),
            crate::check::door::printable(&last),
        ]);
    }
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let mut text = String::new();
    for row in &rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        let _ = writeln!(text, "{}", cells.collect::<Vec<_>>().join("  ").trim_end());
    }
    text.trim_end().to_owned()
}

fn left(seconds: u64) -> String {
    match seconds {
        0..=119 => format!("{seconds}s"),
        120..=7_199 => format!("{}m", seconds / 60),
        _ => format!("{}h{:02}m", seconds / 3_600, seconds % 3_600 / 60),
    }
}

/// A session's records for a person: one line each.
#[must_use]
pub fn told(records: &[serde_json::Value]) -> String {
    let mut text = String::new();
    for record in records {
        let at = record["@timestamp"].as_str().unwrap_or_default();
        let jit = &record["jit"];
        let line = match record["event"]["action"].as_str() {
            Some("session.command") => {
                if jit["part"].as_u64().unwrap_or(1) > 1 {
                    continue;
                }
                let args = record["process"]["args"].as_array().map(Vec::as_slice).unwrap_or_default();
                let args: Vec<_> = args.iter().filter_map(|arg| arg.as_str()).map(quoted).collect();
                let more = if jit["parts"].as_u64().unwrap_or(1) > 1 { " ..." } else { "" };
                let root = if record["user"]["effective"]["id"] == "0" { " (as root)" } else { "" };
                let lie = if jit["differs"] == true { " (differs from what was shown)" } else { "" };
                let failed = jit["errno"]
                    .as_i64()
                    .map(|errno| format!(" (failed, error {errno})"))
                    .unwrap_or_default();
                format!(
                    "{:>5}  {}{more}{root}{failed}{lie}",
                    jit["session_seq"].as_u64().unwrap_or(0),
                    args.join(" ")
                )
            }
            _ => format!("       {}", record["message"].as_str().unwrap_or_default()),
        };
        let _ = writeln!(text, "{at}  {}", crate::check::door::printable(&line));
    }
    text.trim_end().to_owned()
}

fn quoted(argument: &str) -> String {
    let plain =
        !argument.is_empty() && argument.chars().all(|c| c.is_alphanumeric() || "-_./=:,@%+".contains(c));
    if plain { argument.to_owned() } else { format!("'{}'", argument.replace('\'', "'\\''")) }
}

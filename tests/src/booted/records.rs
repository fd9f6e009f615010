//! What the recorder wrote: the spool of a booted host, read as an auditor's program would.
//!
//! Records are joined as docs/audit-format.md says: the parts of one command, and a record that was written twice, have
//! the same `(session, session_seq)`. Lines of the spool's own (`{"gate":`) are not records.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use crate::booted::client::Client;
use crate::booted::host::Host;
use crate::deadline::{self, SOON};

/// Every record of a host at one moment, in the spool's order.
#[derive(Debug)]
pub struct Records(Vec<Value>);

/// One command of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// Its number within the session.
    pub seq: u64,
    /// The arguments, all parts joined.
    pub argv: Vec<String>,
    /// Where they come from: `kernel` or `gate`.
    pub source: String,
    /// `success`, `failure` or `unknown`.
    pub outcome: String,
    /// The process.
    pub pid: u64,
    /// The first part's record, for everything else.
    pub record: Value,
}

impl Records {
    /// What is in the spool now.
    ///
    /// # Panics
    /// When a whole line is not JSON, or a record is not one ASCII line within its limit.
    #[must_use]
    pub fn of(host: &Host) -> Self {
        let mut segments: Vec<_> = std::fs::read_dir(host.path("/var/lib/jit/spool"))
            .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
            .unwrap_or_default();
        segments.retain(|path| path.extension().is_some_and(|kind| kind == "jsonl"));
        segments.sort();
        let mut records = Vec::new();
        for segment in segments {
            let bytes = std::fs::read(&segment).unwrap_or_default();
            // What follows the last newline is being written, or was never confirmed.
            let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            for line in bytes[..whole].split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                let shown = || String::from_utf8_lossy(line).into_owned();
                let value: Value =
                    serde_json::from_slice(line).unwrap_or_else(|error| panic!("{error}: {}", shown()));
                if value.get("gate").is_none() {
                    assert!(
                        line.is_ascii() && line.len() <= 7_900,
                        "one ASCII line of at most 7,900 bytes: {}",
                        shown()
                    );
                    records.push(value);
                }
            }
        }
        Self(records)
    }

    /// The records of one action, such as `session.open`.
    pub fn action(&self, action: &str) -> impl Iterator<Item = &Value> {
        self.0.iter().filter(move |record| record["event"]["action"] == action)
    }

    /// The session that was opened from this client's address.
    #[must_use]
    pub fn session(&self, client: &Client<'_>) -> Option<String> {
        self.sessions(client).pop()
    }

    /// All sessions that were opened from this client's address, in order.
    #[must_use]
    pub fn sessions(&self, client: &Client<'_>) -> Vec<String> {
        let source = client.source().to_string();
        let opened = self.action("session.open").filter(|record| record["source"]["ip"] == source.as_str());
        opened.filter_map(|record| record["jit"]["session"].as_str().map(str::to_owned)).collect()
    }

    /// The close of a session.
    ///
    /// # Panics
    /// When there are two.
    #[must_use]
    pub fn close(&self, session: &str) -> Option<&Value> {
        let mut closes = self.action("session.close").filter(|record| record["jit"]["session"] == session);
        let close = closes.next();
        assert!(closes.next().is_none(), "a session closes once: {session}");
        close
    }

    /// The commands of a session, by number, parts and repetitions joined.
    #[must_use]
    pub fn commands(&self, session: &str) -> Vec<Command> {
        let mut parts: BTreeMap<(u64, u64), &Value> = BTreeMap::new();
        for record in self.action("session.command").filter(|record| record["jit"]["session"] == session) {
            let number = |field: &str| record["jit"][field].as_u64().unwrap_or(0);
            // A repetition says the same or, after a restart, more.
            parts.insert((number("session_seq"), number("part")), record);
        }
        let mut commands: Vec<Command> = Vec::new();
        for ((seq, _), record) in parts {
            let words = record["process"]["args"].as_array().into_iter().flatten();
            let mut words: Vec<String> = words.filter_map(|word| word.as_str().map(str::to_owned)).collect();
            match commands.last_mut().filter(|command| command.seq == seq) {
                Some(command) => {
                    if record["jit"]["argv_continued"] == true && !words.is_empty() {
                        let rest = words.remove(0);
                        if let Some(last) = command.argv.last_mut() {
                            last.push_str(&rest);
                        }
                    }
                    command.argv.append(&mut words);
                }
                None => commands.push(Command {
                    seq,
                    argv: words,
                    source: record["jit"]["argv_source"].as_str().unwrap_or_default().to_owned(),
                    outcome: record["event"]["outcome"].as_str().unwrap_or_default().to_owned(),
                    pid: record["process"]["pid"].as_u64().unwrap_or(0),
                    record: record.clone(),
                }),
            }
        }
        commands
    }

    /// How many times each `(session, session_seq, part)` was written more than once.
    #[must_use]
    pub fn repetitions(&self, session: &str) -> usize {
        let mut seen = BTreeSet::new();
        let commands = self.action("session.command").filter(|record| record["jit"]["session"] == session);
        commands
            .filter(|record| {
                !seen.insert((record["jit"]["session_seq"].as_u64(), record["jit"]["part"].as_u64()))
            })
            .count()
    }
}

impl Host {
    /// Waits for the record that `find` finds.
    ///
    /// # Panics
    /// When it does not come within `limit`.
    #[track_caller]
    pub fn record<T>(&self, limit: Duration, what: &str, find: impl Fn(&Records) -> Option<T>) -> T {
        deadline::poll(limit, || find(&Records::of(self)))
            .unwrap_or_else(|| panic!("no record within {limit:?}: {what}"))
    }

    /// The session that is open, or was, from this client's address.
    #[must_use]
    #[track_caller]
    pub fn session_of(&self, client: &Client<'_>) -> String {
        self.record(SOON, "session.open of the client", |records| records.session(client))
    }

    /// The close of this session.
    #[must_use]
    #[track_caller]
    pub fn close_of(&self, session: &str, limit: Duration) -> Value {
        self.record(limit, &format!("session.close of {session}"), |records| records.close(session).cloned())
    }
}

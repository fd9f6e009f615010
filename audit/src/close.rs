//! The record of a session's end, `session.close`, and short notices of the recorder and the sweep.

use serde::Serialize;

use crate::ascii::{AsciiFormatter, clip};
use crate::calendar::rfc3339_seconds;
use crate::event::Event;
use crate::record::{PROVIDER, rfc3339};

const NAME: usize = 128;
const TEXT: usize = 1_000;
/// Things that a close can list as left or removed; more are counted.
const LISTED: usize = 8;

/// Why a session ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, serde::Deserialize)]
pub enum CloseReason {
    /// The connection ended, and the last process with it.
    Logout,
    /// The grant's window closed.
    WindowClosed,
    /// The grant, the certificate, the person or the vendor was revoked.
    Revoked,
    /// An administrator ended it.
    EndedBy {
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
    /// The host's own maximum was reached.
    HostLimit,
    /// The session could no longer be recorded, or what served it was killed.
    RecorderLost,
    /// The host was restarted.
    HostRestarted,
}

impl CloseReason {
    /// The stable word.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Logout => "logout",
            Self::WindowClosed => "window_closed",
            Self::Revoked => "revoked",
            Self::EndedBy { .. } => "ended_by",
            Self::HostLimit => "host_limit",
            Self::RecorderLost => "recorder_lost",
            Self::HostRestarted => "host_restarted",
        }
    }

    /// The sentence for the person, without a period.
    #[must_use]
    pub fn told(&self) -> String {
        match self {
            Self::Logout => "you logged out".to_owned(),
            Self::WindowClosed => "the window of your grant has closed".to_owned(),
            Self::Revoked => "your grant was revoked".to_owned(),
            Self::EndedBy { by, reason } => format!("{by} ended it: {reason}"),
            Self::HostLimit => "this host allows no longer sessions".to_owned(),
            Self::RecorderLost => "it can no longer be recorded".to_owned(),
            Self::HostRestarted => "the host was restarted".to_owned(),
        }
    }
}

/// The end of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Close {
    /// When, in milliseconds since 1970-01-01T00:00:00Z.
    pub time: i64,
    /// The host's name in grants.
    pub host: String,
    /// The session's id.
    pub session: String,
    /// The grant's id.
    pub grant: String,
    /// The vendor.
    pub vendor: String,
    /// The person.
    pub person: String,
    /// The Unix account.
    pub account: String,
    /// The address that the connection came from.
    pub source: String,
    /// Why.
    pub reason: CloseReason,
    /// How long after the deadline or the order the last process was gone, in milliseconds.
    pub lateness_ms: u64,
    /// How long the session was open, in milliseconds.
    pub duration_ms: u64,
    /// Commands recorded; their numbers run from 1 to this without a gap.
    pub commands: u64,
    /// Commands whose arguments at the gate differ from what ran.
    pub differences: u64,
    /// Execs that were not let run because they could not be recorded.
    pub unrecorded: u64,
    /// Processes that were killed.
    pub killed: u64,
    /// Exit status of the session's first process, as a shell shows it; unknown where the kernel does not tell.
    pub exit_status: Option<i32>,
    /// Whether the kernel itself said that no process is left.
    pub proved: bool,
    /// What was found outside the session's own processes and removed.
    pub removed: Vec<String>,
    /// What could not be removed.
    pub left: Vec<String>,
}

/// A short notice: `recorder.*`, `sweep.*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// When, in milliseconds since 1970-01-01T00:00:00Z.
    pub time: i64,
    /// The host's name in grants.
    pub host: String,
    /// What.
    pub event: Event,
    /// The session that it is about, if one.
    pub session: Option<String>,
    /// One sentence.
    pub message: String,
}

fn line(value: &impl Serialize) -> String {
    let mut out = Vec::with_capacity(1024);
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, AsciiFormatter);
    // Texts, numbers and lists into memory: this does not fail.
    let _ = value.serialize(&mut serializer);
    String::from_utf8_lossy(&out).into_owned()
}

fn cut(text: &str, limit: usize) -> String {
    clip(text, limit).into_owned()
}

fn listed(things: &[String]) -> Vec<String> {
    let mut list: Vec<_> = things.iter().take(LISTED).map(|thing| cut(thing, 200)).collect();
    if things.len() > LISTED {
        list.push(format!("...[{} more]", things.len() - LISTED));
    }
    list
}

fn event_fields(event: Event) -> serde_json::Value {
    serde_json::json!({
        "kind": "event", "category": event.categories(), "type": event.types(), "action": event.name(),
        "outcome": event.outcome(), "provider": PROVIDER,
    })
}

impl Close {
    /// The record as one line of JSON without its newline.
    #[must_use]
    pub fn json(&self) -> String {
        let mut event = event_fields(Event::SessionClose);
        event["reason"] = cut(&self.reason.told(), TEXT).into();
        event["duration"] = (self.duration_ms.saturating_mul(1_000_000)).into();
        let mut jit = serde_json::json!({
            "session": cut(&self.session, NAME), "grant": cut(&self.grant, NAME), "vendor": cut(&self.vendor, NAME),
            "person": cut(&self.person, NAME), "reason": self.reason.code(), "lateness_ms": self.lateness_ms,
            "commands": self.commands, "differences": self.differences, "unrecorded": self.unrecorded,
            "killed": self.killed, "proved": self.proved, "removed": listed(&self.removed), "left": listed(&self.left),
        });
        if let CloseReason::EndedBy { by, .. } = &self.reason {
            jit["ended_by"] = cut(by, NAME).into();
        }
        if let Some(status) = self.exit_status {
            jit["exit_status"] = status.into();
        }
        let who = format!("session of {} as {}", self.person, self.account);
        line(&serde_json::json!({
            "@timestamp": rfc3339(self.time),
            "message": cut(&format!("{who} closed: {}, after {} commands", self.reason.told(), self.commands), TEXT),
            "ecs": { "version": "8.11.0" },
            "event": event,
            "host": { "name": cut(&self.host, 255) },
            "user": { "name": cut(&self.account, NAME) },
            "source": { "ip": cut(&self.source, NAME) },
            "ocsf": { "class_uid": Event::SessionClose.ocsf_class(), "activity_id": Event::SessionClose.ocsf_activity() },
            "jit": jit,
        }))
    }
}

impl Notice {
    /// The record as one line of JSON without its newline.
    #[must_use]
    pub fn json(&self) -> String {
        line(&self.record())
    }

    /// The same of an extension, with its grant and when that closes, in seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn extended(&self, grant: &str, closes: u64) -> String {
        let mut record = self.record();
        record["jit"]["grant"] = cut(grant, NAME).into();
        record["jit"]["closes"] = rfc3339_seconds(closes).into();
        line(&record)
    }

    fn record(&self) -> serde_json::Value {
        let mut record = serde_json::json!({
            "@timestamp": rfc3339(self.time),
            "message": cut(&self.message, TEXT),
            "ecs": { "version": "8.11.0" },
            "event": event_fields(self.event),
            "host": { "name": cut(&self.host, 255) },
            "ocsf": { "class_uid": self.event.ocsf_class(), "activity_id": self.event.ocsf_activity() },
        });
        if let Some(session) = &self.session {
            record["jit"] = serde_json::json!({ "session": cut(session, NAME) });
        }
        record
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_close_is_one_line_of_ascii_within_the_limit() {
        let close = Close {
            time: 0,
            host: "h\n".repeat(500),
            session: "S-7F3K9QAB".into(),
            grant: "G-7F3K9Q".into(),
            vendor: "acme".into(),
            person: "acme/jo".into(),
            account: "acme-support".into(),
            source: "192.0.2.7".into(),
            reason: CloseReason::EndedBy { by: "ada".into(), reason: "\u{202e}x\n".repeat(2000) },
            lateness_ms: 12,
            duration_ms: 99,
            commands: 3,
            differences: 0,
            unrecorded: 0,
            killed: 2,
            exit_status: Some(0),
            proved: true,
            removed: vec!["\n".repeat(500); 20],
            left: vec!["\n".repeat(500); 20],
        };
        let json = close.json();
        assert!(json.len() <= crate::MAX_RECORD, "{}", json.len());
        assert!(json.bytes().all(|b| (b' '..=b'~').contains(&b)));
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(value["jit"]["reason"], "ended_by");
        assert_eq!(value["jit"]["commands"], 3);
    }
}

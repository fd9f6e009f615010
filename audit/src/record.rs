//! The record: one event of the audit trail with its facts, and its one line of JSON.
//!
//! Field names are those of the Elastic Common Schema where it has one, and `jit.*` otherwise. Every text has a
//! limit in escaped bytes, and the limits together with the fixed parts stay under [`MAX_RECORD`], so no record
//! can be too long, whatever is in it; what is cut says so. There is no timestamp source here: time is a field.

use std::borrow::Cow;
use std::net::IpAddr;

use serde::Serialize;

use crate::ascii::{AsciiFormatter, clip};
pub(crate) use crate::calendar::rfc3339;
use crate::calendar::rfc3339_seconds as closes;
use crate::event::Event;

/// Longest JSON line in bytes. rsyslog cuts at 8,096 by default; the rest is for the syslog frame around it.
pub const MAX_RECORD: usize = 7_900;

/// Version of the Elastic Common Schema whose names are used.
const ECS_VERSION: &str = "8.11.0";

/// ECS `event.provider`, and the APP-NAME of the frames.
pub(crate) const PROVIDER: &str = "pam-jit";

/// Limits of the texts, in bytes as escaped for JSON. Names that passed `grant` are far below them; these hold
/// for what did not: claims of a refused certificate, account names from elsewhere, sentences about files.
mod limit {
    pub(super) const HOST: usize = 255;
    pub(super) const NAME: usize = 128;
    pub(super) const REASON: usize = 2_000;
    pub(super) const MESSAGE: usize = 2_400;
    /// Approvals that a document may carry, see `grant::limits`; more are counted, not listed.
    pub(super) const APPROVERS: usize = 8;
    pub(super) const APPROVER: usize = 64;

    /// What is not free text: names of fields, quotes, numbers, times. Measured by a test.
    pub(super) const FIXED: usize = 1_000;
    const _: () = assert!(
        FIXED + HOST + 9 * NAME + REASON + MESSAGE + (APPROVERS + 1) * (APPROVER + 3) <= super::MAX_RECORD
    );
}

/// One entry in the audit trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// When, in milliseconds since 1970-01-01T00:00:00Z.
    pub time: i64,
    /// What happened.
    pub event: Event,
    /// The name that this host has in grants, or the machine's own name where that is not known.
    pub host: String,
    /// Everything else that is known.
    pub facts: Facts,
}

/// What is known about an event; unknown is absent, never empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// The session that the event belongs to.
    pub session: Option<String>,
    /// Id of the grant. In a refusal it may be only what the certificate claims.
    pub grant: Option<String>,
    /// SHA-256 of the grant document, in hex.
    pub grant_digest: Option<String>,
    /// The vendor.
    pub vendor: Option<String>,
    /// The person, written `vendor/name`.
    pub person: Option<String>,
    /// The Unix account that the login is for.
    pub account: Option<String>,
    /// Where the connection comes from.
    pub source: Option<IpAddr>,
    /// Serial number of the certificate.
    pub serial: Option<u64>,
    /// Fingerprint of the person's key.
    pub key: Option<String>,
    /// Why not: the stable word.
    pub reason: Option<String>,
    /// Why not: the sentence for the log.
    pub reason_text: Option<String>,
    /// Names of the approvers whose approvals counted.
    pub approved_by: Vec<String>,
    /// When the grant's window closes, in seconds since 1970-01-01T00:00:00Z.
    pub closes: Option<u64>,
    /// The process that reports.
    pub pid: Option<u32>,
    /// The PAM service.
    pub service: Option<String>,
}

impl Record {
    /// The record as one line of JSON without the line's end: printable ASCII, at most [`MAX_RECORD`] bytes.
    pub fn json(&self) -> String {
        let facts = &self.facts;
        let line = Line {
            timestamp: rfc3339(self.time),
            message: clip(&self.message(), limit::MESSAGE).into_owned(),
            ecs: Ecs { version: ECS_VERSION },
            event: EventFields {
                kind: "event",
                category: self.event.categories(),
                r#type: self.event.types(),
                action: self.event.name(),
                outcome: self.event.outcome(),
                provider: PROVIDER,
                reason: facts.reason_text.as_deref().map(|text| clip(text, limit::REASON)),
            },
            host: Named { name: clip(&self.host, limit::HOST) },
            process: facts.pid.map(|pid| Process { pid }),
            source: facts.source.map(|ip| Source { ip }),
            user: name(&facts.account).map(|name| Named { name }),
            ocsf: Ocsf { class_uid: self.event.ocsf_class(), activity_id: self.event.ocsf_activity() },
            jit: Jit {
                session: name(&facts.session),
                grant: name(&facts.grant),
                grant_digest: name(&facts.grant_digest),
                vendor: name(&facts.vendor),
                person: name(&facts.person),
                serial: facts.serial.map(|serial| serial.to_string()),
                key: name(&facts.key),
                reason: name(&facts.reason),
                approved_by: approvers(&facts.approved_by),
                closes: facts.closes.map(closes),
                service: name(&facts.service),
            },
        };
        let mut out = Vec::with_capacity(1024);
        let mut serializer = serde_json::Serializer::with_formatter(&mut out, AsciiFormatter);
        match line.serialize(&mut serializer) {
            Ok(()) => String::from_utf8_lossy(&out).into_owned(),
            // Texts, numbers and lists always serialize, and a Vec takes every byte; still no panic in sshd.
            Err(_) => format!(r#"{{"event":{{"action":"{}","provider":"{PROVIDER}"}}}}"#, self.event),
        }
    }

    /// The sentence for people who read the log as text.
    fn message(&self) -> String {
        let facts = &self.facts;
        let or = |text: &Option<String>, other: &str| text.clone().unwrap_or_else(|| other.to_owned());
        let account = or(&facts.account, "an unknown account");
        let from = facts.source.map(|ip| format!(" from {ip}")).unwrap_or_default();
        let person = or(&facts.person, "somebody");
        let grant = or(&facts.grant, "no grant");
        match self.event {
            Event::LoginRefuse => {
                let why = facts.reason_text.as_ref().or(facts.reason.as_ref());
                let why = why.map(|text| format!(": {text}")).unwrap_or_default();
                format!("login to {account}{from} refused{why}")
            }
            Event::SessionOpen => {
                let until = facts.closes.map(|at| format!(" until {}", closes(at))).unwrap_or_default();
                format!("session of {person} as {account}{from} opened under {grant}{until}")
            }
            Event::SessionClose => format!("session of {person} as {account}{from} closed, under {grant}"),
            // The others have records of their own (command.rs, close.rs).
            other => format!("{other} of {person} as {account}{from}, under {grant}"),
        }
    }
}

fn name(text: &Option<String>) -> Option<Cow<'_, str>> {
    text.as_deref().map(|text| clip(text, limit::NAME))
}

fn approvers(names: &[String]) -> Vec<Cow<'_, str>> {
    let mut listed: Vec<_> =
        names.iter().take(limit::APPROVERS).map(|name| clip(name, limit::APPROVER)).collect();
    if names.len() > limit::APPROVERS {
        listed.push(Cow::Owned(format!("...[{} more]", names.len() - limit::APPROVERS)));
    }
    listed
}

#[derive(Serialize)]
struct Line<'a> {
    #[serde(rename = "@timestamp")]
    timestamp: String,
    message: String,
    ecs: Ecs,
    event: EventFields<'a>,
    host: Named<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    process: Option<Process>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<Source>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<Named<'a>>,
    ocsf: Ocsf,
    jit: Jit<'a>,
}

#[derive(Serialize)]
struct Ecs {
    version: &'static str,
}

#[derive(Serialize)]
struct EventFields<'a> {
    kind: &'static str,
    category: &'static [&'static str],
    r#type: &'static [&'static str],
    action: &'static str,
    outcome: &'static str,
    provider: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Cow<'a, str>>,
}

#[derive(Serialize)]
struct Named<'a> {
    name: Cow<'a, str>,
}

#[derive(Serialize)]
struct Process {
    pid: u32,
}

#[derive(Serialize)]
struct Source {
    ip: IpAddr,
}

#[derive(Serialize)]
struct Ocsf {
    class_uid: u32,
    activity_id: u32,
}

#[derive(Serialize)]
struct Jit<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    grant: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    grant_digest: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vendor: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    person: Option<Cow<'a, str>>,
    /// A string: JSON numbers lose precision beyond 2^53 in many readers.
    #[serde(skip_serializing_if = "Option::is_none")]
    serial: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    approved_by: Vec<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    closes: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service: Option<Cow<'a, str>>,
}

#[cfg(test)]
#[path = "record_tests.rs"]
pub(crate) mod tests;

//! The spool's lines as syslog carries them.
//!
//! The JSON in the spool is the original; this frames it, byte for byte, for a socket or stream that takes
//! RFC 5424, or for a plain `/dev/log`. What the frame says of it (event, session, grant, number) is read
//! from the JSON itself.

use std::fmt::Write as _;

use crate::event::Event;
use crate::record::PROVIDER;
use crate::rfc5424::{MAX_FRAME, hostname, parameter_value};

/// What a line says of itself.
struct Head<'a> {
    event: Event,
    time: &'a str,
    host: &'a str,
    pid: Option<i64>,
    parameters: Vec<(&'static str, String)>,
}

fn head(value: &serde_json::Value) -> Option<Head<'_>> {
    let event = Event::named(value["event"]["action"].as_str()?)?;
    let text = |path: &serde_json::Value| {
        path.as_str().map(str::to_owned).or_else(|| path.as_u64().map(|n| n.to_string()))
    };
    let jit = &value["jit"];
    let wanted = [
        ("session", &jit["session"]),
        ("seq", &jit["session_seq"]),
        ("part", &jit["part"]),
        ("grant", &jit["grant"]),
        ("person", &jit["person"]),
        ("account", &value["user"]["name"]),
        ("reason", &jit["reason"]),
    ];
    let parameters = wanted.into_iter().filter_map(|(name, path)| Some((name, text(path)?))).collect();
    Some(Head {
        event,
        time: value["@timestamp"].as_str()?,
        host: value["host"]["name"].as_str().unwrap_or_default(),
        pid: value["process"]["pid"].as_i64(),
        parameters,
    })
}

/// The RFC 5424 frame of a spool line; `None` if the line is not a record (the spool has its own lines too).
#[must_use]
pub fn rfc5424(line: &str, enterprise: u32) -> Option<String> {
    let value: serde_json::Value = serde_json::from_str(line).ok()?;
    let head = head(&value)?;
    // Facility authpriv is 10 (RFC 5424, section 6.2.1).
    let priority = 80 + u32::from(head.event.severity().code());
    let pid = head.pid.map_or_else(|| "-".to_owned(), |pid| pid.to_string());
    let (time, host, event) = (head.time, hostname(head.host), head.event);
    let mut frame = format!("<{priority}>1 {time} {host} {PROVIDER} {pid} {event} [jit@{enterprise}");
    let room = MAX_FRAME.saturating_sub("] ".len() + line.len());
    for (name, value) in head.parameters {
        let value = parameter_value(&value);
        if frame.len() + name.len() + value.len() + 4 > room {
            break;
        }
        let _ = write!(frame, " {name}=\"{value}\"");
    }
    frame.push_str("] ");
    frame.push_str(line);
    Some(frame)
}

/// The severity and the `@cee:` body of a spool line, for a plain `/dev/log`.
#[must_use]
pub fn cee(line: &str) -> Option<(u8, String)> {
    let value: serde_json::Value = serde_json::from_str(line).ok()?;
    let head = head(&value)?;
    Some((head.event.severity().code(), format!("@cee: {line}")))
}

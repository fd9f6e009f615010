//! The RFC 5424 frame, for a socket whose reader takes that form (the default `/dev/log` does not).
//!
//! `<PRI>1 TIMESTAMP HOSTNAME pam-jit PROCID MSGID [jit@NUMBER ...] {json}`: facility authpriv, MSGID the event's
//! name, the facts most often filtered on once more as structured data, the whole record as JSON. The JSON is never
//! shortened for the frame: structured data ends before the first fact with which both would pass [`MAX_FRAME`].

use std::borrow::Cow;
use std::fmt::Write;

use crate::ascii::is_plain;
use crate::cee::AUTHPRIV;
use crate::record::{PROVIDER, Record, rfc3339};

/// Longest frame in bytes: where rsyslog cuts by default.
pub const MAX_FRAME: usize = 8_096;

/// The private enterprise number for documentation (RFC 5612); a company that has its own uses that.
pub const DOCUMENTATION_ENTERPRISE: u32 = 32_473;

/// Longest HOSTNAME we write. RFC 5424 allows 255, but the frame has to hold a full record; the JSON has it all.
const MAX_HOSTNAME: usize = 64;

/// The whole frame without a line's end: printable ASCII, at most [`MAX_FRAME`] bytes.
///
/// `enterprise` is the private enterprise number that makes the structured data's id ours.
pub fn frame(record: &Record, enterprise: u32) -> String {
    let facts = &record.facts;
    let body = record.json();
    let pid = facts.pid.map_or(Cow::Borrowed("-"), |pid| Cow::Owned(pid.to_string()));
    let mut frame = format!(
        "<{priority}>1 {time} {host} {PROVIDER} {pid} {event} [jit@{enterprise}",
        priority = AUTHPRIV * 8 + record.event.severity().code(),
        time = rfc3339(record.time),
        host = hostname(&record.host),
        event = record.event,
    );
    let room = MAX_FRAME.saturating_sub("] ".len() + body.len());
    let source = facts.source.map(|ip| ip.to_string());
    for (name, value) in [
        ("grant", &facts.grant),
        ("reason", &facts.reason),
        ("account", &facts.account),
        ("person", &facts.person),
        ("source", &source),
        ("session", &facts.session),
    ] {
        let Some(value) = value else { continue };
        let parameter = format!(" {name}=\"{}\"", parameter_value(value));
        if frame.len() + parameter.len() > room {
            break;
        }
        frame.push_str(&parameter);
    }
    frame.push_str("] ");
    frame.push_str(&body);
    frame
}

/// HOSTNAME: printable ASCII without space, `?` for what is not, `-` for nothing.
pub(crate) fn hostname(name: &str) -> String {
    let clean = |c: char| if c.is_ascii_graphic() { c } else { '?' };
    let name: String = name.chars().take(MAX_HOSTNAME).map(clean).collect();
    if name.is_empty() { "-".to_owned() } else { name }
}

/// PARAM-VALUE: quote, backslash and `]` are escaped as section 6.3.3 says. What is not printable ASCII becomes the
/// text `\uXXXX` (its backslash escaped in turn), so that the frame stays one line of ASCII.
pub(crate) fn parameter_value(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut units = [0u16; 2];
    for c in value.chars() {
        match c {
            '"' | '\\' | ']' => out.extend(['\\', c]),
            c if is_plain(c) => out.push(c),
            c => {
                for unit in c.encode_utf16(&mut units) {
                    // Writing into a String cannot fail.
                    let _ = write!(out, "\\\\u{unit:04x}");
                }
            }
        }
    }
    out
}

#[cfg(test)]
#[path = "rfc5424_tests.rs"]
mod tests;

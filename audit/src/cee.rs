//! The message body for a plain `/dev/log`: the cookie `@cee:` and the JSON.
//!
//! The default `/dev/log` of rsyslog and of journald reads RFC 3164 only. The cookie is what rsyslog's mmjsonparse
//! and syslog-ng's json-parser look for, so the fields arrive there too. Whoever sends puts the RFC 3164 header
//! (priority, time, name, pid) before it.

use crate::record::Record;

/// `@cee: {json}`: printable ASCII, one line.
pub fn body(record: &Record) -> String {
    format!("@cee: {}", record.json())
}

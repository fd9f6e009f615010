//! The form for a plain `/dev/log`: an RFC 3164 header, the cookie `@cee:` and the JSON.
//!
//! The default `/dev/log` of rsyslog and of journald reads RFC 3164 only. The cookie is what rsyslog's mmjsonparse
//! and syslog-ng's json-parser look for, so the fields arrive there too.

use crate::calendar::rfc3164;
use crate::record::{PROVIDER, Record};

/// Facility authpriv, RFC 5424 section 6.2.1.
pub(crate) const AUTHPRIV: u8 = 10;

/// `@cee: {json}`: printable ASCII, one line.
pub fn body(record: &Record) -> String {
    format!("@cee: {}", record.json())
}

/// `<PRI>Nov 24 14:00:00 pam-jit[PID]: @cee: {json}`: what syslog(3) would send.
///
/// No host name: on a local socket there is none. The header's time is UTC; receivers of `/dev/log` put their own
/// there, and the record's own time is in the JSON.
pub fn frame(record: &Record) -> String {
    let priority = AUTHPRIV * 8 + record.event.severity().code();
    let pid = record.facts.pid.map(|pid| format!("[{pid}]")).unwrap_or_default();
    format!("<{priority}>{} {PROVIDER}{pid}: {}", rfc3164(record.time), body(record))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::tests::opened;

    #[test]
    fn a_frame_is_what_syslog_3_would_send() {
        let record = opened();
        let expected = format!("<86>Nov 24 14:00:00 pam-jit[4242]: @cee: {}", record.json());
        assert_eq!(frame(&record), expected);
    }

    #[test]
    fn a_frame_without_a_process_has_no_brackets() {
        let mut record = opened();
        record.facts.pid = None;
        assert!(frame(&record).starts_with("<86>Nov 24 14:00:00 pam-jit: @cee: {"));
    }
}

//! Sending a record to a syslog socket: one datagram, at most 50 ms, and no complaint.
//!
//! Nothing here can hold up or fail a login. The socket is made and closed for each record and is close-on-exec, so
//! nothing stays in sshd. The frame for a plain `/dev/log` has its RFC 3164 header from the crate `syslog`; its
//! transports are not used (they block for ever on a stopped receiver).

use std::io;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use audit::{Record, Severity, cee, rfc5424};
use hostfile::{LogConfig, LogFormat};
use syslog::{Facility, Formatter3164, LogFormat as _};

/// How long a stopped receiver may hold up a login.
const PATIENCE: Duration = Duration::from_millis(50);

/// Sends `record`.
///
/// # Errors
/// What the system says; for tests, because who logs goes on in any case.
pub(crate) fn send(to: &LogConfig, record: &Record) -> io::Result<()> {
    let frame = match to.format {
        LogFormat::Cee => rfc3164(record)?,
        LogFormat::Rfc5424 => rfc5424::frame(record, rfc5424::DOCUMENTATION_ENTERPRISE).into_bytes(),
    };
    let socket = UnixDatagram::unbound()?;
    socket.set_write_timeout(Some(PATIENCE))?;
    // send_to passes MSG_NOSIGNAL: no SIGPIPE reaches sshd.
    socket.send_to(&frame, &to.socket).map(drop)
}

/// `<PRI>Mon dd hh:mm:ss pam-jit[PID]: @cee: {json}`. The crate writes the header's time in UTC; receivers of
/// `/dev/log` put their own there, and the record's own time is in the JSON.
fn rfc3164(record: &Record) -> io::Result<Vec<u8>> {
    let formatter = Formatter3164 {
        facility: Facility::LOG_AUTHPRIV,
        hostname: None,
        process: "pam-jit".to_owned(),
        pid: record.facts.pid.unwrap_or_default(),
    };
    let severity = match record.event.severity() {
        Severity::Warning => syslog::Severity::LOG_WARNING,
        Severity::Informational => syslog::Severity::LOG_INFO,
    };
    let mut frame = Vec::new();
    formatter.format(&mut frame, severity, cee::body(record)).map_err(io::Error::other)?;
    Ok(frame)
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixDatagram;
    use std::path::Path;
    use std::time::Instant;

    use audit::{Event, Facts};

    use super::*;

    fn record() -> Record {
        let facts = Facts { account: Some("acme-support".into()), pid: Some(42), ..Facts::default() };
        Record { time: 1_795_528_800_000, event: Event::LoginRefuse, host: "db1.prod".into(), facts }
    }

    fn received(format: LogFormat) -> String {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("log");
        let receiver = UnixDatagram::bind(&socket).unwrap();
        receiver.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        send(&LogConfig { socket, format }, &record()).unwrap();
        let mut bytes = [0; 9000];
        let length = receiver.recv(&mut bytes).unwrap();
        String::from_utf8(bytes[..length].to_vec()).unwrap()
    }

    #[test]
    fn a_plain_socket_gets_the_cee_form() {
        let frame = received(LogFormat::Cee);
        assert!(frame.starts_with("<84>"), "{frame}");
        let (header, json) = frame.split_once(" @cee: ").unwrap();
        assert!(header.ends_with(" pam-jit[42]:"), "{header}");
        assert_eq!(json, record().json());
    }

    #[test]
    fn a_socket_for_it_gets_rfc_5424() {
        assert_eq!(received(LogFormat::Rfc5424), rfc5424::frame(&record(), 32473));
    }

    #[test]
    fn no_receiver_is_an_error_and_no_more() {
        let socket = Path::new("/nonexistent/log").to_owned();
        assert!(send(&LogConfig { socket, format: LogFormat::Cee }, &record()).is_err());
    }

    #[test]
    fn a_stopped_receiver_holds_up_a_login_for_a_moment_only() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("log");
        let _stopped = UnixDatagram::bind(&socket).unwrap();
        let to = LogConfig { socket, format: LogFormat::Cee };
        // The receiver's queue (net.unix.max_dgram_qlen) fills up; then each send is given up in time.
        let mut sent = 0;
        let error = loop {
            let start = Instant::now();
            let result = send(&to, &record());
            assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
            match result {
                Ok(()) => sent += 1,
                Err(error) => break error,
            }
            assert!(sent < 100_000, "the queue never fills");
        };
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock, "{error}");
    }
}

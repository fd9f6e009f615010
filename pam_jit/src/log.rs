//! Sending a record to a syslog socket: one datagram, at most 50 ms, and no complaint.
//!
//! Nothing here can hold up or fail a login. The socket is made and closed for each record and is close-on-exec, so
//! nothing stays in sshd. Not the crate `syslog`: its transports block for ever on a stopped receiver, and its
//! RFC 3164 formatter brings the parser of a time library, 48 kB, into every login (the recorder uses it).

use std::io;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use audit::{Record, cee, rfc5424};
use hostfile::{LogConfig, LogFormat};

/// How long a stopped receiver may hold up a login.
const PATIENCE: Duration = Duration::from_millis(50);

/// Sends `record`.
///
/// # Errors
/// What the system says; for tests, because who logs goes on in any case.
pub(crate) fn send(to: &LogConfig, record: &Record) -> io::Result<()> {
    let frame = match to.format {
        LogFormat::Cee => cee::frame(record).into_bytes(),
        LogFormat::Rfc5424 => rfc5424::frame(record, to.enterprise).into_bytes(),
    };
    let socket = UnixDatagram::unbound()?;
    socket.set_write_timeout(Some(PATIENCE))?;
    // send_to passes MSG_NOSIGNAL: no SIGPIPE reaches sshd.
    socket.send_to(&frame, &to.socket).map(drop)
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
        send(&LogConfig::local(socket, format), &record()).unwrap();
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
        assert!(send(&LogConfig::local(socket, LogFormat::Cee), &record()).is_err());
    }

    #[test]
    fn a_stopped_receiver_holds_up_a_login_for_a_moment_only() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("log");
        let _stopped = UnixDatagram::bind(&socket).unwrap();
        let to = LogConfig::local(socket, LogFormat::Cee);
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

//! Promises about the copy of the records: from the spool through the rsyslog configuration that we ship, over TLS, to a log host.
//! Two real rsyslogd in scratch folders; only paths, the port and the address are others than shipped.
#![allow(clippy::expect_used, reason = "in a test a failed step ends the test with that sentence")]

mod keys;
mod origin;
mod syslog;

mod a_recorded_session_reaches_the_log_host;
mod nothing_is_lost_on_the_way;
mod records_arrive_as_they_left;

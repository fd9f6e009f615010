//! Promises kept on a whole host: real systemd, logind, sshd, timers. One file a promise.
#![allow(clippy::expect_used, reason = "in a test a failed step ends the test with that sentence")]

mod a_session_is_recorded;
mod a_session_ends_on_each_line_alone;
mod busy;
mod the_harness_is_a_real_host;

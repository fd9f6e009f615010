//! Promises kept on a whole host: real systemd, logind, sshd, timers. One file a promise.
#![allow(clippy::expect_used, reason = "in a test a failed step ends the test with that sentence")]

mod a_clock_that_is_set_moves_no_deadline;
mod a_dropped_bundle_is_applied_by_its_unit;
mod a_killed_recorder_loses_nothing;
mod a_recorder_in_trouble;
mod a_recorder_killed_on_a_full_disk_numbers_nothing_twice;
mod a_recorder_that_is_asked_to_stop_knows_what_ran;
mod a_restart_of_the_host_closes_what_was_open;
mod a_session_ends_on_each_line_alone;
mod a_session_is_recorded;
mod an_installed_host_is_sound;
mod busy;
mod the_harness_is_a_real_host;
mod the_kernel_tells_what_ran;
mod two_hundred_sessions;
mod what_process_1_runs_for_a_session_ends;
mod what_serves_a_session_may_die;

//! Recorded sessions on a private sshd, with the recorder in the foreground: everything that needs no process 1.
#![allow(clippy::expect_used, reason = "in a test a failed step ends it with that sentence")]

mod a_lie_at_the_gate_is_recorded_as_what_ran;
mod a_session_ends_when_its_window_closes;
mod an_order_ends_sessions;
mod arguments_are_recorded_whole_and_safe;
mod every_command_is_recorded;
mod every_way_of_running_a_program_is_recorded;
mod many_executions_are_counted_exactly;
mod the_limits_of_a_grant_are_kept;
mod what_serves_a_session_may_die;

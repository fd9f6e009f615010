//! Recorded sessions on a private sshd, with the recorder in the foreground: everything that needs no process 1.
#![allow(clippy::expect_used, reason = "in a test a failed step ends it with that sentence")]

mod a_full_disk_stops_what_can_not_be_recorded;
mod a_host_without_bpf_has_the_kernels_copy_from_audit;
mod a_lie_at_the_gate_is_recorded_as_what_ran;
mod a_next_recorder_goes_on_where_the_last_one_stood;
mod a_record_is_on_the_disk_before_anything_happens;
mod a_refused_login_is_in_the_spool;
mod a_session_ends_when_its_window_closes;
mod an_extension_is_judged_like_a_login;
mod an_old_kernel_is_said_to_be_one;
mod an_order_ends_sessions;
mod arguments_are_recorded_whole_and_safe;
mod audit_switch;
mod every_command_is_recorded;
mod every_way_of_running_a_program_is_recorded;
mod many_executions_are_counted_exactly;
mod many_sessions_are_open_at_once;
mod memory_that_does_not_answer_delays_its_owner_alone;
mod one_session_burdens_nobody_else;
mod syslog_gets_every_record_and_delays_nobody;
mod the_limits_of_a_grant_are_kept;
mod the_list_of_sessions_stays_true;
mod the_recorder_is_one_and_hears_root_alone;
mod the_sweep_ends_what_nobody_else_does;
mod what_serves_a_session_may_die;

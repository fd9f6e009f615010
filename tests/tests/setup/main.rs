//! The tier of `jit setup`: a real sshd and libpam on a host that has never heard of the product, and an administrator whose
//! login works whatever happens.
#![allow(clippy::expect_used, reason = "in a test a failed step ends it with that sentence")]

mod a_booted_host_whose_sshd_is_started_by_a_socket;
mod a_host_is_set_up_and_taken_back;
mod a_trial_login_on_a_strict_host;
mod an_unconfirmed_change_is_taken_back;
mod fresh;
mod hosts_that_are_not_like_debians;
mod its_own_timer_restores_a_booted_host;
mod killed_at_a_step_process_1_restores;
mod killed_at_any_step_the_administrator_enters;
mod removal_leaves_no_certificate_a_way_in;
mod unpacked;
mod what_fails_on_a_booted_host;
mod what_is_wrong_stops_it_before_anything_is_live;

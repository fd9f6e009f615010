//! The tier of the real sshd: one file, one promise, all of them in one program so that they can share a host.
#![allow(clippy::expect_used, reason = "in a test a failed step ends it with that sentence")]

mod a_certificate_of_another_ca_is_refused;
mod a_certificate_without_one_grant_is_refused;
mod a_feature_needs_a_permission;
mod a_file_that_others_can_write_is_not_believed;
mod a_grant_for_another_account_is_refused;
mod a_grant_for_another_host_is_refused;
mod a_grant_for_another_key_is_refused;
mod a_grant_for_another_source_address_is_refused;
mod a_grant_in_scope_enters;
mod a_panic_in_the_module_refuses;
mod a_refused_connection_does_nothing;
mod a_revoked_grant_is_refused;
mod a_stolen_ca_key_opens_no_other_account;
mod an_administrator_always_gets_in;
mod an_expired_grant_is_refused;
mod another_client_than_openssh_works_too;
mod approvals_that_do_not_count;
mod jit_says_what_a_login_would_get;
mod keys_of_each_accepted_kind_work;
mod the_harness_is_a_real_host;
mod the_module_leaves_nothing_behind;
mod the_other_doors_are_closed;
mod without_the_modules_lines_a_certificate_opens_nothing;

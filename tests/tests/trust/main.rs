//! Trust bundles, from the real `ca` to a real sshd: `ca host bundle` and `jit trust`.
//!
//! Each host here begins without any file of ours, and believes what a bundle says.
#![allow(clippy::expect_used, reason = "a step that fails ends the test with that sentence")]

mod a_bundle_ends_revoked_sessions;
mod a_bundle_makes_a_host_believe;
mod a_kill_at_any_step_is_safe;
mod a_person_pins_the_root;
mod a_wrong_bundle_changes_nothing;
mod an_old_bundle_refuses_vendors;
mod dropped_bundles;
mod scene;

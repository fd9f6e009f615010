//! Trust bundles, from the real `ca` to a real sshd: `ca host bundle` and `jit trust`.
//!
//! Each host here begins without any file of ours, and believes what a bundle says.
#![allow(clippy::expect_used, reason = "a step that fails ends the test with that sentence")]

mod a_bundle_makes_a_host_believe;
mod a_wrong_bundle_changes_nothing;
mod scene;

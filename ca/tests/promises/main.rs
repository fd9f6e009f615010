//! What `ca` promises, tried on the built command and on the library. One file for each kind of promise.
//!
//! Every test has an own directory below `CARGO_TARGET_TMPDIR`. Keys are made at run time, by `ssh-keygen`
//! where what it makes matters. A missing OpenSSH tool fails a test, it never skips one.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on panics")]

mod agent;
mod another_user;
mod approvals;
mod bad_input;
mod bundles;
mod certificates;
mod check;
mod concurrency;
mod init;
mod kill;
mod ledger;
mod revocations;
mod scene;
mod terminal;
mod transcript;
mod windows;

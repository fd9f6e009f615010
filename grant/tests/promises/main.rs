//! The promises of the crate `grant`, each a test that is named as one.
//!
//! Every test starts from a login that is allowed (`support::case`), changes one thing, and sees what
//! becomes of it. The oracle for OpenSSH's formats is the real `ssh-keygen`: it made the vectors, and
//! some tests run it. A machine without it fails these tests; none is skipped.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

mod allowed;
mod approvals;
mod bad_documents;
mod bad_files;
mod bundles;
mod changed_bytes;
mod documents;
mod edges;
mod hostile_text;
mod openssh;
mod refused_certificates;
mod refused_logins;
mod security_keys;
mod software_sk;
mod support;
mod vectors;

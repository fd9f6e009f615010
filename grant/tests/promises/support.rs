//! What the promises are made with: keys in process from fixed seeds, a second implementation of the
//! SSH formats, and a login that is allowed until a test changes one thing.
//!
//! The formats are written here from PROTOCOL.certkeys, PROTOCOL.sshsig and RFC 4253, without
//! `ssh-key`, so that a shared misreading of both sides would show.

pub(crate) mod case;
pub(crate) mod raw_certificate;
pub(crate) mod soft_key;
pub(crate) mod sshsig;
pub(crate) mod verdicts;
pub(crate) mod wire;

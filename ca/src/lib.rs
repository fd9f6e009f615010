//! The authority of just-in-time SSH access: grants, approvals, certificates, and their ledger.
//!
//! The binary `ca` is a thin front of this library. Time is an argument (`now`) everywhere; the clock is
//! read at one line of the binary. What decides reads as the specification: [`sign`] for certificates,
//! [`approve`] for approvals, [`request`] for requests. The verdict on a login is the crate `grant`'s.
#![forbid(unsafe_code)]

pub mod agent;
pub mod approve;
pub mod authority;
pub mod backup;
pub mod bundle;
pub mod check;
pub mod config;
pub mod durable;
pub mod email;
mod error;
pub mod finding;
pub mod init;
pub mod inspect;
pub mod keys;
pub mod krl;
pub mod ledger;
pub mod limits;
pub mod moment;
pub mod owner;
pub mod public_key;
pub mod refused;
pub mod request;
pub mod sign;

pub use authority::{Authority, whoami};
pub use error::Error;
pub use refused::Refused;
pub use sign::{Issued, Request};

//! The audit record of the just-in-time access product and the two forms in which syslog carries it.
//!
//! A [`Record`] becomes one line of JSON: ASCII only, at most [`MAX_RECORD`] bytes, with the names of the Elastic
//! Common Schema and our own fields under `jit`. [`rfc5424`] frames it for a socket that reads RFC 5424; [`cee`]
//! makes the message body that a plain `/dev/log` needs.
//!
//! Nothing here opens a file or a socket or asks for the time: who calls hands over what is to be said. The
//! invariant: no text in a fact, whoever chose it, can end the line, start another or change a field's name.
#![forbid(unsafe_code)]

mod ascii;
mod calendar;
pub mod cee;
mod close;
pub mod command;
mod event;
pub mod handover;
mod record;
pub mod rfc5424;
pub mod shipping;

pub use close::{Close, CloseReason, Notice};
pub use event::{Event, Severity};
pub use record::{Facts, MAX_RECORD, Record};

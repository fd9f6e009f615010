//! The host side: what sshd asks before a login, what a login would get, whether every other door is shut;
//! the recorder of sessions, their ends, the sweep, and the administrator's view of them.
//!
//! `principals` and `trial` read the files that decide through crate `hostfile` and decide nothing
//! themselves; `check` reads only. Time is an argument. The binary `jit` is main.rs.

pub mod administrate;
pub mod check;
pub mod cli;
pub mod ending;
pub mod kernel_copy;
#[cfg(test)]
#[path = "../../docs/man/pages.rs"]
mod pages;
pub mod principals;
pub mod recorder;
pub mod redact;
pub mod request;
pub mod settings;
pub mod setup;
pub mod shipper;
pub mod spool;
pub mod sweep;
pub mod trial;
pub mod trust;

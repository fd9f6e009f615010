//! The host side: what sshd asks before a login, what a login would get, and whether every other door
//! is shut.
//!
//! `principals` and `trial` read the files that decide through crate `hostfile` and decide nothing
//! themselves; `check` reads only. Time is an argument. The binary `jit` is main.rs.

pub mod check;
pub mod cli;
pub mod principals;
pub mod trial;

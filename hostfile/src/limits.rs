//! The sizes of this crate, in bytes, each a number in one place.
//!
//! Crate `grant` has the limits of what it parses; these are the limits of the files themselves.

/// `host.toml`.
pub const HOST_TOML: usize = 64 * 1024;
/// The file of CA keys: a rotation has two or three keys, each a line.
pub const CA_KEYS: usize = 64 * 1024;
/// CA keys that a host trusts at once.
pub const CA_KEY_COUNT: usize = grant::limits::CA_KEYS;
/// Roles of one host.
pub const ROLES: usize = grant::limits::ROLES;
/// A group name (groupadd(8)).
pub const GROUP: usize = 32;
/// A path: Linux's PATH_MAX.
pub const PATH: usize = 4096;

//! The root-owned files of a host that decide access: how they are opened, and what they say.
//!
//! Used by `pam_jit` inside sshd and by `jit`, so it is small: no threads, no output, nothing left
//! open. Everything fails closed; each [`HostfileError`] is one sentence with the place and the cure.
//! It does not decide about a login: that is crate `grant`.

#![forbid(unsafe_code)]

mod error;
mod fields;
pub mod host_toml;
pub mod host_trust;
pub mod limits;
mod recorder_toml;
pub mod secure;
pub mod trust_age;
pub mod vendor_group;

pub use error::HostfileError;
pub use host_toml::{HostConfig, LogConfig, LogFormat};
pub use recorder_toml::{KernelCopySource, RecorderConfig};

/// Where the host configuration is unless an argument says otherwise.
pub const DEFAULT_CONFIG: &str = "/etc/jit/host.toml";

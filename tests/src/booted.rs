//! The booted tier: a whole Debian 12 in a folder, with its own systemd as process 1, logind, sshd, rsyslog, cron and network.
//!
//! [`base`] makes the folder once with debootstrap and keeps it; [`place`] puts a copy-on-write layer over it and boots
//! it with systemd-nspawn, inside namespaces that the kernel tears down with the harness; [`host`] is the booted host,
//! [`client`] logs in to it from the outside over a virtual cable, [`world`] adds the usual cast, [`records`] reads what
//! the recorder wrote, [`session`] looks at the kernel's side of a session,
//! and [`terminal`] is a person who types. Nothing of it touches the machine's own network, mounts, units or clock.

pub mod base;
pub mod client;
pub mod host;
pub mod install;
pub mod place;
pub mod program;
pub mod records;
pub mod session;
pub mod terminal;
pub mod world;

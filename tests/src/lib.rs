//! The harness of the end-to-end tests: scratch hosts with a private sshd, an authority driven through the real `ca`, clients, and a forger.
//!
//! Nothing here knows how the product works inside: it builds the artefacts, puts them where an administrator would,
//! and looks at what a person, a client and a log reader see. A missing tool is a failure with a sentence that says
//! what to install, never a skip.
//!
//! The whole machine stays as it was: a scratch host lives in its own mount and process namespaces, and the kernel ends
//! everything in it when the harness lets go of it, however the test ended.
#![allow(clippy::expect_used, reason = "in a harness a failed step ends the test with that sentence")]

pub mod artefacts;
pub mod authority;
pub mod booted;
pub mod client;
pub mod clock;
pub mod deadline;
pub mod forge;
pub mod greeter;
pub mod host;
pub mod identity;
pub mod log_socket;
pub mod namespace;
pub mod packages;
pub mod pam_host;
pub mod pam_stack;
pub mod process;
pub mod raw_certificate;
pub mod recording;
pub mod refusal;
pub mod security_key;
pub mod sshd_config;
pub mod wire;
pub mod world;

//! The grant: its document, its approvals, its certificate, and the verdict on a login.
//!
//! Pure: no files, no clock, no sockets, no unsafe, and no sibling crate. Everything that decides
//! whether a vendor gets in is here; `decide` reads as the specification. Time is an argument.
//! Formats: docs/grant-format.md.
#![forbid(unsafe_code)]

pub mod approval;
pub mod approvers;
pub mod auth_info;
pub mod bundle;
pub mod certificate;
mod decide;
pub mod document;
pub mod features;
mod fingerprint;
mod free_text;
mod grant_id;
mod issue;
pub mod key;
pub mod limits;
mod lines;
mod name;
pub mod reason;
pub mod revoked;
mod sources;
mod sshsig;
mod trust;
mod unix_time;
mod verdict;
mod window;

pub use approval::{Approval, ApprovalError, Approvals};
pub use approvers::{Approver, Approvers, ApproversError};
pub use auth_info::AuthInfo;
pub use bundle::{Bundle, BundleError, BundleFields, SignedBundle};
pub use certificate::Certificate;
pub use decide::decide;
pub use document::{DocumentError, Grant, GrantFields};
pub use features::{Features, FeaturesError, ForwardTarget};
pub use fingerprint::{Digest, Fingerprint, FingerprintError};
pub use free_text::{FreeTextError, ReasonText, Ticket};
pub use grant_id::GrantId;
pub use issue::Issue;
pub use key::{KeyError, PublicKey, SignatureError};
pub use name::{AccountName, ApproverName, HostName, NameError, PersonName, RoleName, VendorName};
pub use reason::Reason;
pub use revoked::{Revoked, RevokedAs, RevokedError};
pub use sources::{Sources, SourcesError};
/// The one version of `ssh-key` in the workspace, for crates that read files of keys.
pub use ssh_key;
pub use trust::{Enforced, Login, MaximumAge, Trust};
pub use unix_time::{UnixTime, UnixTimeError};
pub use verdict::{Claim, ClaimedGrant, Refusal, Terms, Verdict, VerifiedGrant};
pub use window::{Window, WindowError, WindowState};

//! Every limit of this crate, each a number in one place.
//!
//! Sizes are bytes and are checked before anything is parsed. docs/grant-format.md repeats these
//! numbers; a second implementation must use the same ones.

/// The grant document, in bytes.
pub const DOCUMENT: usize = 8 * 1024;
/// The reason of a grant, in bytes of UTF-8.
pub const REASON: usize = 500;
/// A tracker's ticket number, in bytes.
pub const TICKET: usize = 64;
/// A vendor, person's short or approver name, in bytes.
pub const NAME: usize = 32;
/// A host name, in bytes.
pub const HOST: usize = 128;
/// A Unix account name, in bytes (useradd(8)).
pub const ACCOUNT: usize = 32;
/// Enrolled keys of one person that a document can list.
pub const KEYS: usize = 16;
/// Hosts, roles or accounts that one document can list, each.
pub const PLACES: usize = 32;
/// Principals of one certificate: accounts times hosts and roles (OpenSSH's `SSHKEY_CERT_MAX_PRINCIPALS`).
pub const PRINCIPALS: usize = 256;
/// Source networks of one document.
pub const SOURCES: usize = 32;
/// Forward targets of one document.
pub const FORWARDS: usize = 16;
/// Approvals that a document can ask for, and that a certificate can carry.
pub const APPROVALS: usize = 8;
/// One SSHSIG blob, in bytes: RSA-8192 with room to spare.
pub const SIGNATURE: usize = 4 * 1024;
/// An armored signature file, in bytes.
pub const ARMORED_SIGNATURE: usize = 2 * SIGNATURE;
/// A certificate blob, in bytes. Far below sshd's own 128 KiB for `%k`.
pub const CERTIFICATE: usize = 64 * 1024;
/// The value of `SSH_AUTH_INFO_0`, in bytes.
pub const AUTH_INFO: usize = 128 * 1024;
/// One OpenSSH public key line, in bytes.
pub const KEY_LINE: usize = 8 * 1024;
/// An approvers file (allowed_signers), in bytes.
pub const APPROVERS: usize = 256 * 1024;
/// A revoked list, in bytes.
pub const REVOKED: usize = 4 * 1024 * 1024;
/// The smallest RSA modulus that is accepted, in bits.
pub const RSA_BITS: u32 = 3072;
/// The longest window, in seconds: 31 days.
pub const WINDOW: u64 = 31 * 24 * 3600;
/// The longest life of a certificate, in seconds, backdating included.
pub const CERTIFICATE_LIFETIME: u64 = 3600 + BACKDATE;
/// How far a certificate may be backdated for skewed clocks, in seconds.
pub const BACKDATE: u64 = 60;
/// The last moment that a document can name: the end of year 9998 (jiff ends within 9999).
pub const LAST_SECOND: u64 = 253_370_764_799;
/// The highest use count or session count of a grant.
pub const COUNT: u32 = 10_000;
/// CA keys that a host trusts at once, and that a trust bundle can list: a rotation has two or three.
pub const CA_KEYS: usize = 16;
/// Roles of one host.
pub const ROLES: usize = 32;
/// A key revocation list of OpenSSH in a trust bundle, in bytes.
pub const KRL: usize = 4 * 1024 * 1024;
/// A trust bundle with its signature, in bytes.
pub const BUNDLE: usize = 12 * 1024 * 1024;

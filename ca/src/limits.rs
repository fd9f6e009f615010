//! Every limit of this crate, each a number in one place.
//!
//! Sizes are bytes and are checked before anything is parsed. Limits of the grant document, of
//! certificates and of approvals stand in [`grant::limits`].

use std::time::Duration;

/// `ca.toml`.
pub const CONFIG: usize = 64 * 1024;
/// A private key file: RSA-16384 fits.
pub const PRIVATE_KEY: usize = 32 * 1024;
/// A certificate file: base64 of [`grant::limits::CERTIFICATE`], a type and a comment.
pub const CERTIFICATE_FILE: usize = grant::limits::CERTIFICATE / 3 * 4 + 4 * 1024;
/// A time zone file.
pub const TIME_ZONE: usize = 64 * 1024;
/// A passphrase, from wherever it comes.
pub const PASSPHRASE: usize = 1024;
/// The shortest passphrase that `ca init` takes, in characters.
pub const SHORTEST_PASSPHRASE: usize = 8;
/// An e-mail address.
pub const EMAIL: usize = 254;
/// One answer of an ssh-agent (OpenSSH's own limit).
pub const AGENT_ANSWER: usize = 256 * 1024;
/// Keys that an ssh-agent may list.
pub const AGENT_KEYS: u32 = 2048;
/// How long an ssh-agent may think: a person has to find and touch a hardware key.
pub const AGENT_PATIENCE: Duration = Duration::from_secs(60);
/// How long one `ca` waits for another that writes to the ledger; longer than [`AGENT_PATIENCE`],
/// because a certificate is signed inside its transaction.
pub const LEDGER_PATIENCE: Duration = Duration::from_secs(90);
/// Life of a certificate unless ca.toml or `--lifetime` says otherwise, in seconds.
pub const LIFETIME: u64 = 5 * 60;
/// The longest life that a certificate can be given, in seconds, backdating not counted.
pub const LONGEST_LIFETIME: u64 = grant::limits::CERTIFICATE_LIFETIME - grant::limits::BACKDATE;
/// How long after its end a certificate or a grant stays in the KRL and the revoked list, in seconds:
/// a host whose clock is late still refuses it.
pub const REVOKED_MARGIN: u64 = 24 * 3600;
/// Rows that a listing shows unless `--all` is given.
pub const LISTED: usize = 50;
/// Certificates that `ca grant show` lists, the newest ones.
pub const SHOWN_CERTIFICATES: usize = 10;
/// How often `ca log --follow` looks for new events.
pub const FOLLOW: Duration = Duration::from_millis(250);
/// Bytes free where the ledger is, below which `ca check` says so: some hundred thousand certificates.
pub const FREE_SPACE: u64 = 100 << 20;
/// How far the clock may be behind the ledger's last event before `ca check` says so, in seconds.
pub const CLOCK_BEHIND: u64 = 5;
/// Bytes of write-ahead log after which a command that ends writes it back. Small, because the first
/// process to open the ledger reads all of it.
pub const WAL: u64 = 48 * 4096;
/// Statements that a connection keeps prepared: more than signing uses.
pub const STATEMENTS: usize = 64;

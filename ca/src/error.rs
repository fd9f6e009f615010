//! Everything that can end a command without success, in one type, with its hint.
//!
//! Each part of the crate has an error of its own; this one only gathers them. `Display` never repeats a
//! source: `check::chain` joins them for the one line that a person reads.

use crate::agent::AgentError;
use crate::config::ConfigError;
use crate::durable::FileError;
use crate::keys::{KeyError, PassphraseError};
use crate::ledger::LedgerError;
use crate::owner;
use crate::refused::Refused;

/// Why something was not done. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The rules say no.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The ledger cannot be used.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A file cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// ca.toml cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A private key cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// No passphrase.
    #[error(transparent)]
    Passphrase(#[from] PassphraseError),
    /// The ssh-agent cannot be used.
    #[error(transparent)]
    Agent(#[from] AgentError),
    /// The grant would not hold together.
    #[error(transparent)]
    Document(#[from] grant::DocumentError),
    /// The approvers file would not be readable by hosts.
    #[error(transparent)]
    Approvers(#[from] grant::ApproversError),
    /// A file that should hold an approval.
    #[error("{place} is no approval")]
    Approval {
        /// Where it came from.
        place: String,
        /// What is wrong with it.
        source: grant::ApprovalError,
    },
    /// A trust bundle that no host would accept.
    #[error("{place}")]
    Bundle {
        /// Which, or what it was for.
        place: String,
        /// What is wrong with it.
        source: grant::BundleError,
    },
    /// A file that should hold a public key.
    #[error("{place}")]
    PublicKey {
        /// The file, and the line where it matters.
        place: String,
        /// What is wrong with it.
        source: grant::KeyError,
    },
    /// A file that holds something else than was asked for.
    #[error("{place} {problem}")]
    Content {
        /// The file.
        place: String,
        /// What it is.
        problem: &'static str,
        /// What to do.
        hint: Option<String>,
    },
    /// The signature could not be made.
    #[error("the certificate cannot be signed")]
    Sign(#[source] ssh_key::Error),
    /// There is no authority in the directory.
    #[error("there is no authority in {}", .0.display())]
    NoAuthority(std::path::PathBuf),
    /// This user may not look into it.
    #[error("cannot work in {}", dir.display())]
    Denied {
        /// The directory.
        dir: std::path::PathBuf,
        /// The file that could not be opened.
        source: FileError,
    },
    /// There is one already, or something else.
    #[error("{} holds {what} already; nothing is overwritten", dir.display())]
    Occupied {
        /// The directory.
        dir: std::path::PathBuf,
        /// The first thing that is in the way.
        what: String,
        /// Is ca.toml missing, so that an init was interrupted there?
        unfinished: bool,
    },
    /// Two inits at the same time.
    #[error("another ca is at work in {}", .0.display())]
    InitBusy(std::path::PathBuf),
    /// The operating system did not answer.
    #[error("cannot {step}: {problem}")]
    System {
        /// What was being done.
        step: &'static str,
        /// What it said.
        problem: String,
    },
}

impl Error {
    /// A bundle's error, with what the bundle was.
    pub(crate) fn bundle(place: &str) -> impl FnOnce(grant::BundleError) -> Self {
        let place = place.to_owned();
        move |source| Self::Bundle { place, source }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Refused(refused) => refused.hint(),
            Self::Ledger(ledger) => ledger.hint(),
            Self::File(file) | Self::Config(ConfigError::File(file)) => file.hint(),
            Self::Key(key) => key.hint(),
            Self::Passphrase(passphrase) => passphrase.hint(),
            Self::Agent(agent) => agent.hint(),
            Self::Content { hint, .. } => hint.clone(),
            Self::NoAuthority(_) => {
                Some("make one with `ca init`, or name its directory with --dir or CA_DIR".to_owned())
            }
            Self::Denied { dir, .. } => owner::hint(dir, dir),
            Self::Occupied { dir, unfinished: true, .. } => Some(format!(
                "a `ca init` was interrupted there; without ca.toml nothing was issued: move {} away and run it again",
                dir.display()
            )),
            Self::Occupied { unfinished: false, .. } => Some("name another directory with --dir".to_owned()),
            _ => None,
        }
    }

    /// Is it how the command was written (exit code 2), rather than a failure (1)?
    #[must_use]
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::Refused(refused) if refused.is_usage())
    }
}

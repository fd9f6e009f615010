//! Why bytes are not a trust bundle: one sentence with the place.

use crate::key::{KeyError, SignatureError};
use crate::limits;
use crate::sshsig::SshsigError;

use super::NAMESPACE;

/// Why bytes are not a trust bundle, or not one of its root.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// More bytes than [`limits::BUNDLE`].
    #[error("the bundle has {0} bytes, at most {max} fit", max = limits::BUNDLE)]
    TooLong(usize),
    /// A byte that is neither printable ASCII nor a newline.
    #[error("line {0} of the bundle holds a byte that is not printable ASCII")]
    Byte(usize),
    /// The first line is something else.
    #[error("not a trust bundle: its first line is not `{line}`", line = super::VERSION_LINE)]
    NotABundle,
    /// A version that this program does not know.
    #[error("the bundle has version `{}`, and only version 1 is known here", .0.escape_debug())]
    Version(String),
    /// The line with this key is not where it belongs.
    #[error("line {line} of the bundle is not `{key}: ...`")]
    Missing {
        /// Counted from 1.
        line: usize,
        /// The key that belongs here.
        key: &'static str,
    },
    /// The line's value is not acceptable.
    #[error("line {line} of the bundle, `{key}`: {why}")]
    Value {
        /// Counted from 1.
        line: usize,
        /// The line's key.
        key: &'static str,
        /// What is wrong.
        why: String,
    },
    /// Fields that do not hold together.
    #[error("the bundle's `{key}`: {why}")]
    Field {
        /// The key of the lines.
        key: &'static str,
        /// What is wrong.
        why: String,
    },
    /// The meaning is clear, but it is not written in the one allowed way.
    #[error("line {0} of the bundle is not in canonical form")]
    NotCanonical(usize),
    /// The last line is missing, counts otherwise, or is not the last.
    #[error("the bundle does not end where its line `end: {0}` belongs")]
    End(usize),
    /// No signature behind the text.
    #[error("the bundle is not signed, or cut off: no SSH signature stands at its end")]
    Unsigned,
    /// What stands there is not a signature of ours.
    #[error("the bundle's signature is not one as `ssh-keygen -Y sign -n {NAMESPACE}` makes it")]
    Unreadable,
    /// The signature is spelled in another way than its own, or something follows it.
    #[error("the bundle's signature is not in canonical form")]
    SignatureNotCanonical,
    /// A signature for something else.
    #[error("the bundle's signature is for the namespace `{}`, not `{NAMESPACE}`", .0.escape_debug())]
    Namespace(String),
    /// Made by a key that is not accepted.
    #[error("the key that signed the bundle is not accepted")]
    Key(#[source] KeyError),
    /// The signature does not hold.
    #[error("the bundle's signature does not hold: it was altered, or cut off")]
    Signature(#[source] SignatureError),
    /// Signed by a key that is not the trust root which it names.
    #[error("the bundle is signed by {signer}, and not by {authority}, the authority that it names")]
    OtherSigner {
        /// Who signed.
        signer: String,
        /// What it says.
        authority: String,
    },
}

impl From<SshsigError> for BundleError {
    fn from(error: SshsigError) -> Self {
        match error {
            SshsigError::TooLong(_) | SshsigError::Unreadable => Self::Unreadable,
            SshsigError::NotCanonical => Self::SignatureNotCanonical,
            SshsigError::Namespace(found) => Self::Namespace(found),
            SshsigError::Key(error) => Self::Key(error),
        }
    }
}

//! Approvals: SSH signatures over the exact bytes of a grant document.
//!
//! One approval is an SSHSIG (PROTOCOL.sshsig) of namespace `grant@pam-jit`, as `ssh-keygen -Y sign`
//! makes it. A certificate carries them as text, one line of base64 each, in order.

use std::fmt;

use base64ct::{Base64, Encoding};

use crate::key::{KeyError, PublicKey, SignatureError};
use crate::limits;
use crate::sshsig::{Sshsig, SshsigError};

/// The SSHSIG namespace of approvals.
pub const NAMESPACE: &str = "grant@pam-jit";

/// One signature over a grant document. Holding one proves nothing before [`Approval::verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval(Sshsig);

/// Why bytes are not an approval, or an approval does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApprovalError {
    /// More bytes than [`limits::SIGNATURE`] (or its armored form).
    #[error("the signature has {0} bytes, more than a signature needs")]
    TooLong(usize),
    /// Not an SSHSIG.
    #[error("not an SSH signature as `ssh-keygen -Y sign` makes it")]
    Unreadable,
    /// An SSHSIG that is written in another way than its own.
    #[error("the SSH signature is not in canonical form")]
    NotCanonical,
    /// A signature for something else.
    #[error("the signature is for the namespace `{}`, not `{NAMESPACE}`", .0.escape_debug())]
    Namespace(String),
    /// Made by a key that is not accepted.
    #[error("the signing key is not accepted")]
    Key(#[source] KeyError),
    /// The signature does not hold.
    #[error("the signature does not hold")]
    Signature(#[source] SignatureError),
    /// More than [`limits::APPROVALS`] in one certificate.
    #[error("more than {} approvals", limits::APPROVALS)]
    TooMany,
    /// A certificate's list of approvals that is not lines of base64 in order.
    #[error("the list of approvals is not lines of base64 in strictly ascending order")]
    List,
}

impl From<SshsigError> for ApprovalError {
    fn from(error: SshsigError) -> Self {
        match error {
            SshsigError::TooLong(bytes) => Self::TooLong(bytes),
            SshsigError::Unreadable => Self::Unreadable,
            SshsigError::NotCanonical => Self::NotCanonical,
            SshsigError::Namespace(found) => Self::Namespace(found),
            SshsigError::Key(error) => Self::Key(error),
        }
    }
}

impl Approval {
    /// Reads an SSHSIG blob.
    ///
    /// # Errors
    /// [`ApprovalError`] if it is not one, not canonical, for another namespace, or by a key that is
    /// not accepted.
    pub fn from_blob(blob: &[u8]) -> Result<Self, ApprovalError> {
        Ok(Self(Sshsig::from_blob(blob, NAMESPACE)?))
    }

    /// Reads the file that `ssh-keygen -Y sign` writes.
    ///
    /// # Errors
    /// As [`Approval::from_blob`].
    pub fn from_armored(text: &str) -> Result<Self, ApprovalError> {
        Ok(Self(Sshsig::from_armored(text, NAMESPACE)?))
    }

    /// The armored form, as `ssh-keygen -Y verify` reads it.
    #[must_use]
    pub fn to_armored(&self) -> String {
        self.0.to_armored()
    }

    /// The SSHSIG blob.
    #[must_use]
    pub fn as_blob(&self) -> &[u8] {
        self.0.as_blob()
    }

    /// The key that claims to have signed.
    #[must_use]
    pub fn key(&self) -> &PublicKey {
        self.0.key()
    }

    /// Verifies the signature over the document's bytes; a FIDO key must have been touched.
    ///
    /// # Errors
    /// [`SignatureError`] says why the approval does not hold.
    pub fn verify(&self, document: &[u8]) -> Result<(), SignatureError> {
        self.0.verify(document)
    }

    /// The bytes that a key signs to approve `document`, with SHA-512 as `ssh-keygen` does.
    #[must_use]
    pub fn signed_data(document: &[u8]) -> Vec<u8> {
        Sshsig::signed_data(NAMESPACE, document)
    }

    /// The approval from a signature over [`Approval::signed_data`].
    ///
    /// # Errors
    /// [`ApprovalError`] if the key is not accepted or the parts do not form an SSHSIG.
    pub fn from_signature(key: &PublicKey, signature: ssh_key::Signature) -> Result<Self, ApprovalError> {
        Ok(Self(Sshsig::from_signature(key, NAMESPACE, signature)?))
    }
}

/// The approvals that a certificate carries: distinct, in the order of their text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Approvals(Vec<Approval>);

impl Approvals {
    /// Puts approvals in order; the same one twice counts once.
    ///
    /// # Errors
    /// [`ApprovalError::TooMany`] beyond [`limits::APPROVALS`].
    pub fn new(approvals: impl IntoIterator<Item = Approval>) -> Result<Self, ApprovalError> {
        let mut list: Vec<_> = approvals.into_iter().collect();
        list.sort_by_cached_key(|approval| Base64::encode_string(approval.as_blob()));
        list.dedup();
        if list.len() > limits::APPROVALS { Err(ApprovalError::TooMany) } else { Ok(Self(list)) }
    }

    /// Reads the value of the extension `approvals@pam-jit`.
    ///
    /// # Errors
    /// [`ApprovalError`] if a line is not an approval or the lines are not in order.
    pub fn parse(text: &str) -> Result<Self, ApprovalError> {
        let body = text.strip_suffix('\n').ok_or(ApprovalError::List)?;
        let mut list = Vec::new();
        let mut previous = "";
        for line in body.split('\n') {
            if list.len() == limits::APPROVALS {
                return Err(ApprovalError::TooMany);
            }
            if line <= previous {
                return Err(ApprovalError::List);
            }
            let blob = Base64::decode_vec(line).map_err(|_| ApprovalError::List)?;
            list.push(Approval::from_blob(&blob)?);
            previous = line;
        }
        Ok(Self(list))
    }

    /// The approvals in order.
    pub fn iter(&self) -> impl Iterator<Item = &Approval> {
        self.0.iter()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Approvals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|approval| writeln!(f, "{}", Base64::encode_string(approval.as_blob())))
    }
}

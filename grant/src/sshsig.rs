//! SSH signatures (PROTOCOL.sshsig), read strictly: what `ssh-keygen -Y sign` makes, for one namespace.
//!
//! Grants are approved and trust bundles are signed by them. A signature is exactly the bytes that it says:
//! no second spelling of the same one is read. Holding one proves nothing before [`Sshsig::verify`].

use ssh_key::encoding::{Decode as _, Encode as _};
use ssh_key::{HashAlg, SshSig};

use crate::key::{KeyError, PublicKey, SignatureError};
use crate::limits;

/// One signature of one namespace, not verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sshsig {
    blob: Vec<u8>,
    signature: SshSig,
    key: PublicKey,
}

/// Why bytes are not such a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SshsigError {
    /// More bytes than [`limits::SIGNATURE`], or its armored form.
    TooLong(usize),
    /// Not an SSHSIG.
    Unreadable,
    /// Written in another way than its own.
    NotCanonical,
    /// For something else.
    Namespace(String),
    /// By a key that is not accepted.
    Key(KeyError),
}

impl Sshsig {
    /// Reads a blob.
    pub(crate) fn from_blob(blob: &[u8], namespace: &str) -> Result<Self, SshsigError> {
        if blob.len() > limits::SIGNATURE {
            return Err(SshsigError::TooLong(blob.len()));
        }
        let mut rest = blob;
        let signature = SshSig::decode(&mut rest).map_err(|_| SshsigError::Unreadable)?;
        if matches!(signature.public_key(), ssh_key::public::KeyData::Certificate(_)) {
            return Err(SshsigError::Unreadable);
        }
        let encoded = signature.encode_vec().map_err(|_| SshsigError::Unreadable)?;
        // ssh-key verifies a re-encoding, so altered bytes could pass: demand the same bytes.
        if !rest.is_empty() || encoded != blob || !signature.reserved().is_empty() || signature.version() != 1
        {
            return Err(SshsigError::NotCanonical);
        }
        if signature.namespace() != namespace {
            return Err(SshsigError::Namespace(signature.namespace().chars().take(64).collect()));
        }
        let key = PublicKey::from_ssh(signature.public_key().clone()).map_err(SshsigError::Key)?;
        Ok(Self { blob: blob.to_vec(), signature, key })
    }

    /// Reads the file that `ssh-keygen -Y sign` writes.
    pub(crate) fn from_armored(text: &str, namespace: &str) -> Result<Self, SshsigError> {
        if text.len() > limits::ARMORED_SIGNATURE {
            return Err(SshsigError::TooLong(text.len()));
        }
        let signature = SshSig::from_pem(text.trim_ascii()).map_err(|_| SshsigError::Unreadable)?;
        Self::from_blob(&signature.encode_vec().map_err(|_| SshsigError::Unreadable)?, namespace)
    }

    /// From a signature over [`Sshsig::signed_data`].
    pub(crate) fn from_signature(
        key: &PublicKey,
        namespace: &str,
        signature: ssh_key::Signature,
    ) -> Result<Self, SshsigError> {
        let sshsig = SshSig::new(key.as_ssh().clone(), namespace, HashAlg::Sha512, signature)
            .map_err(|_| SshsigError::Unreadable)?;
        Self::from_blob(&sshsig.encode_vec().map_err(|_| SshsigError::Unreadable)?, namespace)
    }

    /// The armored form, as `ssh-keygen -Y verify` reads it.
    pub(crate) fn to_armored(&self) -> String {
        self.signature.to_pem(ssh_key::LineEnding::LF).unwrap_or_default()
    }

    /// The blob.
    pub(crate) fn as_blob(&self) -> &[u8] {
        &self.blob
    }

    /// The key that claims to have signed.
    pub(crate) fn key(&self) -> &PublicKey {
        &self.key
    }

    /// Verifies the signature over `message`; a FIDO key must have been touched.
    pub(crate) fn verify(&self, message: &[u8]) -> Result<(), SignatureError> {
        let signed = SshSig::signed_data(self.signature.namespace(), self.signature.hash_alg(), message)
            .map_err(|_| SignatureError::Wrong)?;
        self.key.verify(&signed, self.signature.signature())
    }

    /// The bytes that a key signs, with SHA-512 as `ssh-keygen` does.
    pub(crate) fn signed_data(namespace: &str, message: &[u8]) -> Vec<u8> {
        // The namespace is not empty and the hash is computed here, so this does not fail.
        SshSig::signed_data(namespace, HashAlg::Sha512, message).unwrap_or_default()
    }
}

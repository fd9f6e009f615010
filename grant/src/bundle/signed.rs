//! A bundle with the signature of the trust root that it names: the one file that goes to a host.
//!
//! The file is the bundle's text, then the armored signature over exactly that text, as `ssh-keygen -Y sign
//! -n trust@pam-jit` makes it. A [`SignedBundle`] was verified: there is no other way to one. Whether its root
//! is the host's own is the reader's to compare.

use super::{Bundle, BundleError, NAMESPACE};
use crate::key::PublicKey;
use crate::limits;
use crate::sshsig::Sshsig;

/// The first line of the signature.
const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----\n";

/// A bundle whose signature by the authority that it names holds.
#[derive(Debug, Clone)]
pub struct SignedBundle {
    bundle: Bundle,
    text: String,
    signature: Sshsig,
}

impl SignedBundle {
    /// Reads a bundle file and verifies it.
    ///
    /// # Errors
    /// [`BundleError`]: nothing of a bundle that is wrong anywhere counts.
    pub fn read(file: &[u8]) -> Result<Self, BundleError> {
        if file.len() > limits::BUNDLE {
            return Err(BundleError::TooLong(file.len()));
        }
        let at = file.windows(BEGIN.len()).position(|window| window == BEGIN.as_bytes());
        let (text, armored) = file.split_at_checked(at.unwrap_or(file.len())).unwrap_or_default();
        if armored.is_empty() {
            // Tell somebody who gave another file so, rather than that it is not signed.
            return Err(match super::Reader::of(text).and_then(|mut lines| lines.version()) {
                Err(error @ (BundleError::NotABundle | BundleError::Version(_))) => error,
                _ => BundleError::Unsigned,
            });
        }
        let armored = std::str::from_utf8(armored).map_err(|_| BundleError::Unreadable)?;
        let signature = Sshsig::from_armored(armored, NAMESPACE)?;
        if armor(&signature) != armored {
            return Err(BundleError::SignatureNotCanonical);
        }
        Self::of(text, signature)
    }

    /// Puts a bundle's text and a signature made elsewhere together.
    ///
    /// # Errors
    /// [`BundleError`] when they do not belong together.
    pub fn put_together(text: &[u8], armored: &str) -> Result<Self, BundleError> {
        Self::of(text, Sshsig::from_armored(armored, NAMESPACE)?)
    }

    /// The signed bundle from a signature over [`SignedBundle::signed_data`].
    ///
    /// # Errors
    /// [`BundleError`] when it does not hold.
    pub fn from_signature(
        bundle: &Bundle,
        key: &PublicKey,
        signature: ssh_key::Signature,
    ) -> Result<Self, BundleError> {
        let signature = Sshsig::from_signature(key, NAMESPACE, signature)?;
        Self::of(bundle.render().as_bytes(), signature)
    }

    /// The bytes that the trust root signs for this text, with SHA-512 as `ssh-keygen` does.
    #[must_use]
    pub fn signed_data(text: &[u8]) -> Vec<u8> {
        Sshsig::signed_data(NAMESPACE, text)
    }

    /// The signature first: of bytes that nobody signed no line is looked at.
    fn of(text: &[u8], signature: Sshsig) -> Result<Self, BundleError> {
        signature.verify(text).map_err(BundleError::Signature)?;
        let bundle = Bundle::parse(text)?;
        let signer = signature.key().fingerprint();
        if signer != bundle.authority {
            return Err(BundleError::OtherSigner {
                signer: signer.to_string(),
                authority: bundle.authority.to_string(),
            });
        }
        Ok(Self { text: bundle.render(), bundle, signature })
    }

    /// What it says.
    #[must_use]
    pub fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    /// The signed text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The file.
    #[must_use]
    pub fn to_file(&self) -> String {
        format!("{}{}", self.text, armor(&self.signature))
    }
}

/// The armored signature as it stands in a bundle, its last newline included.
fn armor(signature: &Sshsig) -> String {
    let text = signature.to_armored();
    format!("{}\n", text.trim_end_matches('\n'))
}

//! Public keys and the one place where a signature is verified.
//!
//! All use of `ssh-key` for keys and signatures goes through here, so that its gaps are closed once:
//! it does not check user presence of FIDO signatures, nor that the signature's algorithm is the
//! key's. Accepted: ed25519, ecdsa-p256, rsa of 3072 to 4096 bits with SHA-2, sk-ed25519, sk-ecdsa.

use std::fmt;

use signature::Verifier;
use ssh_key::public::KeyData;
use ssh_key::{Algorithm, EcdsaCurve, Signature};

use crate::fingerprint::Fingerprint;
use crate::limits;

/// Bytes behind an sk signature: flags and a counter (PROTOCOL.u2f).
const SK_TRAILER: usize = 5;
/// The flag that the person touched the key (PROTOCOL.u2f, `SSH_SK_USER_PRESENCE_REQD`).
const USER_PRESENT: u8 = 0x01;

/// An OpenSSH public key of an accepted kind and strength.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey(KeyData);

/// A text or key that is not an acceptable public key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// More bytes than [`limits::KEY_LINE`].
    #[error("the key line has {0} bytes, at most {max} fit", max = limits::KEY_LINE)]
    TooLong(usize),
    /// Not one line `ALGORITHM BASE64 [COMMENT]`.
    #[error("not an OpenSSH public key line like `ssh-ed25519 AAAA... comment`")]
    Unreadable,
    /// A kind that we do not accept.
    #[error(
        "keys of the kind {} are not accepted: use ed25519, ecdsa-p256, rsa of 3072 bits, sk-ed25519 or sk-ecdsa",
        .0.escape_debug()
    )]
    Kind(String),
    /// An RSA key outside 3072 to 4096 bits.
    #[error("the rsa key has {0} bits: 3072 to 4096 are accepted")]
    RsaBits(u32),
    /// An RSA exponent that is even or below 65537.
    #[error("the rsa key's exponent is not accepted")]
    RsaExponent,
    /// A point that is not on the curve, or of small order.
    #[error("the key is not a sound point of its curve")]
    Point,
}

/// Why a signature does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The algorithm is not one of the key's.
    #[error("the signature's algorithm does not belong to the key")]
    Algorithm,
    /// A FIDO key signed without being touched.
    #[error("the security key was not touched")]
    NoTouch,
    /// The signature is not over these bytes by this key.
    #[error("the signature does not match")]
    Wrong,
}

impl PublicKey {
    /// Reads one line of a `.pub` file; the comment is dropped.
    ///
    /// # Errors
    /// [`KeyError`] if it is too long, unreadable, or a key that is not accepted.
    pub fn parse_line(line: &str) -> Result<Self, KeyError> {
        if line.len() > limits::KEY_LINE {
            return Err(KeyError::TooLong(line.len()));
        }
        let line = line.trim_end_matches(['\r', '\n']);
        if line.contains(['\r', '\n', '\0']) {
            return Err(KeyError::Unreadable);
        }
        if line.contains("-cert-v01") {
            return Err(KeyError::Unreadable);
        }
        let key = ssh_key::PublicKey::from_openssh(line).map_err(|_| KeyError::Unreadable)?;
        Self::from_ssh(key.key_data().clone())
    }

    /// Takes a key that `ssh-key` has read.
    ///
    /// # Errors
    /// [`KeyError`] if the key is of a kind or strength that is not accepted.
    pub fn from_ssh(key: KeyData) -> Result<Self, KeyError> {
        let ed25519 = |bytes: &[u8; 32]| match ed25519_dalek::VerifyingKey::from_bytes(bytes) {
            Ok(point) if !point.is_weak() => Ok(()),
            _ => Err(KeyError::Point),
        };
        match &key {
            KeyData::Ed25519(point) => ed25519(&point.0)?,
            KeyData::SkEd25519(sk) => ed25519(&sk.public_key().0)?,
            KeyData::Rsa(rsa) => check_rsa(rsa)?,
            KeyData::Ecdsa(point) if point.curve() == EcdsaCurve::NistP256 => {}
            KeyData::SkEcdsaSha2NistP256(_) => {}
            other => return Err(KeyError::Kind(other.algorithm().as_str().chars().take(64).collect())),
        }
        Ok(Self(key))
    }

    /// The key as `ssh-key` has it.
    #[must_use]
    pub fn as_ssh(&self) -> &KeyData {
        &self.0
    }

    /// The key's SHA-256 fingerprint.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of_blob(&self.to_blob())
    }

    /// The key's SSH wire encoding (RFC 4253, section 6.6).
    #[must_use]
    pub fn to_blob(&self) -> Vec<u8> {
        // Encoding into memory fails only past 4 GiB.
        ssh_key::PublicKey::from(self.0.clone()).to_bytes().unwrap_or_default()
    }

    /// The line of a `.pub` file, without comment and newline.
    #[must_use]
    pub fn to_line(&self) -> String {
        ssh_key::PublicKey::from(self.0.clone()).to_openssh().unwrap_or_default()
    }

    /// Whether the key lives on a FIDO security key.
    #[must_use]
    pub fn is_sk(&self) -> bool {
        matches!(self.0, KeyData::SkEd25519(_) | KeyData::SkEcdsaSha2NistP256(_))
    }

    /// Verifies `signature` over `message`; for a FIDO key the person must have touched it.
    ///
    /// # Errors
    /// [`SignatureError`] says why the signature does not count.
    pub fn verify(&self, message: &[u8], signature: &Signature) -> Result<(), SignatureError> {
        let belongs = match (&self.0, signature.algorithm()) {
            (KeyData::Ed25519(_), Algorithm::Ed25519)
            | (KeyData::Ecdsa(_), Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 })
            | (KeyData::Rsa(_), Algorithm::Rsa { hash: Some(_) })
            | (KeyData::SkEd25519(_), Algorithm::SkEd25519)
            | (KeyData::SkEcdsaSha2NistP256(_), Algorithm::SkEcdsaSha2NistP256) => true,
            (_, _) => false,
        };
        if !belongs {
            return Err(SignatureError::Algorithm);
        }
        self.0.verify(message, signature).map_err(|_| SignatureError::Wrong)?;
        if self.is_sk() {
            let bytes = signature.as_bytes();
            let flags =
                bytes.len().checked_sub(SK_TRAILER).and_then(|at| bytes.get(at)).copied().unwrap_or(0);
            if flags & USER_PRESENT == 0 {
                return Err(SignatureError::NoTouch);
            }
        }
        Ok(())
    }
}

fn check_rsa(rsa: &ssh_key::public::RsaPublicKey) -> Result<(), KeyError> {
    let bytes = rsa.n().as_positive_bytes().ok_or(KeyError::Unreadable)?;
    let first = bytes.first().copied().unwrap_or(0);
    let bits = u32::try_from(bytes.len() * 8).unwrap_or(u32::MAX) - first.leading_zeros();
    // 4096 is the most that the `rsa` crate verifies.
    if !(limits::RSA_BITS..=4096).contains(&bits) {
        return Err(KeyError::RsaBits(bits));
    }
    match rsa.e().as_positive_bytes() {
        Some(e) if e.len() >= 3 && e.len() <= 4 && e.last().is_some_and(|b| b & 1 == 1) => Ok(()),
        _ => Err(KeyError::RsaExponent),
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_line())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_order_point_is_no_key() {
        let weak = KeyData::Ed25519(ssh_key::public::Ed25519PublicKey([0; 32]));
        assert_eq!(PublicKey::from_ssh(weak), Err(KeyError::Point));
    }

    #[test]
    fn a_key_line_is_one_line() {
        let line = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDuCkDr8uvsbuvbxLVqRxPz2vCjoVlXXwMQbaBKWJHG5";
        let key = PublicKey::parse_line(&format!("{line} jo@acme\n")).unwrap();
        assert_eq!(key.to_line(), line);
        assert!(PublicKey::parse_line(&format!("{line}\n{line}")).is_err());
        assert!(PublicKey::parse_line("").is_err());
        assert!(PublicKey::parse_line("ssh-ed25519 AAAA").is_err());
        assert!(PublicKey::parse_line(&"a".repeat(limits::KEY_LINE + 1)).is_err());
    }
}

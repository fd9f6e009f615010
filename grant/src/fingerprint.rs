//! Digests as the grant document writes them: key fingerprints and the digest of a document.

use std::fmt;
use std::str::FromStr;

use base64ct::{Base64Unpadded, Encoding};
use sha2::{Digest as _, Sha256};

/// The SHA-256 fingerprint of an SSH public key, written as OpenSSH does: `SHA256:` and 43
/// characters of unpadded base64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 32]);

/// The SHA-256 of a grant document, written as 64 lower case hexadecimal digits. Counters and
/// revocations key on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

/// A text that is not a fingerprint or a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FingerprintError {
    /// Not a key fingerprint.
    #[error("a key fingerprint is written `SHA256:` and 43 characters of base64")]
    Fingerprint,
    /// Not a document digest.
    #[error("a grant's digest is 64 lower case hexadecimal digits")]
    Digest,
}

impl Fingerprint {
    pub(crate) fn of_blob(blob: &[u8]) -> Self {
        Self(Sha256::digest(blob).into())
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SHA256:{}", Base64Unpadded::encode_string(&self.0))
    }
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        let body =
            text.strip_prefix("SHA256:").filter(|b| b.len() == 43).ok_or(FingerprintError::Fingerprint)?;
        let mut bytes = [0; 32];
        Base64Unpadded::decode(body, &mut bytes).map_err(|_| FingerprintError::Fingerprint)?;
        Ok(Self(bytes))
    }
}

impl Digest {
    /// The digest of a document's bytes.
    #[must_use]
    pub fn of(document: &[u8]) -> Self {
        Self(Sha256::digest(document).into())
    }

    /// The 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for Digest {
    type Err = FingerprintError;

    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        let digit = |b: u8| match b {
            b'0'..=b'9' => Ok(b - b'0'),
            b'a'..=b'f' => Ok(b - b'a' + 10),
            _ => Err(FingerprintError::Digest),
        };
        let text = text.as_bytes();
        if text.len() != 64 {
            return Err(FingerprintError::Digest);
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_have_one_text() {
        let digest = Digest::of(b"x");
        assert_eq!(digest.to_string().parse::<Digest>().unwrap(), digest);
        assert!(digest.to_string().to_uppercase().parse::<Digest>().is_err());
        let fingerprint = Fingerprint::of_blob(b"x");
        assert_eq!(fingerprint.to_string().parse::<Fingerprint>().unwrap(), fingerprint);
        // The last character carries four bits of padding that must be zero.
        let mut text = fingerprint.to_string();
        text.pop();
        assert!(format!("{text}/").parse::<Fingerprint>().is_err());
    }
}

//! Keys in process, from fixed seeds: ed25519 and ecdsa-p256 (RSA comes from the vectors).

use base64ct::{Base64, Encoding};
use ed25519_dalek::Signer as _;
use grant::PublicKey;

use crate::support::wire::Wire;

/// Something that signs as an SSH key does.
pub(crate) trait Key {
    /// The key's algorithm.
    fn algorithm(&self) -> &'static str;
    /// The public key's fields after the algorithm, as they stand in a key blob and in a certificate.
    fn fields(&self) -> Vec<u8>;
    /// The signature blob over `message`.
    fn sign(&self, message: &[u8]) -> Vec<u8>;

    /// The public key blob.
    fn blob(&self) -> Vec<u8> {
        Wire::new().string(self.algorithm()).raw(&self.fields()).done()
    }

    /// The line of a `.pub` file.
    fn line(&self) -> String {
        format!("{} {}", self.algorithm(), Base64::encode_string(&self.blob()))
    }

    fn public(&self) -> PublicKey {
        PublicKey::parse_line(&self.line()).unwrap()
    }
}

/// An ed25519 key.
pub(crate) struct Ed25519(ed25519_dalek::SigningKey);

/// An ecdsa-p256 key.
pub(crate) struct EcdsaP256(p256::ecdsa::SigningKey);

pub(crate) fn ed25519(seed: u8) -> Ed25519 {
    Ed25519(ed25519_dalek::SigningKey::from_bytes(&[seed; 32]))
}

pub(crate) fn ecdsa(seed: u8) -> EcdsaP256 {
    EcdsaP256(p256_key(seed))
}

pub(crate) fn p256_key(seed: u8) -> p256::ecdsa::SigningKey {
    p256::ecdsa::SigningKey::from_slice(&[seed; 32]).unwrap()
}

/// The point in uncompressed form (SEC 1, section 2.3.3).
pub(crate) fn p256_point(key: &p256::ecdsa::SigningKey) -> Vec<u8> {
    key.verifying_key().to_sec1_point(false).as_bytes().to_vec()
}

/// r and s as RFC 5656 wants them.
pub(crate) fn p256_signature(key: &p256::ecdsa::SigningKey, message: &[u8]) -> Vec<u8> {
    let signature: p256::ecdsa::Signature = key.sign(message);
    let (r, s) = signature.split_bytes();
    Wire::new().mpint(&r).mpint(&s).done()
}

impl Key for Ed25519 {
    fn algorithm(&self) -> &'static str {
        "ssh-ed25519"
    }

    fn fields(&self) -> Vec<u8> {
        Wire::new().string(self.0.verifying_key().as_bytes()).done()
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        Wire::new().string(self.algorithm()).string(self.0.sign(message).to_bytes()).done()
    }
}

impl Key for EcdsaP256 {
    fn algorithm(&self) -> &'static str {
        "ecdsa-sha2-nistp256"
    }

    fn fields(&self) -> Vec<u8> {
        Wire::new().string("nistp256").string(p256_point(&self.0)).done()
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        Wire::new().string(self.algorithm()).string(p256_signature(&self.0, message)).done()
    }
}

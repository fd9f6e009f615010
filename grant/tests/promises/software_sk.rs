//! A FIDO security key in software (PROTOCOL.u2f): it signs whatever it is told to, touched or not.
//!
//! What a real one signs is SHA-256 of the application, flags, counter, SHA-256 of the message. The
//! real `ssh-keygen -Y verify` is the oracle for it, in `openssh.rs`.

use ed25519_dalek::Signer as _;
use sha2::{Digest as _, Sha256};

use crate::support::soft_key::{Key, p256_key, p256_point, p256_signature};
use crate::support::wire::Wire;

/// `SSH_SK_USER_PRESENCE_REQD`: the person touched the key.
pub(crate) const TOUCHED: u8 = 0x01;
/// `SSH_SK_USER_VERIFICATION_REQD`: the person entered a PIN.
pub(crate) const PIN: u8 = 0x04;

enum Inner {
    Ed25519(ed25519_dalek::SigningKey),
    Ecdsa(p256::ecdsa::SigningKey),
}

/// A security key that says of itself what a test wants it to say.
pub(crate) struct SoftwareSk {
    inner: Inner,
    application: &'static str,
    flags: u8,
    counter: u32,
}

pub(crate) fn sk_ed25519(seed: u8, flags: u8) -> SoftwareSk {
    let inner = Inner::Ed25519(ed25519_dalek::SigningKey::from_bytes(&[seed; 32]));
    SoftwareSk { inner, application: "ssh:", flags, counter: 7 }
}

pub(crate) fn sk_ecdsa(seed: u8, flags: u8) -> SoftwareSk {
    SoftwareSk { inner: Inner::Ecdsa(p256_key(seed)), application: "ssh:", flags, counter: 7 }
}

impl SoftwareSk {
    pub(crate) fn counter(mut self, counter: u32) -> Self {
        self.counter = counter;
        self
    }

    pub(crate) fn application(mut self, application: &'static str) -> Self {
        self.application = application;
        self
    }
}

impl Key for SoftwareSk {
    fn algorithm(&self) -> &'static str {
        match self.inner {
            Inner::Ed25519(_) => "sk-ssh-ed25519@openssh.com",
            Inner::Ecdsa(_) => "sk-ecdsa-sha2-nistp256@openssh.com",
        }
    }

    fn fields(&self) -> Vec<u8> {
        let point = match &self.inner {
            Inner::Ed25519(key) => Wire::new().string(key.verifying_key().as_bytes()),
            Inner::Ecdsa(key) => Wire::new().string("nistp256").string(p256_point(key)),
        };
        point.string(self.application).done()
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let signed = Wire::new()
            .raw(&Sha256::digest(self.application))
            .raw(&[self.flags])
            .u32(self.counter)
            .raw(&Sha256::digest(message))
            .done();
        let signature = match &self.inner {
            Inner::Ed25519(key) => key.sign(&signed).to_bytes().to_vec(),
            Inner::Ecdsa(key) => p256_signature(key, &signed),
        };
        let blob = Wire::new().string(self.algorithm()).string(signature);
        blob.raw(&[self.flags]).u32(self.counter).done()
    }
}

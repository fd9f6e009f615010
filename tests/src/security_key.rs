//! A FIDO key in software: `sk-ssh-ed25519@openssh.com` (PROTOCOL.u2f), with a finger that may stay away.

use sha2::{Digest, Sha256};
use signature::Signer;
use ssh_key::private::Ed25519Keypair;

use crate::wire::Writer;

const TYPE: &str = "sk-ssh-ed25519@openssh.com";
const APPLICATION: &str = "ssh:";
const TOUCHED: u8 = 0x01;

/// One key.
#[derive(Debug)]
pub struct SecurityKey {
    pair: Ed25519Keypair,
}

impl SecurityKey {
    /// A new key.
    ///
    /// # Panics
    /// When the kernel has no random bytes.
    #[must_use]
    pub fn make() -> Self {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).expect("random bytes");
        Self { pair: Ed25519Keypair::from_seed(&seed) }
    }

    /// Its public half, one line.
    #[must_use]
    pub fn public_line(&self) -> String {
        use base64ct::{Base64, Encoding};
        format!("{TYPE} {} fido", Base64::encode_string(&self.public_blob()))
    }

    /// The armored SSHSIG over `message` in `namespace`, as `ssh-keygen -Y sign` writes it.
    ///
    /// # Panics
    /// When signing fails.
    #[must_use]
    pub fn sign(&self, namespace: &str, message: &[u8], touched: bool) -> String {
        let hash = ssh_key::HashAlg::Sha512;
        let data = ssh_key::SshSig::signed_data(namespace, hash, message).expect("the bytes of an SSHSIG");
        let flags = if touched { TOUCHED } else { 0 };
        let counter: u32 = 7;
        let mut device = Writer::default();
        device.raw(Sha256::digest(APPLICATION)).raw([flags]).number(counter).raw(Sha256::digest(&data));
        let raw = self.pair.try_sign(&device.bytes()).expect("signs");
        let mut signature = Writer::default();
        signature.string(TYPE).string(raw.as_bytes()).raw([flags]).number(counter);
        let mut sshsig = Writer::default();
        sshsig.raw("SSHSIG").number(1).string(self.public_blob()).string(namespace).string("");
        sshsig.string("sha512").string(signature.bytes());
        armored(&sshsig.bytes())
    }

    fn public_blob(&self) -> Vec<u8> {
        let mut blob = Writer::default();
        blob.string(TYPE).string(self.pair.public.0).string(APPLICATION);
        blob.bytes()
    }
}

fn armored(bytes: &[u8]) -> String {
    use base64ct::{Base64, Encoding};
    let base64 = Base64::encode_string(bytes);
    let mut text = String::from("-----BEGIN SSH SIGNATURE-----\n");
    for line in base64.as_bytes().chunks(70) {
        text += &String::from_utf8_lossy(line);
        text.push('\n');
    }
    text + "-----END SSH SIGNATURE-----\n"
}

//! An OpenSSH certificate for an ed25519 key as its fields (PROTOCOL.certkeys), every one of them free to be wrong.
//!
//! The product's own encoder sorts, checks and refuses; a forger does not.

use base64ct::{Base64, Encoding};
use signature::Signer;
use ssh_key::PrivateKey;

use crate::wire::{Reader, Writer};

/// The certificate type of every forgery.
pub const TYPE: &str = "ssh-ed25519-cert-v01@openssh.com";

/// A user certificate.
pub const USER: u32 = 1;

/// A host certificate.
pub const HOST: u32 = 2;

/// The fields, in the order of the encoding.
#[derive(Clone, Debug)]
pub struct RawCertificate {
    /// Random bytes.
    pub nonce: Vec<u8>,
    /// The certified ed25519 public key, 32 bytes.
    pub key: Vec<u8>,
    /// The serial.
    pub serial: u64,
    /// [`USER`] or [`HOST`].
    pub kind: u32,
    /// The key id.
    pub key_id: String,
    /// The principals.
    pub principals: Vec<String>,
    /// The first second of validity.
    pub valid_after: u64,
    /// The first second after it.
    pub valid_before: u64,
    /// Critical options: name and text.
    pub options: Vec<(String, String)>,
    /// Extensions: name and text.
    pub extensions: Vec<(String, String)>,
}

impl RawCertificate {
    /// Reads a certificate that the product made.
    ///
    /// # Panics
    /// When the bytes are not an ed25519 certificate.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Self {
        let mut reader = Reader(bytes);
        assert_eq!(reader.string(), TYPE.as_bytes(), "an ed25519 certificate");
        Self {
            nonce: reader.string().to_vec(),
            key: reader.string().to_vec(),
            serial: reader.long(),
            kind: reader.number(),
            key_id: text(reader.string()),
            principals: texts(reader.string()),
            valid_after: reader.long(),
            valid_before: reader.long(),
            options: pairs(reader.string()),
            extensions: pairs(reader.string()),
        }
    }

    /// Reads a `-cert.pub` file's text.
    ///
    /// # Panics
    /// When the text is not an ed25519 certificate.
    #[must_use]
    pub fn read_line(line: &str) -> Self {
        Self::read(&blob(line))
    }

    /// Replaces the text of an extension.
    ///
    /// # Panics
    /// When there is none of that name.
    pub fn set_extension(&mut self, name: &str, text: impl Into<String>) {
        let place = self.extensions.iter_mut().find(|(given, _)| given == name);
        place.expect("the certificate has the extension").1 = text.into();
    }

    /// Removes an extension.
    pub fn drop_extension(&mut self, name: &str) {
        self.extensions.retain(|(given, _)| given != name);
    }

    /// The bytes, signed by `ca_key`.
    #[must_use]
    pub fn sign(&self, ca_key: &PrivateKey) -> Vec<u8> {
        let mut body = Writer::default();
        body.string(TYPE).string(&self.nonce).string(&self.key).long(self.serial).number(self.kind);
        body.string(&self.key_id)
            .string(strings(&self.principals))
            .long(self.valid_after)
            .long(self.valid_before);
        body.string(written(&self.options)).string(written(&self.extensions)).string("");
        body.string(ca_key.public_key().to_bytes().expect("encodes the CA key"));
        let signature = ca_key.try_sign(&body.bytes()).expect("signs with the CA key");
        let mut signed = Writer::default();
        signed.string(signature.algorithm().as_str()).string(signature.as_bytes());
        body.string(signed.bytes()).bytes()
    }

    /// The `-cert.pub` line, signed by `ca_key`.
    #[must_use]
    pub fn sign_line(&self, ca_key: &PrivateKey) -> String {
        line(&self.sign(ca_key))
    }
}

/// The `-cert.pub` line of certificate bytes.
#[must_use]
pub fn line(bytes: &[u8]) -> String {
    format!("{TYPE} {} forged\n", Base64::encode_string(bytes))
}

/// The bytes of a `-cert.pub` line.
///
/// # Panics
/// When the line is not one.
#[must_use]
pub fn blob(line: &str) -> Vec<u8> {
    let base64 = line.split_ascii_whitespace().nth(1).expect("TYPE BASE64");
    Base64::decode_vec(base64).expect("base64")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn texts(bytes: &[u8]) -> Vec<String> {
    let mut reader = Reader(bytes);
    let mut texts = Vec::new();
    while !reader.is_empty() {
        texts.push(text(reader.string()));
    }
    texts
}

fn pairs(bytes: &[u8]) -> Vec<(String, String)> {
    let mut reader = Reader(bytes);
    let mut pairs = Vec::new();
    while !reader.is_empty() {
        let name = text(reader.string());
        let value = reader.string();
        pairs.push((name, if value.is_empty() { String::new() } else { text(Reader(value).string()) }));
    }
    pairs
}

fn strings(texts: &[String]) -> Vec<u8> {
    let mut writer = Writer::default();
    for text in texts {
        writer.string(text);
    }
    writer.bytes()
}

/// PROTOCOL.certkeys: each value is a string inside a string, and an empty one is nothing at all.
fn written(pairs: &[(String, String)]) -> Vec<u8> {
    let mut writer = Writer::default();
    for (name, value) in pairs {
        writer.string(name);
        let mut inner = Writer::default();
        if !value.is_empty() {
            inner.string(value);
        }
        writer.string(inner.bytes());
    }
    writer.bytes()
}

//! A thief has a CA key that the host trusts, and signs whatever comes in. Whatever she signs, only the grant that was
//! approved is allowed: so everything behind the CA's signature is fuzzed too.
#![no_main]

use std::sync::LazyLock;

use ed25519_dalek::{Signer as _, SigningKey};
use fuzz::{DOCUMENT, SCENE, assert_canonical, assert_sane};
use grant::{PublicKey, Trust, Verdict, decide};
use libfuzzer_sys::fuzz_target;

/// The stolen key, and a host that trusts it.
static THEFT: LazyLock<(SigningKey, Vec<u8>, Trust)> = LazyLock::new(|| {
    let key = SigningKey::from_bytes(&[66; 32]);
    let blob = [string(b"ssh-ed25519"), string(key.verifying_key().as_bytes())].concat();
    let line = format!("ssh-ed25519 {}", <base64ct::Base64 as base64ct::Encoding>::encode_string(&blob));
    let mut trust = SCENE.trust.clone();
    trust.ca_keys = vec![PublicKey::parse_line(&line).expect("the thief's key")];
    (key, blob, trust)
});

fn string(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).expect("short");
    [&length.to_be_bytes(), bytes].concat()
}

// The input is a certificate up to the CA's key (PROTOCOL.certkeys).
fuzz_target!(|fields: &[u8]| {
    let (key, blob, trust) = &*THEFT;
    let signed = [fields, &string(blob)].concat();
    let signature = [string(b"ssh-ed25519"), string(&key.sign(&signed).to_bytes())].concat();
    let certificate = [signed, string(&signature)].concat();
    match decide(&certificate, trust, &SCENE.login, SCENE.now) {
        Verdict::Allow(terms) => {
            assert_canonical(DOCUMENT.as_bytes(), &terms.grant);
            assert!(terms.grant.keys.contains(&terms.key));
            assert!(!terms.approved_by.is_empty());
            assert!(SCENE.now < terms.valid_before && terms.valid_before <= terms.grant.window.closes());
        }
        Verdict::Refuse(refusal) => assert_sane(&refusal.reason),
    }
});

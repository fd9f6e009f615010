//! A certificate blob, as a client sends it. Nothing is allowed but the certificates that the CAs made, byte for byte.
#![no_main]

use fuzz::{SCENE, assert_canonical, assert_sane};
use grant::{Certificate, Verdict};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|blob: &[u8]| {
    match SCENE.decide(blob) {
        Verdict::Allow(terms) => {
            assert!(SCENE.allows(blob));
            assert_canonical(fuzz::DOCUMENT.as_bytes(), &terms.grant);
        }
        Verdict::Refuse(refusal) => {
            assert!(!SCENE.allows(blob));
            assert_sane(&refusal.reason);
        }
    }
    // What is shown of a certificate before anybody believes it.
    if let Ok(certificate) = Certificate::read(blob) {
        assert_eq!(certificate.unverified().to_bytes().ok().as_deref(), Some(blob));
        match certificate.unverified_grant() {
            Ok(grant) => assert_canonical(grant.render().as_bytes(), &grant),
            Err(reason) => assert_sane(&reason),
        }
    }
});

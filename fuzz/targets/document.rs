//! A grant document. What parses is exactly what it renders; what does not is refused in one line.
#![no_main]

use fuzz::{assert_canonical, assert_one_line};
use grant::{Digest, Grant};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|document: &[u8]| {
    match Grant::parse(document) {
        Ok(grant) => {
            assert_canonical(document, &grant);
            assert_eq!(grant.digest(), Digest::of(document));
            assert!(!grant.principals().is_empty());
            assert!(grant.principals().iter().all(|principal| principal.split('@').count() == 2));
            assert!(grant.window.opens() < grant.window.closes());
            assert!(grant.approvals >= 1);
            assert_one_line(
                document
                    .split(|b| *b == b'\n')
                    .nth(16)
                    .map(|l| str::from_utf8(l).expect("UTF-8"))
                    .expect("a reason"),
            );
        }
        Err(error) => assert_one_line(&error.to_string()),
    }
});

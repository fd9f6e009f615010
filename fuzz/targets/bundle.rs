//! A trust bundle, before and behind its signature: no panic, no second spelling, one clear line.

#![no_main]

use fuzz::assert_one_line;
use grant::{Bundle, SignedBundle};
use libfuzzer_sys::fuzz_target;

/// The one that is signed.
const VECTOR: &[u8] = include_bytes!("../../grant/tests/golden/db1.bundle");

fuzz_target!(|data: &[u8]| {
    match SignedBundle::read(data) {
        Ok(signed) => assert!(data == VECTOR && signed.to_file().as_bytes() == data, "a forged bundle"),
        Err(error) => assert_one_line(&error.to_string()),
    }
    match Bundle::parse(data) {
        Ok(bundle) => assert_eq!(bundle.render().as_bytes(), data),
        Err(error) => assert_one_line(&error.to_string()),
    }
});

//! A revoked list. What it says survives being written again, and a part of a list is no list.
#![no_main]

use fuzz::assert_one_line;
use grant::Revoked;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match Revoked::parse(text) {
        Ok(list) => {
            assert_eq!(Revoked::parse(&list.render()), Ok(list));
            // Without its last line, or without the last byte, it is cut off.
            let end = text.trim_end_matches('\n').rfind('\n').map_or(0, |at| at + 1);
            assert!(Revoked::parse(&text[..end]).is_err());
            assert!(Revoked::parse(&text[..text.len() - 1]).is_err());
        }
        Err(error) => assert_one_line(&error.to_string()),
    }
});

//! An approvers file. What it says survives being written again, and no key stands in it twice.
#![no_main]

use std::collections::BTreeSet;

use fuzz::assert_one_line;
use grant::Approvers;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match Approvers::parse(text) {
        Ok(approvers) => {
            let keys: BTreeSet<_> = approvers.iter().map(|approver| approver.key.fingerprint()).collect();
            assert_eq!(keys.len(), approvers.iter().count());
            let lines: String = approvers.iter().map(|approver| approver.to_line() + "\n").collect();
            let again = Approvers::parse(&lines).expect("what we write, we read");
            assert!(again.iter().eq(approvers.iter()));
        }
        Err(error) => assert_one_line(&error.to_string()),
    }
});

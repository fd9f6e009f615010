//! SSH_AUTH_INFO_0. A certificate that is found stands in it as base64, and is allowed only if a CA made it.
#![no_main]

use base64ct::{Base64, Encoding};
use fuzz::{SCENE, assert_sane};
use grant::{AuthInfo, Verdict};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|value: &[u8]| {
    match AuthInfo::parse(value) {
        Ok(AuthInfo { certificate }) => {
            let text = str::from_utf8(value).expect("what sshd writes is text");
            let algorithm = |line: &str| Some(line.strip_prefix("publickey ")?.split(' ').next()?.to_owned());
            let certified =
                |line: &&str| algorithm(line).is_some_and(|a| a.ends_with("-cert-v01@openssh.com"));
            let ours: Vec<_> = text.lines().filter(certified).collect();
            assert_eq!(ours.len(), 1);
            assert!(ours[0].ends_with(&format!(" {}", Base64::encode_string(&certificate))));
            let allowed = matches!(SCENE.decide(&certificate), Verdict::Allow(_));
            assert_eq!(allowed, SCENE.allows(&certificate));
        }
        Err(reason) => assert_sane(&reason),
    }
});

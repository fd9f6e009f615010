//! What sshd tells PAM about the authentication: the variable `SSH_AUTH_INFO_0`.
//!
//! One line a completed method: `publickey ALGORITHM BASE64`, or another method's name alone. sshd
//! writes it, but the key bytes in it are the client's, so they are bounded before they are decoded.

use base64ct::{Base64, Encoding};

use crate::limits;
use crate::reason::Reason;

/// The certificate that the person proved to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthInfo {
    /// The certificate blob.
    pub certificate: Vec<u8>,
}

impl AuthInfo {
    /// Finds the one certificate in the variable's value.
    ///
    /// # Errors
    /// [`Reason::NoCertificate`] if there is none, [`Reason::TwoCertificates`] if there are more,
    /// [`Reason::AuthInfo`] if the value is not what sshd writes.
    pub fn parse(value: &[u8]) -> Result<Self, Reason> {
        if value.len() > limits::AUTH_INFO {
            return Err(Reason::AuthInfo);
        }
        let text = std::str::from_utf8(value).map_err(|_| Reason::AuthInfo)?;
        let mut found = None;
        for line in text.split('\n').filter(|line| !line.is_empty()) {
            if line.chars().any(|c| !c.is_ascii() || c.is_ascii_control()) {
                return Err(Reason::AuthInfo);
            }
            let Some(key) = line.strip_prefix("publickey ") else { continue };
            let (algorithm, base64) = key.split_once(' ').ok_or(Reason::AuthInfo)?;
            if !algorithm.ends_with("-cert-v01@openssh.com") {
                continue;
            }
            let certificate = Base64::decode_vec(base64).map_err(|_| Reason::AuthInfo)?;
            if found.replace(Self { certificate }).is_some() {
                return Err(Reason::TwoCertificates);
            }
        }
        found.ok_or(Reason::NoCertificate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CERT: &str = "publickey ssh-ed25519-cert-v01@openssh.com AAAA";

    #[test]
    fn exactly_one_certificate_is_found() {
        assert_eq!(AuthInfo::parse(CERT.as_bytes()).unwrap().certificate, [0, 0, 0]);
        assert_eq!(AuthInfo::parse(format!("{CERT}\n").as_bytes()).unwrap().certificate, [0, 0, 0]);
        assert_eq!(AuthInfo::parse(b""), Err(Reason::NoCertificate));
        assert_eq!(AuthInfo::parse(b"password\n"), Err(Reason::NoCertificate));
        assert_eq!(AuthInfo::parse(b"publickey ssh-ed25519 AAAA"), Err(Reason::NoCertificate));
        assert_eq!(AuthInfo::parse(format!("{CERT}\n{CERT}").as_bytes()), Err(Reason::TwoCertificates));
    }

    #[test]
    fn anything_else_than_sshd_writes_is_refused() {
        for bad in [
            &b"publickey x"[..],
            b"publickey ssh-ed25519-cert-v01@openssh.com A",
            b"\xff",
            b"pass\x07word",
            b"publickey ssh-ed25519-cert-v01@openssh.com AAAA AAAA",
        ] {
            assert_eq!(AuthInfo::parse(bad), Err(Reason::AuthInfo), "{bad:?}");
        }
        assert_eq!(AuthInfo::parse(&vec![b'a'; limits::AUTH_INFO + 1]), Err(Reason::AuthInfo));
    }
}

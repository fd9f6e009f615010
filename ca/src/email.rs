//! A person's e-mail address: checked enough to be shown and logged safely.
//!
//! Not RFC 5322: quoted local parts, comments and internationalised addresses are refused. Nothing is ever
//! sent to it by this crate; it tells an administrator whom to write to.

use std::fmt;
use std::str::FromStr;

use crate::limits;

/// `local@domain` in printable ASCII, without blanks, quotes or angle brackets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email(String);

/// Not an e-mail address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an e-mail address like jo@acme.example")]
pub struct EmailError;

impl Email {
    /// The address as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Email {
    type Err = EmailError;

    fn from_str(text: &str) -> Result<Self, EmailError> {
        let plain = |b: u8| b.is_ascii_graphic() && !b"\"'<>()[]\\,:;@".contains(&b);
        let fits = text.len() <= limits::EMAIL
            && text.split_once('@').is_some_and(|(local, domain)| {
                !local.is_empty()
                    && !domain.is_empty()
                    && local.bytes().all(plain)
                    && domain.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b))
            });
        if fits { Ok(Self(text.to_owned())) } else { Err(EmailError) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_is_no_address() {
        assert!("jo.doe+x@acme.example".parse::<Email>().is_ok());
        for bad in
            ["", "jo", "@acme", "jo@", "jo@a@b", "j o@acme", "jo\n@acme", "jo\u{202e}@acme", "<jo@acme>"]
        {
            assert!(bad.parse::<Email>().is_err(), "{bad:?}");
        }
    }
}

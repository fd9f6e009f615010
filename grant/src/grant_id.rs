//! The short name of a grant, `G-7F3K9Q`, made to be read aloud.
//!
//! The alphabet leaves out 0 1 I L O U. The id is a label for people; whatever is counted or revoked
//! keys on the document's digest.

use std::fmt;
use std::str::FromStr;

use crate::name::NameError;

const ALPHABET: &[u8; 30] = b"23456789ABCDEFGHJKMNPQRSTVWXYZ";
const PREFIX: &str = "G-";
const LENGTH: usize = 6;

/// A grant's id: `G-` and six characters of `23456789ABCDEFGHJKMNPQRSTVWXYZ`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GrantId(String);

impl GrantId {
    /// An id from random bytes. The tiny bias of the remainder does not matter: an id is no secret.
    #[must_use]
    pub fn from_random(random: &[u8; LENGTH]) -> Self {
        let body = random.iter().map(|b| char::from(ALPHABET[usize::from(*b) % ALPHABET.len()]));
        Self(PREFIX.chars().chain(body).collect())
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for GrantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for GrantId {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let body = text.strip_prefix(PREFIX).unwrap_or_default();
        if body.len() == LENGTH && body.bytes().all(|b| ALPHABET.contains(&b)) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NameError::new("a grant id", text, "written like G-7F3K9Q, without 0 1 I L O U"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_no_characters_that_can_be_mixed_up() {
        for byte in 0..=255 {
            let id = GrantId::from_random(&[byte; LENGTH]);
            assert!(!id.as_str()[2..].contains(['0', '1', 'I', 'L', 'O', 'U']), "{id}");
            assert_eq!(id.as_str().parse::<GrantId>().unwrap(), id);
        }
        for bad in ["G-7F3K9", "G-7F3K9QQ", "7F3K9Q", "g-7f3k9q", "G-7F3K90", ""] {
            assert!(bad.parse::<GrantId>().is_err(), "{bad}");
        }
    }
}

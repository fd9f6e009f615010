//! The two texts that people write into a grant: the reason and the ticket.
//!
//! An approver decides by what she reads, so the reason may hold nothing that shows otherwise than it
//! is: no control, bidirectional, invisible or separator characters, no blanks at its ends.

use std::fmt;
use std::str::FromStr;

use crate::limits;

/// Why access is needed: one line of 1 to 500 bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReasonText(String);

/// A tracker's number, for example `OPS-1234`: 1 to 64 of letters, digits and `-_.#/:`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(String);

/// What is wrong with a reason or a ticket.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FreeTextError {
    /// Nothing was written.
    #[error("a reason is needed: say why in one line")]
    Empty,
    /// Longer than [`limits::REASON`].
    #[error("the reason has {0} bytes, at most {max} fit", max = limits::REASON)]
    TooLong(usize),
    /// A character that hides or reorders what is read.
    #[error(
        "the reason holds the character U+{code:04X} at position {at}, which could show otherwise than it is"
    )]
    Hidden {
        /// The character's code point.
        code: u32,
        /// Where it stands, counted in characters from 1.
        at: usize,
    },
    /// A blank at the beginning or the end.
    #[error("the reason begins or ends with a blank")]
    Blank,
    /// Not a ticket number.
    #[error("a ticket is 1 to 64 of letters, digits and - _ . # / : and begins with a letter, a digit or #")]
    Ticket,
}

/// Characters that are not shown, or change how others are shown (Unicode TR36, TR9).
fn hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
            | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{2800}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}'
            | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFF}' | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}'
            | '\u{E0000}'..='\u{E0FFF}' | '\u{E000}'..='\u{F8FF}' | '\u{F0000}'..='\u{10FFFF}')
        || (c.is_whitespace() && c != ' ')
}

impl ReasonText {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ReasonText {
    type Err = FreeTextError;

    fn from_str(text: &str) -> Result<Self, FreeTextError> {
        if text.is_empty() {
            return Err(FreeTextError::Empty);
        }
        if text.len() > limits::REASON {
            return Err(FreeTextError::TooLong(text.len()));
        }
        if let Some((index, c)) = text.chars().enumerate().find(|(_, c)| hidden(*c)) {
            return Err(FreeTextError::Hidden { code: c.into(), at: index + 1 });
        }
        if text.starts_with(' ') || text.ends_with(' ') {
            return Err(FreeTextError::Blank);
        }
        Ok(Self(text.to_owned()))
    }
}

impl Ticket {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Ticket {
    type Err = FreeTextError;

    fn from_str(text: &str) -> Result<Self, FreeTextError> {
        let ok = text.len() <= limits::TICKET
            && text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '#')
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.#/:".contains(&b));
        if ok { Ok(Self(text.to_owned())) } else { Err(FreeTextError::Ticket) }
    }
}

impl fmt::Display for ReasonText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_shows_what_it_is() {
        assert!("Wartung der Datenbank: Rückgabe 42 € (siehe Ticket)".parse::<ReasonText>().is_ok());
        assert!("データベースの保守".parse::<ReasonText>().is_ok());
        for hostile in [
            "a\nb",
            "a\u{202e}b",
            "a\u{200b}b",
            "a\tb",
            "a\u{2066}b",
            "a\u{0}b",
            "a\u{85}b",
            "a\u{feff}",
            "a\u{e0041}b",
            "a\u{a0}b",
        ] {
            assert!(
                matches!(hostile.parse::<ReasonText>(), Err(FreeTextError::Hidden { .. })),
                "{hostile:?}"
            );
        }
        assert_eq!(" a".parse::<ReasonText>(), Err(FreeTextError::Blank));
        assert_eq!("".parse::<ReasonText>(), Err(FreeTextError::Empty));
        assert_eq!("a".repeat(501).parse::<ReasonText>(), Err(FreeTextError::TooLong(501)));
    }

    #[test]
    fn a_ticket_is_a_plain_word() {
        assert!("OPS-1234".parse::<Ticket>().is_ok());
        assert!("#17".parse::<Ticket>().is_ok());
        for bad in ["", "-", "a b", "ä", "a\n"] {
            assert!(bad.parse::<Ticket>().is_err(), "{bad:?}");
        }
    }
}

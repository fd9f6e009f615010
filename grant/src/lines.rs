//! Reads `key: value` lines in a fixed order, and says where a document is wrong.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::str::FromStr;

use crate::limits;

/// Why bytes are not a grant document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// More bytes than [`limits::DOCUMENT`].
    #[error("the grant document has {0} bytes, at most {max} fit", max = limits::DOCUMENT)]
    TooLong(usize),
    /// Not UTF-8; the offset of the first wrong byte.
    #[error("the grant document is not UTF-8 at byte {0}")]
    Encoding(usize),
    /// The first line is something else.
    #[error("not a grant document: its first line is not `pam-jit grant 1`")]
    NotADocument,
    /// A version that this program does not know.
    #[error("the grant document has version `{}`, and only version 1 is known here", .0.escape_debug())]
    Version(String),
    /// The line with this key is not where it belongs.
    #[error("line {line} of the grant document is not `{key}: ...`")]
    Missing {
        /// Counted from 1.
        line: usize,
        /// The key that belongs here.
        key: &'static str,
    },
    /// The line's value is not acceptable.
    #[error("line {line} of the grant document, `{key}`: {why}")]
    Value {
        /// Counted from 1.
        line: usize,
        /// The line's key.
        key: &'static str,
        /// What is wrong.
        why: String,
    },
    /// Fields that do not hold together.
    #[error("the grant's `{key}`: {why}")]
    Field {
        /// The field's key in the document.
        key: &'static str,
        /// What is wrong.
        why: String,
    },
    /// The meaning is clear, but it is not written in the one allowed way.
    #[error("line {0} of the grant document is not in canonical form")]
    NotCanonical(usize),
    /// Something follows the last line, or its newline is missing.
    #[error("the grant document does not end after its last line")]
    End,
}

/// A cursor over lines that end with LF.
pub(crate) struct Lines<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Lines<'a> {
    pub(crate) fn of(text: &'a str) -> Self {
        Self { rest: text, line: 0 }
    }

    fn next(&mut self) -> Option<&'a str> {
        let (line, rest) = self.rest.split_once('\n')?;
        self.rest = rest;
        self.line += 1;
        Some(line)
    }

    pub(crate) fn first(&mut self) -> Result<&'a str, DocumentError> {
        self.next().ok_or(DocumentError::NotADocument)
    }

    fn value(&mut self, key: &'static str) -> Result<&'a str, DocumentError> {
        let missing = DocumentError::Missing { line: self.line + 1, key };
        // What is left has no newline: the line's own, if it begins as it should.
        let cut = self.rest.starts_with(key);
        let line = self.next().ok_or(if cut { DocumentError::End } else { missing.clone() })?;
        line.strip_prefix(key).and_then(|rest| rest.strip_prefix(": ")).ok_or(missing)
    }

    /// An error about the line that was read last.
    pub(crate) fn wrong(&self, key: &'static str, why: &dyn Display) -> DocumentError {
        DocumentError::Value { line: self.line, key, why: why.to_string() }
    }

    pub(crate) fn one<T>(&mut self, key: &'static str) -> Result<T, DocumentError>
    where
        T: FromStr<Err: Display>,
    {
        let value = self.value(key)?;
        value.parse().map_err(|e: T::Err| self.wrong(key, &e))
    }

    pub(crate) fn optional<T>(&mut self, key: &'static str, none: &str) -> Result<Option<T>, DocumentError>
    where
        T: FromStr<Err: Display>,
    {
        match self.value(key)? {
            value if value == none => Ok(None),
            value => value.parse().map(Some).map_err(|e: T::Err| self.wrong(key, &e)),
        }
    }

    pub(crate) fn set<T>(&mut self, key: &'static str) -> Result<BTreeSet<T>, DocumentError>
    where
        T: FromStr<Err: Display> + Ord,
    {
        let value = self.value(key)?;
        if value == "-" {
            return Ok(BTreeSet::new());
        }
        let mut set = BTreeSet::new();
        for part in value.split(',') {
            if !set.insert(part.parse().map_err(|e: T::Err| self.wrong(key, &e))?) {
                return Err(self.wrong(key, &"a value stands twice"));
            }
        }
        Ok(set)
    }

    pub(crate) fn end(self) -> Result<(), DocumentError> {
        if self.rest.is_empty() { Ok(()) } else { Err(DocumentError::End) }
    }
}

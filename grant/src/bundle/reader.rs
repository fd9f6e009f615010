//! Reads a bundle's `key: value` lines in a fixed order, and says where it is wrong.

use std::collections::BTreeSet;
use std::fmt::Display;

use super::{BundleError, FromStr, VERSION_LINE};

/// What every version's first line begins with.
const VERSION_PREFIX: &str = "pam-jit trust ";

/// A cursor over lines that end with LF and hold printable ASCII only.
pub(super) struct Reader<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn of(text: &'a [u8]) -> Result<Self, BundleError> {
        let plain = |byte: &u8| *byte == b'\n' || *byte == b' ' || byte.is_ascii_graphic();
        if let Some(at) = text.iter().position(|byte| !plain(byte)) {
            let line = text.iter().take(at).filter(|byte| **byte == b'\n').count() + 1;
            return Err(BundleError::Byte(line));
        }
        // Printable ASCII is UTF-8.
        let rest = std::str::from_utf8(text).map_err(|_| BundleError::Byte(1))?;
        Ok(Self { rest, line: 0 })
    }

    /// The number of the line that was read last.
    pub(super) fn number(&self) -> usize {
        self.line
    }

    fn next(&mut self) -> Option<&'a str> {
        let (line, rest) = self.rest.split_once('\n')?;
        self.rest = rest;
        self.line += 1;
        Some(line)
    }

    /// The first line.
    pub(super) fn version(&mut self) -> Result<(), BundleError> {
        let first = self.next().ok_or(BundleError::NotABundle)?;
        if first == VERSION_LINE {
            return Ok(());
        }
        Err(match first.strip_prefix(VERSION_PREFIX) {
            Some(version) => BundleError::Version(version.chars().take(16).collect()),
            None => BundleError::NotABundle,
        })
    }

    /// The value of the next line if it has this key.
    pub(super) fn next_if(&mut self, key: &str) -> Option<&'a str> {
        let (line, rest) = self.rest.split_once('\n')?;
        let value = line.strip_prefix(key)?.strip_prefix(": ")?;
        self.rest = rest;
        self.line += 1;
        Some(value)
    }

    pub(super) fn value(&mut self, key: &'static str) -> Result<&'a str, BundleError> {
        self.next_if(key).ok_or(BundleError::Missing { line: self.line + 1, key })
    }

    /// An error about the line that was read last.
    pub(super) fn wrong(&self, key: &'static str, why: &dyn Display) -> BundleError {
        BundleError::Value { line: self.line, key, why: why.to_string() }
    }

    pub(super) fn one<T: FromStr<Err: Display>>(&mut self, key: &'static str) -> Result<T, BundleError> {
        let value = self.value(key)?;
        value.parse().map_err(|e: T::Err| self.wrong(key, &e))
    }

    pub(super) fn set<T>(&mut self, key: &'static str) -> Result<BTreeSet<T>, BundleError>
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

    /// The last line, which counts the ones before it.
    pub(super) fn end(mut self) -> Result<(), BundleError> {
        let count = self.line;
        let counted = self.next_if("end").is_some_and(|value| value == count.to_string());
        if counted && self.rest.is_empty() { Ok(()) } else { Err(BundleError::End(count)) }
    }
}

//! The revoked list of a host: grants, serials, persons and vendors that are over.
//!
//! A text with a first line, the authority, one entry a line, and a last line that counts the
//! entries, so that a truncated list is not a shorter list but an invalid one. Written by
//! `ca revoked`; an empty or missing file refuses vendors.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::str::FromStr;

use crate::fingerprint::{Digest, Fingerprint};
use crate::limits;
use crate::name::{PersonName, VendorName};

const VERSION_LINE: &str = "pam-jit revoked 1";

/// What is revoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revoked {
    /// The authority whose list this is.
    pub authority: Fingerprint,
    /// Grants, by the digest of their document.
    pub grants: BTreeSet<Digest>,
    /// Certificates, by serial.
    pub serials: BTreeSet<u64>,
    /// Persons, with all their grants.
    pub persons: BTreeSet<PersonName>,
    /// Vendors, with all their persons.
    pub vendors: BTreeSet<VendorName>,
}

/// Where a revoked list is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RevokedError {
    /// Larger than [`limits::REVOKED`].
    #[error("the revoked list has more than {} bytes", limits::REVOKED)]
    TooLong,
    /// Another first line, or none.
    #[error("not a revoked list: its first line is not `{VERSION_LINE}`")]
    NotAList,
    /// A line that is not an entry, or stands twice.
    #[error("line {0} of the revoked list is not a new grant, serial, person or vendor")]
    Line(usize),
    /// No last line, or one with another number.
    #[error("the revoked list is truncated: its last line does not count its {0} entries")]
    Truncated(usize),
}

/// Which entry of the list a login met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RevokedAs {
    /// The grant itself.
    Grant,
    /// This certificate.
    Serial,
    /// The person.
    Person,
    /// The vendor.
    Vendor,
}

impl RevokedAs {
    /// The word for messages and records.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Grant => "grant",
            Self::Serial => "certificate",
            Self::Person => "person",
            Self::Vendor => "vendor",
        }
    }
}

impl Revoked {
    /// The list of an authority that has revoked nothing.
    #[must_use]
    pub fn nothing(authority: Fingerprint) -> Self {
        Self {
            authority,
            grants: BTreeSet::new(),
            serials: BTreeSet::new(),
            persons: BTreeSet::new(),
            vendors: BTreeSet::new(),
        }
    }

    /// Reads a list.
    ///
    /// # Errors
    /// [`RevokedError`] names the line that is wrong; nothing of a wrong list counts.
    pub fn parse(text: &str) -> Result<Self, RevokedError> {
        if text.len() > limits::REVOKED {
            return Err(RevokedError::TooLong);
        }
        let mut lines = text.split_inclusive('\n').map(|line| line.strip_suffix('\n')).enumerate();
        let mut next = || lines.next().and_then(|(index, line)| Some((index + 1, line?)));
        if next().map(|(_, line)| line) != Some(VERSION_LINE) {
            return Err(RevokedError::NotAList);
        }
        let authority = next().and_then(|(_, line)| line.strip_prefix("authority: ")?.parse().ok());
        let mut list = Self::nothing(authority.ok_or(RevokedError::Line(2))?);
        let mut count = 0;
        loop {
            let (number, line) = next().ok_or(RevokedError::Truncated(count))?;
            let (key, value) = line.split_once(": ").ok_or(RevokedError::Line(number))?;
            let fresh = match key {
                "grant" => value.parse().is_ok_and(|digest| list.grants.insert(digest)),
                "serial" => canonical(value).is_some_and(|serial| list.serials.insert(serial)),
                "person" => value.parse().is_ok_and(|person| list.persons.insert(person)),
                "vendor" => value.parse().is_ok_and(|vendor| list.vendors.insert(vendor)),
                "end" => {
                    let whole = canonical(value) == Some(count) && next().is_none() && text.ends_with('\n');
                    return if whole { Ok(list) } else { Err(RevokedError::Truncated(count)) };
                }
                _ => false,
            };
            if !fresh {
                return Err(RevokedError::Line(number));
            }
            count += 1;
        }
    }

    /// The text of the list.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = format!("{VERSION_LINE}\nauthority: {}\n", self.authority);
        let mut count = 0_usize;
        let mut line = |key: &str, value: &dyn std::fmt::Display| {
            let _ = writeln!(text, "{key}: {value}");
            count += 1;
        };
        self.grants.iter().for_each(|digest| line("grant", digest));
        self.serials.iter().for_each(|serial| line("serial", serial));
        self.persons.iter().for_each(|person| line("person", person));
        self.vendors.iter().for_each(|vendor| line("vendor", vendor));
        let _ = writeln!(text, "end: {count}");
        text
    }

    /// Whether a login with this grant and certificate meets an entry.
    #[must_use]
    pub fn meets(&self, grant: &Digest, serial: u64, person: &PersonName) -> Option<RevokedAs> {
        if self.grants.contains(grant) {
            Some(RevokedAs::Grant)
        } else if self.serials.contains(&serial) {
            Some(RevokedAs::Serial)
        } else if self.persons.contains(person) {
            Some(RevokedAs::Person)
        } else if self.vendors.contains(&person.vendor()) {
            Some(RevokedAs::Vendor)
        } else {
            None
        }
    }
}

fn canonical<T: FromStr + ToString>(text: &str) -> Option<T> {
    text.parse::<T>().ok().filter(|value| value.to_string() == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list() -> Revoked {
        let mut list = Revoked::nothing(Fingerprint::of_blob(b"root"));
        list.grants.insert(Digest::of(b"document"));
        list.serials.extend([7, 9]);
        list.persons.insert("acme/jo".parse().unwrap());
        list.vendors.insert("umbrella".parse().unwrap());
        list
    }

    #[test]
    fn a_list_round_trips() {
        assert_eq!(Revoked::parse(&list().render()), Ok(list()));
        let nothing = Revoked::nothing(Fingerprint::of_blob(b"root"));
        assert_eq!(Revoked::parse(&nothing.render()), Ok(nothing));
    }

    #[test]
    fn a_truncated_list_is_no_list() {
        let text = list().render();
        for end in 0..text.len() {
            assert!(Revoked::parse(&text[..end]).is_err(), "{end}");
        }
        for (index, _) in text.lines().enumerate() {
            let fewer: String = text
                .lines()
                .enumerate()
                .filter(|(i, _)| *i != index)
                .map(|(_, l)| format!("{l}\n"))
                .collect();
            assert!(Revoked::parse(&fewer).is_err(), "without line {index}");
        }
    }

    #[test]
    fn every_kind_of_entry_is_met() {
        let (list, other) = (list(), Digest::of(b"other"));
        let (jo, al, eve) =
            ("acme/jo".parse().unwrap(), "acme/al".parse().unwrap(), "umbrella/eve".parse().unwrap());
        assert_eq!(list.meets(&Digest::of(b"document"), 1, &al), Some(RevokedAs::Grant));
        assert_eq!(list.meets(&other, 7, &al), Some(RevokedAs::Serial));
        assert_eq!(list.meets(&other, 8, &jo), Some(RevokedAs::Person));
        assert_eq!(list.meets(&other, 8, &eve), Some(RevokedAs::Vendor));
        assert_eq!(list.meets(&other, 8, &al), None);
    }
}

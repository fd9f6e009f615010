//! A door: one way in that a vendor must not have, or one thing that must stand for the doors to be
//! shut. And a finding: a door that is open on this host.
//!
//! A door has a number that never changes its meaning, so that a finding can be looked up, excepted
//! and counted. Each area of the check keeps its own doors beside the code that looks at them.

use std::collections::BTreeSet;

use serde::Serialize;

/// How bad an open door is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// A vendor can enter or do something without a grant, or nobody can enter as promised.
    Error,
    /// Nothing is open by this alone, but somebody should look.
    Warning,
}

impl Severity {
    /// The word that a report shows.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// A kind of finding.
#[derive(Debug, PartialEq, Eq)]
pub struct Door {
    /// Its number; hundreds are the area.
    pub number: u16,
    /// How bad it is when open.
    pub severity: Severity,
    /// What is the case, in a few words.
    pub title: &'static str,
    /// What that means.
    pub meaning: &'static str,
    /// How to mend it.
    pub mend: &'static str,
}

impl Door {
    /// A door whose being open is an error.
    #[must_use]
    pub const fn error(number: u16, title: &'static str, meaning: &'static str, mend: &'static str) -> Self {
        Self { number, severity: Severity::Error, title, meaning, mend }
    }

    /// A door whose being open is a warning.
    #[must_use]
    pub const fn warning(
        number: u16,
        title: &'static str,
        meaning: &'static str,
        mend: &'static str,
    ) -> Self {
        Self { number, severity: Severity::Warning, title, meaning, mend }
    }

    /// The finding that this door is open; `detail` says what was seen, in words fit for a terminal.
    #[must_use]
    pub fn open(&'static self, detail: impl Into<String>) -> Finding {
        Finding { door: self, detail: printable(&detail.into()), accounts: BTreeSet::new() }
    }
}

/// An open door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which.
    pub door: &'static Door,
    /// What was seen.
    pub detail: String,
    /// The vendor accounts it concerns; none means the whole host.
    pub accounts: BTreeSet<String>,
}

impl Finding {
    /// The finding, concerning one account.
    #[must_use]
    pub fn about(mut self, account: &str) -> Self {
        self.accounts.insert(printable(account));
        self
    }
}

/// Findings in order of number, the same finding about several accounts as one.
#[must_use]
pub fn merged(findings: Vec<Finding>) -> Vec<Finding> {
    let mut all: Vec<Finding> = Vec::new();
    for finding in findings {
        match all.iter_mut().find(|f| f.door.number == finding.door.number && f.detail == finding.detail) {
            Some(same) => same.accounts.extend(finding.accounts),
            None => all.push(finding),
        }
    }
    all.sort_by(|a, b| (a.door.number, &a.detail).cmp(&(b.door.number, &b.detail)));
    all
}

/// Printable ASCII as it is, the rest escaped: what configuration files say never steers a terminal.
#[must_use]
pub fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c == ' ' || c.is_ascii_graphic() { out.push(c) } else { out.extend(c.escape_default()) }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    static DOOR: Door = Door::error(1, "t", "m", "m");

    #[test]
    fn one_finding_names_all_the_accounts_it_concerns() {
        let both =
            merged(vec![DOOR.open("x").about("b"), DOOR.open("x").about("a"), DOOR.open("y").about("c")]);
        assert_eq!(both.len(), 2);
        assert_eq!(both[0].accounts.iter().collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn what_was_seen_is_printable() {
        assert_eq!(DOOR.open("a\n\u{202e}b").detail, "a\\n\\u{202e}b");
    }
}

//! `ca.toml`: what an authority is, in the few words that an administrator may change.
//!
//! The file decides whom hosts will believe, so it is refused when others can write it, when it holds a
//! key that is not known or stands twice, and when a value is out of bounds. Nothing in it is secret.

use std::ops::Range;
use std::path::{Path, PathBuf};

use grant::Fingerprint;
use jiff::SignedDuration;
use serde::Deserialize;

use crate::durable::{self, FileError};
use crate::limits;

/// Where the CA key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyPlace {
    /// In the file `ca_key`.
    File,
    /// In the ssh-agent that `SSH_AUTH_SOCK` names.
    Agent,
}

/// The checked contents of ca.toml.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The fingerprint of the trust root: the authority's name in every grant.
    pub authority: Fingerprint,
    /// Where the CA key is.
    pub ca_key: KeyPlace,
    /// Life of a certificate, in seconds.
    pub lifetime: u64,
    /// Approvals that a new grant asks for unless told otherwise.
    pub approvals: u8,
}

/// Why ca.toml cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It cannot be read, or others can write it.
    #[error(transparent)]
    File(#[from] FileError),
    /// A line that does not belong there.
    #[error("{} line {line}: {problem}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
}

/// The file as TOML sees it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    authority: toml::Spanned<String>,
    ca_key: KeyPlace,
    lifetime: Option<toml::Spanned<String>>,
    approvals: Option<toml::Spanned<i64>>,
}

impl Config {
    /// Reads and checks ca.toml.
    ///
    /// # Errors
    /// [`ConfigError`], with the line.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = durable::read_trusted(path, "ca.toml", limits::CONFIG)?;
        Self::parse(&text).map_err(|(at, problem)| ConfigError::Line {
            path: path.to_owned(),
            line: text[..floor(&text, at)].matches('\n').count() + 1,
            problem,
        })
    }

    fn parse(text: &str) -> Result<Self, (usize, String)> {
        if let Some((at, c)) = text.char_indices().find(|(_, c)| is_misleading(*c)) {
            return Err((at, format!("the character U+{:04X} does not belong here", u32::from(c))));
        }
        let raw: Raw = toml::from_str(text).map_err(|e| {
            let at = e.span().map_or(0, |span| span.start);
            (at, e.message().lines().collect::<Vec<_>>().join(", "))
        })?;
        let authority =
            raw.authority.get_ref().parse().map_err(|e| wrong(raw.authority.span(), "authority", &e))?;
        let lifetime = match raw.lifetime {
            None => limits::LIFETIME,
            Some(text) => lifetime(text.get_ref()).map_err(|e| wrong(text.span(), "lifetime", &e))?,
        };
        let approvals = match raw.approvals {
            None => 1,
            Some(n) => u8::try_from(*n.get_ref())
                .ok()
                .filter(|n| (1..=grant::limits::APPROVALS).contains(&usize::from(*n)))
                .ok_or_else(|| {
                    wrong(n.span(), "approvals", &format!("from 1 to {}", grant::limits::APPROVALS))
                })?,
        };
        Ok(Self { authority, ca_key: raw.ca_key, lifetime, approvals })
    }

    /// The text of a new ca.toml.
    #[must_use]
    pub fn render(&self) -> String {
        let place = match self.ca_key {
            KeyPlace::File => "file",
            KeyPlace::Agent => "agent",
        };
        format!(
            "# The authority of this directory. Made by `ca init`; `ca check` looks it over.\n\
             authority = \"{}\"   # fingerprint of trust_root.pub; never changes\n\
             ca_key = \"{place}\"   # \"file\": ca_key; \"agent\": the ssh-agent of SSH_AUTH_SOCK\n\
             lifetime = \"{}m\"   # life of a certificate, at most 1h\n\
             approvals = {}   # that a new grant asks for unless --approvals says otherwise\n",
            self.authority,
            self.lifetime / 60,
            self.approvals,
        )
    }
}

fn wrong(span: Range<usize>, field: &str, problem: &impl std::fmt::Display) -> (usize, String) {
    (span.start, format!("{field}: {problem}"))
}

/// A certificate's life in seconds, from text such as `5m`.
///
/// # Errors
/// One sentence.
pub fn lifetime(text: &str) -> Result<u64, String> {
    let seconds = text
        .parse::<SignedDuration>()
        .ok()
        .filter(|d| d.subsec_nanos() == 0)
        .and_then(|d| u64::try_from(d.as_secs()).ok())
        .ok_or_else(|| "a duration is written like 5m or 1h30m, in whole seconds".to_owned())?;
    if (1..=limits::LONGEST_LIFETIME).contains(&seconds) {
        Ok(seconds)
    } else {
        Err(format!("a certificate lives from 1s to {}m", limits::LONGEST_LIFETIME / 60))
    }
}

/// Characters that make a file read otherwise than it is (Unicode TR9), and controls.
fn is_misleading(c: char) -> bool {
    (c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
        || matches!(c, '\u{061C}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
}

/// The nearest character boundary at or before `at`.
fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str =
        "authority = \"SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU\"\nca_key = \"file\"\n";

    fn problem(text: &str) -> String {
        let (at, problem) = Config::parse(text).unwrap_err();
        format!("{}: {problem}", text[..floor(text, at)].matches('\n').count() + 1)
    }

    #[test]
    fn what_init_writes_is_what_is_read() {
        let config = Config::parse(GOOD).unwrap();
        assert_eq!(config.lifetime, 300);
        assert_eq!(Config::parse(&config.render()).unwrap(), config);
    }

    #[test]
    fn each_bad_line_is_named() {
        let with = |line: &str| problem(&format!("{GOOD}{line}\n"));
        assert!(with("ca_key = \"agent\"").starts_with("3: duplicate key"), "{}", with("ca_key = \"agent\""));
        assert!(with("colour = 1").starts_with("3: unknown field `colour`"), "{}", with("colour = 1"));
        assert_eq!(with("lifetime = \"2h\""), "3: lifetime: a certificate lives from 1s to 60m");
        assert_eq!(
            with("lifetime = \"soon\""),
            "3: lifetime: a duration is written like 5m or 1h30m, in whole seconds"
        );
        assert_eq!(with("approvals = 0"), "3: approvals: from 1 to 8");
        assert_eq!(with("# \u{202e}"), "3: the character U+202E does not belong here");
        assert!(problem("authority = \"x\"\nca_key = \"file\"\n").starts_with("1: authority: "));
        assert!(problem("ca_key = \"file\"").contains("missing field `authority`"));
        assert!(problem("authority = \"SHA256:47").starts_with("1: "));
    }
}

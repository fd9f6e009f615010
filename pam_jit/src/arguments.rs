//! The module's arguments in a PAM line: `stage=first|last` and `config=FILE`, each at most once.
//!
//! Anything else is an error, and an error refuses: a misspelled argument must not become a door. Which arguments
//! a phase needs is the phase's business.

use std::ffi::CStr;
use std::fmt;
use std::path::{Path, PathBuf};

/// Which of the two session lines this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Before everything that acts for the person: the verdict.
    First,
    /// The end of the stack: the confirmation.
    Last,
}

/// What the PAM line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Arguments {
    /// `stage=`; the session phase demands it.
    pub(crate) stage: Option<Stage>,
    /// `config=`, or the default.
    pub(crate) config: PathBuf,
}

/// A PAM line that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ArgumentsError {
    /// Not one of ours.
    Unknown(String),
    /// One of ours, again.
    Twice(&'static str),
    /// `stage=` with another word.
    Stage(String),
}

impl fmt::Display for ArgumentsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(word) => {
                write!(f, "the PAM line has the unknown argument `{word}`: stage= and config= are known")
            }
            Self::Twice(key) => write!(f, "the PAM line has {key} twice"),
            Self::Stage(word) => {
                write!(f, "the PAM line has stage={word}: stage=first and stage=last are known")
            }
        }
    }
}

impl Arguments {
    /// Reads the words of the PAM line.
    ///
    /// # Errors
    /// The first word that is wrong.
    pub(crate) fn parse(words: &[&CStr]) -> Result<Self, ArgumentsError> {
        let mut stage = None;
        let mut config = None;
        for word in words {
            let word = word.to_string_lossy();
            if let Some(value) = word.strip_prefix("stage=") {
                let value = match value {
                    "first" => Stage::First,
                    "last" => Stage::Last,
                    other => return Err(ArgumentsError::Stage(other.to_owned())),
                };
                if stage.replace(value).is_some() {
                    return Err(ArgumentsError::Twice("stage="));
                }
            } else if let Some(value) = word.strip_prefix("config=") {
                if config.replace(PathBuf::from(value)).is_some() {
                    return Err(ArgumentsError::Twice("config="));
                }
            } else {
                return Err(ArgumentsError::Unknown(word.into_owned()));
            }
        }
        Ok(Self { stage, config: config.unwrap_or_else(default_config) })
    }
}

/// The configuration that is read unless `config=` says otherwise.
pub(crate) fn default_config() -> PathBuf {
    Path::new(hostfile::DEFAULT_CONFIG).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_argument_is_read_once() {
        let none = Arguments { stage: None, config: "/etc/jit/host.toml".into() };
        assert_eq!(Arguments::parse(&[]), Ok(none));
        let both = Arguments { stage: Some(Stage::Last), config: "/x/host.toml".into() };
        assert_eq!(Arguments::parse(&[c"config=/x/host.toml", c"stage=last"]), Ok(both));
        let first = Arguments::parse(&[c"stage=first"]).unwrap();
        assert_eq!(first.stage, Some(Stage::First));
    }

    #[test]
    fn anything_else_is_an_error_that_names_it() {
        for (words, says) in [
            (&[c"debug"][..], "unknown argument `debug`"),
            (&[c"Stage=first"], "unknown argument `Stage=first`"),
            (&[c"stage=second"], "stage=second"),
            (&[c"stage="], "stage=:"),
            (&[c"stage=first", c"stage=first"], "stage= twice"),
            (&[c"config=/a", c"config=/a"], "config= twice"),
            (&[c"stage=first", c""], "unknown argument ``"),
        ] {
            let error = Arguments::parse(words).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }

    #[test]
    fn a_line_that_is_not_utf_8_is_an_error_not_a_panic() {
        assert!(Arguments::parse(&[c"stage=first\xff"]).is_err());
    }
}

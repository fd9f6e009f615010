//! Why a set-up stops: one sentence, what can be done, and what the system said.
//!
//! Whoever stops says in the sentence what was changed; where nothing is said, nothing was.

use std::fmt::Display;
use std::io;
use std::path::Path;

/// Why it stopped.
#[derive(Debug, thiserror::Error)]
#[error("{told}")]
pub struct SetupError {
    told: String,
    hint: Option<String>,
    #[source]
    source: Option<io::Error>,
}

/// What this module's functions give.
pub type Result<T> = std::result::Result<T, SetupError>;

impl SetupError {
    /// With this sentence.
    pub(super) fn new(told: impl Into<String>) -> Self {
        Self { told: told.into(), hint: None, source: None }
    }

    /// That something could not be done with a file.
    pub(super) fn file(what: &str, path: &Path, source: io::Error) -> Self {
        Self { told: format!("cannot {what} {}", path.display()), hint: None, source: Some(source) }
    }

    /// That a program did not run.
    pub(super) fn run(program: impl Display, source: io::Error) -> Self {
        Self { told: format!("cannot run {program}"), hint: None, source: Some(source) }
    }

    /// With what the system said.
    #[must_use]
    pub(super) fn because(mut self, source: io::Error) -> Self {
        self.source = Some(source);
        self
    }

    /// With what can be done.
    #[must_use]
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// What can be done.
    #[must_use]
    pub fn what_to_do(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// The sentence, with what the system said.
    #[must_use]
    pub(super) fn whole(&self) -> String {
        self.source.as_ref().map_or_else(|| self.told.clone(), |source| format!("{}: {source}", self.told))
    }

    /// The same with more said after the sentence.
    #[must_use]
    pub(super) fn and(mut self, more: &str) -> Self {
        self.told = format!("{}; {more}", self.told);
        self
    }
}

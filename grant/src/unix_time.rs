//! A moment in whole seconds, and its one textual form.
//!
//! The form is RFC 3339 in UTC without fractions, `2026-11-24T14:00:00Z`; nothing else parses.
//! This crate never reads a clock: every function that needs the time takes `now`.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

use crate::limits;

/// Seconds since 1970-01-01T00:00:00Z, up to the end of year 9998.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime(u64);

/// A text that is not `YYYY-MM-DDThh:mm:ssZ`, or a moment after year 9998.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a time is written like 2026-11-24T14:00:00Z, in UTC and whole seconds")]
pub struct UnixTimeError;

impl UnixTime {
    /// The moment `secs` seconds after the epoch; later than year 9998 counts as the end of that year.
    #[must_use]
    pub fn from_secs(secs: u64) -> Self {
        Self(secs.min(limits::LAST_SECOND))
    }

    /// Seconds since the epoch.
    #[must_use]
    pub fn secs(self) -> u64 {
        self.0
    }

    /// The moment `secs` seconds later.
    #[must_use]
    pub fn plus(self, secs: u64) -> Self {
        Self::from_secs(self.0.saturating_add(secs))
    }

    /// The moment `secs` seconds earlier, never before the epoch.
    #[must_use]
    pub fn minus(self, secs: u64) -> Self {
        Self(self.0.saturating_sub(secs))
    }

    /// Seconds from `earlier` to `self`; 0 if `earlier` is the later one.
    #[must_use]
    pub fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // In range by construction: LAST_SECOND is within jiff's range.
        let timestamp = i64::try_from(self.0).ok().and_then(|s| Timestamp::from_second(s).ok());
        fmt::Display::fmt(&timestamp.ok_or(fmt::Error)?, f)
    }
}

impl FromStr for UnixTime {
    type Err = UnixTimeError;

    fn from_str(text: &str) -> Result<Self, UnixTimeError> {
        if text.len() != "2026-11-24T14:00:00Z".len() {
            return Err(UnixTimeError);
        }
        let timestamp: Timestamp = text.parse().map_err(|_| UnixTimeError)?;
        let time = u64::try_from(timestamp.as_second()).map(Self::from_secs).map_err(|_| UnixTimeError)?;
        // jiff reads more forms than this one; only the canonical text counts.
        if time.to_string() == text { Ok(time) } else { Err(UnixTimeError) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_canonical_form_parses() {
        let time: UnixTime = "2026-11-24T14:00:00Z".parse().unwrap();
        assert_eq!(time.secs(), 1_795_528_800);
        assert_eq!(time.to_string(), "2026-11-24T14:00:00Z");
        for other in [
            "2026-11-24t14:00:00z",
            "2026-11-24 14:00:00Z",
            "2026-11-24T14:00:60Z",
            "2026-13-24T14:00:00Z",
            "",
            "1969-12-31T23:59:59Z",
        ] {
            assert!(other.parse::<UnixTime>().is_err(), "{other}");
        }
    }

    #[test]
    fn the_last_second_of_9998_is_a_time() {
        assert_eq!(UnixTime::from_secs(u64::MAX).to_string(), "9998-12-31T23:59:59Z");
    }
}

//! A moment in whole seconds, and its one textual form.
//!
//! The form is RFC 3339 in UTC without fractions, `2026-11-24T14:00:00Z`; nothing else parses.
//! This crate never reads a clock: every function that needs the time takes `now`.
//!
//! The calendar is written out here, because pam_jit.so carries this code into every login, and a whole
//! time library (parsers, time zones, messages) was a tenth of it. The tests compare with one.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

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
        let (year, month, day) = date(self.0 / 86_400);
        let (hour, minute, second) = (self.0 / 3_600 % 24, self.0 / 60 % 60, self.0 % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

impl FromStr for UnixTime {
    type Err = UnixTimeError;

    fn from_str(text: &str) -> Result<Self, UnixTimeError> {
        if text.len() != "2026-11-24T14:00:00Z".len() {
            return Err(UnixTimeError);
        }
        let number = |at: Range<usize>| text.get(at).and_then(|digits| digits.parse::<u64>().ok());
        let part = |at| number(at).ok_or(UnixTimeError);
        let day = day(part(0..4)?, part(5..7)?, part(8..10)?).ok_or(UnixTimeError)?;
        let time = Self::from_secs(day * 86_400 + part(11..13)? * 3_600 + part(14..16)? * 60 + part(17..19)?);
        // A day that its month has not, an hour 24, a sign or another separator: not what would be written.
        if time.to_string() == text { Ok(time) } else { Err(UnixTimeError) }
    }
}

/// Year, month and day of the day `days` after 1970-01-01, in the Gregorian calendar.
///
/// Counted from 0000-03-01, so that the leap day is the last of its year: 400 years have 146,097 days,
/// and the months from March on have 153 days in five.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let months = (5 * day_of_year + 2) / 153; // since March
    let day = day_of_year - (153 * months + 2) / 5 + 1;
    let month = if months < 10 { months + 3 } else { months - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

/// The day after 1970-01-01 of a date; a day beyond its month's end counts on into the next.
fn day(year: u64, month: u64, day: u64) -> Option<u64> {
    if year < 1970 || !(1..=12).contains(&month) {
        return None;
    }
    let year = year - u64::from(month <= 2);
    let months = (month + 9) % 12; // since March
    (year * 365 + year / 4 - year / 100 + year / 400 + (153 * months + 2) / 5 + day).checked_sub(719_469)
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

    #[test]
    fn every_day_of_four_centuries_is_a_time_librarys() {
        for day in 0..146_097_u32 {
            let secs = i64::from(day) * 86_400 + i64::from(day % 86_400);
            let theirs = jiff::Timestamp::from_second(secs).unwrap().to_string();
            let ours = UnixTime::from_secs(u64::try_from(secs).unwrap());
            assert_eq!(ours.to_string(), theirs);
            assert_eq!(theirs.parse(), Ok(ours));
        }
    }

    #[test]
    fn what_no_calendar_has_is_no_time() {
        for text in [
            "2026-02-29T00:00:00Z",
            "2100-02-29T00:00:00Z",
            "2026-04-31T00:00:00Z",
            "2026-00-10T00:00:00Z",
            "2026-01-00T00:00:00Z",
            "2026-01-99T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:60:00Z",
            "1969-12-31T00:00:00Z",
            "+026-01-01T00:00:00Z",
            "2026-+1-01T00:00:00Z",
            "2026/01/01T00:00:00Z",
            "2026-01-01T00:00:00z",
            "\u{e9}26-01-01T00:00:00Z",
        ] {
            assert!(text.parse::<UnixTime>().is_err(), "{text}");
        }
    }
}

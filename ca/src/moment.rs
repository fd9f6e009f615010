//! Moments and spans as people write and read them.
//!
//! People read their local zone, with its name; programs read UTC (`UnixTime`'s own text). People write
//! RFC 3339, `2026-11-24 14:00`, `14:00` (today) or a date; a local time that a clock change skips or
//! repeats is refused, because nobody knows which one is meant.

use std::fmt;
use std::path::Path;
use std::sync::OnceLock;

use grant::UnixTime;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::{durable, limits};

/// A moment shown in the local zone: `2026-11-24 14:00:00 CET`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Local(pub UnixTime);

impl fmt::Display for Local {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Found once: a listing shows a hundred times.
        static ZONE: OnceLock<TimeZone> = OnceLock::new();
        let zoned = timestamp(self.0).to_zoned_datetime(ZONE.get_or_init(local_zone).clone());
        let seconds = if zoned.second() == 0 { "" } else { ":%S" };
        write!(f, "{}", zoned.strftime(&format!("%Y-%m-%d %H:%M{seconds} %Z")))
    }
}

/// The zone of this process, as tzset(3) finds it: `TZ`, else /etc/localtime, else UTC. Only the one
/// file is read; jiff's own search walks the whole zone database, which takes longer than signing.
fn local_zone() -> TimeZone {
    let file = |path: &Path| {
        let data = durable::read(path, "time zone", limits::TIME_ZONE).ok()?;
        TimeZone::tzif("", &data).ok()
    };
    let Some(name) = std::env::var_os("TZ") else {
        return file(Path::new("/etc/localtime")).unwrap_or(TimeZone::UTC);
    };
    let name = name.to_str().unwrap_or_default().trim_start_matches(':');
    if matches!(name, "" | "UTC" | "UTC0" | "Etc/UTC") {
        return TimeZone::UTC;
    }
    // `join` takes an absolute path as it is, and a name below the database otherwise.
    let path = Path::new("/usr/share/zoneinfo").join(name);
    file(&path).or_else(|| TimeZone::posix(name).ok()).unwrap_or(TimeZone::UTC)
}

fn timestamp(time: UnixTime) -> Timestamp {
    // UnixTime ends with year 9999, inside jiff's range.
    i64::try_from(time.secs()).ok().and_then(|s| Timestamp::from_second(s).ok()).unwrap_or(Timestamp::MAX)
}

/// A span in words: `25 minutes`.
#[must_use]
pub fn span(seconds: u64) -> String {
    let (count, unit) = match seconds {
        0..=119 => (seconds, "second"),
        120..=7_199 => (seconds.div_ceil(60), "minute"),
        7_200..=172_799 => (seconds.div_ceil(3_600), "hour"),
        _ => (seconds.div_ceil(86_400), "day"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

/// A text that is not a moment or a span.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MomentError {
    /// No known form.
    #[error("a time is written like 14:00, 2026-11-24, \"2026-11-24 14:00\" or 2026-11-24T14:00:00Z")]
    Form,
    /// Not a date.
    #[error("a date is written like 2027-06-30")]
    Date,
    /// A local time that a clock change skips.
    #[error(
        "{0} does not exist here: the clocks are put forward over it; write it with its offset, like 2026-11-24T14:00:00+01:00"
    )]
    Skipped(DateTime),
    /// A local time that a clock change repeats.
    #[error(
        "{0} happens twice here: the clocks are put back over it; write it with its offset, like 2026-11-24T14:00:00+01:00"
    )]
    Twice(DateTime),
    /// Before 1970 or after 9999.
    #[error("the time is out of range")]
    Range,
    /// Not a span.
    #[error("a duration is written like 15m or 1h30m")]
    Span,
}

/// A moment as a person writes it; local where no offset is written.
///
/// # Errors
/// [`MomentError`].
pub fn parse(text: &str, now: UnixTime) -> Result<UnixTime, MomentError> {
    parse_in(text, now, &local_zone())
}

fn parse_in(text: &str, now: UnixTime, zone: &TimeZone) -> Result<UnixTime, MomentError> {
    if text == "now" {
        return Ok(now);
    }
    if let Ok(exact) = text.parse::<Timestamp>() {
        return moment(exact);
    }
    let digit = text.starts_with(|c: char| c.is_ascii_digit());
    if !digit || text.len() > 32 || text.contains(['[', '+', 'Z', 'z']) {
        return Err(MomentError::Form);
    }
    // jiff finds a time or a date inside longer texts: take each only where it is the whole text.
    let time = if text.contains(':') && !text.contains('-') { text.parse::<Time>().ok() } else { None };
    let date = if text.len() == "2026-11-24".len() { text.parse::<Date>().ok() } else { None };
    let civil = match (time, date) {
        (Some(time), _) => timestamp(now).to_zoned_datetime(zone.clone()).date().to_datetime(time),
        (_, Some(date)) => date.to_datetime(Time::midnight()),
        _ if text.contains(':') => text.parse::<DateTime>().map_err(|_| MomentError::Form)?,
        _ => return Err(MomentError::Form),
    };
    local(civil, zone)
}

fn local(civil: DateTime, zone: &TimeZone) -> Result<UnixTime, MomentError> {
    let found = zone.to_ambiguous_timestamp(civil);
    match found.offset() {
        jiff::tz::AmbiguousOffset::Unambiguous { .. } => {
            moment(found.unambiguous().map_err(|_| MomentError::Range)?)
        }
        jiff::tz::AmbiguousOffset::Gap { .. } => Err(MomentError::Skipped(civil)),
        jiff::tz::AmbiguousOffset::Fold { .. } => Err(MomentError::Twice(civil)),
    }
}

fn moment(timestamp: Timestamp) -> Result<UnixTime, MomentError> {
    u64::try_from(timestamp.as_second()).map(UnixTime::from_secs).map_err(|_| MomentError::Range)
}

/// The first second after a day in UTC, so that a span until then includes the whole day.
///
/// # Errors
/// [`MomentError::Date`] or [`MomentError::Range`].
pub fn end_of_day(text: &str) -> Result<UnixTime, MomentError> {
    if text.len() != "2027-06-30".len() {
        return Err(MomentError::Date);
    }
    let date: Date = text.parse().map_err(|_| MomentError::Date)?;
    let next = date.tomorrow().map_err(|_| MomentError::Range)?;
    moment(next.to_zoned_datetime(TimeZone::UTC).map_err(|_| MomentError::Range)?.timestamp())
}

/// The last day, in UTC, of a span that ends before `until`: the inverse of [`end_of_day`].
#[must_use]
pub fn last_day(until: UnixTime) -> String {
    timestamp(until.minus(1)).to_zoned_datetime(TimeZone::UTC).date().to_string()
}

/// A span as a person writes it, in whole seconds, more than none.
///
/// # Errors
/// [`MomentError::Span`].
pub fn parse_span(text: &str) -> Result<u64, MomentError> {
    let span: SignedDuration = text.parse().map_err(|_| MomentError::Span)?;
    if span.subsec_nanos() != 0 {
        return Err(MomentError::Span);
    }
    u64::try_from(span.as_secs()).ok().filter(|s| *s > 0).ok_or(MomentError::Span)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn berlin() -> TimeZone {
        TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap()
    }

    fn read(text: &str) -> Result<String, MomentError> {
        let now = "2026-11-24T13:35:00Z".parse().unwrap();
        parse_in(text, now, &berlin()).map(|time| time.to_string())
    }

    #[test]
    fn a_time_without_an_offset_is_local() {
        assert_eq!(read("14:00").unwrap(), "2026-11-24T13:00:00Z");
        assert_eq!(read("2026-07-01 14:00").unwrap(), "2026-07-01T12:00:00Z");
        assert_eq!(read("2026-07-01T14:00:30").unwrap(), "2026-07-01T12:00:30Z");
        assert_eq!(read("2026-11-25").unwrap(), "2026-11-24T23:00:00Z");
        assert_eq!(read("2026-11-24T14:00:00Z").unwrap(), "2026-11-24T14:00:00Z");
        assert_eq!(read("2026-11-24T14:00:00+05:00").unwrap(), "2026-11-24T09:00:00Z");
        assert_eq!(read("now").unwrap(), "2026-11-24T13:35:00Z");
    }

    #[test]
    fn a_local_time_that_is_not_one_moment_is_refused() {
        assert!(matches!(read("2026-03-29 02:30"), Err(MomentError::Skipped(_))));
        assert!(matches!(read("2026-10-25 02:30"), Err(MomentError::Twice(_))));
        assert_eq!(read("2026-10-25T02:30:00+01:00").unwrap(), "2026-10-25T01:30:00Z");
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for bad in [
            "",
            "soon",
            "25:00",
            "2026-02-30",
            "14",
            "2026-11-24 14:00 tomorrow",
            "-1",
            "1969-12-31T00:00:00Z",
            "2026-11-24T14:00:00[Europe/Berlin]",
        ] {
            assert!(read(bad).is_err(), "{bad}: {:?}", read(bad));
        }
    }

    #[test]
    fn a_span_is_positive_and_whole() {
        assert_eq!(parse_span("15m").unwrap(), 900);
        assert_eq!(parse_span("1h30m").unwrap(), 5400);
        for bad in ["", "0s", "-5m", "1.5s", "5", "fast"] {
            assert!(parse_span(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_end_date_includes_its_day() {
        assert_eq!(end_of_day("2027-06-30").unwrap().to_string(), "2027-07-01T00:00:00Z");
        assert_eq!(last_day(end_of_day("2027-06-30").unwrap()), "2027-06-30");
        assert!(end_of_day("2027-06-31").is_err());
        assert!(end_of_day("2027-06-30T00:00:00").is_err());
    }
}

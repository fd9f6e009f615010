//! Times as text: RFC 3339 in UTC, from a count since 1970-01-01T00:00:00Z.
//!
//! Written out here because pam_jit.so carries this code into every login, and a whole time library (its parsers,
//! time zones and messages) would be a tenth of the module. The tests compare with one. Times before 1970 and after
//! the year 9999 are shown as the nearest that can be.

use std::fmt::Write;

/// 9999-12-31T23:59:59Z.
const LAST_SECOND: u64 = 253_402_300_799;

/// Milliseconds as `2026-11-24T14:00:00.123Z`.
pub(crate) fn rfc3339(millis: i64) -> String {
    let millis = u64::try_from(millis).unwrap_or(0).min(LAST_SECOND * 1000 + 999);
    let mut text = second(millis / 1000);
    // Writing into a String cannot fail.
    let _ = write!(text, ".{:03}Z", millis % 1000);
    text
}

/// Seconds as `2026-11-24T14:00:00Z`, the form that grants use.
pub(crate) fn rfc3339_seconds(secs: u64) -> String {
    second(secs.min(LAST_SECOND)) + "Z"
}

/// Milliseconds as RFC 3164 writes a time, `Nov 24 14:00:00`; in UTC, because there is no time zone here.
pub(crate) fn rfc3164(millis: i64) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let secs = u64::try_from(millis).unwrap_or(0).min(LAST_SECOND * 1000) / 1000;
    let (_, month, day) = date(secs / 86_400);
    let name = MONTHS.iter().zip(1..).find(|(_, number)| *number == month).map_or("Jan", |(name, _)| name);
    format!("{name} {day:2} {:02}:{:02}:{:02}", secs / 3_600 % 24, secs / 60 % 60, secs % 60)
}

/// `2026-11-24T14:00:00`.
fn second(secs: u64) -> String {
    let (year, month, day) = date(secs / 86_400);
    let (hour, minute, second) = (secs / 3_600 % 24, secs / 60 % 60, secs % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
}

/// Year, month and day of the day `days` after 1970-01-01, in the Gregorian calendar.
///
/// Counted from 0000-03-01, so that the leap day is the last of its year: 400 years have 146,097 days, and the months
/// from March on have 153 days in five.
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

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_edges_of_the_calendar_are_right() {
        for (secs, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (1_795_528_800, "2026-11-24T14:00:00Z"),
            (u64::MAX, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(rfc3339_seconds(secs), text);
        }
    }

    #[test]
    fn the_old_form_pads_the_day_with_a_blank() {
        assert_eq!(rfc3164(1_795_528_800_123), "Nov 24 14:00:00");
        assert_eq!(rfc3164(951_782_400_000), "Feb 29 00:00:00");
        assert_eq!(rfc3164(1_764_547_199_000), "Nov 30 23:59:59");
        assert_eq!(rfc3164(1_764_547_200_000), "Dec  1 00:00:00");
        assert_eq!(rfc3164(-1), "Jan  1 00:00:00");
    }

    #[test]
    fn times_that_cannot_be_are_the_nearest_that_can() {
        assert_eq!(rfc3339(i64::MIN), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc3339(i64::MAX), "9999-12-31T23:59:59.999Z");
    }

    #[test]
    fn every_day_of_four_centuries_is_a_time_librarys() {
        for day in 0..146_097 {
            let secs = day * 86_400;
            assert_eq!(rfc3339_seconds(secs as u64), Timestamp::from_second(secs).unwrap().to_string());
        }
    }

    proptest! {
        #[test]
        fn any_time_is_a_time_librarys(millis in 0..253_402_200_000_000_i64) {
            let theirs = Timestamp::from_millisecond(millis).unwrap();
            prop_assert_eq!(rfc3339(millis), format!("{theirs:.3}"));
        }
    }
}

//! Columns to values and back.
//!
//! Everything that comes out of the ledger is parsed into its checked type again. A row that this program
//! never writes is an error with the column's name, not a panic and not a default.

use std::fmt::Display;
use std::str::FromStr;

use grant::UnixTime;
use rusqlite::Row;
use rusqlite::types::Type;

/// A moment as the ledger stores it.
pub(crate) fn seconds(time: UnixTime) -> i64 {
    // UnixTime ends with year 9999, far inside i64.
    i64::try_from(time.secs()).unwrap_or(i64::MAX)
}

/// A moment from its column; one before the epoch, which is never written, counts as the epoch.
pub(crate) fn time(row: &Row<'_>, column: &str) -> rusqlite::Result<UnixTime> {
    Ok(moment(row.get(column)?))
}

/// A moment from its column, if there is one.
pub(crate) fn optional_time(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<UnixTime>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(moment))
}

fn moment(seconds: i64) -> UnixTime {
    UnixTime::from_secs(u64::try_from(seconds).unwrap_or(0))
}

/// A checked value from a text column.
pub(crate) fn parsed<T: FromStr<Err: Display>>(row: &Row<'_>, column: &str) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    text.parse().map_err(|e: T::Err| unfit(row, column, &e))
}

/// A checked value from a text column, if there is one.
pub(crate) fn optional<T: FromStr<Err: Display>>(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<T>> {
    let text: Option<String> = row.get(column)?;
    text.map(|text| text.parse().map_err(|e: T::Err| unfit(row, column, &e))).transpose()
}

/// A column whose value does not fit its type.
pub(crate) fn unfit(row: &Row<'_>, column: &str, problem: &dyn Display) -> rusqlite::Error {
    let index = row.as_ref().column_index(column).unwrap_or(0);
    rusqlite::Error::FromSqlConversionFailure(index, Type::Text, format!("{column}: {problem}").into())
}

/// A serial from its column.
pub(crate) fn serial(row: &Row<'_>, column: &str) -> rusqlite::Result<u64> {
    let number: i64 = row.get(column)?;
    u64::try_from(number).map_err(|e| unfit(row, column, &e))
}

/// A serial as the ledger stores it; one beyond i64 is never there.
pub(crate) fn serial_number(serial: u64) -> i64 {
    i64::try_from(serial).unwrap_or(i64::MAX)
}

//! The one line of this crate that reads the clock.

use std::time::Duration;

/// Seconds since 1970, UTC.
#[must_use]
pub fn now() -> u64 {
    since_1970().as_secs()
}

/// The time since 1970, UTC.
#[must_use]
pub fn since_1970() -> Duration {
    #[allow(clippy::disallowed_methods, reason = "the one line that reads the clock")]
    let now = std::time::SystemTime::now();
    now.duration_since(std::time::UNIX_EPOCH).unwrap_or_default()
}

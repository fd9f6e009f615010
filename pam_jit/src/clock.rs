//! The one place where the module reads the clock. Everything else takes the time as an argument.

use std::time::{SystemTime, UNIX_EPOCH};

/// A moment of the machine's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub(crate) millis: u64,
}

impl Moment {
    /// The moment in whole seconds, for comparing with windows.
    pub(crate) fn unix_time(self) -> grant::UnixTime {
        grant::UnixTime::from_secs(self.millis / 1000)
    }
}

/// Now. A clock that stands before 1970 reads as 1970, when no window is open.
pub(crate) fn now() -> Moment {
    #[expect(clippy::disallowed_methods, reason = "the module's one reading of the clock")]
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Moment { millis: u64::try_from(since.as_millis()).unwrap_or(u64::MAX) }
}

//! The recorder's two clocks: CLOCK_BOOTTIME for deadlines, the wall clock for records.
//!
//! Once a session is open its deadline is a moment of CLOCK_BOOTTIME, which nobody can set and which goes
//! on while the machine sleeps; so setting the wall clock moves no deadline.

use nix::time::{ClockId, clock_gettime};

/// Nanoseconds since boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Boottime(pub u64);

impl Boottime {
    /// The time since boot, now.
    #[must_use]
    pub fn now() -> Self {
        Self(nanoseconds(ClockId::CLOCK_BOOTTIME))
    }

    /// Later by some seconds.
    #[must_use]
    pub fn plus_secs(self, secs: u64) -> Self {
        Self(self.0.saturating_add(secs.saturating_mul(1_000_000_000)))
    }

    /// Later by some milliseconds.
    #[must_use]
    pub fn plus_millis(self, millis: u64) -> Self {
        Self(self.0.saturating_add(millis.saturating_mul(1_000_000)))
    }

    /// Milliseconds from `earlier` to this; 0 if that is later.
    #[must_use]
    pub fn millis_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0) / 1_000_000
    }
}

/// The wall clock, in milliseconds since 1970-01-01T00:00:00Z. The recorder reads it here only.
#[must_use]
pub fn wall_millis() -> i64 {
    i64::try_from(nanoseconds(ClockId::CLOCK_REALTIME) / 1_000_000).unwrap_or(i64::MAX)
}

fn nanoseconds(clock: ClockId) -> u64 {
    // Both clocks exist on every Linux that has seccomp notifications.
    let Ok(time) = clock_gettime(clock) else { return 0 };
    let secs = u64::try_from(time.tv_sec()).unwrap_or(0);
    secs.saturating_mul(1_000_000_000).saturating_add(u64::try_from(time.tv_nsec()).unwrap_or(0))
}

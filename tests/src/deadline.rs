//! Waiting on a condition, with an end: the tests never sleep and hope.

use std::time::{Duration, Instant};

/// How long anything that should happen at once may take on a busy machine.
pub const SOON: Duration = Duration::from_secs(20);

/// Asks again and again until `ask` has an answer; `None` when the deadline has passed.
pub fn poll<T>(limit: Duration, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + limit;
    loop {
        if let Some(answer) = ask() {
            return Some(answer);
        }
        if Instant::now() >= end {
            return None;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Waits until `ask` holds, and fails the test with `what` when it does not within [`SOON`].
///
/// # Panics
/// When the deadline passes.
pub fn until(what: &str, mut ask: impl FnMut() -> bool) {
    assert!(poll(SOON, || ask().then_some(())).is_some(), "waited {SOON:?} in vain for: {what}");
}

//! What a person is told before her session ends, on her terminal.

use super::clock::Boottime;
use super::live::Live;
use super::{Recorder, terminal};

/// Warnings before the deadline, in seconds.
const WARNINGS: [(u8, u64); 2] = [(1, 300), (2, 60)];
/// A warning is told within so many seconds of its moment, or says what is left then.
const ROUND: u64 = 10;

/// The warning with so many seconds left: a session may have begun, or got a terminal, only now.
fn warning(left: u64) -> String {
    let near = |moment: u64| (moment.saturating_sub(ROUND)..=moment).contains(&left);
    let words = match left {
        _ if near(300) => "five minutes".to_owned(),
        _ if near(60) => "one minute".to_owned(),
        120.. => format!("{} minutes", left / 60),
        1 => "one second".to_owned(),
        _ => format!("{left} seconds"),
    };
    format!("this session ends in {words}, with all its processes")
}

impl Live {
    /// When its person is told next; after the last time the deadline itself.
    pub(super) fn next_warning(&self) -> Boottime {
        let warning = WARNINGS.iter().find(|(number, _)| self.warned < *number);
        let before = warning.map_or(0, |(_, before)| before * 1_000_000_000);
        Boottime(self.state.deadline.0.saturating_sub(before))
    }

    /// Seconds to the deadline, rounded up.
    fn seconds_left(&self, now: Boottime) -> u64 {
        self.state.deadline.millis_since(now).div_ceil(1000)
    }

    /// Tells the person; if no terminal takes it, that is tried again.
    fn tell_what_is_left(&mut self, now: Boottime) {
        let told = terminal::tell(self.state.audit_session, &warning(self.seconds_left(now)));
        self.untold = (!told).then_some(now);
    }
}

impl Recorder {
    pub(super) fn warn(&mut self, key: u32, now: Boottime) {
        let Some(live) = self.sessions.get_mut(&key) else { return };
        if live.ending.is_some() {
            return;
        }
        let left = live.seconds_left(now);
        // A session that began within the last minutes is told once.
        let nearest = WARNINGS.iter().filter(|(_, before)| left <= *before).map(|(number, _)| *number).max();
        if let Some(number) = nearest.filter(|number| live.warned < *number) {
            live.warned = number;
            live.tell_what_is_left(now);
        }
    }

    /// A session that begins within its last minutes has no terminal at first; its first commands show whether there is
    /// one by now.
    pub(super) fn warn_again(&mut self, key: u32) {
        let Some(live) = self.sessions.get_mut(&key) else { return };
        let Some(tried) = live.untold else { return };
        let now = Boottime::now();
        // Not at every exec: looking for terminals costs a walk through /proc.
        if (live.seq == 1 || now.millis_since(tried) >= 1_000) && live.ending.is_none() {
            live.tell_what_is_left(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_says_what_is_left() {
        for (left, words) in [
            (300, "five minutes"),
            (291, "five minutes"),
            (289, "4 minutes"),
            (120, "2 minutes"),
            (100, "100 seconds"),
            (60, "one minute"),
            (55, "one minute"),
            (20, "20 seconds"),
            (1, "one second"),
        ] {
            assert_eq!(warning(left), format!("this session ends in {words}, with all its processes"));
        }
    }
}

//! What a person is told before her session ends, on her terminal.

use super::clock::Boottime;
use super::live::Live;
use super::{Recorder, terminal};

/// Warnings before the deadline, in seconds.
const WARNINGS: [(u8, u64, &str); 2] = [(1, 300, "five minutes"), (2, 60, "one minute")];

fn warning(words: &str) -> String {
    format!("this session ends in {words}, with all its processes")
}

impl Live {
    /// When its person is told next; after the last time the deadline itself.
    pub(super) fn next_warning(&self) -> Boottime {
        let warning = WARNINGS.iter().find(|(number, _, _)| self.warned < *number);
        let before = warning.map_or(0, |(_, before, _)| before * 1_000_000_000);
        Boottime(self.state.deadline.0.saturating_sub(before))
    }
}

impl Recorder {
    pub(super) fn warn(&mut self, key: u32, now: Boottime) {
        let Some(live) = self.sessions.get_mut(&key) else { return };
        if live.ending.is_some() {
            return;
        }
        let left = live.state.deadline.millis_since(now).div_ceil(1000);
        for (number, before, words) in WARNINGS {
            if left <= before && live.warned < number {
                live.warned = number;
                // A session that began within the last minutes is told once, of what is nearest.
                let nearest =
                    WARNINGS.iter().filter(|(_, before, _)| left <= *before).map(|(n, _, _)| *n).max();
                if nearest == Some(number) {
                    let told = terminal::tell(live.state.audit_session, &warning(words));
                    live.untold = (!told).then_some((words, now));
                }
            }
        }
    }

    /// A session that begins within its last minutes has no terminal at first; its first commands show whether there is
    /// one by now.
    pub(super) fn warn_again(&mut self, key: u32) {
        let Some(live) = self.sessions.get_mut(&key) else { return };
        let Some((words, tried)) = live.untold else { return };
        let now = Boottime::now();
        // Not at every exec: looking for terminals costs a walk through /proc.
        if (live.seq == 1 || now.millis_since(tried) >= 1_000) && live.ending.is_none() {
            let told = terminal::tell(live.state.audit_session, &warning(words));
            live.untold = (!told).then_some((words, now));
        }
    }
}

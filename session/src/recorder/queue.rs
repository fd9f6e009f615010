//! Execs that wait to be read, fairly: whose session has cost the least lately is next.
//!
//! Megabytes of arguments take the recorder's one loop a tenth of a second to read, redact and hash. A session that
//! starts a hundred such programs at once waits for itself; whoever starts `ls` beside it waits for the one that is just
//! being read.

use std::collections::{BTreeMap, HashMap, VecDeque};

use super::clock::Boottime;

/// Of each session so many at most wait here; the others wait at its gate, in the kernel.
const EACH: usize = 16;
/// After so many milliseconds what a session has cost counts half.
const HALF: u64 = 1_000;

/// See the module.
#[derive(Debug)]
pub(super) struct Queue<T> {
    waiting: BTreeMap<u32, VecDeque<T>>,
    /// What sessions have cost, in nanoseconds, and until when that is counted.
    spent: HashMap<u32, (Boottime, u64)>,
}

impl<T> Queue<T> {
    /// An empty one.
    pub(super) fn new() -> Self {
        Self { waiting: BTreeMap::new(), spent: HashMap::new() }
    }

    /// Whether another exec of this session may be taken from its gate.
    pub(super) fn has_room(&self, session: u32) -> bool {
        self.waiting.get(&session).is_none_or(|waiting| waiting.len() < EACH)
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// One more, behind those of its session.
    pub(super) fn push(&mut self, session: u32, exec: T) {
        self.waiting.entry(session).or_default().push_back(exec);
    }

    /// The next one.
    pub(super) fn pop(&mut self, now: Boottime) -> Option<T> {
        let cost = |session: &u32| self.spent.get(session).map_or(0, |spent| halved(*spent, now));
        let session = *self.waiting.keys().min_by_key(|session| cost(session))?;
        let waiting = self.waiting.get_mut(&session)?;
        let next = waiting.pop_front();
        if waiting.is_empty() {
            self.waiting.remove(&session);
        }
        next
    }

    /// A session has kept the loop busy between these two moments.
    pub(super) fn spend(&mut self, session: u32, from: Boottime, to: Boottime) {
        let (at, cost) = self.spent.get(&session).copied().unwrap_or((from, 0));
        // By whole halves: who is always there is forgiven as others are.
        let halves = to.millis_since(at) / HALF;
        let cost = halved((at, cost), to).saturating_add(to.0.saturating_sub(from.0));
        self.spent.insert(session, (at.plus_millis(halves * HALF), cost));
    }

    /// A session is over.
    pub(super) fn forget(&mut self, session: u32) {
        self.spent.remove(&session);
    }
}

fn halved((at, cost): (Boottime, u64), now: Boottime) -> u64 {
    let times = now.millis_since(at) / HALF;
    cost.checked_shr(u32::try_from(times).unwrap_or(u32::MAX)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLISECOND: u64 = 1_000_000;

    #[test]
    fn a_session_that_costs_much_waits_for_those_that_cost_little() {
        let mut queue = Queue::new();
        let now = Boottime(5_000 * MILLISECOND);
        for slot in 0..8 {
            queue.push(1, (1, slot));
        }
        queue.push(2, (2, 100));
        queue.push(2, (2, 101));
        let mut order = Vec::new();
        let mut at = now;
        while let Some((session, slot)) = queue.pop(at) {
            order.push((session, slot));
            let after = Boottime(at.0 + if session == 1 { 100 } else { 1 } * MILLISECOND);
            queue.spend(session, at, after);
            at = after;
        }
        assert_eq!(order[..3], [(1, 0), (2, 100), (2, 101)]);
        assert_eq!(order[3..], [1, 2, 3, 4, 5, 6, 7].map(|slot| (1, slot)));
        assert!(queue.is_empty());
    }

    #[test]
    fn what_it_has_cost_is_forgotten_with_time() {
        let mut queue = Queue::new();
        queue.spend(1, Boottime(0), Boottime(400 * MILLISECOND));
        queue.spend(2, Boottime(0), Boottime(100 * MILLISECOND));
        let first_at = |queue: &mut Queue<u32>, seconds: u64| {
            queue.push(1, 1);
            queue.push(2, 2);
            let now = Boottime(seconds * 1_000 * MILLISECOND);
            let first = queue.pop(now);
            queue.pop(now);
            first
        };
        assert_eq!(first_at(&mut queue, 1), Some(2));
        // Far later both count nothing, and the older session is first.
        assert_eq!(first_at(&mut queue, 600), Some(1));
    }

    #[test]
    fn who_is_always_there_is_forgiven_too() {
        let mut queue: Queue<u32> = Queue::new();
        // A hundredth of a second, twice a second, for an hour.
        for half in 0..7_200 {
            let from = Boottime(half * 500 * MILLISECOND);
            queue.spend(1, from, Boottime(from.0 + 10 * MILLISECOND));
        }
        let now = Boottime(7_200 * 500 * MILLISECOND);
        let (at, cost) = queue.spent[&1];
        assert!(halved((at, cost), now) <= 50 * MILLISECOND, "{cost}");
    }

    #[test]
    fn few_of_one_session_wait_here() {
        let mut queue = Queue::new();
        let taken = (0..100).take_while(|slot| queue.has_room(7).then(|| queue.push(7, *slot)).is_some());
        assert_eq!(taken.count(), EACH);
        assert!(queue.has_room(8));
    }
}

//! Taking times in turns, and what is said about them: the least, the median, the most.
//!
//! Subject and baseline take turns (A B A B ...), so that whatever else the machine does meets both alike. Nothing here
//! is an average: one slow run must not move the figure.

use std::fmt;
use std::hint::black_box;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The times of one contestant, in the order they were taken.
#[derive(Debug)]
pub(crate) struct Times(Vec<Duration>);

impl Times {
    pub(crate) fn median(&self) -> Duration {
        median(self.0.clone())
    }

    /// The time that this share of all does not exceed: 1.0 is the worst.
    pub(crate) fn at(&self, share: f64) -> Duration {
        let mut times = self.0.clone();
        times.sort_unstable();
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a small count"
        )]
        let rank = (share * times.len() as f64).ceil() as usize;
        times[rank.clamp(1, times.len()) - 1]
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// The median divided by the other's.
    pub(crate) fn ratio_to(&self, other: &Times) -> f64 {
        self.median().as_secs_f64() / other.median().as_secs_f64()
    }

    /// The median of what each run took longer than the baseline's run beside it, in seconds.
    pub(crate) fn overhead_over(&self, baseline: &Times) -> f64 {
        let mut differences: Vec<f64> = self
            .0
            .iter()
            .zip(&baseline.0)
            .map(|(ours, theirs)| ours.as_secs_f64() - theirs.as_secs_f64())
            .collect();
        differences.sort_by(f64::total_cmp);
        differences[differences.len() / 2]
    }
}

impl FromIterator<Duration> for Times {
    fn from_iter<I: IntoIterator<Item = Duration>>(times: I) -> Self {
        Self(times.into_iter().collect())
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

impl fmt::Display for Times {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let least = self.0.iter().min().copied().unwrap_or_default();
        let most = self.0.iter().max().copied().unwrap_or_default();
        write!(out, "{} / {} / {}", duration(least), duration(self.median()), duration(most))
    }
}

/// Three digits and a unit.
pub(crate) fn duration(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    let (value, unit) = match seconds {
        s if s < 1e-3 => (s * 1e6, "µs"),
        s if s < 1.0 => (s * 1e3, "ms"),
        s => (s, "s"),
    };
    format!("{value:.*} {unit}", digits_after_point(value))
}

/// So many that three digits are shown.
pub(crate) fn digits_after_point(value: f64) -> usize {
    match value.abs() {
        v if v < 10.0 => 2,
        v if v < 100.0 => 1,
        _ => 0,
    }
}

/// How long `work` takes.
pub(crate) fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

/// How long a whole program takes, from its start until it has ended.
pub(crate) fn timed_program(mut command: Command) -> Duration {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let start = Instant::now();
    // Blocks until the end: the harness's own waiting looks only every few milliseconds.
    let output = command.output().expect("starts a program");
    let time = start.elapsed();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    time
}

/// How long one `work` takes that is too short for the clock: `each` of them are timed together.
pub(crate) fn timed_each(each: u32, mut work: impl FnMut()) -> Duration {
    timed(|| (0..each).for_each(|_| work())) / each
}

/// Lets the contestants run in turns, `runs` times each, after one turn that does not count. Each says how long it took,
/// so that what it does before and after is not counted.
pub(crate) fn in_turns<const N: usize>(
    runs: usize,
    mut contestants: [&mut dyn FnMut() -> Duration; N],
) -> [Times; N] {
    let mut taken = [const { Times(Vec::new()) }; N];
    for turn in 0..=runs {
        for (contestant, times) in contestants.iter_mut().zip(&mut taken) {
            let time = contestant();
            if turn > 0 {
                times.0.push(time);
            }
        }
    }
    taken
}

/// Keeps the compiler from leaving out what is measured.
pub(crate) fn used<T>(value: T) {
    drop(black_box(value));
}

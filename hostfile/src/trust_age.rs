//! How old what this host believes may be: `trust_max_age` of host.toml against the bundle applied last.
//!
//! Only the bundle's first lines are read. Its signature was verified when `jit trust` applied it, the file is
//! root's alone, and pam_jit.so carries this code into every login.

use std::path::Path;

use grant::{MaximumAge, UnixTime, bundle};

use crate::secure;

/// Where `jit trust` keeps the bundle that it applied last, whole.
pub const APPLIED: &str = "/var/lib/jit/trust/applied";

/// When the bundle in a file was made; `None` when there is none or it can't be trusted.
#[must_use]
pub fn made(path: &Path) -> Option<UnixTime> {
    bundle::made_in(&secure::read_head(path, bundle::HEAD).ok()?)
}

/// The limit and what it is compared with. A bundle that can't be read counts as none: too old.
pub(crate) fn limit(seconds: Option<u64>) -> Option<MaximumAge> {
    seconds.map(|seconds| MaximumAge { made: made(Path::new(APPLIED)), seconds })
}

/// Seconds of a span like `24h`: a whole number and one of s, m, h, d.
pub(crate) fn seconds(text: &str) -> Option<u64> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let factor = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    let digits = number.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = number.parse::<u64>().ok().filter(|_| digits)?.checked_mul(factor)?;
    (1..=366 * 86_400).contains(&seconds).then_some(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_a_number_and_a_unit() {
        for (text, wanted) in [
            ("24h", Some(86_400)),
            ("1s", Some(1)),
            ("90m", Some(5_400)),
            ("366d", Some(31_622_400)),
            ("367d", None),
            ("0h", None),
            ("h", None),
            ("", None),
            ("+1h", None),
            ("1.5h", None),
            ("24", None),
            ("24 h", None),
            ("18446744073709551615d", None),
            ("1\u{20ac}", None),
        ] {
            assert_eq!(seconds(text), wanted, "{text}");
        }
    }
}

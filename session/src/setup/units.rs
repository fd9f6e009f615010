//! The units that a host with grants needs, started once the set-up is confirmed: without host.toml, which came after the
//! packages, none of them ran.
//!
//! What is not enabled stays as it is: somebody decided so. A unit that does not start concerns vendors only, who are
//! refused meanwhile; so it is said, and undoes nothing.

use std::process::{Command, Stdio};

use super::Say;
use super::place::has_systemd;

/// The socket comes with the recorder.
const UNITS: [&str; 5] =
    ["jit-recorder.socket", "jit-recorder.service", "jit-sweep.timer", "jit-trust.path", "jit-trust.timer"];

/// Those that are enabled and do not run.
pub(super) fn to_start() -> Vec<&'static str> {
    let wanted = |unit: &&str| has_systemd() && is(unit, "is-enabled") && !is(unit, "is-active");
    UNITS.into_iter().filter(wanted).collect()
}

/// Starts them. One that runs already goes on.
pub(super) fn start(say: Say<'_>) {
    for unit in to_start() {
        if is(unit, "is-active") {
            // The one before has brought it.
            continue;
        }
        if !systemctl(&["start", unit]) {
            say(&format!("{unit} does not start: see `systemctl status {unit}`"));
        } else if is(unit, "is-active") {
            // What a condition of its own keeps off was started, and is not active.
            say(&format!("started {unit}"));
        }
    }
}

fn is(unit: &str, what: &str) -> bool {
    systemctl(&[what, "--quiet", unit])
}

fn systemctl(words: &[&str]) -> bool {
    let mut command = Command::new("systemctl");
    command.args(words).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

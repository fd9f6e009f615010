//! The command `ca`. Reads the command line and the clock, and leaves the rest to `cli`.
//!
//! The clock is read in one function here, which is handed down: a command that waited for a passphrase or
//! for another process asks again, and never signs by an old time.

mod cli;
#[cfg(test)]
#[path = "../../docs/man/pages.rs"]
mod pages;
mod printer;

use std::process::ExitCode;
use std::time::SystemTime;

use grant::UnixTime;

fn main() -> ExitCode {
    // Keys and passphrases stay out of core dumps, and files are private unless a command says otherwise.
    let _ = nix::sys::prctl::set_dumpable(false);
    nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o077));
    cli::run(clock)
}

/// The one line that reads the clock. A clock before 1970 reads as 1970, when no window is open.
fn clock() -> UnixTime {
    #[allow(clippy::disallowed_methods, reason = "the one place where this binary reads the clock")]
    let now = SystemTime::now();
    UnixTime::from_secs(now.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs()))
}

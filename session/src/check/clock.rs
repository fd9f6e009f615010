//! Doors 701-709: the clock. A window is as exact as the clock of the host that keeps it.

use super::door::{Door, Finding};
use super::kernel_clock_ffi::{self, KernelClock};

static UNSYNCHRONISED: Door = Door::warning(
    701,
    "the clock is not synchronised",
    "a clock that is behind refuses fresh certificates and keeps closed windows open",
    "run a time service: systemd-timesyncd, chrony or ntpd",
);
static UNSURE: Door = Door::warning(
    702,
    "the clock may be off by more than certificates are backdated",
    "fresh certificates may be refused as not yet valid",
    "look at the time service's sources",
);

/// The doors of this area.
pub(super) static DOORS: [&Door; 2] = [&UNSYNCHRONISED, &UNSURE];

/// Looks at the kernel's clock.
pub(super) fn look() -> Option<Finding> {
    judge(kernel_clock_ffi::ask())
}

fn judge(clock: KernelClock) -> Option<Finding> {
    let backdate = libc::c_long::try_from(grant::limits::BACKDATE).unwrap_or(libc::c_long::MAX);
    match clock {
        KernelClock::Kept(error) if error / 1_000_000 >= backdate => {
            Some(UNSURE.open(format!("it may be off by {} seconds", error / 1_000_000)))
        }
        KernelClock::Kept(_) => None,
        KernelClock::Unsynchronised => Some(UNSYNCHRONISED.open("the kernel says so (adjtimex)")),
        KernelClock::Unknown => Some(UNSYNCHRONISED.open("the kernel does not say (adjtimex)")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_nobody_keeps_or_knows_is_found() {
        assert_eq!(judge(KernelClock::Kept(5_000)), None);
        for (clock, number) in [
            (KernelClock::Unsynchronised, 701),
            (KernelClock::Unknown, 701),
            (KernelClock::Kept(61_000_000), 702),
        ] {
            assert_eq!(judge(clock).map(|finding| finding.door.number), Some(number));
        }
    }
}

//! A ledger with a million certificates beside an empty one: `ca sign` and `ca list` as whole processes.
//!
//! "Empty" is a new authority with one vendor, one person and the one open grant that is signed from. `ca list` shows
//! the newest 50 grants; so it is also set beside a ledger that has those 50 and nothing else, which shows what the
//! million costs apart from the 50 lines.

use crate::filled;
use crate::measure::{in_turns, timed_program};
use crate::row::Row;
use crate::signing::Desk;

const CERTIFICATES: u32 = 1_000_000;
/// As many as `ca list` shows.
const SHOWN: u32 = 50;

pub(crate) fn rows(runs: usize) -> Vec<Row> {
    let (empty, short, full) =
        (desk_with(0), desk_with(SHOWN * filled::CERTIFICATES_OF_A_GRANT), desk_with(CERTIFICATES));
    let list = |desk: &Desk| timed_program(desk.ca(&["list"]));
    let open = |desk: &Desk| timed_program(desk.ca(&["list", "--open"]));
    let [sign, sign_empty] =
        in_turns(runs, [&mut || timed_program(full.sign()), &mut || timed_program(empty.sign())]);
    let [listed, listed_empty, listed_short] =
        in_turns(runs, [&mut || list(&full), &mut || list(&empty), &mut || list(&short)]);
    let [opened, opened_empty] = in_turns(runs, [&mut || open(&full), &mut || open(&empty)]);
    vec![
        Row::ratio(
            "`ca sign`, 1,000,000 certificates in the ledger",
            &sign,
            ("empty ledger", &sign_empty),
            1.5,
        ),
        Row::ratio("`ca list --open`, likewise", &opened, ("empty ledger", &opened_empty), 1.5),
        Row::ratio("`ca list`, likewise", &listed, ("empty ledger", &listed_empty), 1.5),
        Row::ratio("`ca list`, likewise", &listed, ("ledger of the 50 shown", &listed_short), 1.5),
    ]
}

/// An authority with this many certificates of the past, and one grant that is open now.
fn desk_with(certificates: u32) -> Desk {
    let mut desk = Desk::new();
    // One of each through the front door: what is filled in by the hundred thousand is made like it.
    timed_program(desk.sign());
    filled::fill(&desk.authority.folder().join("ledger.db"), desk.grant(), certificates);
    desk.open_grant();
    desk
}

//! A login with `[recorder]` in host.toml beside the same login without that table: what the hand-over to the recorder, the
//! durable `session.open` and the filter add to what `login.rs` measures.

use std::cell::RefCell;

use e2e::client::Client;
use e2e::recording::TABLE;
use e2e::world::{ACCOUNT, host_toml};

use crate::fresh::Fresh;
use crate::measure::{in_turns, timed_program};
use crate::recorded::Recorded;
use crate::row::Row;

pub(crate) fn rows(runs: usize) -> Vec<Row> {
    let recorded = Recorded::fresh();
    let world = &recorded.recording.world;
    let certificate = RefCell::new(Fresh::of(world));
    let login = |table: &str| {
        world.host.write("/etc/jit/host.toml", host_toml(world.authority.fingerprint()) + table);
        timed_program(Client::new(&world.host, ACCOUNT, certificate.borrow_mut().next()).ssh(&[], &["true"]))
    };
    let [ours, without] = in_turns(runs, [&mut || login(TABLE), &mut || login("")]);
    let opened = recorded.recording.records("session.open").len();
    assert_eq!(opened, runs + 1, "every other login was recorded");
    let baseline = ("the module alone", &without);
    vec![Row::overhead("login: time that the recorder adds", &ours, baseline, f64::INFINITY).unlimited()]
}

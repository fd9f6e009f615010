//! A login with the module beside the same login without it: whole runs of `ssh HOST true`.
//!
//! One sshd, one configuration, one certificate; only `/etc/pam.d/sshd` changes between two runs, and sshd reads it anew
//! for each connection. The third contestant is a host that has never heard of the product and takes the same
//! certificate by stock sshd's own means: what all of the product costs a login, `jit principals` included.

use std::cell::RefCell;

use e2e::client::Client;
use e2e::host::Host;
use e2e::pam_stack;
use e2e::world::{ACCOUNT, HOST, World};

use crate::fresh::Fresh;
use crate::measure::{in_turns, timed_program};
use crate::row::Row;

pub(crate) fn rows(runs: usize) -> Vec<Row> {
    let mut world = World::fresh();
    world.host.compare_pam_stacks();
    let stock = stock_host(&world);
    let mut certificate = Fresh::of(&world);
    let login = RefCell::new(|host: &Host| {
        timed_program(Client::new(host, ACCOUNT, certificate.next()).ssh(&[], &["true"]))
    });
    let with_stack = |ours: bool| {
        world.host.write("/etc/pam.d/sshd", pam_stack::sshd(ours));
        login.borrow_mut()(&world.host)
    };
    let [ours, without, stock] = in_turns(
        runs,
        [&mut || with_stack(true), &mut || with_stack(false), &mut || login.borrow_mut()(&stock)],
    );
    let opened = world.host.log_lines().iter().filter(|line| line.contains("session.open")).count();
    assert!(opened > runs, "{opened} of {runs} logins were seen by the module");
    let baseline = ("without the module", &without);
    vec![
        Row::overhead("login: time that the module adds", &ours, baseline, 5.0),
        Row::overhead_percent("login: the same as a share", &ours, baseline, 5.0),
        Row::overhead("login: time that everything adds", &ours, ("stock sshd", &stock), f64::INFINITY)
            .unlimited(),
    ]
}

/// A host that believes the same CA without anything of ours: a principals file for the account.
fn stock_host(world: &World) -> Host {
    let mut host = Host::bare();
    host.write("/etc/ssh/plain_ca.pub", world.authority.ca_key());
    host.write(&format!("/etc/ssh/principals/{ACCOUNT}"), format!("{ACCOUNT}@{HOST}\n"));
    host.restart_sshd(
        "TrustedUserCAKeys /etc/ssh/plain_ca.pub\nAuthorizedPrincipalsFile /etc/ssh/principals/%u\n",
    );
    host
}

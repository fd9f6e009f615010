//! The loop of `execs.rs` under what else Debian has to record commands with, each as its package sets it up, beside the
//! same loop without any of them.
//!
//! Each must have recorded every program, or its time says nothing. How much that is worth is another matter: snoopy is a
//! library in the caller's own memory, and none of the three waits until a record is durable.

mod auditd;

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use e2e::client::Client;
use e2e::deadline::{self, SOON};
use e2e::host::Host;
use e2e::process::{Running, run};
use e2e::world::ACCOUNT;

use crate::execs::{LOOP, PROGRAMS};
use crate::fresh::Fresh;
use crate::measure::in_turns;
use crate::recorded::{Recorded, took};
use crate::row::Row;
use auditd::Auditd;

const WITHOUT: &str = "nothing records";
const PRELOAD: &str = "/etc/ld.so.preload";

pub(crate) fn rows(runs: usize) -> Vec<Row> {
    let unpacked = unpacked();
    let recorded = Recorded::fresh();
    let host = &recorded.recording.world.host;
    install(host, &unpacked);
    let certificate = RefCell::new(Fresh::of(&recorded.recording.world));
    let client = |ours: bool| {
        recorded.with_us(ours);
        Client::new(host, ACCOUNT, certificate.borrow_mut().next())
    };
    let snoopy = || {
        let client = client(false);
        host.write(PRELOAD, format!("{}\n", library(&unpacked, "libsnoopy.so")));
        let time = Recorded::timed(&client, LOOP);
        host.remove(PRELOAD);
        time
    };
    let [ours, without, snoopy, sudo] = in_turns(
        runs,
        [
            &mut || recorded.timed_recorded(&client(true), LOOP, PROGRAMS),
            &mut || Recorded::timed(&client(false), LOOP),
            &mut || snoopy(),
            &mut || Recorded::timed(&client(false), "exec sudo -n forks 1 2000 /bin/true"),
        ],
    );
    for (what, words) in [("snoopy", ["snoopy[", "/bin/true"]), ("sudo", ["sudo", "COMMAND=/bin/true"])] {
        let wanted = usize::try_from(PROGRAMS).unwrap_or(usize::MAX) * (runs + 1);
        let logged =
            || host.log_lines().iter().filter(|line| words.iter().all(|word| line.contains(word))).count();
        deadline::until(&format!("{what} has logged each of {wanted} programs"), || logged() >= wanted);
    }
    let mut rows: Vec<Row> = [("jit", &ours), ("snoopy", &snoopy), ("sudo `log_subcmds`", &sudo)]
        .map(|(name, times)| {
            Row::ratio(&format!("2,000 programs under {name}"), times, (WITHOUT, &without), f64::INFINITY)
                .unlimited()
        })
        .into();
    rows.push(under_auditd(runs, &unpacked, &recorded, &client));
    rows
}

fn under_auditd(runs: usize, unpacked: &Path, recorded: &Recorded, client: &impl Fn(bool) -> Client) -> Row {
    let what = "2,000 programs under auditd";
    let auditd = match Auditd::start(unpacked, recorded.disk()) {
        Ok(auditd) => auditd,
        Err(why) => return Row::alone(what, format!("not measured: {why}"), 0),
    };
    let host = &recorded.recording.world.host;
    let [audited, without] = in_turns(
        runs,
        [&mut || timed_with_rule(host, &client(false), Some(&auditd)), &mut || {
            auditd.enable(false);
            let time = timed_with_rule(host, &client(false), None);
            auditd.enable(true);
            time
        }],
    );
    auditd.assert_recorded(usize::try_from(PROGRAMS).unwrap_or(usize::MAX));
    Row::ratio(what, &audited, (WITHOUT, &without), f64::INFINITY).unlimited()
}

/// Runs the loop once the rule for its session, and no other of this machine, is in the kernel.
fn timed_with_rule(host: &Host, client: &Client, auditd: Option<&Auditd>) -> Duration {
    const GO: &str = "/tmp/go";
    let words = format!("echo session=$(cat /proc/self/sessionid)=; {LOOP} {GO}");
    let running = Running::start(client.ssh(&[], &[&words]), b"");
    let session = deadline::poll(SOON, || Some(running.so_far().0.split('=').nth(1)?.to_owned()));
    let session = session.expect("the session's number");
    if let Some(auditd) = auditd {
        auditd.rule("-a", &session);
    }
    host.write(GO, "");
    let outcome = running.finish().ok();
    if let Some(auditd) = auditd {
        auditd.rule("-d", &session);
    }
    host.remove(GO);
    took(&outcome)
}

/// What `scripts/other-recorders` has unpacked.
fn unpacked() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/other-recorders/root");
    assert!(
        folder.exists(),
        "run scripts/other-recorders target/other-recorders first, as scripts/bench does"
    );
    folder
}

/// Puts the packages' files on the host, where an administrator's apt would.
fn install(host: &Host, unpacked: &Path) {
    for place in ["usr", "etc"] {
        let mut copy = Command::new("cp");
        copy.arg("-a").arg(unpacked.join(place)).arg(host.path("/"));
        drop(run(copy).ok());
    }
    let rule = format!("Defaults log_subcmds\n{ACCOUNT} ALL=(ALL:ALL) NOPASSWD: ALL\n");
    host.write_mode("/etc/sudoers.d/bench", rule, 0o440);
}

/// Where a host has a library of the packages.
fn library(unpacked: &Path, name: &str) -> String {
    let folders = std::fs::read_dir(unpacked.join("usr/lib")).expect("reads usr/lib").flatten();
    let found = folders.map(|folder| folder.path().join(name)).find(|path| path.exists());
    let found = found.unwrap_or_else(|| panic!("{name} was unpacked"));
    let inside = found.strip_prefix(unpacked).expect("a path inside");
    format!("/{}", inside.display())
}

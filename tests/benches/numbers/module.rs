//! The module's size, and the memory that it adds to the sshd processes of a session that is held open.

use std::path::{Path, PathBuf};

use e2e::artefacts;
use e2e::authority::Request;
use e2e::deadline;
use e2e::host::Host;
use e2e::identity::Identity;
use e2e::pam_stack;
use e2e::process::Running;
use e2e::world::{ACCOUNT, World};

use crate::row::Row;

/// As `/proc/PID/smaps_rollup` names them. Not `Private_Dirty`: the scratch host keeps the module in memory (tmpfs), whose
/// pages always count as dirty.
const KINDS: [&str; 3] = ["Rss", "Pss", "Anonymous"];

pub(crate) fn rows(runs: usize) -> Vec<Row> {
    let size = std::fs::metadata(artefacts::module()).expect("looks at the module").len();
    #[allow(clippy::cast_precision_loss, reason = "a file's size")]
    let size = size as f64;
    let mut rows = vec![
        Row::alone("pam_jit.so, stripped", format!("{:.2} MB", size / 1e6), 1).within("< 1 MB", size < 1e6),
    ];
    let mut world = World::fresh();
    world.host.compare_pam_stacks();
    let identity = world.granted(&Request::default());
    let mut found: Vec<[Memory; 2]> = Vec::new();
    for _ in 0..runs {
        found.push([true, false].map(|ours| {
            world.host.write("/etc/pam.d/sshd", pam_stack::sshd(ours));
            memory_of_a_session(&world, &identity)
        }));
    }
    rows.extend(KINDS.iter().enumerate().map(|(kind, name)| {
        let added = median(found.iter().map(|[with, without]| with[kind] - without[kind]));
        let [with, without] = [0, 1].map(|stack| median(found.iter().map(|pair| pair[stack][kind])));
        Row::alone(&format!("memory added to a session's monitor: {name}"), format!("{added:+} KiB"), runs)
            .beside(format!("{with} KiB"), format!("{without} KiB (without the module)"))
    }));
    rows
}

fn median(numbers: impl Iterator<Item = i64>) -> i64 {
    let mut numbers: Vec<_> = numbers.collect();
    numbers.sort_unstable();
    numbers[numbers.len() / 2]
}

/// What the kernel says about the monitor, the process of sshd that called PAM: KiB of each of [`KINDS`].
type Memory = [i64; KINDS.len()];

fn memory_of_a_session(world: &World, identity: &Identity) -> Memory {
    let client = world.client(identity);
    // A session that is open has started its command.
    let session = Running::start(client.ssh(&[], &["echo open; exec sleep 600"]), b"");
    deadline::until("the session is open", || session.so_far().0 == "open\n");
    let memory = memory_of(&monitor(&world.host));
    drop(session.kill());
    deadline::until("the session is over", || monitors(&world.host).is_empty());
    memory
}

fn memory_of(process: &Path) -> Memory {
    let facts = std::fs::read_to_string(process.join("smaps_rollup")).expect("reads smaps_rollup");
    KINDS.map(|kind| {
        let line = facts.lines().find_map(|line| line.strip_prefix(kind)?.strip_prefix(':'));
        let number = line.and_then(|line| line.trim().strip_suffix(" kB"));
        number.and_then(|number| number.parse().ok()).expect("a number of kB")
    })
}

fn monitor(host: &Host) -> PathBuf {
    let found = monitors(host);
    assert_eq!(found.len(), 1, "one session is open: {found:?}");
    found.into_iter().next().expect("one")
}

/// The processes of the host whose title is a monitor's.
fn monitors(host: &Host) -> Vec<PathBuf> {
    let title = format!("sshd: {ACCOUNT} [priv]");
    let processes = std::fs::read_dir(host.path("/proc")).expect("reads the host's /proc").flatten();
    processes
        .map(|entry| entry.path())
        .filter(|path| {
            let words = std::fs::read(path.join("cmdline")).unwrap_or_default();
            let words = String::from_utf8_lossy(&words);
            words.trim_end_matches(['\0', ' ']) == title
        })
        .collect()
}

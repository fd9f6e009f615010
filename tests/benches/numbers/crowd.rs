//! Many sessions that are open at once, and the watch on their processes from outside: what is gone is what the kernel no
//! longer lists, whatever the records say.

use std::time::Duration;

use e2e::client::Client;
use e2e::deadline;
use e2e::host::Host;
use e2e::identity::Identity;
use e2e::process::Running;
use e2e::recording::Recording;
use e2e::world::ACCOUNT;

/// Logins that are under way at once.
const AT_ONCE: usize = 8;

/// How long they may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// An open session.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) client: Client,
    running: Running,
}

/// Opens `count` sessions that do nothing: each with a terminal, a detached process and one in the foreground.
pub(crate) fn open(host: &Host, count: usize, mut identity: impl FnMut() -> Identity) -> Vec<Member> {
    let mut members: Vec<Member> = Vec::new();
    for number in 1..=count {
        let client = Client::new(host, ACCOUNT, &identity());
        let words = "setsid sleep 1001 & echo open; exec sleep 1002";
        let running = Running::start(client.ssh(&["-tt"], &[words]), b"");
        members.push(Member { client, running });
        if number % AT_ONCE == 0 || number == count {
            let share = &members[(number - 1) / AT_ONCE * AT_ONCE..];
            all_say("open", share.iter().map(|member| &member.running));
        }
    }
    members
}

/// Waits until each has printed this word.
pub(crate) fn all_say<'a>(word: &str, running: impl Iterator<Item = &'a Running> + Clone) {
    let said = || running.clone().all(|one| one.so_far().0.contains(word)).then_some(());
    let all = deadline::poll(PATIENCE, said);
    assert!(all.is_some(), "all say {word}: {:?}", running.map(Running::so_far).collect::<Vec<_>>());
}

/// What one session holds.
#[derive(Debug)]
pub(crate) struct Watched {
    pub(crate) id: String,
    /// The end of its grant's window, as time since 1970.
    pub(crate) closes: Duration,
    processes: Vec<i32>,
}

impl Watched {
    pub(crate) fn of(recording: &Recording, member: &Member) -> Self {
        let session = recording.session(&member.client);
        let open = session.parts("session.open").pop().expect("its first record");
        let closes = open["jit"]["closes"].as_str().and_then(|time| time.parse::<grant::UnixTime>().ok());
        let processes: Vec<i32> = session.processes().into_iter().map(|(pid, _)| pid).collect();
        // sshd's two, the two that sleep.
        assert!(processes.len() >= 4, "{}: {processes:?}", session.id);
        let closes = Duration::from_secs(closes.expect("when the window closes").secs());
        Self { id: session.id, closes, processes }
    }

    /// Whether none of its processes is left.
    pub(crate) fn is_gone(&mut self, host: &Host) -> bool {
        self.processes.retain(|pid| {
            let stat = std::fs::read_to_string(host.path(&format!("/proc/{pid}/stat"))).unwrap_or_default();
            stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
        });
        self.processes.is_empty()
    }
}

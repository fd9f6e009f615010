//! A host whose sessions are recorded: the world of `world.rs` with `jit recorder` running in the foreground, as in a
//! container without systemd.

use std::collections::BTreeMap;

use crate::client::Client;
use crate::deadline;
use crate::process::{Outcome, Running};
use crate::world::{World, host_toml};

/// What the table says where there is no process 1 that makes scopes.
pub const TABLE: &str = "[recorder]\nrequire_scope = false\n";

/// A world with a recorder.
#[derive(Debug)]
pub struct Recording {
    /// The world.
    pub world: World,
    recorder: Option<Running>,
    table: String,
}

impl Recording {
    /// A fresh world with a recorder.
    #[must_use]
    pub fn fresh() -> Self {
        Self::with(TABLE)
    }

    /// A fresh world with a recorder that has this configuration.
    #[must_use]
    pub fn with(table: &str) -> Self {
        let world = World::fresh();
        let mut recording = Self { world, recorder: None, table: table.to_owned() };
        recording.publish();
        recording.start_recorder();
        recording
    }

    /// Brings the authority's files to the host.
    pub fn publish(&self) {
        self.world.publish();
        let text = format!("{}{}", host_toml(self.world.authority.fingerprint()), self.table);
        self.world.host.write("/etc/jit/host.toml", text);
    }

    /// Starts the recorder and waits until it answers.
    ///
    /// # Panics
    /// When it does not.
    pub fn start_recorder(&mut self) {
        let mut command = self.world.host.command("/usr/bin/jit");
        command.arg("recorder");
        self.recorder = Some(Running::start(command, b""));
        deadline::until("the recorder answers", || self.jit(["sessions"]).succeeded());
    }

    /// Kills the recorder as nothing else can: by SIGKILL.
    ///
    /// # Panics
    /// When there is none.
    pub fn kill_recorder(&mut self) {
        // The process started is nsenter, which waits for the recorder inside.
        drop(self.world.host.run(["pkill", "-KILL", "-f", "jit recorder"]).ok());
        drop(self.recorder.take().expect("a recorder").finish());
    }

    /// What the recorder has written to its standard streams.
    #[must_use]
    pub fn recorder_says(&self) -> String {
        self.recorder.as_ref().map(|recorder| format!("{:?}", recorder.so_far())).unwrap_or_default()
    }

    /// Runs `jit` on the host.
    #[must_use]
    pub fn jit<const N: usize>(&self, words: [&str; N]) -> Outcome {
        let mut command = self.world.host.command("/usr/bin/jit");
        command.args(words);
        crate::process::run(command)
    }

    /// Every line of the spool.
    #[must_use]
    pub fn spool(&self) -> Vec<serde_json::Value> {
        let folder = self.world.host.path("/var/lib/jit/spool");
        let mut names: Vec<_> = std::fs::read_dir(folder)
            .map(|dir| dir.flatten().map(|e| e.path()).collect())
            .unwrap_or_default();
        names.sort();
        let text: String =
            names.iter().map(|path| std::fs::read_to_string(path).unwrap_or_default()).collect();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// The records of one event, in order; of commands the first parts.
    #[must_use]
    pub fn records(&self, event: &str) -> Vec<serde_json::Value> {
        let first = |record: &serde_json::Value| record["jit"]["part"].as_u64().unwrap_or(1) == 1;
        self.spool()
            .into_iter()
            .filter(|record| record["event"]["action"] == event && first(record))
            .collect()
    }

    /// The command lines of all recorded commands.
    #[must_use]
    pub fn commands(&self) -> Vec<String> {
        let line = |record: &serde_json::Value| {
            let args = record["process"]["args"].as_array().cloned().unwrap_or_default();
            args.iter().filter_map(|arg| arg.as_str().map(str::to_owned)).collect::<Vec<_>>().join(" ")
        };
        self.records("session.command").iter().map(line).collect()
    }

    /// Waits for the close of a session of this client's person, and gives its record.
    ///
    /// # Panics
    /// When none comes.
    #[must_use]
    pub fn closed(&self, count: usize) -> serde_json::Value {
        let found = deadline::poll(deadline::SOON, || {
            let closes = self.records("session.close");
            closes.get(count - 1).cloned()
        });
        found.unwrap_or_else(|| {
            panic!("no session.close number {count}: {:#?}\n{}", self.spool(), self.recorder_says())
        })
    }

    /// Each command's number must be there once, from 1 without a gap; gives how many a session has.
    ///
    /// # Panics
    /// When one is missing or twice.
    #[must_use]
    pub fn counted(&self) -> BTreeMap<String, u64> {
        let mut numbers: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        for record in self.records("session.command") {
            let session = record["jit"]["session"].as_str().unwrap_or_default().to_owned();
            numbers.entry(session).or_default().push(record["jit"]["session_seq"].as_u64().unwrap_or(0));
        }
        let mut counts = BTreeMap::new();
        for (session, mut seen) in numbers {
            seen.sort_unstable();
            let count = seen.len() as u64;
            assert!(
                seen.iter().copied().eq(1..=count),
                "{session}: {count} records, numbers {:?}...",
                &seen[..seen.len().min(20)]
            );
            counts.insert(session, count);
        }
        counts
    }

    /// A client of jo for the usual account under an ordinary grant.
    #[must_use]
    pub fn client(&self) -> Client {
        self.world.client(&self.world.granted(&crate::authority::Request::default()))
    }
}

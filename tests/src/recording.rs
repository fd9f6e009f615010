//! A host whose sessions are recorded: the world of `world.rs` with `jit recorder` running in the foreground, as in a
//! container without systemd.

pub mod probe;
pub mod session;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use serde_json::Value;

use crate::authority::Request;
use crate::client::Client;
use crate::deadline;
use crate::host::Host;
use crate::identity::Identity;
use crate::process::{Outcome, Running, run};
use crate::world::{World, host_toml};
use session::Session;

/// What the table says where there is no process 1 that makes scopes.
pub const TABLE: &str = "[recorder]\nrequire_scope = false\n";

/// The program's name and word, as its process shows them.
const RECORDER: &[u8] = b"/usr/bin/jit\0recorder\0";

/// A world with a recorder.
#[derive(Debug)]
pub struct Recording {
    /// The world.
    pub world: World,
    recorder: Option<Running>,
    /// Words before the recorder's own, such as a program that takes capabilities away.
    pub launcher: Vec<String>,
    table: String,
    /// After the world, whose end is the end of every process in them.
    cgroups: Cgroups,
}

/// The cgroups of this host's sessions: the hierarchy is the machine's, and what a test left open must not stay in it.
#[derive(Debug, Default)]
struct Cgroups(Vec<String>);

impl Drop for Cgroups {
    fn drop(&mut self) {
        for session in &self.0 {
            for root in ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"] {
                let folder = std::path::Path::new(root).join(format!("jit-{session}"));
                let gone = || !folder.exists() || std::fs::remove_dir(&folder).is_ok();
                // The recorder removes those of sessions that it saw end.
                let _ = deadline::poll(deadline::SOON, || gone().then_some(()));
            }
        }
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        let opened = self.records("session.open");
        let sessions =
            opened.iter().filter_map(|record| record["jit"]["session"].as_str().map(str::to_owned));
        self.cgroups.0.extend(sessions);
    }
}

impl Recording {
    /// A fresh world with a recorder.
    #[must_use]
    pub fn fresh() -> Self {
        Self::with(TABLE)
    }

    /// The same, shared by tests that only look at their own sessions. Accounts are shared there, so that no test has to
    /// wait for another one's session to be over.
    #[must_use]
    pub fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Recording>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let recording = Arc::new(Self::with(&format!("{TABLE}shared_accounts = true\n")));
            probe::install(&recording.world.host);
            *shared = Arc::downgrade(&recording);
            recording
        })
    }

    /// A fresh world with a recorder that has this configuration: the tables `[log]` and `[recorder]` of `host.toml`.
    #[must_use]
    pub fn with(table: &str) -> Self {
        Self::prepared(table, |_| ())
    }

    /// The same after `prepare` has done something to the host, before the recorder starts.
    #[must_use]
    pub fn prepared(table: &str, prepare: impl FnOnce(&Host)) -> Self {
        let mut recording = Self::without_recorder(World::fresh(), table);
        prepare(&recording.world.host);
        recording.start_recorder();
        recording
    }

    /// The same in this world, with its configuration, before a recorder is started.
    #[must_use]
    pub fn without_recorder(world: World, table: &str) -> Self {
        // The machine's own /var/lib stays as it was.
        drop(world.host.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/var/lib"]).ok());
        let recording = Self {
            world,
            recorder: None,
            launcher: Vec::new(),
            table: table.to_owned(),
            cgroups: Cgroups::default(),
        };
        recording.publish();
        recording
    }

    /// Changes the tables `[log]` and `[recorder]` of `host.toml`; a recorder reads them when it starts.
    pub fn configure(&mut self, table: &str) {
        table.clone_into(&mut self.table);
        self.publish();
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
        let words = [&self.launcher[..], &["/usr/bin/jit".to_owned(), "recorder".to_owned()]].concat();
        let mut command = self.world.host.command(&words[0]);
        command.args(&words[1..]);
        let mut recorder = Running::start(command, b"");
        deadline::until("the recorder answers", || {
            assert!(!recorder.has_ended(), "the recorder ended: {:?}", recorder.so_far());
            self.jit(["sessions"]).succeeded()
        });
        self.recorder = Some(recorder);
    }

    /// The recorder's process on the host.
    ///
    /// # Panics
    /// When none runs.
    #[must_use]
    #[track_caller]
    pub fn recorder_pid(&self) -> i32 {
        let entries = std::fs::read_dir(self.world.host.path("/proc")).expect("reads /proc").flatten();
        let pids = entries.filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse::<i32>().ok()?;
            let is_one = std::fs::read(entry.path().join("cmdline")).ok()? == RECORDER;
            (is_one && self.world.host.holds(&entry.path())).then_some(pid)
        });
        pids.into_iter().next().expect("a running recorder")
    }

    /// Sends a signal to a process of the host.
    #[track_caller]
    pub fn signal(&self, signal: &str, pid: impl ToString) {
        drop(self.world.host.run(["kill", "-s", signal, &pid.to_string()]).ok());
    }

    /// Kills the recorder as nothing else can: by SIGKILL.
    ///
    /// # Panics
    /// When there is none.
    pub fn kill_recorder(&mut self) {
        self.signal("KILL", self.recorder_pid());
        // The process started is nsenter, which waits for the recorder inside.
        drop(self.recorder.take().expect("a recorder").finish());
    }

    /// Kills the recorder and starts another.
    pub fn restart_recorder(&mut self) {
        self.kill_recorder();
        self.start_recorder();
    }

    /// What the recorder has written to its standard streams.
    #[must_use]
    pub fn recorder_says(&self) -> String {
        self.recorder.as_ref().map(|recorder| format!("{:?}", recorder.so_far())).unwrap_or_default()
    }

    /// A command that runs `jit` on the host.
    #[must_use]
    pub fn jit_command<const N: usize>(&self, words: [&str; N]) -> std::process::Command {
        let mut command = self.world.host.command("/usr/bin/jit");
        command.args(words).env("SUDO_USER", "ada");
        command
    }

    /// Runs `jit` on the host, as ada does through sudo.
    #[must_use]
    pub fn jit<const N: usize>(&self, words: [&str; N]) -> Outcome {
        run(self.jit_command(words))
    }

    /// What `jit sessions --json` shows.
    ///
    /// # Panics
    /// When it fails.
    #[must_use]
    #[track_caller]
    pub fn open_sessions(&self) -> Vec<Value> {
        let shown = self.jit(["sessions", "--json"]).ok().stdout;
        serde_json::from_str(&shown).unwrap_or_else(|error| panic!("{error}: {shown}"))
    }

    /// The text of the spool.
    #[must_use]
    pub fn spool_text(&self) -> String {
        let folder = self.world.host.path("/var/lib/jit/spool");
        let mut names: Vec<_> = std::fs::read_dir(folder)
            .map(|dir| dir.flatten().map(|e| e.path()).collect())
            .unwrap_or_default();
        names.sort();
        names.iter().map(text_of).collect()
    }

    /// Every line of the spool.
    #[must_use]
    pub fn spool(&self) -> Vec<Value> {
        self.spool_with("")
    }

    /// Every line of the spool that has this text in it.
    #[must_use]
    pub fn spool_with(&self, text: &str) -> Vec<Value> {
        let spool = self.spool_text();
        let lines = spool.lines().filter(|line| line.contains(text));
        lines.filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// The records of one event, in order; of commands the first parts.
    #[must_use]
    pub fn records(&self, event: &str) -> Vec<Value> {
        let first = |record: &Value| record["jit"]["part"].as_u64().unwrap_or(1) == 1;
        let all = self.spool_with(event);
        all.into_iter().filter(|record| record["event"]["action"] == event && first(record)).collect()
    }

    /// The session that this client has opened, at hand or soon; of several the last.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    #[track_caller]
    pub fn session(&self, client: &Client) -> Session<'_> {
        self.session_after(client, 0)
    }

    /// The ids of the sessions that this client has opened.
    fn opened_by(&self, client: &Client) -> Vec<String> {
        let source = client.source().to_string();
        let opened = self.records("session.open");
        let ours = opened.iter().filter(|record| record["source"]["ip"] == source.as_str());
        ours.filter_map(|record| record["jit"]["session"].as_str().map(str::to_owned)).collect()
    }

    #[track_caller]
    fn session_after(&self, client: &Client, before: usize) -> Session<'_> {
        let found = deadline::poll(deadline::SOON, || self.opened_by(client).split_off(before).pop());
        let id = found.unwrap_or_else(|| {
            let (source, sshd) = (client.source(), self.world.host.sshd_log());
            panic!("no session from {source}; {}\n{sshd}", self.recorder_says())
        });
        Session { recording: self, id }
    }

    /// Runs a command to its end in a session of its own: what came of it, and the session.
    #[must_use]
    #[track_caller]
    pub fn exec(&self, client: &Client, words: &str) -> (Outcome, Session<'_>) {
        let outcome = client.exec(words);
        (outcome, self.session(client))
    }

    /// Starts a command, and comes back when its session has recorded one with `word` in it.
    #[must_use]
    #[track_caller]
    pub fn start(&self, client: &Client, words: &str, word: &str) -> (Running, Session<'_>) {
        self.start_with(client, &[], words, word)
    }

    /// The same with flags for `ssh`; without `word` an open session will do.
    #[must_use]
    #[track_caller]
    pub fn start_with(
        &self,
        client: &Client,
        flags: &[&str],
        words: &str,
        word: &str,
    ) -> (Running, Session<'_>) {
        let words: Vec<&str> = if words.is_empty() { Vec::new() } else { vec![words] };
        let before = self.opened_by(client).len();
        let running = Running::start(client.ssh(flags, &words), b"");
        self.started(client, before, running, word)
    }

    /// Starts a shell on a terminal with `input` typed into it, and comes back when it has run something with `word`.
    /// The shell stays.
    #[must_use]
    #[track_caller]
    pub fn shell(&self, client: &Client, flags: &[&str], input: &str, word: &str) -> (Running, Session<'_>) {
        let flags = [&["-tt"], flags].concat();
        let before = self.opened_by(client).len();
        let running = Running::start(client.ssh(&flags, &[]), input.as_bytes());
        self.started(client, before, running, word)
    }

    #[track_caller]
    fn started(
        &self,
        client: &Client,
        before: usize,
        running: Running,
        word: &str,
    ) -> (Running, Session<'_>) {
        let session = self.session_after(client, before);
        let started = deadline::poll(deadline::SOON, || {
            // The shell's own line has the word too, and is there before.
            let runs = |line: &String| line.contains(word) && !line.starts_with("bash -c ");
            (word.is_empty() || session.lines().iter().any(runs)).then_some(())
        });
        assert!(started.is_some(), "{word} runs: {:?}\n{:?}", session.lines(), running.so_far());
        (running, session)
    }

    /// The living processes that carry an audit session id, by id and name.
    #[must_use]
    pub fn processes_of(&self, audit_session: u64) -> Vec<(i32, String)> {
        session::processes_of(&self.world.host.path("/proc"), audit_session)
    }

    /// The close number `count` of this host, at hand or soon.
    ///
    /// # Panics
    /// When none comes.
    #[must_use]
    #[track_caller]
    pub fn closed(&self, count: usize) -> Value {
        let found = deadline::poll(deadline::SOON, || self.records("session.close").get(count - 1).cloned());
        found.unwrap_or_else(|| {
            panic!("no session.close number {count}: {:#?}\n{}", self.spool(), self.recorder_says())
        })
    }

    /// Each command's number must be there once, from 1 without a gap; gives how many a session has.
    ///
    /// # Panics
    /// When one is missing or twice.
    #[must_use]
    #[track_caller]
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
    #[track_caller]
    pub fn client(&self) -> Client {
        self.client_for(&Request::default())
    }

    /// A client of jo for the usual account under a grant for `request`.
    #[must_use]
    #[track_caller]
    pub fn client_for(&self, request: &Request) -> Client {
        self.world.client(&self.world.granted(request))
    }

    /// Enrols another person with a key of her own.
    #[must_use]
    #[track_caller]
    pub fn person(&self, person: &str) -> Identity {
        let key = Identity::make(self.world.folder.path(), &person.replace('/', "-"));
        self.world.authority.enrol(person, &[&key]);
        key
    }

    /// A certificate for `request` of a person with this key, approved by kim, and the grant's id.
    #[must_use]
    #[track_caller]
    pub fn grant(&self, request: &Request, key: &Identity) -> (String, Identity) {
        let grant = self.world.authority.create(request);
        self.world.authority.approve(&grant, "kim", &self.world.kim);
        let identity = self.world.authority.sign(&grant, key);
        (grant, identity)
    }
}

/// A segment's text, without what it is filled with behind its last line.
fn text_of(segment: &std::path::PathBuf) -> String {
    let text = std::fs::read_to_string(segment).unwrap_or_default();
    text.trim_end_matches('\t').to_owned()
}

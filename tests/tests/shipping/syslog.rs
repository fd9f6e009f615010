//! The two rsyslogd: the host's, which forwards, and the log host's, which keeps. Both run the files of `packaging/rsyslog/`.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use e2e::deadline;
use e2e::process::{Running, clean, program, run};
use tempfile::TempDir;

use crate::keys::Keys;

const FORWARDER: &str = include_str!("../../../packaging/rsyslog/10-pam-jit.conf");
const LOG_HOST: &str = include_str!("../../../packaging/rsyslog/receiver.conf.example");

/// The name in the log host's certificate.
pub(crate) const LOG_HOST_NAME: &str = "logs.example";
/// The host's name in grants, and in its certificate.
pub(crate) const HOST: &str = "db1.prod";

/// Long enough for everything, on a busy machine: rsyslog waits up to 60 s between two attempts.
const LONG: Duration = Duration::from_secs(180);

/// A port of 127.0.0.1 for a log host that may come later: below those that the kernel gives to others meanwhile.
pub(crate) fn reserved_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 20_000 + u16::try_from(std::process::id() % 1_000).unwrap_or(0) * 8;
    let mut ports = std::iter::repeat_with(|| first + NEXT.fetch_add(1, Ordering::Relaxed)).take(1_000);
    ports.find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).expect("a free port")
}

/// The shipped text with each of these words replaced; each must stand there as often as said.
fn with(shipped: &str, words: &[(&str, &str, usize)]) -> String {
    words.iter().fold(shipped.to_owned(), |text, (word, by, times)| {
        assert_eq!(text.matches(word).count(), *times, "`{word}` in the shipped configuration");
        text.replace(word, by)
    })
}

/// The host's configuration for a log host at this port of 127.0.0.1.
pub(crate) fn forwarding(socket: &str, keys: &str, port: u16) -> String {
    with(
        FORWARDER,
        &[
            ("socket=\"/run/jit/log.sock\"", &format!("socket=\"{socket}\""), 1),
            ("\"/etc/jit/tls/", &format!("\"{keys}/"), 3),
            ("target=\"logs.example\"", "target=\"127.0.0.1\"", 1),
            ("port=\"6514\"", &format!("port=\"{port}\""), 1),
        ],
    )
}

/// One rsyslogd in a folder of its own.
pub(crate) struct Daemon {
    folder: TempDir,
    running: Option<Running>,
}

impl Daemon {
    fn new(modules: &str, snippet: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("jit-rsyslog-").tempdir().expect("a scratch folder");
        let daemon = Self { folder, running: None };
        let place = daemon.folder.path().display().to_string();
        let text = format!(
            "{modules}\n$WorkDirectory {place}\n{}\n*.* {place}/own.log\n",
            snippet.replace("FOLDER", &place)
        );
        std::fs::write(daemon.path("rsyslog.conf"), text).expect("writes a configuration");
        daemon
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts it, anew where it ran before.
    pub(crate) fn start(&mut self) {
        let mut command = clean(program("rsyslogd", "rsyslog rsyslog-gnutls"));
        command.arg("-n").arg("-f").arg(self.path("rsyslog.conf")).arg("-i").arg(self.path("pid"));
        self.running = Some(Running::start(command, b""));
    }

    /// Kills it as nothing else can: by SIGKILL.
    pub(crate) fn kill(&mut self) {
        drop(self.running.take().expect("it runs").kill());
    }

    /// Stops it in good order, as a package upgrade does.
    pub(crate) fn stop(&mut self) {
        let running = self.running.take().expect("it runs");
        let mut kill = clean(program("kill", "procps"));
        kill.args(["-TERM", &running.pid().to_string()]);
        drop(run(kill).ok());
        drop(running.finish());
    }

    /// What it says about itself.
    pub(crate) fn says(&self) -> String {
        let streams = self.running.as_ref().map(Running::so_far).unwrap_or_default();
        format!(
            "{}{}{}",
            streams.0,
            streams.1,
            std::fs::read_to_string(self.path("own.log")).unwrap_or_default()
        )
    }
}

/// The host's rsyslogd.
pub(crate) struct Forwarder {
    pub(crate) daemon: Daemon,
}

impl Forwarder {
    /// Runs towards a log host at `port`, with the certificate of [`HOST`].
    pub(crate) fn start(keys: &Keys, port: u16) -> Self {
        let snippet = forwarding("FOLDER/log.sock", &keys.of(HOST).display().to_string(), port);
        let mut daemon = Daemon::new("module(load=\"imuxsock\" SysSock.Use=\"off\")", &snippet);
        daemon.start();
        Self { daemon }
    }

    /// The socket that it reads.
    pub(crate) fn socket(&self) -> PathBuf {
        self.daemon.path("log.sock")
    }
}

/// The log host's rsyslogd.
pub(crate) struct LogHost {
    pub(crate) daemon: Daemon,
}

impl LogHost {
    /// Listens at `port` with a certificate for `name`.
    pub(crate) fn start(keys: &Keys, name: &str, port: u16) -> Self {
        let snippet = with(
            LOG_HOST,
            &[
                ("/etc/rsyslog.d/pam-jit/", &format!("{}/", keys.of(name).display()), 3),
                ("/var/log/pam-jit/", "FOLDER/kept/", 1),
                ("port=\"6514\"", &format!("port=\"{port}\""), 1),
            ],
        );
        let mut daemon = Daemon::new("", &snippet);
        daemon.start();
        Self { daemon }
    }

    fn kept(&self) -> PathBuf {
        self.daemon.path(&format!("kept/{HOST}.log"))
    }

    /// Whole lines in the file of [`HOST`], in the order in which they came.
    pub(crate) fn lines(&self) -> Vec<String> {
        let text = std::fs::read(self.kept()).unwrap_or_default();
        let whole = text.iter().rposition(|b| *b == b'\n').map_or(0, |end| end + 1);
        String::from_utf8_lossy(&text[..whole]).lines().map(str::to_owned).collect()
    }

    /// Waits until every one of these lines is there, and gives all that are.
    #[track_caller]
    pub(crate) fn wait_for(&self, wanted: &[String], forwarder: &Daemon) -> Vec<String> {
        let mut missing = wanted.len();
        let mut size = 0;
        let all = deadline::poll(LONG, || {
            let now = std::fs::metadata(self.kept()).map_or(0, |file| file.len());
            if now == size {
                return None;
            }
            size = now;
            let lines = self.lines();
            let there: BTreeSet<_> = lines.iter().collect();
            missing = wanted.iter().filter(|line| !there.contains(line)).count();
            (missing == 0).then_some(lines)
        });
        all.unwrap_or_else(|| {
            let lines: BTreeSet<_> = self.lines().into_iter().collect();
            let first = wanted.iter().find(|line| !lines.contains(*line));
            panic!(
                "{missing} of {} records did not arrive, the first: {first:?}\n--- forwarder\n{}\n--- log host\n{}",
                wanted.len(),
                forwarder.says(),
                self.daemon.says()
            )
        })
    }
}

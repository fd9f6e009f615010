//! The near end: a spool with records of every kind, and the product's own shipper behind it.

use std::path::Path;
use std::sync::Arc;

use audit::command::{ArgvSource, Command, Outcome};
use audit::shipping::rfc5424;
use audit::{Close, CloseReason, Event, Facts, Notice, Record};
use session::shipper::{Bell, Format, Shipper, Target};
use session::spool::{Limits, Spool};
use tempfile::TempDir;

use crate::syslog::HOST;

/// The private enterprise number for documentation, which host.toml has by default.
const ENTERPRISE: u32 = 32_473;
/// 2026-11-24T14:00:00Z, in milliseconds.
const NOW: i64 = 1_795_528_800_000;

/// A spool and what ships it.
pub(crate) struct Origin {
    folder: TempDir,
    spool: Spool,
    bell: Arc<Bell>,
    lines: Vec<String>,
}

impl Origin {
    /// An empty spool.
    pub(crate) fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("jit-spool-").tempdir().expect("a scratch folder");
        let limits = Limits { segment: 256 * 1024, total: 64 * 1024 * 1024 };
        let spool = Spool::open(&folder.path().join("spool"), limits).expect("a spool");
        Self { folder, spool, bell: Arc::default(), lines: Vec::new() }
    }

    /// Begins to ship to a socket that takes RFC 5424.
    pub(crate) fn ship_to(&self, socket: &Path) {
        let target = Target::Socket {
            path: socket.to_owned(),
            format: Format::Rfc5424,
            enterprise: ENTERPRISE,
            connection: None,
        };
        let place = self.folder.path().join("shipped.json");
        let shipper = Shipper::new(&self.folder.path().join("spool"), place, target, Arc::clone(&self.bell));
        shipper.spawn().expect("the shipper's thread");
    }

    /// Makes records durable, as the recorder does, and tells the shipper.
    pub(crate) fn record(&mut self, records: impl IntoIterator<Item = String>) {
        for line in records {
            self.spool.append(&line);
            self.lines.push(line);
        }
        self.spool.commit().expect("the records are durable");
        self.bell.ring(self.spool.confirmed());
    }

    /// Puts a line into the spool that is no record.
    pub(crate) fn internal(&mut self, line: &str) {
        self.spool.append(line);
        self.spool.commit().expect("the line is durable");
        self.bell.ring(self.spool.confirmed());
    }

    /// What has to arrive: every record's frame.
    pub(crate) fn frames(&self) -> Vec<String> {
        self.lines.iter().map(|line| rfc5424(line, ENTERPRISE).expect("a record")).collect()
    }

    /// The records themselves.
    pub(crate) fn lines(&self) -> &[String] {
        &self.lines
    }
}

/// A command with these arguments, in its parts.
pub(crate) fn command(seq: u64, argv: &[&[u8]]) -> Vec<String> {
    let argv: Vec<Vec<u8>> = argv.iter().map(|argument| argument.to_vec()).collect();
    let command = Command {
        time: NOW + i64::try_from(seq).unwrap_or(0),
        host: HOST.into(),
        session: "S-7F3K9QAB".into(),
        session_seq: seq,
        grant: "G-7F3K9Q".into(),
        vendor: "acme".into(),
        person: "acme/jo".into(),
        account: "acme-support".into(),
        pid: 4_242,
        parent: 4_241,
        uid: 1_001,
        euid: 0,
        cwd: b"/home/acme-support".to_vec(),
        path: b"/usr/bin/true".to_vec(),
        executable: Some(b"/usr/bin/true".to_vec()),
        inode: Some((77, 1)),
        argv_count: argv.len(),
        argv_cut: false,
        argv,
        argv_sha256: "0".repeat(64),
        argv_source: ArgvSource::Kernel,
        shown: Some(vec![b"another\n]\"\\".to_vec()]),
        argv_unreadable: None,
        outcome: Outcome::Ran,
    };
    command.json()
}

/// Records of every event, the long and the ugly ones among them.
pub(crate) fn one_of_each() -> Vec<String> {
    let mut records = Vec::new();
    let hostile = "a\nb\r\0\u{1b}[31m \u{202e}<14>1 x ]\"\\ \u{e9} {\"jit\":1}".repeat(20);
    for event in Event::ALL {
        match event {
            Event::LoginRefuse | Event::SessionOpen => {
                let facts = Facts {
                    session: (event == Event::SessionOpen).then(|| "S-7F3K9QAB".into()),
                    grant: Some("G-7F3K9Q".into()),
                    person: Some("acme/jo".into()),
                    account: Some("acme-support".into()),
                    source: Some("192.0.2.7".parse().expect("an address")),
                    reason: (event == Event::LoginRefuse).then(|| "closed".into()),
                    reason_text: Some(hostile.clone()),
                    pid: Some(4_242),
                    ..Facts::default()
                };
                records.push(Record { time: NOW, event, host: HOST.into(), facts }.json());
            }
            Event::SessionCommand => {
                records.extend(command(1, &[b"true"]));
                records.extend(command(2, &[hostile.as_bytes(), b"\xff\xfe\\x41", b""]));
                records.extend(command(3, &[&[0x1b; 9_000], &b"x".repeat(20_000)]));
            }
            Event::SessionClose => records.push(
                Close {
                    time: NOW + 10,
                    host: HOST.into(),
                    session: "S-7F3K9QAB".into(),
                    grant: "G-7F3K9Q".into(),
                    vendor: "acme".into(),
                    person: "acme/jo".into(),
                    account: "acme-support".into(),
                    source: "192.0.2.7".into(),
                    reason: CloseReason::EndedBy { by: "ada".into(), reason: hostile.clone() },
                    lateness_ms: 12,
                    duration_ms: 1_000,
                    commands: 3,
                    differences: 3,
                    unrecorded: 0,
                    killed: 2,
                    exit_status: Some(0),
                    proved: true,
                    removed: vec![hostile.clone(); 8],
                    left: vec![hostile.clone(); 8],
                }
                .json(),
            ),
            other => {
                let session = Some("S-7F3K9QAB".into());
                records.push(
                    Notice { time: NOW, host: HOST.into(), event: other, session, message: hostile.clone() }
                        .json(),
                );
            }
        }
    }
    records
}

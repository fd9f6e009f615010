//! A recorded host whose spool is on a disk, and the loop that is timed on it: with us, and as the same sshd without us.
//!
//! Only `/etc/pam.d/sshd` changes between the two, and sshd reads it anew for each connection. Without our lines no filter
//! is installed, and the recorder that runs beside has nothing to do.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use e2e::client::Client;
use e2e::pam_stack;
use e2e::process::{Outcome, program, run};
use e2e::recording::{Recording, TABLE, probe};
use tempfile::TempDir;

use crate::measure::timed;

/// Where a scratch host sees the machine's own disk.
const DISK: &str = "/var/tmp";

/// The host, and the folder of the disk that is its `/var/lib`.
#[derive(Debug)]
pub(crate) struct Recorded {
    pub(crate) recording: Recording,
    disk: TempDir,
}

impl Recorded {
    /// Like [`Recording::fresh`], durable, with the loop on it.
    pub(crate) fn fresh() -> Self {
        Self::with(TABLE)
    }

    /// The same with this table `[recorder]`.
    pub(crate) fn with(table: &str) -> Self {
        let disk = tempfile::Builder::new().prefix("jit-bench-").tempdir_in(DISK).expect("a folder");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(disk.path(), mode).expect("sets the folder's mode");
        let recording = Recording::prepared(table, |host| {
            let folder = disk.path().display().to_string();
            drop(host.run(["mount", "--bind", &folder, "/var/lib"]).ok());
            probe::install_forks(host);
        });
        let recorded = Self { recording, disk }.comparing();
        let system = recorded.file_system();
        assert_ne!(system, "tmpfs", "what is in memory is not durable: {DISK} must be on a disk");
        recorded
    }

    /// The same with the spool in memory, where a sync does nothing: what is not the disk's.
    pub(crate) fn in_memory() -> Self {
        let disk = tempfile::Builder::new().prefix("jit-bench-").tempdir().expect("a folder");
        Self { recording: Recording::prepared(TABLE, probe::install_forks), disk }.comparing()
    }

    fn comparing(mut self) -> Self {
        self.recording.world.host.compare_pam_stacks();
        self
    }

    /// The folder on the disk.
    pub(crate) fn disk(&self) -> &Path {
        self.disk.path()
    }

    /// What the spool lies on.
    pub(crate) fn file_system(&self) -> String {
        let mut findmnt = std::process::Command::new(program("findmnt", "util-linux"));
        findmnt.args(["-n", "-o", "FSTYPE", "-T"]).arg(self.disk.path());
        run(findmnt).ok().stdout.trim().to_owned()
    }

    /// With our PAM lines, or without.
    pub(crate) fn with_us(&self, ours: bool) {
        self.recording.world.host.write("/etc/pam.d/sshd", pam_stack::sshd(ours));
    }

    /// Runs the loop as the words of one `ssh`: how long it took by its own clock.
    pub(crate) fn timed(client: &Client, words: &str) -> Duration {
        took(&client.exec(words).ok())
    }

    /// The same recorded; each of `programs` must have its record.
    pub(crate) fn timed_recorded(&self, client: &Client, words: &str, programs: u64) -> Duration {
        let time = Self::timed(client, words);
        let close = self.recording.session(client).close();
        assert!(close["jit"]["commands"].as_u64() > Some(programs), "{close}");
        assert_eq!(close["jit"]["unrecorded"], 0, "{close}");
        time
    }

    /// How long one line of a kilobyte takes until it is durable on the spool's disk, in a reserved file as the spool is.
    pub(crate) fn timed_durable_line(&self) -> Duration {
        let mut file = File::options()
            .create(true)
            .append(true)
            .open(self.disk.path().join("one-line"))
            .expect("opens a file");
        timed(|| {
            file.write_all(&[b'x'; 1024]).expect("writes");
            file.sync_data().expect("syncs");
        })
    }
}

/// What `forks` printed: from its first fork to its last wait.
pub(crate) fn took(outcome: &Outcome) -> Duration {
    let (start, end) = span(&outcome.stdout);
    end - start
}

/// When `forks` began and ended, by the machine's monotonic clock.
pub(crate) fn span(printed: &str) -> (Duration, Duration) {
    let line = printed.lines().last().unwrap_or_default();
    let mut times = line.split(' ').map(|word| word.parse().map(Duration::from_nanos));
    match (times.next(), times.next()) {
        (Some(Ok(start)), Some(Ok(end))) => (start, end),
        _ => panic!("two times: {printed:?}"),
    }
}

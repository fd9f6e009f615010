//! One run of a program with an end: what it wrote, and how it left.
//!
//! Output goes to unnamed files, not pipes, so that a descendant that outlives the program (a `ControlMaster`)
//! can't hold the reader.

use std::fmt;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::deadline;

/// No single program of these tests runs longer.
const LIMIT: Duration = Duration::from_secs(60);

/// What a program did: its exit code (`None`: ended by a signal) and what it wrote.
#[derive(Clone)]
pub struct Outcome {
    /// The exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Everything written to standard output.
    pub stdout: String,
    /// Everything written to standard error.
    pub stderr: String,
}

impl Outcome {
    /// Exit code 0.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.code == Some(0)
    }

    /// The lines on either stream that begin with `access refused: `, as the person sees them.
    #[must_use]
    pub fn refusals(&self) -> Vec<String> {
        self.stderr
            .lines()
            .chain(self.stdout.lines())
            .map(|line| line.trim_end_matches('\r'))
            .filter(|line| line.starts_with("access refused: "))
            .map(str::to_owned)
            .collect()
    }

    /// Itself, when the program succeeded.
    ///
    /// # Panics
    /// When it did not, with all it wrote.
    #[must_use]
    #[track_caller]
    pub fn ok(self) -> Self {
        assert!(self.succeeded(), "expected exit code 0 from {self:?}");
        self
    }
}

impl fmt::Debug for Outcome {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "code {:?}\n--- stdout\n{}\n--- stderr\n{}\n---", self.code, self.stdout, self.stderr)
    }
}

/// A started program whose output is being kept.
#[derive(Debug)]
pub struct Running {
    child: Child,
    stdout: File,
    stderr: File,
    shown: String,
}

impl Running {
    /// Starts `command` with `input` on its standard input.
    ///
    /// # Panics
    /// When the program can't be started: the sentence names it.
    #[must_use]
    #[track_caller]
    pub fn start(mut command: Command, input: &[u8]) -> Self {
        let shown = format!("{command:?}");
        let mut stdin = tempfile::tempfile().expect("a scratch file for standard input");
        stdin.write_all(input).expect("writes standard input");
        stdin.seek(SeekFrom::Start(0)).expect("rewinds standard input");
        let stdout = tempfile::tempfile().expect("a scratch file for standard output");
        let stderr = tempfile::tempfile().expect("a scratch file for standard error");
        let twin = |file: &File| Stdio::from(file.try_clone().expect("duplicates a scratch file"));
        let child = command.stdin(twin(&stdin)).stdout(twin(&stdout)).stderr(twin(&stderr)).spawn();
        let child = child.unwrap_or_else(|error| panic!("cannot start {shown}: {error}"));
        Self { child, stdout, stderr, shown }
    }

    /// The process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has written so far: standard output, standard error.
    #[must_use]
    pub fn so_far(&self) -> (String, String) {
        (all_of(&self.stdout), all_of(&self.stderr))
    }

    /// True when it has ended by itself.
    #[must_use]
    pub fn has_ended(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(_)))
    }

    /// Ends it by its id and says what it wrote.
    #[must_use]
    pub fn kill(mut self) -> Outcome {
        drop(self.child.kill());
        self.finish()
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it outlives the limit; it is ended then.
    #[must_use]
    #[track_caller]
    pub fn finish(mut self) -> Outcome {
        let status = deadline::poll(LIMIT, || self.child.try_wait().expect("asks for the exit status"));
        if status.is_none() {
            drop(self.child.kill());
            drop(self.child.wait());
        }
        let (stdout, stderr) = self.so_far();
        let Some(status) = status else {
            panic!("{} did not end within {LIMIT:?}\n--- stdout\n{stdout}\n--- stderr\n{stderr}", self.shown)
        };
        Outcome { code: status.code(), stdout, stderr }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.has_ended() {
            drop(self.child.kill());
            drop(self.child.wait());
        }
    }
}

/// Runs `command` to its end with nothing on standard input.
#[must_use]
#[track_caller]
pub fn run(command: Command) -> Outcome {
    Running::start(command, b"").finish()
}

/// The path of a program that the tests cannot do without.
///
/// # Panics
/// When it is not installed: the sentence names the package.
#[must_use]
pub fn program(name: &str, package: &str) -> String {
    let folders = ["/usr/bin", "/usr/sbin", "/bin", "/sbin", "/usr/local/bin"];
    let found = folders
        .iter()
        .map(|folder| format!("{folder}/{name}"))
        .find(|path| std::path::Path::new(path).exists());
    found.unwrap_or_else(|| {
        panic!("{name} is missing: these tests need it, install it with `apt install {package}`")
    })
}

/// A command with none of the test runner's environment.
#[must_use]
pub fn clean(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        .env("LC_ALL", "C.UTF-8");
    command
}

fn all_of(file: &File) -> String {
    // The offset is shared with the child: read at positions of our own.
    let length = file.metadata().map_or(0, |facts| facts.len());
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
    let read = file.read_at(&mut bytes, 0).unwrap_or(0);
    bytes.truncate(read);
    String::from_utf8_lossy(&bytes).into_owned()
}

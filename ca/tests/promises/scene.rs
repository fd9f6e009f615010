//! A scratch directory with an authority in it, and ways to run `ca` and OpenSSH's tools there.
//!
//! Everything runs in the directory, in UTC, without the caller's agent, credentials and terminal settings,
//! so that a test means the same on every machine.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    pub(crate) fn of(output: &Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// It must have succeeded; gives its output.
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, 0, "{self:?}");
        self.out
    }

    /// It must have been refused (exit code 1) with this `error:` line.
    #[track_caller]
    pub(crate) fn refused(self, error: &str) {
        assert_eq!((self.code, self.error()), (1, error), "{self:?}");
    }

    /// It must have been refused with an `error:` line that holds this.
    #[track_caller]
    pub(crate) fn refused_with(self, part: &str) {
        assert_eq!(self.code, 1, "{self:?}");
        assert!(self.error().contains(part), "{self:?}");
    }

    /// The `error:` line without its word.
    #[track_caller]
    pub(crate) fn error(&self) -> &str {
        let mut lines = self.err.lines().filter_map(|line| line.strip_prefix("error: "));
        let error = lines.next().unwrap_or_default();
        assert_eq!(lines.next(), None, "one error has one line: {self:?}");
        error
    }
}

/// A directory with an authority in `ca/`, removed at the end.
#[derive(Debug)]
pub(crate) struct Scene {
    dir: tempfile::TempDir,
    env: Vec<(String, PathBuf)>,
}

impl Scene {
    /// A directory without an authority.
    pub(crate) fn empty() -> Self {
        let dir = tempfile::Builder::new().prefix("ca-").tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        Self { dir, env: Vec::new() }
    }

    /// An authority that has nothing but its keys.
    pub(crate) fn bare() -> Self {
        let scene = Self::empty();
        scene.ca(["init", "--no-passphrase"]).ok();
        scene
    }

    /// An authority with the vendor acme, the person acme/jo, the approvers kim and lee, and two hosts.
    pub(crate) fn new() -> Self {
        let scene = Self::bare();
        for name in ["jo", "kim", "lee"] {
            scene.make_key(name, "ed25519");
        }
        scene.ca(["vendor", "add", "acme", "--until", "2099-12-31"]).ok();
        scene.ca(["person", "add", "acme/jo", "--key", "jo.pub"]).ok();
        scene.ca(["approver", "add", "kim", "--key", "kim.pub"]).ok();
        scene.ca(["approver", "add", "lee", "--key", "lee.pub"]).ok();
        scene.ca(["host", "add", "db1.prod", "--role", "db"]).ok();
        scene.ca(["host", "add", "web1.prod", "--role", "web"]).ok();
        scene
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The authority's directory.
    pub(crate) fn authority(&self) -> PathBuf {
        self.path("ca")
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// An environment variable for everything that runs here from now on.
    pub(crate) fn set_env(&mut self, name: &str, value: &Path) {
        self.env.push((name.to_owned(), value.to_owned()));
    }

    /// A command that will run in the directory, in UTC, with nothing of the caller's agent or credentials.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.dir.path())
            .env("CA_DIR", self.authority())
            .env("TZ", "UTC")
            .env_remove("SSH_AUTH_SOCK")
            .env_remove("CREDENTIALS_DIRECTORY")
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn run<A: AsRef<OsStr>>(&self, program: &str, args: impl IntoIterator<Item = A>) -> Ran {
        let output = self.command(program).args(args).output();
        Ran::of(&output.unwrap_or_else(|e| panic!("{program} is needed for this test: {e}")))
    }

    /// Runs `ca`.
    pub(crate) fn ca<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Ran {
        self.run(CA, args)
    }

    /// Runs `ca --json` and gives what it says.
    #[track_caller]
    pub(crate) fn json<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Value {
        let mut all: Vec<_> = args.into_iter().map(|a| a.as_ref().to_owned()).collect();
        all.push("--json".into());
        serde_json::from_str(&self.ca(all).ok()).unwrap()
    }

    /// Runs a line of shell with `ca` in its path.
    pub(crate) fn shell(&self, line: &str) -> Ran {
        let bin = Path::new(CA).parent().unwrap();
        let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
        Ran::of(&self.command("sh").args(["-c", line]).env("PATH", path).output().unwrap())
    }

    /// Makes a key pair `NAME`, `NAME.pub` with ssh-keygen, without a passphrase.
    pub(crate) fn make_key(&self, name: &str, kind: &str) {
        let args = ["-q", "-t", kind, "-N", "", "-C", name, "-f", name];
        self.run("ssh-keygen", args).ok();
    }

    /// Asks for a grant for acme/jo on db1.prod for 30 minutes; gives its id.
    #[track_caller]
    pub(crate) fn grant(&self, more: &[&str]) -> String {
        let mut args = vec!["grant", "create", "--person", "acme/jo", "--account", "acme-support"];
        args.extend(["--for", "30m", "--reason", "restore the billing index"]);
        if !more.iter().any(|arg| matches!(*arg, "--host" | "--role")) {
            args.extend(["--host", "db1.prod"]);
        }
        args.extend(more);
        self.ca(args).ok().lines().last().unwrap().to_owned()
    }

    /// An approved grant; gives its id.
    #[track_caller]
    pub(crate) fn approved(&self, more: &[&str]) -> String {
        let id = self.grant(more);
        self.ca(["approve", &id, "--as", "kim", "--key", "kim"]).ok();
        id
    }

    /// An approved grant with a certificate in jo-cert.pub; gives the grant's id.
    #[track_caller]
    pub(crate) fn signed(&self, more: &[&str]) -> String {
        let id = self.approved(more);
        self.ca(["sign", &id, "--key", "jo.pub"]).ok();
        id
    }

    /// Every event, as JSON.
    #[track_caller]
    pub(crate) fn events(&self) -> Vec<Value> {
        let text = self.ca(["log", "--all", "--json"]).ok();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// `ca check` must find nothing.
    #[track_caller]
    pub(crate) fn expect_well(&self) {
        let checked = self.ca(["check"]);
        assert_eq!(checked.code, 0, "{checked:?}");
    }
}

/// The command under test.
pub(crate) const CA: &str = env!("CARGO_BIN_EXE_ca");

/// Waits until something is so; fails after a generous deadline.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut so: impl FnMut() -> bool) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while !so() {
        assert!(std::time::Instant::now() < deadline, "still not so: {what}");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

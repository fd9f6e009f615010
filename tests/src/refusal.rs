//! What a refusal looks like from every side: nothing ran, the person was told, the log says why.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::client::Client;
use crate::host::Host;
use crate::process::Outcome;
use crate::world::World;

/// Exit code of `ssh` when the module refuses the session: nothing was started.
pub const NOTHING_STARTED: i32 = 254;

/// Exit code of `ssh` when it did not get in, or was put out.
pub const NOT_IN: i32 = 255;

/// A file that a command makes when it runs.
#[derive(Debug)]
pub struct Marker {
    path: String,
}

impl Marker {
    /// A file that is not there yet.
    #[must_use]
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        Self { path: format!("/tmp/ran-{}", NEXT.fetch_add(1, Ordering::Relaxed)) }
    }

    /// The command that makes it.
    #[must_use]
    pub fn command(&self) -> String {
        format!("touch {}", self.path)
    }

    /// Its path on the host.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// True when the command ran.
    #[must_use]
    pub fn is_there(&self, host: &Host) -> bool {
        host.has(&self.path)
    }
}

impl Default for Marker {
    fn default() -> Self {
        Self::new()
    }
}

/// Runs a command and demands that it ran: the marker is there, exit code 0.
///
/// # Panics
/// When it did not.
#[track_caller]
pub fn assert_enters(host: &Host, client: &Client) {
    let marker = Marker::new();
    let outcome = client.exec(&marker.command());
    assert!(
        outcome.succeeded(),
        "expected to get in: {outcome:?}\n--- log\n{}\n--- sshd\n{}",
        host.log_lines().join("\n"),
        host.sshd_log()
    );
    assert!(marker.is_there(host), "the command ran: {outcome:?}");
}

/// Demands that the module refuses the login with `code`: nothing ran, one line for the person, one for the log.
///
/// Returns the person's line.
///
/// # Panics
/// When any of it is otherwise.
#[track_caller]
pub fn assert_module_refuses(host: &Host, client: &Client, code: &str) -> String {
    let marker = Marker::new();
    let seen = host.log_lines().len();
    let outcome = client.exec(&marker.command());
    assert!(!marker.is_there(host), "a refused login ran a command: {outcome:?}");
    // A host that can't use its own configuration refuses in the account phase already, which closes the connection.
    let early = code == "configuration" && outcome.code == Some(NOT_IN);
    let refused = early || outcome.code == Some(NOTHING_STARTED);
    assert!(refused, "exit code of a refused login: {outcome:?}\n{}", host.sshd_log());
    let told = one_refusal(&outcome);
    let logged = host.wait_for_log_after(seen, "login.refuse", |line| is_refusal(line, client));
    assert_eq!(record_of(&logged)["jit"]["reason"], code, "the reason in the log: {logged}\ntold: {told}");
    told
}

/// Demands that sshd itself refuses the login, before any session: nothing ran.
///
/// # Panics
/// When it does not.
#[track_caller]
pub fn assert_sshd_refuses(host: &Host, client: &Client) {
    let marker = Marker::new();
    let outcome = client.exec(&marker.command());
    assert!(!marker.is_there(host), "a refused login ran a command: {outcome:?}");
    assert_eq!(outcome.code, Some(NOT_IN), "exit code of a refused login: {outcome:?}");
    assert!(outcome.stderr.contains("Permission denied"), "sshd refuses: {outcome:?}");
    assert!(
        !host.log_lines().iter().any(|line| line.contains("session.open") && client.is_in(line)),
        "no session was opened"
    );
}

/// Demands that the login is refused by sshd or by the module, whoever is first: nothing ran.
///
/// # Panics
/// When it gets in.
#[track_caller]
pub fn assert_refused(host: &Host, client: &Client) -> Outcome {
    let marker = Marker::new();
    let outcome = client.exec(&marker.command());
    assert!(!marker.is_there(host), "a refused login ran a command: {outcome:?}");
    assert!(
        matches!(outcome.code, Some(NOTHING_STARTED | NOT_IN)),
        "exit code of a refused login: {outcome:?}"
    );
    outcome
}

/// Demands that a host as documented refuses the login, whoever is first, and that the module alone does so with `code`.
///
/// Returns the person's line. The client is made for each of the two worlds.
///
/// # Panics
/// When it gets in.
#[track_caller]
pub fn assert_refused_everywhere(code: &str, client: impl Fn(&World) -> Client) -> String {
    let world = World::shared();
    drop(assert_refused(&world.host, &client(&world)));
    let world = World::shared_with_module_alone();
    assert_module_refuses(&world.host, &client(&world), code)
}

/// The one line that the person sees.
///
/// # Panics
/// When there is none, or more.
#[must_use]
#[track_caller]
pub fn one_refusal(outcome: &Outcome) -> String {
    let refusals = outcome.refusals();
    assert_eq!(refusals.len(), 1, "one line `access refused: ...` for the person: {outcome:?}");
    refusals[0].clone()
}

/// True when the log line is a refusal of this client's login, or of one whose address was not known yet.
#[must_use]
pub fn is_refusal(line: &str, client: &Client) -> bool {
    line.contains("login.refuse") && (client.is_in(line) || !line.contains("\"source\""))
}

/// The record in a log line: everything from its first brace.
///
/// # Panics
/// When it is not JSON.
#[must_use]
#[track_caller]
pub fn record_of(line: &str) -> serde_json::Value {
    let json = line.find('{').map(|at| line[at..].trim_end()).unwrap_or_default();
    serde_json::from_str(json).unwrap_or_else(|error| panic!("a record in `{line}`: {error}"))
}

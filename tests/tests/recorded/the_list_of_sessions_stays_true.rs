//! `jit sessions --watch`: what is open, again each second, until it is interrupted.

use e2e::deadline;
use e2e::process::Running;
use e2e::recording::Recording;

/// Clears the screen before each list.
const CLEAR: &str = "\u{1b}[2J\u{1b}[H";

#[test]
fn a_list_that_is_watched_shows_what_comes_and_what_goes() {
    let recording = Recording::fresh();
    let watching = Running::start(recording.jit_command(["sessions", "--watch"]), b"");
    let last = || watching.so_far().0.rsplit(CLEAR).next().unwrap_or_default().to_owned();
    deadline::until("nothing is open", || last().contains("no open sessions"));
    let (running, session) =
        recording.start(&recording.client(), "/bin/true first; exec sleep 1000", "sleep 1000");
    deadline::until("the session is listed with its last command", || {
        let list = last();
        let row = list.lines().find(|line| line.starts_with(&session.id)).unwrap_or_default();
        ["acme/jo", "acme-support", "sleep 1000"].iter().all(|part| row.contains(part))
    });
    drop(recording.jit(["end", &session.id, "--reason", "seen"]).ok());
    deadline::until("it is gone from the list", || last().contains("no open sessions"));
    drop((running.finish(), watching.kill()));
}

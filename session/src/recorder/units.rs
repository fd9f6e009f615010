//! Units that a session had PID 1 start for it (`sudo systemd-run`), found as well as possible and ended.
//!
//! Their processes are PID 1's children: they carry no audit session id and no gate. What is known is the
//! command that asked. A transient unit belongs to it if it appeared within a minute of it and carries the
//! name it asked for, or starts just what it said; one that only appeared then is reported and left alone,
//! because it may be somebody else's.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::UNIX_EPOCH;

use audit::command;
use serde::{Deserialize, Serialize};

use crate::ending;
use crate::redact::redact;

/// Where PID 1 keeps transient units (systemd's `unit-file` load path).
const TRANSIENT: &str = "/run/systemd/transient";
/// How long after the command its unit may appear, in milliseconds.
const APPEARS: i64 = 60_000;
/// Commands that are kept; more than that are of a session that nobody can follow anyway.
const KEPT: usize = 256;
/// Bytes of text that are kept of one command's beginning, and of its end: they are written with each state of the session.
const LONG: usize = 8 * 1024;
/// And of all commands of a session.
const MOST: usize = 256 * 1024;
/// What begins the names of logind's own transient units, which are never a vendor's.
const LOGINS: [&str; 3] = ["session-", "user-", "user@"];

/// A command that asked PID 1 to start something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// When it ran, wall clock milliseconds.
    pub time: i64,
    /// Its arguments as text, redacted; of a long command those that come first.
    pub argv: Vec<String>,
    /// Whether it ran as root. Else process 1 most likely refused, and a unit of that name may be anybody's.
    #[serde(default)]
    pub root: bool,
    /// Of a long command those that come last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tail: Option<Vec<String>>,
}

/// What became of a session's units.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Units {
    /// Ended.
    pub(crate) removed: Vec<String>,
    /// Not ended: perhaps another's, or PID 1 kept them.
    pub(crate) left: Vec<String>,
}

impl Asked {
    /// The command as one that asks, if it is one.
    pub(super) fn of(executable: &[u8], time: i64, argv: &[Vec<u8>], root: bool) -> Option<Self> {
        let asks = executable.rsplit(|b| *b == b'/').next() == Some(b"systemd-run");
        asks.then(|| {
            let redacted = redact(argv);
            let text = |argument: &Vec<u8>| command::text(argument);
            let first = within(redacted.iter().map(text));
            let last = (first.len() < redacted.len()).then(|| {
                let mut last = within(redacted.iter().rev().map(text));
                last.reverse();
                last
            });
            Self { time, argv: first, root, tail: last }
        })
    }
}

impl Asked {
    /// Bytes of text.
    fn bytes(&self) -> usize {
        self.argv.iter().chain(self.tail.iter().flatten()).map(String::len).sum()
    }

    /// Whether this is what it said that PID 1 should start.
    fn said(&self, started: &[String]) -> bool {
        match &self.tail {
            None => ends_with(&self.argv, started),
            // One word may be anybody's last.
            Some(tail) if tail.len() < started.len() => tail.len() > 1 && started.ends_with(tail),
            Some(tail) => ends_with(tail, started),
        }
    }

    /// Whether it named this unit.
    fn names(&self, unit: &str) -> bool {
        names(&self.argv, unit) || self.tail.as_ref().is_some_and(|tail| names(tail, unit))
    }
}

/// As many arguments as there is room for.
fn within(arguments: impl Iterator<Item = String>) -> Vec<String> {
    let mut room = LONG;
    arguments.take_while(|text| room.checked_sub(text.len() + 1).map(|left| room = left).is_some()).collect()
}

/// Remembers a command; gives whether there was room.
pub(super) fn remember(asked: &mut Vec<Asked>, one: Asked) -> bool {
    let bytes = asked.iter().map(Asked::bytes).sum::<usize>();
    let room = asked.len() < KEPT && bytes + one.bytes() <= MOST;
    if room {
        asked.push(one);
    }
    room
}

/// Whether PID 1 is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    /// Somebody else does it: the recorder's loop waits for nobody.
    No,
    /// Here, before this goes on.
    Here,
}

/// Ends what these commands had PID 1 start.
pub(crate) fn end(asked: &[Asked], wait: Wait) -> Units {
    let mut units = Units::default();
    if asked.is_empty() {
        return units;
    }
    for (name, appeared, text) in transient(Path::new(TRANSIENT)) {
        match belongs(asked, &name, appeared, &text) {
            Belongs::Yes if stop(&name, wait) => units.removed.push(name),
            Belongs::Yes => units.left.push(name),
            Belongs::Perhaps => units.left.push(format!("{name} (perhaps of this session)")),
            Belongs::No => {}
        }
    }
    units
}

/// The transient units: name, when it appeared, its file.
fn transient(folder: &Path) -> Vec<(String, i64, String)> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut units: Vec<_> = entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let modified = entry.metadata().ok()?.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
            let text = fs::read_to_string(entry.path()).ok()?;
            Some((name, i64::try_from(modified.as_millis()).ok()?, text))
        })
        .filter(|(name, ..)| !LOGINS.iter().any(|login| name.starts_with(login)))
        .collect();
    units.sort();
    units
}

#[derive(Debug, PartialEq, Eq)]
enum Belongs {
    Yes,
    Perhaps,
    No,
}

fn belongs(asked: &[Asked], name: &str, appeared: i64, text: &str) -> Belongs {
    let mut near = asked
        .iter()
        // The file's time is the kernel's coarse clock: up to some milliseconds behind.
        .filter(|one| (one.time - 100..=one.time + APPEARS).contains(&appeared))
        .peekable();
    if near.peek().is_none() {
        return Belongs::No;
    }
    let started = started(text);
    let said =
        |one: &Asked| started.as_deref().is_some_and(|started| !started.is_empty() && one.said(started));
    if near.any(|one| one.root && (one.names(name) || said(one))) { Belongs::Yes } else { Belongs::Perhaps }
}

/// Whether the option `--unit` (systemd-run(1)) names this unit, with its suffix or without.
fn names(argv: &[String], name: &str) -> bool {
    let bare = name.rsplit_once('.').map_or(name, |(bare, _)| bare);
    let apart = argv.windows(2).filter(|two| matches!(two[0].as_str(), "--unit" | "-u"));
    let apart = apart.map(|two| two[1].as_str());
    let joined =
        argv.iter().filter_map(|argument| argument.strip_prefix("--unit=").or(argument.strip_prefix("-u")));
    apart.chain(joined).any(|asked| asked == name || asked == bare)
}

/// The arguments of a unit's `ExecStart=`, as systemd writes it: an optional `@PATH`, then every argument quoted.
fn started(text: &str) -> Option<Vec<String>> {
    let line =
        text.lines().filter_map(|line| line.strip_prefix("ExecStart=")).rfind(|line| !line.is_empty())?;
    let mut arguments = Vec::new();
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        if character != '"' {
            continue;
        }
        let mut argument = String::new();
        while let Some(character) = characters.next() {
            match character {
                '"' => break,
                '\\' => argument.extend(characters.next()),
                // systemd doubles what it would otherwise expand.
                '$' | '%' => {
                    argument.push(character);
                    let mut ahead = characters.clone();
                    if ahead.next() == Some(character) {
                        characters = ahead;
                    }
                }
                other => argument.push(other),
            }
        }
        arguments.push(argument);
    }
    Some(arguments)
}

/// Whether the command's last arguments are what was started; systemd writes the program with its full path.
fn ends_with(argv: &[String], started: &[String]) -> bool {
    let Some(at) = argv.len().checked_sub(started.len()) else { return false };
    let base = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let (said, started) = (&argv[at..], started);
    base(&said[0]) == base(&started[0]) && said[1..] == started[1..]
}

/// Kills a unit's processes at once and has PID 1 stop it, so that it starts them no more; gives whether that was said.
fn stop(name: &str, wait: Wait) -> bool {
    let _ = ending::kill_cgroup(&format!("/system.slice/{name}"));
    let name = name.to_owned();
    let tell = move || {
        // In another slice the first kill found nothing.
        systemctl(&["kill", "--signal=SIGKILL", "--", &name]);
        systemctl(&["--no-block", "stop", "--", &name]);
    };
    if wait == Wait::Here {
        tell();
        return true;
    }
    // PID 1 may be slow to answer.
    std::thread::Builder::new().name("unit".to_owned()).spawn(tell).is_ok()
}

/// Ends the account's `systemd --user` and what it runs. The unit is masked for vendor accounts; this is
/// for a host where it is not.
pub(crate) fn end_manager(uid: u32) -> Vec<String> {
    let cgroup = format!("/user.slice/user-{uid}.slice/user@{uid}.service");
    if ending::kill_cgroup(&cgroup) { vec![format!("user@{uid}.service")] } else { Vec::new() }
}

fn systemctl(words: &[&str]) {
    let mut command = Command::new("systemctl");
    command.args(words).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let _ = command.status();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(argv: &[&str]) -> Vec<Asked> {
        let argv: Vec<_> = argv.iter().map(|a| a.as_bytes().to_vec()).collect();
        Asked::of(b"systemd-run", 1_000_000, &argv, true).into_iter().collect()
    }

    const UNIT: &str = "[Unit]\nDescription=/bin/sleep 7\n\n[Service]\nExecStart=\nExecStart=@/usr/bin/sleep \"/usr/bin/sleep\" \"7\" \"a\\\"b\" \"$$HOME\"\n";

    #[test]
    fn only_what_asks_is_remembered() {
        let argv = [b"systemd-run".to_vec(), b"sleep".to_vec()];
        assert!(Asked::of(b"/usr/bin/systemd-run", 1, &argv, true).is_some());
        assert!(Asked::of(b"/usr/bin/systemd-runner", 1, &argv, true).is_none());
    }

    #[test]
    fn a_unit_belongs_to_the_command_that_said_what_it_starts() {
        let one = asked(&["systemd-run", "--collect", "sleep", "7", "a\"b", "$HOME"]);
        assert_eq!(belongs(&one, "run-r1.service", 1_000_050, UNIT), Belongs::Yes);
        assert_eq!(belongs(&one, "run-r1.service", 999_000, UNIT), Belongs::No);
        assert_eq!(belongs(&one, "run-r1.service", 2_000_000, UNIT), Belongs::No);
        let mut refused = one.clone();
        refused[0].root = false;
        assert_eq!(belongs(&refused, "run-r1.service", 1_000_050, UNIT), Belongs::Perhaps, "not as root");
        let other = asked(&["systemd-run", "sleep", "8"]);
        assert_eq!(belongs(&other, "run-r1.service", 1_000_050, UNIT), Belongs::Perhaps);
    }

    #[test]
    fn of_a_long_command_its_beginning_and_its_end_are_kept() {
        let long = ["-p", "X=y"].repeat(40_000);
        let whole = [&["systemd-run", "--unit=x"][..], &long, &["sleep", "7", "a\"b", "$HOME"]].concat();
        let one = asked(&whole);
        assert!(one[0].bytes() <= 2 * LONG, "{}", one[0].bytes());
        assert_eq!(belongs(&one, "x.service", 1_000_050, ""), Belongs::Yes);
        assert_eq!(belongs(&one, "run-r1.service", 1_000_050, UNIT), Belongs::Yes);
        // What is started may itself be longer than what was kept of it.
        let words = ["word"].repeat(10_000);
        let one = asked(&[&["systemd-run", "echo"][..], &words].concat());
        let unit = format!("[Service]\nExecStart=@/bin/echo \"/bin/echo\"{}\n", " \"word\"".repeat(10_000));
        assert_eq!(belongs(&one, "run-r1.service", 1_000_050, &unit), Belongs::Yes);
        assert_eq!(belongs(&one, "run-r1.service", 1_000_050, UNIT), Belongs::Perhaps);
        // However many: a session's file stays small.
        let mut all = Vec::new();
        while remember(&mut all, asked(&whole).remove(0)) {}
        assert!(all.iter().map(Asked::bytes).sum::<usize>() <= MOST);
        assert!(all.len() > 10, "{}", all.len());
    }

    #[test]
    fn a_unit_belongs_to_the_command_that_named_it() {
        // Only as the option's value: a program of that name is no unit of hers.
        assert_eq!(belongs(&asked(&["systemd-run", "x"]), "x.service", 1_000_050, ""), Belongs::Perhaps);
        for argv in [&["systemd-run", "--unit=x", "true"][..], &["systemd-run", "-u", "x.service", "true"]] {
            assert_eq!(belongs(&asked(argv), "x.service", 1_000_050, ""), Belongs::Yes, "{argv:?}");
        }
        assert_eq!(
            belongs(&asked(&["systemd-run", "--unit=x", "true"]), "x.timer", 1_000_050, ""),
            Belongs::Yes
        );
        assert_eq!(
            belongs(&asked(&["systemd-run", "--unit=xy", "true"]), "x.service", 1_000_050, ""),
            Belongs::Perhaps
        );
    }
}

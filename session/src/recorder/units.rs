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

/// Where PID 1 keeps transient units (systemd's `unit-file` load path).
const TRANSIENT: &str = "/run/systemd/transient";
/// How long after the command its unit may appear, in milliseconds.
const APPEARS: i64 = 60_000;
/// Commands that are kept; more than that are of a session that nobody can follow anyway.
const KEPT: usize = 256;
/// What begins the names of logind's own transient units, which are never a vendor's.
const LOGINS: [&str; 3] = ["session-", "user-", "user@"];

/// A command that asked PID 1 to start something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// When it ran, wall clock milliseconds.
    pub time: i64,
    /// Its arguments as text, redacted.
    pub argv: Vec<String>,
}

/// What became of a session's units.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Units {
    /// Ended.
    pub(super) removed: Vec<String>,
    /// Not ended: perhaps another's, or PID 1 kept them.
    pub(super) left: Vec<String>,
}

impl Asked {
    /// The command as one that asks, if it is one.
    pub(super) fn of(executable: &[u8], time: i64, redacted: &[Vec<u8>]) -> Option<Self> {
        let asks = executable.rsplit(|b| *b == b'/').next() == Some(b"systemd-run");
        asks.then(|| Self { time, argv: redacted.iter().map(|argument| command::text(argument)).collect() })
    }
}

/// Remembers a command; gives whether there was room.
pub(super) fn remember(asked: &mut Vec<Asked>, one: Asked) -> bool {
    let room = asked.len() < KEPT;
    if room {
        asked.push(one);
    }
    room
}

/// Ends what these commands had PID 1 start.
pub(super) fn end(asked: &[Asked]) -> Units {
    let mut units = Units::default();
    if asked.is_empty() {
        return units;
    }
    for (name, appeared, text) in transient(Path::new(TRANSIENT)) {
        match belongs(asked, &name, appeared, &text) {
            Belongs::Yes if stop(&name) => units.removed.push(name),
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
    let named = |one: &Asked| names(&one.argv, name);
    let said = |one: &Asked| {
        started.as_deref().is_some_and(|started| !started.is_empty() && ends_with(&one.argv, started))
    };
    if near.any(|one| named(one) || said(one)) { Belongs::Yes } else { Belongs::Perhaps }
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
fn stop(name: &str) -> bool {
    let _ = ending::kill_cgroup(&format!("/system.slice/{name}"));
    let name = name.to_owned();
    // PID 1 may be slow to answer; the loop does not wait for it.
    let thread = std::thread::Builder::new().name("unit".to_owned());
    thread
        .spawn(move || {
            // In another slice the first kill found nothing.
            systemctl(&["kill", "--signal=SIGKILL", "--", &name]);
            systemctl(&["--no-block", "stop", "--", &name]);
        })
        .is_ok()
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
        vec![Asked { time: 1_000_000, argv: argv.iter().map(|a| (*a).to_owned()).collect() }]
    }

    const UNIT: &str = "[Unit]\nDescription=/bin/sleep 7\n\n[Service]\nExecStart=\nExecStart=@/usr/bin/sleep \"/usr/bin/sleep\" \"7\" \"a\\\"b\" \"$$HOME\"\n";

    #[test]
    fn only_what_asks_is_remembered() {
        let argv = [b"systemd-run".to_vec(), b"sleep".to_vec()];
        assert!(Asked::of(b"/usr/bin/systemd-run", 1, &argv).is_some());
        assert!(Asked::of(b"/usr/bin/systemd-runner", 1, &argv).is_none());
    }

    #[test]
    fn a_unit_belongs_to_the_command_that_said_what_it_starts() {
        let one = asked(&["systemd-run", "--collect", "sleep", "7", "a\"b", "$HOME"]);
        assert_eq!(belongs(&one, "run-r1.service", 1_000_050, UNIT), Belongs::Yes);
        assert_eq!(belongs(&one, "run-r1.service", 999_000, UNIT), Belongs::No);
        assert_eq!(belongs(&one, "run-r1.service", 2_000_000, UNIT), Belongs::No);
        let other = asked(&["systemd-run", "sleep", "8"]);
        assert_eq!(belongs(&other, "run-r1.service", 1_000_050, UNIT), Belongs::Perhaps);
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

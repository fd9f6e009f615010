//! What the spool says of the sessions that an earlier recorder left: read once at a start, from the segment in which the
//! oldest of them opened.
//!
//! A gate line whose command does not follow may stand anywhere behind its session's opening: an exec can stay in the
//! kernel (a file under a lease, a dead network) while segments fill. Execs and logins wait meanwhile, so a line of
//! another session costs a look at its id and no more.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use serde::Deserialize;

use super::gate::{GATE, Gate, GateLine};
use super::state::SessionState;
use crate::spool::{segment_path, segments};

/// Bytes read at a time.
const PIECE: usize = 256 * 1024;
/// What stands before a session's id in a gate line and in a record alike. No text in a line has it: a quote in a text is
/// escaped.
const SESSION: &str = "\"session\":\"";

/// What the spool says of the sessions that an earlier recorder left.
#[derive(Debug, Default)]
pub(super) struct Tail {
    /// Gate lines whose command is not there, by session and notification.
    pub(super) gates: HashMap<(String, u64), Gate>,
    /// What was counted, by session.
    pub(super) counts: HashMap<String, Counts>,
    /// Sessions that are closed.
    pub(super) closed: HashSet<String>,
}

/// What the spool says of one session.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Counts {
    /// The highest number of its commands.
    pub(super) last: u64,
    /// Commands that differ from what was shown.
    pub(super) differences: u64,
    /// Bytes of its lines.
    pub(super) bytes: u64,
    /// Whether its opening was read, so that nothing stands before.
    pub(super) opening: bool,
    /// The process of its first command.
    pub(super) first: Option<i32>,
}

/// One session while its lines are read.
#[derive(Debug, Default)]
struct Read {
    counts: Counts,
    closed: bool,
    /// Gate lines whose commands did not follow yet, by number.
    gates: HashMap<u64, String>,
}

#[derive(Deserialize)]
struct ShortGateLine {
    gate: ShortGate,
}

#[derive(Deserialize)]
struct ShortGate {
    seq: u64,
}

/// Of a record what is counted.
#[derive(Deserialize)]
struct Short<'a> {
    #[serde(borrow)]
    event: ShortEvent<'a>,
    #[serde(default)]
    jit: ShortJit,
    #[serde(default)]
    process: ShortProcess,
}

#[derive(Deserialize)]
struct ShortEvent<'a> {
    #[serde(borrow)]
    action: Cow<'a, str>,
}

#[derive(Default, Deserialize)]
struct ShortJit {
    session_seq: Option<u64>,
    part: Option<u64>,
    parts: Option<u64>,
    differs: Option<bool>,
}

#[derive(Default, Deserialize)]
struct ShortProcess {
    pid: Option<i64>,
}

impl Tail {
    /// Reads what the spool says of these sessions. `working` is called for each segment.
    ///
    /// # Errors
    /// If a segment can't be read.
    pub(super) fn read(folder: &Path, open: &[SessionState], working: impl FnMut()) -> io::Result<Self> {
        let from = open.iter().map(|state| state.segment).min();
        let ids = open.iter().map(|state| state.handover.session.as_str());
        from.map_or_else(|| Ok(Self::default()), |from| Self::of(folder, from, ids, working))
    }

    fn of<'a>(
        folder: &Path,
        from: u64,
        ids: impl Iterator<Item = &'a str>,
        mut working: impl FnMut(),
    ) -> io::Result<Self> {
        let mut sessions: HashMap<&str, Read> = ids.map(|id| (id, Read::default())).collect();
        let mut line = Vec::new();
        for segment in segments(folder)?.into_iter().filter(|segment| *segment >= from) {
            working();
            let mut file = BufReader::with_capacity(PIECE, File::open(segment_path(folder, segment))?);
            loop {
                line.clear();
                file.read_until(b'\n', &mut line)?;
                // What has no end was never written whole.
                let Some(whole) = line.strip_suffix(b"\n") else { break };
                let Ok(line) = std::str::from_utf8(whole) else { continue };
                let Some(id) = session_of(line) else { continue };
                if let Some(session) = sessions.get_mut(id) {
                    session.line(line);
                }
            }
        }
        let mut tail = Self::default();
        for (id, read) in sessions {
            tail.counts.insert(id.to_owned(), read.counts);
            if read.closed {
                tail.closed.insert(id.to_owned());
            }
            let gates = read.gates.values().filter_map(|line| serde_json::from_str::<GateLine>(line).ok());
            tail.gates.extend(gates.map(|line| ((id.to_owned(), line.gate.notification), line.gate)));
        }
        Ok(tail)
    }
}

/// The session that a line is about.
fn session_of(line: &str) -> Option<&str> {
    let rest = &line[line.find(SESSION)? + SESSION.len()..];
    rest.get(..rest.find('"')?)
}

impl Read {
    fn line(&mut self, line: &str) {
        let length = line.len() as u64 + 1;
        if line.starts_with(GATE) {
            let Ok(ShortGateLine { gate }) = serde_json::from_str(line) else { return };
            self.counts.bytes += length;
            self.counts.last = self.counts.last.max(gate.seq);
            self.gates.insert(gate.seq, line.to_owned());
            return;
        }
        let Ok(Short { event, jit, process }) = serde_json::from_str(line) else { return };
        let number = jit.session_seq.unwrap_or(0);
        self.counts.bytes += length;
        self.counts.last = self.counts.last.max(number);
        match &*event.action {
            "session.open" => self.counts.opening = true,
            "session.close" => self.closed = true,
            "session.command" => {
                if number == 1 {
                    self.counts.first = process.pid.and_then(|pid| i32::try_from(pid).ok());
                }
                // Once a command, which may have several parts.
                self.counts.differences += u64::from(jit.differs == Some(true) && jit.part == Some(1));
                // Only when its last part is there too: a kill can leave a command cut.
                if jit.part == jit.parts {
                    self.gates.remove(&number);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = "S-22222222";

    fn gate(session: &str, seq: u64) -> String {
        format!(
            "{{\"gate\":{{\"session\":\"{session}\",\"notification\":{},\"seq\":{seq},\"time\":0,\"pid\":1,\"parent\":1,\"uid\":1,\"euid\":1,\
             \"cwd\":\"/\",\"path\":\"/bin/true\",\"argv\":[],\"count\":0,\"sha256\":\"\"}}}}",
            seq + 100
        )
    }

    fn command(session: &str, seq: u64, part: u64, parts: u64) -> String {
        format!(
            "{{\"message\":\"a \\\"session\\\":\\\"S-33333333\",\"event\":{{\"action\":\"session.command\"}},\"process\":{{\"pid\":7}},\
             \"jit\":{{\"session\":\"{session}\",\"session_seq\":{seq},\"part\":{part},\"parts\":{parts},\"differs\":true}}}}"
        )
    }

    fn opening(session: &str) -> String {
        format!("{{\"event\":{{\"action\":\"session.open\"}},\"jit\":{{\"session\":\"{session}\"}}}}")
    }

    fn read(segments: &[Vec<String>], from: u64) -> Tail {
        let folder = tempfile::tempdir().unwrap();
        for (number, lines) in (1..).zip(segments) {
            let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
            // As a kill leaves it: half a line, and filling.
            std::fs::write(segment_path(folder.path(), number), format!("{text}{{\"gate\t\t")).unwrap();
        }
        Tail::of(folder.path(), from, [OURS].into_iter(), || ()).unwrap()
    }

    #[test]
    fn a_gate_line_without_its_command_is_found_however_far_back_it_stands() {
        let other = "S-33333333";
        let busy: Vec<String> =
            (1..50).flat_map(|seq| [gate(other, seq), command(other, seq, 1, 1)]).collect();
        let first = vec![opening(OURS), gate(OURS, 1), command(OURS, 1, 1, 1), gate(OURS, 2), gate(OURS, 3)];
        let last = vec![command(OURS, 3, 1, 1), gate(OURS, 4), command(OURS, 4, 1, 2)];
        let tail = read(&[first, busy.clone(), busy.clone(), busy, last], 1);
        let mut left: Vec<u64> = tail.gates.values().map(|gate| gate.seq).collect();
        left.sort_unstable();
        assert_eq!(left, [2, 4], "the second has no command, the fourth has half of one");
        assert!(tail.gates.contains_key(&(OURS.to_owned(), 102)));
        let counts = tail.counts[OURS];
        assert_eq!((counts.last, counts.differences, counts.first), (4, 3, Some(7)));
        assert!(counts.opening && !tail.closed.contains(OURS) && !tail.counts.contains_key(other));
    }

    #[test]
    fn segments_before_the_opening_are_not_read() {
        let tail = read(&[vec![gate(OURS, 1)], vec![opening(OURS), gate(OURS, 1)]], 2);
        assert_eq!(tail.counts[OURS].bytes as usize, opening(OURS).len() + gate(OURS, 1).len() + 2);
    }
}

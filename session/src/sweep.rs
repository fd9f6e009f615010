//! The sweep: compares the records of sessions with reality, and repairs whichever is wrong.
//!
//! The third line of ending. It works with the recorder dead and beside a live one, may be run at any
//! moment and any number of times, and reads only what has expired: the names in the state folder begin
//! with the deadline. What it does, it tells the recorder, which records it.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::time::Duration;

use audit::handover::Message;
use audit::{Event, Notice};
use nix::fcntl::{Flock, FlockArg};

use crate::ending::{self, processes_of, start_and_state};
use crate::recorder::Settings;
use crate::recorder::clock::{Boottime, wall_millis};
use crate::recorder::state::{SessionState, StateFolder, boot_id};
use crate::spool::Spool;

/// Rounds of killing in one sweep, [`ROUND`] apart: then the next sweep goes on.
const ROUNDS: usize = 250;
const ROUND: Duration = Duration::from_millis(20);
/// How long the audit id of a closed session is remembered, in seconds.
const REMEMBERED: u64 = 600;

/// What one sweep did, one sentence each.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Sessions whose processes were killed.
    pub ended: Vec<String>,
    /// Everything else that was repaired.
    pub repaired: Vec<String>,
}

/// Sweeps once.
///
/// # Errors
/// If the folder of sessions can't be read: then nothing is known, and somebody must be told.
pub fn sweep(settings: &Settings) -> io::Result<Swept> {
    let mut swept = Swept::default();
    let folder = settings.state.join("sessions");
    if !folder.exists() {
        return Ok(swept);
    }
    let states = StateFolder::open(&folder)?;
    let boot = boot_id()?;
    let now = Boottime::now();
    for state in states.expired(now)?.into_iter().filter(|state| state.boot_id == boot) {
        end(settings, &state, "its deadline had passed", &mut swept);
    }
    sweep_without_recorder(settings, &states, &boot, &mut swept)?;
    sweep_closed(settings, &mut swept)?;
    sweep_stale_files(settings, &folder, &mut swept)?;
    Ok(swept)
}

/// Kills everything of a session. Its close is the recorder's to write, when the kernel tells it.
fn end(settings: &Settings, state: &SessionState, why: &str, swept: &mut Swept) {
    let id = &state.handover.session;
    let mut killed = 0;
    for _ in 0..ROUNDS {
        // Counted before: the cgroup is quicker.
        let found = processes_of(state.audit_session).len();
        if let Some(scope) = &state.scope {
            let _ = ending::kill_cgroup(scope);
        }
        ending::kill_session(state.audit_session);
        killed = killed.max(found);
        if found == 0 {
            break;
        }
        std::thread::sleep(ROUND);
    }
    let left = processes_of(state.audit_session).len();
    if killed == 0 && left == 0 {
        // Over already; only its close is missing, which the recorder writes.
        return;
    }
    let message =
        format!("the sweep ended session {id}, because {why}: {killed} processes killed, {left} left");
    tell(settings, Event::SweepEnd, Some(id.clone()), &message);
    swept.ended.push(message);
}

fn recorder_runs(settings: &Settings) -> bool {
    let lock = settings.runtime.join("recorder.lock");
    let Ok(file) = File::options().write(true).open(lock) else { return false };
    Flock::lock(file, FlockArg::LockExclusiveNonblock).is_err()
}

/// A recorder that is dead at two sweeps in a row does not come back by itself: its sessions end. A dead
/// monitor is the recorder's to notice, and here only while there is none.
fn sweep_without_recorder(
    settings: &Settings,
    states: &StateFolder,
    boot: &str,
    swept: &mut Swept,
) -> io::Result<()> {
    let marker = settings.runtime.join("recorder.missing");
    if recorder_runs(settings) {
        match fs::remove_file(&marker) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => return Ok(()),
        }
    }
    let missing_before = marker.exists();
    for state in states.all()?.into_iter().filter(|state| state.boot_id == boot) {
        let monitor = start_and_state(state.handover.monitor)
            .is_some_and(|(start, letter)| start == state.monitor_start && !matches!(letter, 'Z' | 'X'));
        let any = !processes_of(state.audit_session).is_empty();
        if any && missing_before {
            end(settings, &state, "no recorder runs", swept);
        } else if any && !monitor {
            end(settings, &state, "its connection is gone and no recorder runs", swept);
        }
    }
    fs::create_dir_all(&settings.runtime)?;
    fs::write(&marker, "")
}

/// Processes that carry the audit id of a session that is closed.
fn sweep_closed(settings: &Settings, swept: &mut Swept) -> io::Result<()> {
    for (path, audit_session) in closed_markers(settings)? {
        let found = ending::kill_session(audit_session);
        if found > 0 {
            let message = format!(
                "the sweep killed {found} processes of a session that was closed (audit session {audit_session})"
            );
            tell(settings, Event::SweepEnd, None, &message);
            swept.ended.push(message);
            continue;
        }
        let old = fs::metadata(&path)?.modified()?.elapsed().is_ok_and(|age| age.as_secs() > REMEMBERED);
        if old {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

fn closed_markers(settings: &Settings) -> io::Result<Vec<(PathBuf, u32)>> {
    let entries = match fs::read_dir(settings.runtime.join("closed")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut markers = Vec::new();
    for entry in entries {
        let entry = entry?;
        markers.extend(
            entry.file_name().to_str().and_then(|name| name.parse().ok()).map(|id| (entry.path(), id)),
        );
    }
    Ok(markers)
}

/// Half-written files that a kill left.
fn sweep_stale_files(settings: &Settings, folder: &std::path::Path, swept: &mut Swept) -> io::Result<()> {
    for entry in fs::read_dir(folder)?.chain(fs::read_dir(settings.state.join("uses")).into_iter().flatten())
    {
        let entry = entry?;
        let name = entry.file_name();
        let half = name.to_str().is_some_and(|name| name.starts_with('.') && name.ends_with(".new"));
        if half && entry.metadata()?.modified()?.elapsed().is_ok_and(|age| age.as_secs() > 60) {
            fs::remove_file(entry.path())?;
            swept.repaired.push(format!("removed {}", entry.path().display()));
        }
    }
    Ok(())
}

/// Records what was done: through the recorder if it listens, else in its spool, which is then nobody's.
fn tell(settings: &Settings, event: Event, session: Option<String>, message: &str) {
    let notice = Notice {
        time: wall_millis(),
        host: settings.host.clone(),
        event,
        session,
        message: message.to_owned(),
    };
    let line = notice.json();
    if crate::request::send(&settings.socket, &Message::Notice { line: line.clone() }, Duration::from_secs(2))
        .is_ok()
    {
        return;
    }
    let Ok(file) = File::options()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(settings.runtime.join("recorder.lock"))
    else {
        return;
    };
    let Ok(_lock) = Flock::lock(file, FlockArg::LockExclusiveNonblock) else { return };
    if let Ok(mut spool) = Spool::open(&settings.spool, settings.limits) {
        spool.append(&line);
        let _ = spool.commit();
    }
}

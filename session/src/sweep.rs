//! The sweep: compares the records of sessions with reality, and repairs whichever is wrong.
//!
//! The third line of ending. It works with the recorder dead and beside a live one, may be run at any
//! moment and any number of times, and reads only what has expired: the names in the state folder begin
//! with the deadline. What it does, it tells the recorder, which records it.

use std::cell::Cell;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use audit::handover::Message;
use audit::{Event, Notice};
use nix::fcntl::{Flock, FlockArg};

use crate::ending;
use crate::recorder::Settings;
use crate::recorder::clock::{Boottime, wall_millis};
use crate::recorder::restart::MISSING;
use crate::recorder::state::{SessionState, StateFolder, boot_id};
use crate::recorder::units::{self, Wait};
use crate::recorder::uses::is_over;
use crate::spool::Spool;

/// Rounds of killing in one sweep, [`ROUND`] apart: then the next sweep goes on.
const ROUNDS: usize = 250;
const ROUND: Duration = Duration::from_millis(20);
/// How long a recorder may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long a recorder must have been missing before its sessions end, in milliseconds: nearly the time between two
/// sweeps.
const STAYS_AWAY: u64 = 25_000;
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
    let telling = Telling { settings, silent: Cell::new(false) };
    let expired = states.expired(now)?.into_iter().filter(|state| state.boot_id == boot);
    let expired: Vec<_> = expired.map(|state| (state, "its deadline had passed")).collect();
    end(&telling, &states, &expired, &mut swept);
    sweep_without_recorder(&telling, &states, &boot, &mut swept)?;
    sweep_closed(&telling, &mut swept)?;
    sweep_stale_files(settings, &states, &mut swept)?;
    Ok(swept)
}

/// Kills everything of these sessions. Their closes are the recorder's to write, when the kernel tells it.
///
/// All at once, with one look at the processes a round: one that does not die must not keep the others waiting.
fn end(what: &Telling<'_>, states: &StateFolder, sessions: &[(SessionState, &str)], swept: &mut Swept) {
    if sessions.is_empty() {
        return;
    }
    let mut killed = vec![0; sessions.len()];
    let ids = || sessions.iter().map(|(state, _)| state.audit_session);
    for _ in 0..ROUNDS {
        // Looked for before: the cgroup is quicker.
        let found = ending::processes_of_each(ids());
        for ((state, _), killed) in sessions.iter().zip(&mut killed) {
            if let Some(scope) = &state.scope {
                let _ = ending::kill_cgroup(scope);
            }
            let processes = found.get(&state.audit_session).map_or(&[][..], Vec::as_slice);
            ending::kill(processes);
            *killed = processes.len().max(*killed);
        }
        if found.values().all(Vec::is_empty) {
            break;
        }
        std::thread::sleep(ROUND);
    }
    let left = ending::processes_of_each(ids());
    let mut others: Vec<u32> = Vec::new();
    for state in states.all().unwrap_or_default() {
        if !sessions.iter().any(|(ended, _)| ended.handover.session == state.handover.session) {
            others.push(state.handover.uid);
        }
    }
    for ((state, why), killed) in sessions.iter().zip(killed) {
        let (id, left) = (&state.handover.session, left.get(&state.audit_session).map_or(0, Vec::len));
        // What process 1 runs for it carries no audit id.
        let mut units = units::end(&state.asked, Wait::Here).removed;
        if !others.contains(&state.handover.uid) {
            units.extend(units::end_manager(state.handover.uid));
        }
        if killed == 0 && left == 0 && units.is_empty() {
            // Over already; only its close is missing, which the recorder writes.
            continue;
        }
        let units = if units.is_empty() { String::new() } else { format!(", and {}", units.join(", ")) };
        let message = format!(
            "the sweep ended session {id}, because {why}: {killed} processes killed{units}, {left} left"
        );
        what.tell(Event::SweepEnd, Some(id.clone()), &message);
        swept.ended.push(message);
    }
}

fn recorder_runs(settings: &Settings) -> bool {
    let lock = settings.runtime.join("recorder.lock");
    let Ok(file) = File::options().write(true).open(lock) else { return false };
    Flock::lock(file, FlockArg::LockExclusiveNonblock).is_err()
}

/// A recorder that is dead at two sweeps in a row does not come back by itself: its sessions end. Before that nothing
/// does: it may be one that is just replaced, and what it has not heard yet (a logout, say) waits in its socket.
fn sweep_without_recorder(
    telling: &Telling<'_>,
    states: &StateFolder,
    boot: &str,
    swept: &mut Swept,
) -> io::Result<()> {
    let settings = telling.settings;
    let marker = settings.runtime.join(MISSING);
    if recorder_runs(settings) {
        match fs::remove_file(&marker) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => return Ok(()),
        }
    }
    // Two sweeps by hand, one after the other, are not two in a row.
    let now = Boottime::now();
    let since = fs::read_to_string(&marker).ok().and_then(|text| text.parse().ok()).map(Boottime);
    let missing_before = since.is_some_and(|since| now.millis_since(since) >= STAYS_AWAY);
    if missing_before {
        let lost = states.all()?.into_iter().filter(|state| state.boot_id == boot);
        let lost: Vec<_> = lost.map(|state| (state, "no recorder runs")).collect();
        end(telling, states, &lost, swept);
    }
    if since.is_some() {
        return Ok(());
    }
    fs::create_dir_all(&settings.runtime)?;
    fs::write(&marker, now.0.to_string())
}

/// Processes that carry the audit id of a session that is closed.
fn sweep_closed(telling: &Telling<'_>, swept: &mut Swept) -> io::Result<()> {
    let markers = closed_markers(telling.settings)?;
    let mut processes = ending::processes_of_each(markers.iter().map(|(_, id)| *id));
    for (path, audit_session) in markers {
        let found = ending::kill(&processes.remove(&audit_session).unwrap_or_default());
        if found > 0 {
            let message = format!(
                "the sweep killed {found} processes of a session that was closed (audit session {audit_session})"
            );
            telling.tell(Event::SweepEnd, None, &message);
            swept.ended.push(message);
            continue;
        }
        // Another sweep may have removed it meanwhile.
        let Ok(modified) = fs::metadata(&path).and_then(|marker| marker.modified()) else { continue };
        if modified.elapsed().is_ok_and(|age| age.as_secs() > REMEMBERED) {
            let _ = fs::remove_file(&path);
        }
    }
    Ok(())
}

fn closed_markers(settings: &Settings) -> io::Result<Vec<(PathBuf, u32)>> {
    let folder = settings.runtime.join("closed");
    let ids = names_in(&folder)?.into_iter().filter_map(|name| name.parse().ok());
    Ok(ids.map(|id: u32| (folder.join(id.to_string()), id)).collect())
}

/// Files of which the name says that nobody needs them: half-written ones that a kill left, counts of grants that are long
/// closed, leave for sudo in sessions that are gone. And cgroups of such sessions.
fn sweep_stale_files(settings: &Settings, states: &StateFolder, swept: &mut Swept) -> io::Result<()> {
    let uses = settings.state.join("uses");
    let mut stale = stale_sudo(settings, states)?;
    let now = u64::try_from(wall_millis() / 1000).unwrap_or(0);
    for folder in [settings.state.join("sessions"), uses.clone()] {
        for entry in names_in(&folder)? {
            let path = folder.join(&entry);
            let half = entry.starts_with('.') && entry.ends_with(".new");
            // It may be whole by now.
            let old = || fs::metadata(&path).and_then(|m| m.modified()).ok().and_then(|m| m.elapsed().ok());
            if (half && old().is_some_and(|age| age.as_secs() > 60))
                || (folder == uses && is_over(&entry, now))
            {
                stale.push(path);
            }
        }
    }
    for path in stale {
        match fs::remove_file(&path) {
            Ok(()) => swept.repaired.push(format!("removed {}", path.display())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    ending::own_cgroup::remove_empty();
    Ok(())
}

/// Leave for sudo whose session has no file any more. A session's file is there before, and until after.
fn stale_sudo(settings: &Settings, states: &StateFolder) -> io::Result<Vec<PathBuf>> {
    let folder = settings.runtime.join("sudo");
    let markers = names_in(&folder)?.into_iter().map(|name| folder.join(name));
    let owned = markers.filter_map(|path| Some((fs::read_to_string(&path).ok()?, path)));
    let owned: Vec<(String, PathBuf)> = owned.filter(|(session, _)| !session.is_empty()).collect();
    Ok(owned.into_iter().filter(|(session, _)| !states.has(session)).map(|(_, path)| path).collect())
}

/// The names in a folder that may not be there.
fn names_in(folder: &Path) -> io::Result<Vec<String>> {
    match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        entries => entries?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect(),
    }
}

/// Tells what was done.
struct Telling<'a> {
    settings: &'a Settings,
    /// A recorder that did not answer once is not waited for again.
    silent: Cell<bool>,
}

impl Telling<'_> {
    /// Records what was done: through the recorder if it listens, else in its spool, which is then nobody's.
    fn tell(&self, event: Event, session: Option<String>, message: &str) {
        let settings = self.settings;
        let host = settings.host.clone();
        let line = Notice { time: wall_millis(), host, event, session, message: message.to_owned() }.json();
        let notice = Message::Notice { line: line.clone() };
        if !self.silent.get() {
            if crate::request::send(&settings.socket, &notice, PATIENCE).is_ok() {
                return;
            }
            self.silent.set(true);
        }
        let lock = settings.runtime.join("recorder.lock");
        let lock = File::options().write(true).create(true).truncate(false).mode(0o600).open(lock);
        let Some(_lock) = lock.ok().and_then(|file| Flock::lock(file, FlockArg::LockExclusiveNonblock).ok())
        else {
            return;
        };
        if let Ok(mut spool) = Spool::open(&settings.spool, settings.limits) {
            spool.append(&line);
            let _ = spool.commit();
        }
    }
}

//! Reading callers, whose memory may not answer.
//!
//! A pointer can lead into a file on FUSE or on a dead network: whoever reads it waits, uninterruptibly, for as long
//! as its server likes. So the thread that runs the loop lends the recorder out while it reads, and a deputy watches
//! the clock. A reading that takes longer than [`PATIENCE`] costs nobody but its owner: the deputy takes the recorder and
//! goes on with the loop, the exec is refused, and the thread that is stuck ends when its read does, at the latest with
//! the processes of that session. A reading that does not get stuck costs no hand-over between threads.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};

use super::Recorder;
use super::caller::Caller;
use super::clock::Boottime;
use super::notify_ffi::Notification;

/// How long one caller may take. Memory that is there takes microseconds; what was swapped out, milliseconds.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);

/// An exec whose caller is to be read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unread {
    pub(super) session: u32,
    pub(super) slot: usize,
    pub(super) notification: Notification,
}

/// How the loop ended.
type End = anyhow::Result<()>;

/// The recorder while somebody reads.
#[derive(Debug)]
struct Lent {
    recorder: Box<Recorder>,
    of: Unread,
    since: Instant,
}

#[derive(Debug, Default)]
struct Place {
    lent: Option<Lent>,
    /// Which of all readings it is.
    reading: u64,
    /// Something was read since the deputy looked last.
    used: bool,
    /// The deputy sleeps until it is told that somebody reads.
    asleep: bool,
}

/// Where the recorder is left while somebody reads.
#[derive(Debug)]
struct Desk {
    place: Mutex<Place>,
    wake: Condvar,
    ended: Sender<End>,
}

impl Desk {
    fn place(&self) -> MutexGuard<'_, Place> {
        // What a thread does under the lock leaves the place whole at each step.
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A thread's right to the desk.
#[derive(Debug)]
pub(super) struct Reading(Arc<Desk>);

impl Reading {
    /// Reads a caller; gives the recorder back with it, and for how many milliseconds its memory was waited for. Gives
    /// nothing if that took too long: then a deputy has the recorder, and this thread has nothing left to do.
    pub(super) fn read(
        &self,
        mut recorder: Box<Recorder>,
        of: Unread,
    ) -> Option<(Box<Recorder>, Caller, u64)> {
        let standing = recorder.standing(&of);
        let reading = {
            let mut place = self.0.place();
            place.lent = Some(Lent { recorder, of, since: Instant::now() });
            place.reading += 1;
            place.used = true;
            if std::mem::take(&mut place.asleep) {
                self.0.wake.notify_one();
            }
            place.reading
        };
        let (began, slept) = (Boottime::now(), sleeps());
        let caller = Caller::read(&of.notification, standing);
        // Whoever was only kept from a processor has waited for nobody's memory.
        let waited = if sleeps() == slept { 0 } else { Boottime::now().millis_since(began) };
        let mut place = self.0.place();
        if place.reading != reading {
            return None;
        }
        place.lent.take().map(|lent| (lent.recorder, caller, waited))
    }

    /// Starts whoever takes over when a reading gets stuck. Without a thread to be had the loop goes on, and the next one
    /// that gets stuck holds up all.
    fn deputy(&self) -> std::io::Result<()> {
        let desk = Arc::clone(&self.0);
        std::thread::Builder::new().name("deputy".to_owned()).spawn(move || {
            let lent = stuck(&desk);
            Self(desk).go_on(lent.recorder, Some(lent.of));
        })?;
        Ok(())
    }

    fn go_on(self, recorder: Box<Recorder>, stuck: Option<Unread>) {
        if stuck.is_some() {
            let _ = self.deputy();
        }
        // A panic ends the recorder, as it would in the main thread; nothing of it is used afterwards.
        let end = catch_unwind(AssertUnwindSafe(|| recorder.go_on(&self, stuck)));
        let end = end.unwrap_or_else(|_| Some(Err(anyhow::anyhow!("the recorder panicked"))));
        if let Some(end) = end {
            let _ = self.0.ended.send(end);
        }
    }
}

/// How often this thread has waited for something so far (getrusage(2), `ru_nvcsw`).
fn sleeps() -> i64 {
    getrusage(UsageWho::RUSAGE_THREAD).map_or(0, |usage| usage.voluntary_context_switches())
}

/// Waits for a reading that takes too long, and takes the recorder from it.
fn stuck(desk: &Desk) -> Lent {
    let mut place = desk.place();
    loop {
        let patience = match &place.lent {
            Some(lent) => PATIENCE.checked_sub(lent.since.elapsed()).filter(|left| !left.is_zero()),
            None => Some(PATIENCE),
        };
        let Some(patience) = patience else {
            if let Some(lent) = place.lent.take() {
                place.reading += 1;
                return lent;
            }
            continue;
        };
        // Nothing read for a while: an idle recorder sleeps, and so does its deputy.
        let idle = place.lent.is_none() && !std::mem::take(&mut place.used);
        place = if idle {
            place.asleep = true;
            desk.wake.wait(place).unwrap_or_else(PoisonError::into_inner)
        } else {
            let waited = desk.wake.wait_timeout(place, patience);
            waited.unwrap_or_else(PoisonError::into_inner).0
        };
    }
}

/// Runs the loop in threads of its own until it ends.
///
/// # Errors
/// The loop's own, or that there are no threads.
pub(super) fn run(recorder: Box<Recorder>) -> anyhow::Result<()> {
    let (ended, end): (_, Receiver<End>) = channel();
    let desk = Desk { place: Mutex::default(), wake: Condvar::new(), ended };
    let reading = Reading(Arc::new(desk));
    reading.deputy()?;
    std::thread::Builder::new().name("recorder".to_owned()).spawn(move || reading.go_on(recorder, None))?;
    end.recv()?
}

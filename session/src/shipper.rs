//! Ships the spool to syslog, in a thread of its own: the spool is the original, syslog the copy.
//!
//! At least once, in the spool's order, going on where it stopped: the place is kept in a file. A syslog
//! that is stopped, slow or dead delays this thread and nobody else. What a syslog had not read when it
//! died is gone with its socket, so the last lines are sent again to the next one. Readers drop
//! repetitions by session, number and part.

use std::collections::VecDeque;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::spool::{Position, Reader};

mod target;

pub use target::{Format, Target};

/// Lines between two looks at the clock and the bell.
const BATCH: usize = 256;
/// Lines that are sent again after the receiver has gone. More than it can have had unread: a Unix socket
/// holds `net.unix.max_dgram_qlen` messages (10 to 512), a TCP connection a few megabytes.
const AGAIN: usize = 4_096;
/// How often, and how long after the last line, the shipper looks whether the receiver is still there.
const LOOK: Duration = Duration::from_secs(1);
const LOOKS: u32 = 10;
/// How long lines may gather once the bell has rung. Taken one by one, they keep a processor from the very sessions that
/// are recorded.
const GATHER: Duration = Duration::from_millis(20);
/// Between two writes of the place while lines come: a rename on the spool's disk makes the spool's own writes wait. A
/// place that is older ships some lines once more.
const KEEP: Duration = Duration::from_secs(1);
/// The longest wait before a target that refused is tried again.
const PATIENCE: Duration = Duration::from_secs(5);

/// Wakes the shipper, and tells how far it is.
#[derive(Debug, Default)]
pub struct Bell {
    rung: Mutex<Rung>,
    wake: Condvar,
    segment: AtomicU64,
}

#[derive(Debug, Default)]
struct Rung {
    /// Nobody has heard it yet.
    new: bool,
    /// What stands before it in the spool is durable, and only that leaves the host.
    confirmed: Position,
}

impl Bell {
    /// There is something new in the spool: all before `confirmed` is durable.
    pub fn ring(&self, confirmed: Position) {
        if let Ok(mut rung) = self.rung.lock() {
            *rung = Rung { new: true, confirmed };
            self.wake.notify_one();
        }
    }

    fn confirmed(&self) -> Position {
        self.rung.lock().map(|rung| rung.confirmed).unwrap_or_default()
    }

    /// The segment that the shipper stands in; all before it were shipped.
    #[must_use]
    pub fn segment(&self) -> u64 {
        self.segment.load(Ordering::Relaxed)
    }

    /// Waits for a ring, at most as long as said; gives whether there was one.
    fn wait(&self, limit: Option<Duration>) -> bool {
        let Ok(rung) = self.rung.lock() else { return false };
        let silent = |rung: &mut Rung| !rung.new;
        let rung = match limit {
            None => self.wake.wait_while(rung, silent).ok(),
            Some(limit) => self.wake.wait_timeout_while(rung, limit, silent).ok().map(|(rung, _)| rung),
        };
        rung.is_some_and(|mut rung| std::mem::take(&mut rung.new))
    }
}

#[derive(Serialize, Deserialize)]
struct Place {
    segment: u64,
    offset: u64,
}

/// What ships.
#[derive(Debug)]
pub struct Shipper {
    spool: PathBuf,
    reader: Reader,
    /// Where the last lines stand that were sent.
    sent: VecDeque<Position>,
    /// Whether the receiver was there long enough after the last of them.
    settled: bool,
    place: PathBuf,
    /// When the place was written last.
    kept: Instant,
    target: Target,
    bell: Arc<Bell>,
}

impl Shipper {
    /// A shipper of the spool in `spool` that keeps its place in the file `place`.
    #[must_use]
    pub fn new(spool: &Path, place: PathBuf, target: Target, bell: Arc<Bell>) -> Self {
        let kept: Option<Place> = fs::read(&place).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let position =
            kept.map(|kept| Position { segment: kept.segment, offset: kept.offset }).unwrap_or_default();
        let reader = Reader::at(spool, position);
        Self {
            spool: spool.to_owned(),
            reader,
            sent: VecDeque::new(),
            settled: true,
            place,
            kept: Instant::now(),
            target,
            bell,
        }
    }

    /// Ships until the process ends.
    ///
    /// # Errors
    /// If the thread can't be started.
    pub fn spawn(mut self) -> io::Result<()> {
        std::thread::Builder::new().name("shipper".to_owned()).spawn(move || self.run()).map(drop)
    }

    fn run(&mut self) {
        loop {
            let mut shipped = 0;
            while shipped < BATCH {
                let from = self.reader.position();
                let confirmed = self.bell.confirmed();
                if from >= confirmed {
                    break;
                }
                match self.reader.next_line() {
                    Ok(Some(_)) if self.reader.position() > confirmed => {
                        // The first of a new segment, which is not durable yet.
                        self.reader = Reader::at(&self.spool, from);
                        break;
                    }
                    Ok(Some(line)) if self.ship(&line) => self.remember(from),
                    Ok(Some(_)) => self.go_back(from),
                    Ok(None) => break,
                    Err(_) => drop(self.bell.wait(Some(PATIENCE))),
                }
                shipped += 1;
            }
            if shipped > 0 {
                self.settled = false;
                let place = self.sent.front().copied().unwrap_or(self.reader.position());
                self.bell.segment.store(place.segment, Ordering::Relaxed);
                if self.kept.elapsed() >= KEEP {
                    self.keep_place(place);
                }
            }
            if shipped < BATCH {
                self.rest();
            }
        }
    }

    /// Sends one line, however long that takes; `false` if whoever got the lines before has gone meanwhile.
    fn ship(&mut self, line: &str) -> bool {
        let mut pause = Duration::from_millis(20);
        loop {
            let before = self.target.is_connected();
            match self.target.send(line) {
                Ok(()) => return true,
                Err(_) if before && !self.target.is_connected() => return false,
                Err(_) => std::thread::sleep(pause),
            }
            pause = (pause * 2).min(PATIENCE);
        }
    }

    fn remember(&mut self, from: Position) {
        if self.sent.len() == AGAIN {
            self.sent.pop_front();
        }
        self.sent.push_back(from);
    }

    /// Begins again with the first line that the receiver may have lost; `next` if it had none.
    fn go_back(&mut self, next: Position) {
        self.reader = Reader::at(&self.spool, self.sent.front().copied().unwrap_or(next));
        self.sent.clear();
    }

    /// Nothing to ship. For a while the shipper looks after the receiver: one that dies now may have lines unread.
    fn rest(&mut self) {
        for _ in 0..LOOKS {
            if self.settled {
                break;
            }
            if self.bell.wait(Some(LOOK)) {
                return std::thread::sleep(GATHER);
            }
            if !self.target.is_there() {
                return self.go_back(self.reader.position());
            }
        }
        if !self.settled {
            self.settled = true;
            self.keep_place(self.reader.position());
        }
        self.bell.wait(None);
        std::thread::sleep(GATHER);
    }

    fn keep_place(&mut self, position: Position) {
        self.kept = Instant::now();
        self.bell.segment.store(position.segment, Ordering::Relaxed);
        let place = Place { segment: position.segment, offset: position.offset };
        let temporary = self.place.with_extension("new");
        // A place that is lost ships again what was shipped; nothing is lost.
        let kept =
            serde_json::to_vec(&place).map_err(io::Error::other).and_then(|text| fs::write(&temporary, text));
        let _ = kept.and_then(|()| fs::rename(&temporary, &self.place));
    }
}

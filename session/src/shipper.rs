//! Ships the spool to syslog, in a thread of its own: the spool is the original, syslog the copy.
//!
//! At least once, in the spool's order, going on where it stopped: the place is kept in a file. A syslog
//! that is stopped, slow or dead delays this thread and nobody else. Readers drop repetitions by session
//! and number.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::spool::{Position, Reader};

mod target;

pub use target::{Format, Target};

/// Lines between two writes of the place.
const BATCH: usize = 256;
/// The longest wait before a target that refused is tried again.
const PATIENCE: Duration = Duration::from_secs(5);

/// Wakes the shipper, and tells how far it is.
#[derive(Debug, Default)]
pub struct Bell {
    rung: Mutex<bool>,
    wake: Condvar,
    segment: AtomicU64,
}

impl Bell {
    /// There is something new in the spool.
    pub fn ring(&self) {
        if let Ok(mut rung) = self.rung.lock() {
            *rung = true;
            self.wake.notify_one();
        }
    }

    /// The segment that the shipper stands in; all before it were shipped.
    #[must_use]
    pub fn segment(&self) -> u64 {
        self.segment.load(Ordering::Relaxed)
    }

    fn wait(&self, limit: Option<Duration>) {
        let Ok(mut rung) = self.rung.lock() else { return };
        while !*rung {
            match limit {
                None => match self.wake.wait(rung) {
                    Ok(again) => rung = again,
                    Err(_) => return,
                },
                Some(limit) => {
                    let _ = self.wake.wait_timeout(rung, limit);
                    return;
                }
            }
        }
        *rung = false;
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
    reader: Reader,
    place: PathBuf,
    target: Target,
    bell: Arc<Bell>,
}

impl Shipper {
    /// A shipper of the spool in `spool` that keeps its place in the file `place`.
    #[must_use]
    pub fn new(spool: &std::path::Path, place: PathBuf, target: Target, bell: Arc<Bell>) -> Self {
        let kept: Option<Place> = fs::read(&place).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let position =
            kept.map(|kept| Position { segment: kept.segment, offset: kept.offset }).unwrap_or_default();
        Self { reader: Reader::at(spool, position), place, target, bell }
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
                match self.reader.next_line() {
                    Ok(Some(line)) => self.ship(&line),
                    Ok(None) => break,
                    Err(_) => self.bell.wait(Some(PATIENCE)),
                }
                shipped += 1;
            }
            if shipped > 0 {
                self.keep_place();
            }
            if shipped < BATCH {
                self.bell.wait(None);
            }
        }
    }

    /// Sends one line, however long that takes.
    fn ship(&mut self, line: &str) {
        let mut pause = Duration::from_millis(20);
        while self.target.send(line).is_err() {
            std::thread::sleep(pause);
            pause = (pause * 2).min(PATIENCE);
        }
    }

    fn keep_place(&self) {
        let position = self.reader.position();
        self.bell.segment.store(position.segment, Ordering::Relaxed);
        let place = Place { segment: position.segment, offset: position.offset };
        let temporary = self.place.with_extension("new");
        // A place that is lost ships again what was shipped; nothing is lost.
        let kept =
            serde_json::to_vec(&place).map_err(io::Error::other).and_then(|text| fs::write(&temporary, text));
        let _ = kept.and_then(|()| fs::rename(&temporary, &self.place));
    }
}

//! Reads callers in a thread of its own, so that memory which does not answer holds up nobody but its owner.
//!
//! A pointer can lead into a file on FUSE or on a dead network: whoever reads it waits, uninterruptibly, for as long
//! as its server likes. The loop waits at most [`PATIENCE`]; the exec is then refused, and a thread that is stuck is
//! left behind. It ends when its read does, at the latest with the processes of that session.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use super::caller::Caller;
use super::notify_ffi::Notification;

/// How long one caller may take. Memory that is there takes microseconds; what was swapped out, milliseconds.
const PATIENCE: Duration = Duration::from_secs(1);

/// A thread that reads callers.
#[derive(Debug)]
pub(super) struct Reading {
    asked: SyncSender<Notification>,
    /// With the id of the notification that each belongs to.
    read: Receiver<(u64, Caller)>,
}

impl Reading {
    /// Starts the thread.
    ///
    /// # Errors
    /// If the system has none to give.
    pub(super) fn start() -> std::io::Result<Self> {
        let (asked, questions) = sync_channel::<Notification>(1);
        let (answers, read) = sync_channel(1);
        std::thread::Builder::new().name("reading".to_owned()).spawn(move || {
            while let Ok(notification) = questions.recv() {
                if answers.send((notification.id, Caller::read(&notification))).is_err() {
                    return; // It took too long, and nobody waits any more.
                }
            }
        })?;
        Ok(Self { asked, read })
    }

    /// What a caller shows; `None` if that could not be read in time.
    pub(super) fn read(&mut self, notification: &Notification) -> Option<Caller> {
        // Never waits: a thread that is stuck, and could not be replaced, still has the last question before it.
        let asked = self.asked.try_send(*notification).is_ok();
        let read = if asked { self.answer(notification.id) } else { None };
        if read.is_none()
            && let Ok(another) = Self::start()
        {
            *self = another;
        }
        read
    }

    /// The answer about this notification; one about an earlier one came too late for it.
    fn answer(&self, id: u64) -> Option<Caller> {
        loop {
            match self.read.recv_timeout(PATIENCE).ok()? {
                (about, caller) if about == id => return Some(caller),
                _ => {}
            }
        }
    }
}

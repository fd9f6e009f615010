//! Makes requests to audit in a thread of its own: while records wait for a daemon that hangs, the kernel lets whoever
//! asks it something wait too, for up to a minute, uninterruptibly. The recorder's loop waits at most [`PATIENCE`].

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel, sync_channel};
use std::time::Duration;

use nix::errno::Errno;

use super::control::Control;

/// How long an answer may take; ordinarily it takes microseconds.
const PATIENCE: Duration = Duration::from_secs(1);

type Work = Box<dyn FnOnce(&mut Control) + Send>;

/// The thread.
#[derive(Debug)]
pub(super) struct Clerk {
    work: Sender<Work>,
    sent: u64,
    done: Arc<AtomicU64>,
    /// The last answer did not come in time.
    stuck: bool,
}

impl Clerk {
    pub(super) fn start() -> nix::Result<Self> {
        Self::with(Control::open()?)
    }

    pub(super) fn with(mut control: Control) -> nix::Result<Self> {
        let (work, orders) = channel::<Work>();
        let done = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&done);
        let thread = std::thread::Builder::new().name("audit".to_owned()).spawn(move || {
            for order in orders {
                order(&mut control);
                count.fetch_add(1, Ordering::Release);
            }
        });
        thread.map_err(|_| Errno::EAGAIN)?;
        Ok(Self { work, sent: 0, done, stuck: false })
    }

    /// Has something done, and waits for what came of it.
    ///
    /// # Errors
    /// `ETIMEDOUT` if it takes too long; then it is done later all the same. While it is not, every other request
    /// fails so at once.
    pub(super) fn ask<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Control) -> nix::Result<T> + Send + 'static,
    ) -> nix::Result<T> {
        if self.stuck && self.done.load(Ordering::Acquire) < self.sent {
            return Err(Errno::ETIMEDOUT);
        }
        let (answer, answered) = sync_channel(1);
        self.tell(move |control| {
            // Nobody waits for it if it took too long.
            let _ = answer.send(work(control));
        });
        let answer = answered.recv_timeout(PATIENCE);
        self.stuck = answer.is_err();
        answer.unwrap_or(Err(Errno::ETIMEDOUT))
    }

    /// Has something done some time.
    pub(super) fn tell(&mut self, work: impl FnOnce(&mut Control) + Send + 'static) {
        // The thread lives as long as this does.
        if self.work.send(Box::new(work)).is_ok() {
            self.sent += 1;
        }
    }
}

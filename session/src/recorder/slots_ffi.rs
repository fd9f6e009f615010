//! The slots: a mapped file under /run that notifications are received into.
//!
//! The kernel delivers a notification once. If the recorder is killed between receiving and answering,
//! the next recorder finds it here and answers it. A slot belongs to a session while its name is set;
//! its notification is in flight while its id is not 0. The pages are locked, so that receiving never
//! faults.
#![allow(unsafe_code, reason = "a shared mapping of a file is memory that only mmap(2) gives")]

use std::fs::File;
use std::num::NonZeroUsize;
use std::ptr::NonNull;

use nix::sys::mman::{MapFlags, ProtFlags, mlock, mmap};

use super::notify_ffi::Notification;

/// How many execs can be in flight at once, over all sessions.
pub(super) const SLOTS: usize = 4096;
/// Bytes of a session's name in a slot.
const NAME: usize = 16;

/// One place for one notification. All zero when free.
#[repr(C)]
struct Slot {
    name: [u8; NAME],
    notification: Notification,
}

/// The mapped slots.
pub(super) struct Slots {
    slots: NonNull<[Slot; SLOTS]>,
    free: Vec<usize>,
}

// SAFETY: the mapping is this value's alone and is the same from every thread.
unsafe impl Send for Slots {}

impl std::fmt::Debug for Slots {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Slots").field("free", &self.free.len()).finish_non_exhaustive()
    }
}

/// A notification that an earlier recorder received and may not have answered.
#[derive(Debug, Clone)]
pub(super) struct Leftover {
    /// Which slot.
    pub(super) slot: usize,
    /// The session's name.
    pub(super) session: String,
    /// What was received.
    pub(super) notification: Notification,
}

impl Slots {
    /// Maps the file, made and sized if it is new.
    ///
    /// # Errors
    /// What the system calls say.
    pub(super) fn map(file: &File) -> std::io::Result<(Self, Vec<Leftover>)> {
        let size =
            NonZeroUsize::new(size_of::<[Slot; SLOTS]>()).ok_or_else(|| std::io::Error::other("no slots"))?;
        file.set_len(size.get() as u64)?;
        // SAFETY: a fresh shared mapping of a file that is as long as the mapping; nothing else in this
        // process has it. Only one recorder runs at a time (it holds a lock on the file).
        let address = unsafe {
            mmap(None, size, ProtFlags::PROT_READ | ProtFlags::PROT_WRITE, MapFlags::MAP_SHARED, file, 0)?
        };
        // SAFETY: the range is the mapping made above. Without the right to lock, receiving still works:
        // the pages are in memory once written, and tmpfs pages are not dropped.
        let _ = unsafe { mlock(address, size.get()) };
        let mut slots = Self { slots: address.cast(), free: Vec::with_capacity(SLOTS) };
        let mut leftover = Vec::new();
        for index in (0..SLOTS).rev() {
            let slot = slots.slot(index);
            if slot.notification.id == 0 {
                slots.release(index);
                continue;
            }
            let name = slot.name.split(|b| *b == 0).next().unwrap_or_default();
            let session = String::from_utf8_lossy(name).into_owned();
            let notification = slot.notification;
            leftover.push(Leftover { slot: index, session, notification });
        }
        Ok((slots, leftover))
    }

    fn slot(&mut self, index: usize) -> &mut Slot {
        // SAFETY: the mapping lives as long as the process, is exclusively ours, aligned by mmap, and every
        // byte pattern is a valid Slot (integers only). Indexing checks the bound.
        let slots = unsafe { self.slots.as_mut() };
        &mut slots[index]
    }

    /// A free slot for a session, zeroed, named; `None` when too many execs are in flight.
    pub(super) fn take(&mut self, session: &str) -> Option<usize> {
        let index = self.free.pop()?;
        let slot = self.slot(index);
        for (to, from) in slot.name.iter_mut().zip(session.bytes()) {
            *to = from;
        }
        Some(index)
    }

    /// The notification of a slot, to receive into and to read.
    pub(super) fn notification(&mut self, index: usize) -> &mut Notification {
        &mut self.slot(index).notification
    }

    /// Zeroes a slot and makes it free; the id last of all is what a next recorder looks at, so it goes first.
    pub(super) fn release(&mut self, index: usize) {
        let slot = self.slot(index);
        slot.notification.id = 0;
        std::sync::atomic::compiler_fence(std::sync::atomic::Ordering::SeqCst);
        // SAFETY: zero is a valid value of every field.
        *slot = unsafe { std::mem::zeroed() };
        self.free.push(index);
    }
}

//! The spool: the original of the audit trail, lines of JSON in numbered segment files.
//!
//! Lines are gathered with [`Spool::append`] and made durable together with [`Spool::commit`]; what a
//! commit confirmed survives a kill and a power cut, and a line that was not confirmed is cut off when
//! the spool is opened again. A segment's blocks are reserved when it is made, so that a full disk shows
//! when a segment begins and not in the middle of a line; the last [`RESERVE`] bytes of what is left are
//! for records of endings, which must not be lost to a session that fills the disk.
//!
//! Behind its lines the last segment is filled with [`FILL`] ahead of what is written, so that a line takes the place of
//! bytes that are on the disk already: the file does not grow with it, and a sync has its bytes alone to write, no inode and
//! no journal. Between values JSON allows the byte and in strings it does not, so readers of JSON do not mind it, and a
//! line with one in it was never written whole.

mod reader;

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::fcntl::{FallocateFlags, fallocate};

pub use reader::{Position, Reader};

/// Bytes that only endings may use.
const RESERVE: u64 = 256 * 1024;

/// What stands behind the last line: a tab, which no line of JSON written here has.
pub(crate) const FILL: u8 = b'\t';

/// Whether a line with this byte was never written whole: the filling, or the zeros of a block that was never written.
pub(crate) fn is_filling(byte: u8) -> bool {
    byte == FILL || byte == 0
}

/// How far ahead of the lines it is written, in bytes.
const AHEAD: u64 = 256 * 1024;

/// How large the spool may grow.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of one segment.
    pub segment: u64,
    /// Bytes of all segments.
    pub total: u64,
}

/// The spool, open for appending.
#[derive(Debug)]
pub struct Spool {
    folder: PathBuf,
    limits: Limits,
    number: u64,
    file: File,
    /// Bytes written so far; all before it are whole lines.
    end: u64,
    /// Bytes of them that are durable.
    synced: u64,
    /// Bytes reserved on disk for the segment.
    reserved: u64,
    /// The file's length: up to here it is filled.
    filled: u64,
    /// Bytes of the older segments.
    older: u64,
    buffer: Vec<u8>,
    /// What could not be written.
    failed: Vec<u8>,
    /// Whether something written is not yet synced.
    dirty: bool,
    /// The segment that the shipper stands in; older ones may be removed when space is short.
    shipped: u64,
}

/// The path of a segment.
pub(crate) fn segment_path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:012}.jsonl"))
}

/// The numbers of the segments of a folder, ascending.
///
/// # Errors
/// If the folder can't be read.
pub fn segments(folder: &Path) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name();
        let number: Option<u64> = name.to_str().and_then(|name| name.strip_suffix(".jsonl")?.parse().ok());
        numbers.extend(number);
    }
    numbers.sort_unstable();
    Ok(numbers)
}

impl Spool {
    /// Opens the spool, or begins one, and cuts off a line that was never confirmed whole.
    ///
    /// # Errors
    /// If the folder can't be made or its last segment can't be opened.
    pub fn open(folder: &Path, limits: Limits) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let numbers = segments(folder)?;
        let number = numbers.last().copied().unwrap_or(1);
        let file = open_segment(&segment_path(folder, number))?;
        sync_folder(folder)?;
        let end = end_of_lines(&file)?;
        file.set_len(end)?;
        file.sync_all()?;
        let size = |n: &u64| std::fs::metadata(segment_path(folder, *n)).map_or(0, |m| m.len());
        let older = numbers.iter().filter(|n| **n != number).map(size).sum();
        let mut spool = Self {
            folder: folder.to_owned(),
            limits,
            number,
            file,
            end,
            synced: end,
            reserved: end,
            filled: end,
            older,
            buffer: Vec::new(),
            failed: Vec::new(),
            dirty: false,
            shipped: 0,
        };
        // A disk that is full now is told when something must be recorded, not here.
        let _ = spool.reserve();
        Ok(spool)
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where the next line will stand.
    #[must_use]
    pub fn position(&self) -> Position {
        Position { segment: self.number, offset: self.end + self.buffer.len() as u64 }
    }

    /// Takes a line, without its newline, for the next write.
    pub fn append(&mut self, line: &str) {
        // JSON has such bytes between its values at most, where a blank does as well.
        self.buffer.extend(line.bytes().map(|byte| if byte < b' ' { b' ' } else { byte }));
        self.buffer.push(b'\n');
    }

    /// Whether there is room for `bytes` more of commands, the reserve for endings left alone.
    pub fn has_room(&mut self, bytes: u64) -> bool {
        let wanted = self.buffer.len() as u64 + bytes + RESERVE.min(self.limits.segment / 4);
        if self.end + wanted <= self.reserved {
            return true;
        }
        if self.end + wanted <= self.limits.segment {
            return self.reserve().is_ok();
        }
        self.begin_segment().is_ok() && self.end + wanted <= self.reserved.max(self.limits.segment)
    }

    /// Writes what was appended, without waiting for the disk. On an error nothing of it is in the file; see [`Spool::take_failed`].
    ///
    /// # Errors
    /// What the write says, most likely that the disk is full.
    pub fn write(&mut self) -> io::Result<()> {
        if !self.failed.is_empty() {
            // What failed before this, while a segment ended, must be looked at first.
            self.failed.append(&mut self.buffer);
            return Err(io::Error::other("an earlier write failed"));
        }
        if self.buffer.is_empty() {
            return Ok(());
        }
        self.fill();
        let written = self.file.write_all_at(&self.buffer, self.end);
        if let Err(error) = written {
            self.failed.append(&mut self.buffer);
            // Half a line must not stand where the next one is written. Cutting it off gives back what was reserved.
            self.reserved = self.end;
            self.cut()?;
            return Err(error);
        }
        self.end += self.buffer.len() as u64;
        self.reserved = self.reserved.max(self.end);
        self.filled = self.filled.max(self.end);
        self.dirty = true;
        self.buffer.clear();
        Ok(())
    }

    /// Fills the file ahead of what is about to be written, as far as its blocks are reserved. Without it a line is as
    /// good, and slower.
    fn fill(&mut self) {
        let end = self.end + self.buffer.len() as u64;
        if end <= self.filled {
            return;
        }
        let until = (end + AHEAD).min(self.reserved);
        let length = usize::try_from(until.saturating_sub(self.filled)).unwrap_or(0);
        if self.file.write_all_at(&vec![FILL; length], self.filled).is_ok() {
            self.filled = self.filled.max(until);
        }
    }

    /// Leaves nothing behind the last line.
    fn cut(&mut self) -> io::Result<()> {
        self.filled = self.end;
        self.file.set_len(self.end)
    }

    /// The lines of a write that failed, to be written again or dropped.
    pub fn take_failed(&mut self) -> String {
        String::from_utf8_lossy(&std::mem::take(&mut self.failed)).into_owned()
    }

    /// Writes what was appended and waits until it is durable.
    ///
    /// # Errors
    /// As [`Spool::write`]; after a failed sync what was not durable before it is cut off, see [`Spool::take_failed`].
    pub fn commit(&mut self) -> io::Result<()> {
        self.write()?;
        self.sync()?;
        if self.end >= self.limits.segment {
            // A full disk shows at the next question for room.
            let _ = self.begin_segment();
        }
        Ok(())
    }

    /// Waits until what was written is durable. If the disk refuses, nothing says what of it is: a later sync would
    /// succeed without it. So all of it is taken back.
    fn sync(&mut self) -> io::Result<()> {
        if !self.dirty {
            return Ok(());
        }
        if let Err(error) = self.file.sync_data() {
            let length = usize::try_from(self.end - self.synced).unwrap_or(0);
            let mut lines = vec![0; length];
            if self.file.read_exact_at(&mut lines, self.synced).is_ok() {
                lines.append(&mut self.failed);
                self.failed = lines;
            }
            (self.end, self.reserved, self.dirty) = (self.synced, self.synced, false);
            self.cut()?;
            return Err(error);
        }
        (self.synced, self.dirty) = (self.end, false);
        Ok(())
    }

    /// Up to where everything is durable.
    #[must_use]
    pub fn confirmed(&self) -> Position {
        Position { segment: self.number, offset: self.synced }
    }

    /// Whether something was written that no commit has confirmed.
    #[must_use]
    pub fn is_dirty(&self) -> bool {
        self.dirty || !self.buffer.is_empty()
    }

    /// Tells which segment the shipper stands in, so that earlier ones may go when space is short.
    pub fn set_shipped(&mut self, segment: u64) {
        self.shipped = segment;
    }

    /// Ends the segment and begins the next, if the total allows.
    fn begin_segment(&mut self) -> io::Result<()> {
        if self.end == 0 && self.buffer.is_empty() {
            return self.reserve();
        }
        self.commit_before_rotation()?;
        while self.older + self.end + self.limits.segment > self.limits.total {
            self.remove_oldest_shipped()?;
        }
        let number = self.number + 1;
        let path = segment_path(&self.folder, number);
        let file = open_segment(&path)?;
        if let Err(error) = preallocate(&file, 0, self.limits.segment) {
            // Not a segment: without its blocks it would only hide that the disk is full.
            drop(std::fs::remove_file(&path));
            return Err(error);
        }
        sync_folder(&self.folder)?;
        // What the old segment reserved and did not use goes back.
        self.cut()?;
        self.older += self.end;
        (self.number, self.file, self.reserved) = (number, file, self.limits.segment);
        (self.end, self.synced, self.filled) = (0, 0, 0);
        Ok(())
    }

    fn commit_before_rotation(&mut self) -> io::Result<()> {
        self.write()?;
        self.sync()
    }

    fn reserve(&mut self) -> io::Result<()> {
        if self.older + self.limits.segment > self.limits.total {
            self.remove_oldest_shipped()?;
        }
        preallocate(&self.file, self.end, self.limits.segment.saturating_sub(self.end))?;
        self.reserved = self.limits.segment.max(self.end);
        Ok(())
    }

    fn remove_oldest_shipped(&mut self) -> io::Result<()> {
        let oldest = segments(&self.folder)?.into_iter().find(|n| *n < self.number);
        let full = || io::Error::new(io::ErrorKind::QuotaExceeded, "the spool's total is used up");
        let oldest = oldest.filter(|n| *n < self.shipped).ok_or_else(full)?;
        let path = segment_path(&self.folder, oldest);
        let size = std::fs::metadata(&path)?.len();
        std::fs::remove_file(&path)?;
        self.older = self.older.saturating_sub(size);
        Ok(())
    }
}

fn open_segment(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Reserves blocks without changing the length, so that the length stays the end of the last line.
fn preallocate(file: &File, offset: u64, length: u64) -> io::Result<()> {
    if length == 0 {
        return Ok(());
    }
    let signed = |n: u64| i64::try_from(n).map_err(|_| io::Error::other("a size beyond 8 EiB"));
    match fallocate(file.as_fd(), FallocateFlags::FALLOC_FL_KEEP_SIZE, signed(offset)?, signed(length)?) {
        // A file system without reservation: a full disk then shows at the write.
        Ok(()) | Err(nix::errno::Errno::EOPNOTSUPP) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// The offset after the last line that is whole. What a crash wrote only in part has [`FILL`] in it, and stands last.
fn end_of_lines(file: &File) -> io::Result<u64> {
    let mut bytes = vec![0; 64 * 1024];
    let (mut end, mut read) = (0, 0);
    loop {
        let count = file.read_at(&mut bytes, read)?;
        let filled = bytes[..count].iter().position(|b| is_filling(*b));
        if let Some(at) = bytes[..filled.unwrap_or(count)].iter().rposition(|b| *b == b'\n') {
            end = read + at as u64 + 1;
        }
        if count == 0 || filled.is_some() {
            return Ok(end);
        }
        read += count as u64;
    }
}

#[cfg(test)]
mod tests;

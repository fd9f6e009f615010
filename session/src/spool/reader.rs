//! Reading the spool from a position, line by line, across segments; also while it grows.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::{FILL, is_filling, segment_path, segments};

/// A place between two lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Position {
    /// The segment's number.
    pub segment: u64,
    /// Bytes from its beginning.
    pub offset: u64,
}

/// A reader that can be asked again when there was nothing.
#[derive(Debug)]
pub struct Reader {
    folder: PathBuf,
    position: Position,
    file: Option<BufReader<File>>,
}

impl Reader {
    /// Reads from `position`; the default position is the oldest line that is still there.
    #[must_use]
    pub fn at(folder: &Path, position: Position) -> Self {
        Self { folder: folder.to_owned(), position, file: None }
    }

    /// Where the next line begins.
    #[must_use]
    pub fn position(&self) -> Position {
        self.position
    }

    /// The next whole line without its newline; `None` if there is none yet.
    ///
    /// # Errors
    /// If a segment can't be read.
    pub fn next_line(&mut self) -> io::Result<Option<String>> {
        loop {
            let fresh = self.file.is_none();
            if fresh && !self.open()? {
                return Ok(None);
            }
            let Some(file) = &mut self.file else { return Ok(None) };
            let mut line = Vec::new();
            if !file.fill_buf()?.first().copied().is_some_and(is_filling) {
                file.read_until(b'\n', &mut line)?;
            }
            if line.pop() == Some(b'\n') && !line.iter().copied().any(is_filling) {
                self.position.offset += line.len() as u64 + 1;
                return Ok(Some(String::from_utf8_lossy(&line).into_owned()));
            }
            // At the end, or in a line that is still being written: come back to its beginning. What was read ahead is what
            // stood there then; look at what stands there now.
            self.file = None;
            if !fresh {
                continue;
            }
            let next = segments(&self.folder)?.into_iter().find(|n| *n > self.position.segment);
            match next {
                // A newer segment begins only when the older one is whole. Look once more, then go on.
                Some(number) if self.at_end()? => self.position = Position { segment: number, offset: 0 },
                Some(_) => {}
                None => return Ok(None),
            }
        }
    }

    /// Whether no line follows in the current segment.
    fn at_end(&self) -> io::Result<bool> {
        let mut next = [FILL];
        let file = File::open(segment_path(&self.folder, self.position.segment));
        match file.and_then(|file| file.read_at(&mut next, self.position.offset)) {
            Ok(_) => Ok(is_filling(next[0])),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
            Err(error) => Err(error),
        }
    }

    fn open(&mut self) -> io::Result<bool> {
        let numbers = match segments(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            other => other?,
        };
        let Some(number) = numbers.into_iter().find(|n| *n >= self.position.segment) else {
            return Ok(false);
        };
        if number != self.position.segment {
            self.position = Position { segment: number, offset: 0 };
        }
        let mut file = File::open(segment_path(&self.folder, number))?;
        file.seek(SeekFrom::Start(self.position.offset))?;
        self.file = Some(BufReader::new(file));
        Ok(true)
    }
}

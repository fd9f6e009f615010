//! Files that are there whole or not at all, and files that are read within a limit.
//!
//! A write goes to a temporary name in the same directory, is flushed to the disk and renamed: after a
//! kill or a power cut the old file or the new one is there, never half of one. A read never takes more
//! than its limit, and its errors name the path and the step.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::unistd::{AccessFlags, access};

/// A file that could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The operating system said no.
    #[error("cannot {step} {}", path.display())]
    Io {
        /// What was being done, for example `read`.
        step: &'static str,
        /// To which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// More bytes than the limit; nothing of it was used.
    #[error("{} is larger than {limit} bytes, which no {what} is", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// What was expected in it.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// Not UTF-8.
    #[error("{} is not {what}: the byte at offset {offset} is not UTF-8", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
        /// What was expected in it.
        what: &'static str,
        /// Where the first bad byte stands, counted from 0.
        offset: usize,
    },
    /// A secret that others can read.
    #[error("{} can be read by others (mode {mode:04o})", path.display())]
    Readable {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A file that decides access and that others can write.
    #[error("{} can be written by others (mode {mode:04o})", path.display())]
    Writable {
        /// The file or directory.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Not a regular file.
    #[error("{} is not a regular file", .0.display())]
    NotRegular(PathBuf),
}

impl FileError {
    fn io(step: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { step, path: path.to_owned(), source }
    }

    /// Is it that there is no such file?
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }

    /// Is it that this user may not?
    #[must_use]
    pub fn is_denied(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied)
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Readable { path, .. } => Some(format!("make it private: chmod 600 {}", path.display())),
            Self::Writable { path, .. } => {
                Some(format!("take that right away: chmod go-w {}", path.display()))
            }
            _ => None,
        }
    }
}

/// The bytes of a file, at most `limit`; `-` is standard input.
///
/// # Errors
/// [`FileError`] when it cannot be read or is larger.
pub fn read(path: &Path, what: &'static str, limit: usize) -> Result<Vec<u8>, FileError> {
    if path == Path::new("-") {
        return read_from(io::stdin().lock(), path, what, limit);
    }
    let file = File::open(path).map_err(FileError::io("open", path))?;
    read_from(file, path, what, limit)
}

fn read_from(from: impl Read, path: &Path, what: &'static str, limit: usize) -> Result<Vec<u8>, FileError> {
    let mut bytes = Vec::new();
    from.take(limit as u64 + 1).read_to_end(&mut bytes).map_err(FileError::io("read", path))?;
    if bytes.len() > limit {
        return Err(FileError::TooLarge { path: path.to_owned(), what, limit });
    }
    Ok(bytes)
}

/// The text of a file, at most `limit` bytes of UTF-8; `-` is standard input.
///
/// # Errors
/// [`FileError`] when it cannot be read, is larger, or is not UTF-8.
pub fn read_text(path: &Path, what: &'static str, limit: usize) -> Result<String, FileError> {
    text(read(path, what, limit)?, path, what)
}

fn text(bytes: Vec<u8>, path: &Path, what: &'static str) -> Result<String, FileError> {
    String::from_utf8(bytes).map_err(|e| FileError::NotText {
        path: path.to_owned(),
        what,
        offset: e.utf8_error().valid_up_to(),
    })
}

/// The text of a file that decides access: a regular file that others cannot write.
///
/// # Errors
/// [`FileError`], also when its mode is too wide.
pub fn read_trusted(path: &Path, what: &'static str, limit: usize) -> Result<String, FileError> {
    let file = File::open(path).map_err(FileError::io("open", path))?;
    let mode = regular(&file, path)?;
    if mode & 0o022 != 0 {
        return Err(FileError::Writable { path: path.to_owned(), mode });
    }
    text(read_from(file, path, what, limit)?, path, what)
}

/// The text of a secret file: a regular file that only its owner can read.
///
/// # Errors
/// [`FileError`], also when its mode is too wide.
pub fn read_secret(
    path: &Path,
    what: &'static str,
    limit: usize,
) -> Result<zeroize::Zeroizing<String>, FileError> {
    let file = File::open(path).map_err(FileError::io("open", path))?;
    let mode = regular(&file, path)?;
    if mode & 0o077 != 0 {
        return Err(FileError::Readable { path: path.to_owned(), mode });
    }
    Ok(zeroize::Zeroizing::new(text(read_from(file, path, what, limit)?, path, what)?))
}

fn regular(file: &File, path: &Path) -> Result<u32, FileError> {
    let facts = file.metadata().map_err(FileError::io("look at", path))?;
    if facts.is_file() { Ok(facts.mode() & 0o7777) } else { Err(FileError::NotRegular(path.to_owned())) }
}

/// Refuses a path to which nothing can be written, before somebody takes the trouble to make it; `-` is standard output.
/// What holds now may not hold at the write, which has its own error.
///
/// # Errors
/// [`FileError::Io`].
pub fn expect_writable(path: &Path) -> Result<(), FileError> {
    // A device or a pipe is written as it is, whatever its folder.
    let special = fs::metadata(path).is_ok_and(|facts| !facts.is_file() && !facts.is_dir());
    if path == Path::new("-") || special {
        return Ok(());
    }
    let writable = access(folder_of(path), AccessFlags::W_OK | AccessFlags::X_OK);
    let source = match writable {
        Ok(()) if path.is_dir() => Errno::EISDIR,
        Ok(()) => return Ok(()),
        Err(errno) => errno,
    };
    Err(FileError::io("write", path)(source.into()))
}

/// The folder in which a path stands.
fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Refuses a path that others can write to.
///
/// # Errors
/// [`FileError::Writable`], or [`FileError::Io`] when it cannot be looked at.
pub fn only_ours(path: &Path) -> Result<(), FileError> {
    let mode = fs::metadata(path).map_err(FileError::io("look at", path))?.mode() & 0o7777;
    if mode & 0o022 == 0 { Ok(()) } else { Err(FileError::Writable { path: path.to_owned(), mode }) }
}

/// Makes a directory that only its owner can enter, and its missing parents.
///
/// # Errors
/// [`FileError::Io`].
pub fn make_private_dir(path: &Path) -> Result<(), FileError> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(FileError::io("make", path))
}

/// Writes a file that must not exist yet, and flushes it to the disk.
///
/// # Errors
/// [`FileError::Io`], also when the file exists.
pub fn create(path: &Path, bytes: &[u8], mode: u32) -> Result<(), FileError> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)
        .map_err(FileError::io("create", path))?;
    file.write_all(bytes)
        .and_then(|()| file.set_permissions(fs::Permissions::from_mode(mode)))
        .and_then(|()| file.sync_all())
        .map_err(FileError::io("write", path))
}

/// Puts `bytes` at `path`: whole or not at all, replacing what stands there. A symbolic link is
/// followed. A device or a pipe (`/dev/stdout`) is written to, never replaced.
///
/// # Errors
/// [`FileError::Io`]; the old file is then still there.
pub fn replace(path: &Path, bytes: &[u8], mode: u32) -> Result<(), FileError> {
    Prepared::new(path, bytes, mode)?.publish()
}

/// Bytes that are on the disk, whole, and have not got their name yet. Dropped without [`Prepared::publish`], they are gone.
#[derive(Debug)]
pub struct Prepared {
    /// As the person gave it; she knows no temporary name.
    path: PathBuf,
    place: Place,
}

#[derive(Debug)]
enum Place {
    /// In `temporary`, to be renamed to `target`.
    File { temporary: PathBuf, target: PathBuf },
    /// A device or a pipe gets its bytes at the end, when nothing else can go wrong.
    Device(Vec<u8>),
}

impl Prepared {
    /// Writes the bytes beside `path`.
    ///
    /// # Errors
    /// [`FileError::Io`]; nothing is left then.
    pub fn new(path: &Path, bytes: &[u8], mode: u32) -> Result<Self, FileError> {
        let prepared = |place| Self { path: path.to_owned(), place };
        let target = match fs::metadata(path) {
            Ok(facts) if facts.is_file() => path.canonicalize().map_err(FileError::io("write", path))?,
            Ok(facts) if facts.is_dir() => return Err(FileError::NotRegular(path.to_owned())),
            Ok(_) => return Ok(prepared(Place::Device(bytes.to_vec()))),
            Err(_) => path.to_owned(),
        };
        let temporary = temporary_beside(&target)?;
        let made = prepared(Place::File { temporary, target });
        let Place::File { temporary, .. } = &made.place else { return Ok(made) };
        create(temporary, bytes, mode).map_err(|error| made.named(error))?;
        Ok(made)
    }

    /// Gives them their name.
    ///
    /// # Errors
    /// [`FileError::Io`]; the old file is then still there.
    pub fn publish(self) -> Result<(), FileError> {
        match &self.place {
            Place::File { temporary, target } => {
                fs::rename(temporary, target).map_err(FileError::io("write", &self.path))?;
                // The name too is on the disk: what is said to be written survives a power cut.
                let folder = File::open(folder_of(target));
                // A folder that may be written and not read can't be opened for it.
                folder.map_or(Ok(()), |folder| folder.sync_all()).map_err(FileError::io("write", &self.path))
            }
            Place::Device(bytes) => {
                let device = OpenOptions::new().write(true).open(&self.path);
                let mut device = device.map_err(FileError::io("open", &self.path))?;
                device.write_all(bytes).map_err(FileError::io("write", &self.path))
            }
        }
    }

    fn named(&self, error: FileError) -> FileError {
        match error {
            FileError::Io { source, .. } => FileError::Io { step: "write", path: self.path.clone(), source },
            other => other,
        }
    }
}

impl Drop for Prepared {
    fn drop(&mut self) {
        if let Place::File { temporary, .. } = &self.place {
            // Published, it is there no more.
            let _ = fs::remove_file(temporary);
        }
    }
}

fn temporary_beside(target: &Path) -> Result<PathBuf, FileError> {
    let mut random = [0_u8; 8];
    getrandom::fill(&mut random).map_err(|e| FileError::Io {
        step: "name a temporary file beside",
        path: target.to_owned(),
        source: io::Error::other(e.to_string()),
    })?;
    let name = target.file_name().ok_or_else(|| FileError::NotRegular(target.to_owned()))?;
    let mut temporary = std::ffi::OsString::from(".");
    temporary.push(name);
    temporary.push(format!(".{:016x}.tmp", u64::from_ne_bytes(random)));
    Ok(target.with_file_name(temporary))
}

/// Flushes a directory, so that the names in it survive a power cut.
///
/// # Errors
/// [`FileError::Io`].
pub fn sync_dir(path: &Path) -> Result<(), FileError> {
    File::open(path).and_then(|dir| dir.sync_all()).map_err(FileError::io("flush", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_beyond_its_limit_is_not_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("large");
        fs::write(&path, [b'a'; 11]).unwrap();
        assert!(matches!(read(&path, "key", 10), Err(FileError::TooLarge { limit: 10, .. })));
        assert_eq!(read(&path, "key", 11).unwrap().len(), 11);
    }

    #[test]
    fn a_replaced_file_leaves_no_temporary_behind() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("krl");
        replace(&path, b"one", 0o644).unwrap();
        replace(&path, b"two", 0o644).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o644);
    }

    #[test]
    fn a_device_is_written_to_and_not_replaced() {
        replace(Path::new("/dev/null"), b"x", 0o644).unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
    }

    #[test]
    fn a_secret_that_others_can_read_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        create(&path, b"secret", 0o640).unwrap();
        assert!(matches!(read_secret(&path, "key", 10), Err(FileError::Readable { mode: 0o640, .. })));
    }

    #[test]
    fn a_file_that_exists_is_not_created_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        create(&path, b"one", 0o600).unwrap();
        assert!(create(&path, b"two", 0o600).is_err());
        assert_eq!(fs::read(&path).unwrap(), b"one");
    }
}

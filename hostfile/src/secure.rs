//! Opens a file that decides access, or refuses it.
//!
//! The path is walked from `/` one component at a time with descriptors, and every check is made on
//! the opened descriptor, so nothing can be exchanged between check and use. Each directory and the
//! file must be root's and writable by nobody else; symbolic links are refused everywhere. A reader
//! needs no more than search permission on the way and read permission on the file.

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{OFlag, open, openat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat};

use crate::error::HostfileError;
use crate::limits;

const WRITABLE_BY_GROUP: u32 = 0o020;
const WRITABLE_BY_OTHERS: u32 = 0o002;

/// The whole content of the file at the absolute `path`, at most `limit` bytes.
///
/// # Errors
/// [`HostfileError`] if the path is not absolute, anything on it is a symbolic link, not root's or
/// writable by group or others, or the file is not regular, too large or unreadable.
pub fn read(path: &Path, limit: usize) -> Result<Vec<u8>, HostfileError> {
    let (file, stat) = open_checked(path)?;
    let too_large = || HostfileError::TooLarge { path: path.to_owned(), limit };
    let size = usize::try_from(stat.st_size).map_err(|_| too_large())?;
    if size > limit {
        return Err(too_large());
    }
    // The size is a promise of the moment; what is read is bounded by itself.
    let content = content(path, file, limit.saturating_add(1))?;
    if content.len() > limit { Err(too_large()) } else { Ok(content) }
}

fn content(path: &Path, file: OwnedFd, bound: usize) -> Result<Vec<u8>, HostfileError> {
    let mut content = Vec::new();
    let bound = u64::try_from(bound).unwrap_or(u64::MAX);
    File::from(file).take(bound).read_to_end(&mut content).map_err(|e| HostfileError::Unreadable {
        path: path.to_owned(),
        step: "read",
        errno: Errno::from_raw(e.raw_os_error().unwrap_or(0)),
    })?;
    Ok(content)
}

/// The first `length` bytes of the file at the absolute `path`, or all of a shorter one; checked as by [`read`].
///
/// # Errors
/// As [`read`], except for the size.
pub fn read_head(path: &Path, length: usize) -> Result<Vec<u8>, HostfileError> {
    let (file, _) = open_checked(path)?;
    content(path, file, length)
}

/// Makes the checks of [`read`] and reads nothing: for files that others read, such as sshd's KRL.
///
/// # Errors
/// As [`read`], except for the size.
pub fn check(path: &Path) -> Result<(), HostfileError> {
    open_checked(path).map(|_| ())
}

fn open_checked(path: &Path) -> Result<(OwnedFd, FileStat), HostfileError> {
    let not_absolute = || HostfileError::NotAbsolute { path: path.to_owned() };
    let mut components = path.components();
    if components.next() != Some(Component::RootDir) || path.as_os_str().len() > limits::PATH {
        return Err(not_absolute());
    }
    let mut names = Vec::new();
    for component in components {
        match component {
            Component::Normal(name) => names.push(name),
            _ => return Err(not_absolute()),
        }
    }
    let Some((name, parents)) = names.split_last() else {
        return Err(HostfileError::NotRegular { path: path.to_owned(), kind: "a directory" });
    };

    let mut walked = PathBuf::from("/");
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let mut directory = open(&walked, flags, Mode::empty()).map_err(|e| opening(&walked, e))?;
    check_owner_and_mode(&walked, &stat(&walked, &directory)?)?;
    for parent in parents {
        walked.push(parent);
        // O_PATH with O_NOFOLLOW opens a link itself, so that fstat can tell it apart.
        let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        directory = openat(&directory, *parent, flags, Mode::empty()).map_err(|e| opening(&walked, e))?;
        let stat = stat(&walked, &directory)?;
        match kind(&stat) {
            SFlag::S_IFDIR => check_owner_and_mode(&walked, &stat)?,
            SFlag::S_IFLNK => return Err(HostfileError::SymbolicLink { path: walked }),
            _ => return Err(HostfileError::NotDirectory { path: walked }),
        }
    }

    walked.push(name);
    // Looked at before it is opened for reading: opening a device or a socket can act or fail by itself.
    let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let glimpse = openat(&directory, *name, flags, Mode::empty()).map_err(|e| opening(&walked, e))?;
    check_regular(&walked, &stat(&walked, &glimpse)?)?;
    // O_NONBLOCK: should a FIFO take its place now, opening it does not wait for a writer.
    let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    let file = openat(&directory, *name, flags, Mode::empty()).map_err(|e| opening(&walked, e))?;
    let stat = stat(&walked, &file)?;
    check_regular(&walked, &stat)?;
    check_owner_and_mode(&walked, &stat)?;
    Ok((file, stat))
}

fn opening(path: &Path, errno: Errno) -> HostfileError {
    let path = path.to_owned();
    match errno {
        Errno::ENOENT => HostfileError::Missing { path },
        Errno::ELOOP => HostfileError::SymbolicLink { path },
        errno => HostfileError::Unreadable { path, step: "opened", errno },
    }
}

fn stat(path: &Path, fd: &OwnedFd) -> Result<FileStat, HostfileError> {
    fstat(fd).map_err(|errno| HostfileError::Unreadable { path: path.to_owned(), step: "examined", errno })
}

fn kind(stat: &FileStat) -> SFlag {
    SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT
}

fn check_regular(path: &Path, stat: &FileStat) -> Result<(), HostfileError> {
    let kind = match kind(stat) {
        SFlag::S_IFREG => return Ok(()),
        SFlag::S_IFLNK => return Err(HostfileError::SymbolicLink { path: path.to_owned() }),
        SFlag::S_IFDIR => "a directory",
        SFlag::S_IFIFO => "a FIFO",
        SFlag::S_IFSOCK => "a socket",
        _ => "a device",
    };
    Err(HostfileError::NotRegular { path: path.to_owned(), kind })
}

/// Root's alone. A POSIX ACL that lets somebody write shows in the group bits, which are its mask.
fn check_owner_and_mode(path: &Path, stat: &FileStat) -> Result<(), HostfileError> {
    if stat.st_uid != 0 {
        return Err(HostfileError::NotRoots { path: path.to_owned(), uid: stat.st_uid });
    }
    let by = match (stat.st_mode & WRITABLE_BY_GROUP != 0, stat.st_mode & WRITABLE_BY_OTHERS != 0) {
        (false, false) => return Ok(()),
        (true, false) => "its group",
        (false, true) => "others",
        (true, true) => "its group and others",
    };
    Err(HostfileError::Writable { path: path.to_owned(), mode: stat.st_mode & 0o7777, by })
}

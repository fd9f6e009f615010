//! A file is replaced as a whole: written beside it, with its owner, mode and extended attributes, synced, renamed, and the
//! folder synced. A reader sees the old bytes or the new ones, also after a power cut.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use super::error::{Result, SetupError};

/// Files that are new: root's, for everybody to read.
pub(super) const NEW: u32 = 0o644;

/// Where the new bytes of a file are written before they are live.
#[must_use]
pub(super) fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.jit-new"))
}

/// Writes and syncs the new bytes of `path` beside it. Owner, mode and attributes are those of `like`.
pub(super) fn prepare(path: &Path, bytes: &[u8], like: Option<&Path>) -> Result<()> {
    let fresh = beside(path);
    let write = || -> io::Result<()> {
        remove(&fresh)?;
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
        file.write_all(bytes)?;
        match like.map(|like| Ok((like, fs::metadata(like)?))) {
            None => file.set_permissions(Permissions::from_mode(NEW))?,
            Some(Err(error)) => return Err(error),
            Some(Ok((like, facts))) => {
                fchown(&file, Some(facts.uid()), Some(facts.gid()))?;
                file.set_permissions(Permissions::from_mode(facts.mode() & 0o7777))?;
                copy_attributes(like, &file)?;
            }
        }
        file.sync_all()
    };
    write().map_err(|source| {
        // Nothing of a step that failed stays behind; what failed first is what is told.
        drop(remove(&fresh));
        SetupError::file("write", path, source)
    })
}

/// Makes the prepared bytes of `path` live.
pub(super) fn commit(path: &Path) -> Result<()> {
    fs::rename(beside(path), path)
        .and_then(|()| sync_folder(path))
        .map_err(|source| SetupError::file("replace", path, source))
}

/// Both in one.
pub(super) fn put(path: &Path, bytes: &[u8], like: Option<&Path>) -> Result<()> {
    prepare(path, bytes, like)?;
    commit(path)
}

/// Deletes a file, durably; one that is not there is deleted.
pub(super) fn delete(path: &Path) -> Result<()> {
    remove(path).and_then(|()| sync_folder(path)).map_err(|source| SetupError::file("delete", path, source))
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Makes durable that `path` is, or is not, in its folder.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path.parent().unwrap_or(Path::new("/")))?.sync_all()
}

/// Extended attributes: SELinux's label, ACLs. A file system that has none is one thing, an attribute that can't be set
/// another.
fn copy_attributes(from: &Path, to: &File) -> io::Result<()> {
    use rustix::fs::{XattrFlags, fgetxattr, flistxattr, fsetxattr};
    let from = File::open(from)?;
    let mut names = vec![0; 64 * 1024];
    let length = match flistxattr(&from, &mut names[..]) {
        Ok(length) => length,
        Err(rustix::io::Errno::OPNOTSUPP) => return Ok(()),
        Err(errno) => return Err(errno.into()),
    };
    let mut value = vec![0; 64 * 1024];
    for name in names[..length].split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        let got = fgetxattr(&from, name, &mut value[..])?;
        fsetxattr(to, name, &value[..got], XattrFlags::empty())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replaced_file_keeps_owner_mode_and_attributes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        let file = File::open(&path).unwrap();
        let labelled =
            rustix::fs::fsetxattr(&file, "user.label", b"x", rustix::fs::XattrFlags::empty()).is_ok();
        put(&path, b"new", Some(&path)).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o640);
        let mut value = [0; 8];
        let got = rustix::fs::fgetxattr(File::open(&path).unwrap(), "user.label", &mut value[..]);
        assert_eq!(got.is_ok_and(|length| &value[..length] == b"x"), labelled);
        assert!(!beside(&path).exists());
    }
}

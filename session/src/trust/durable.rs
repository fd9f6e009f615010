//! Files that are there whole or not at all, and on the disk when this says so.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// The suffix of a file that is being written. One `jit trust` works at a time, so one name is enough, and what a
/// kill leaves is overwritten by the next one.
const TEMPORARY: &str = ".jit-trust";

/// Opens a lock file, and makes it where it is missing.
pub(super) fn lock_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)
}

/// Makes a folder that everybody can search, whatever the umask says; one that is there stays as it is.
pub(super) fn make_folder(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(path)?;
    fs::set_permissions(path, Permissions::from_mode(0o755))?;
    sync_folder(path)
}

/// Puts `bytes` at `path`, whole or not at all. The same bytes are not written again, only flushed.
pub(super) fn replace(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    if fs::symlink_metadata(path).is_ok_and(|facts| facts.is_file()) && fs::read(path)? == bytes {
        // A kill between rename and flush may have left it so.
        File::open(path)?.sync_all()?;
        return sync_folder(path);
    }
    let mut name = path.file_name().map(ToOwned::to_owned).unwrap_or_default();
    name.push(TEMPORARY);
    let temporary = path.with_file_name(name);
    // Of a run that was killed; a name that is there is not opened.
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&temporary)?;
    file.write_all(bytes)?;
    // The umask does not decide.
    file.set_permissions(Permissions::from_mode(mode))?;
    file.sync_all()?;
    rename(&temporary, path)
}

/// Removes a file, and flushes the folder.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    fs::remove_file(path)?;
    sync_folder(path)
}

/// Renames, and flushes the folder.
pub(super) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    sync_folder(to)
}

pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

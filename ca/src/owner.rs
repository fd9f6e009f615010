//! Whose a file is, and who runs this, by name: for messages that say who should do it instead.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::unistd::{Uid, User};

/// The user's name where there is one, else the number.
#[must_use]
pub fn name(uid: Uid) -> String {
    User::from_uid(uid).ok().flatten().map_or_else(|| uid.to_string(), |user| user.name)
}

/// Whose the file is, where that can be seen.
#[must_use]
pub fn of(path: &Path) -> Option<Uid> {
    std::fs::symlink_metadata(path).ok().map(|facts| Uid::from_raw(facts.uid()))
}

/// What to do where a file of this directory is not for this user, because it is somebody else's; nothing where that is not why.
#[must_use]
pub(crate) fn hint(dir: &Path, file: &Path) -> Option<String> {
    let (owner, us) = (of(file).or_else(|| of(dir))?, Uid::effective());
    if owner == us || us.is_root() {
        return None;
    }
    let (owner, us, dir) = (name(owner), name(us), dir.display());
    Some(format!(
        "it belongs to {owner}: sudo -u {owner} ca ...; or, if it should be {us}'s, as root: chown -R {us}: {dir}"
    ))
}

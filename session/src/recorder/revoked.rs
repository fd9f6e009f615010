//! The revoked list, watched: who is in it has no session a moment later.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use hostfile::HostConfig;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, WatchDescriptor};

/// Watches the folder of the revoked list: the list is replaced by rename. While that folder is not there, or after it was
/// replaced, the nearest one above it is watched for it.
#[derive(Debug)]
pub(super) struct RevokedWatch {
    inotify: Inotify,
    /// The list's folder and its name in it.
    list: Option<(PathBuf, OsString)>,
    /// What is watched now, and whether that is the list's own folder.
    watched: Option<(WatchDescriptor, bool)>,
}

impl RevokedWatch {
    pub(super) fn new(config: &Path) -> std::io::Result<Self> {
        let list = HostConfig::load(config).ok().map(|host| host.revoked);
        Self::of(list.as_deref())
    }

    fn of(list: Option<&Path>) -> std::io::Result<Self> {
        let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?;
        let list = list.and_then(|list| Some((list.parent()?.to_owned(), list.file_name()?.to_owned())));
        let mut watch = Self { inotify, list, watched: None };
        watch.arm();
        Ok(watch)
    }

    /// Watches the list's folder, or the nearest above it that is there.
    fn arm(&mut self) {
        let Some((folder, _)) = &self.list else { return };
        // The first one says most: that this name came, went or changed.
        let changes = AddWatchFlags::IN_MOVED_TO
            | AddWatchFlags::IN_CREATE
            | AddWatchFlags::IN_CLOSE_WRITE
            | AddWatchFlags::IN_MOVE_SELF
            | AddWatchFlags::IN_DELETE_SELF
            | AddWatchFlags::IN_ONLYDIR;
        let watched = |above: &Path| self.inotify.add_watch(above, changes).ok();
        let nearest = folder.ancestors().find_map(|above| Some((watched(above)?, above == folder)));
        let earlier = std::mem::replace(&mut self.watched, nearest);
        if let Some((earlier, _)) = earlier
            && nearest.is_none_or(|(now, _)| now != earlier)
        {
            let _ = self.inotify.rm_watch(earlier);
        }
    }

    /// Whether the list itself changed, or its folder came.
    pub(super) fn changed(&mut self) -> bool {
        let mut changed = false;
        while let Ok(events) = self.inotify.read_events() {
            let Some((_, name)) = &self.list else { continue };
            let (watched, own) = self.watched.map_or((None, false), |(watched, own)| (Some(watched), own));
            let ours = |event: &&nix::sys::inotify::InotifyEvent| Some(event.wd) == watched;
            let gone =
                AddWatchFlags::IN_MOVE_SELF | AddWatchFlags::IN_DELETE_SELF | AddWatchFlags::IN_IGNORED;
            // A new file is read when it is written.
            let written = AddWatchFlags::IN_MOVED_TO | AddWatchFlags::IN_CLOSE_WRITE;
            changed |= own
                && events
                    .iter()
                    .filter(ours)
                    .any(|event| event.name.as_ref() == Some(name) && event.mask.intersects(written));
            let moved = events.iter().filter(ours).any(|event| event.mask.intersects(gone));
            if moved || !own {
                changed |= self.arm_again();
            }
        }
        changed
    }

    /// After something happened above the folder; whether it is there now, and the list with it.
    fn arm_again(&mut self) -> bool {
        // Between the look and the watch the next folder may have come: until nothing nearer is there.
        loop {
            let before = self.watched;
            self.arm();
            if self.watched == before {
                break;
            }
        }
        let there = self.list.as_ref().is_some_and(|(folder, name)| folder.join(name).exists());
        there && self.watched.is_some_and(|(_, own)| own)
    }
}

impl std::os::fd::AsFd for RevokedWatch {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.inotify.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_noticed_whose_folder_comes_later_or_is_replaced() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().join("made/later");
        let list = folder.join("revoked");
        let mut watch = RevokedWatch::of(Some(&list)).unwrap();
        assert!(!watch.changed());
        std::fs::create_dir(scratch.path().join("made")).unwrap();
        assert!(!watch.changed());
        std::fs::create_dir(&folder).unwrap();
        assert!(!watch.changed(), "its folder alone is no list");
        let replace = |list: &Path| {
            std::fs::write(list.with_extension("new"), "").unwrap();
            std::fs::rename(list.with_extension("new"), list).unwrap();
        };
        replace(&list);
        assert!(watch.changed());
        std::fs::write(folder.join("other"), "").unwrap();
        assert!(!watch.changed());
        // Another folder in its place, with the list in it.
        let other = scratch.path().join("made/other");
        std::fs::create_dir(&other).unwrap();
        replace(&other.join("revoked"));
        std::fs::rename(&folder, scratch.path().join("away")).unwrap();
        std::fs::rename(&other, &folder).unwrap();
        assert!(watch.changed());
        replace(&list);
        assert!(watch.changed());
    }
}

//! The revoked list, watched: who is in it has no session a moment later.

use std::path::{Path, PathBuf};

use hostfile::HostConfig;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};

/// Watches the folder of the revoked list: the list is replaced by rename.
#[derive(Debug)]
pub(super) struct RevokedWatch {
    inotify: Inotify,
    name: Option<std::ffi::OsString>,
}

impl RevokedWatch {
    pub(super) fn new(config: &Path) -> std::io::Result<Self> {
        let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?;
        let list: Option<PathBuf> = HostConfig::load(config).ok().map(|host| host.revoked);
        let name = list.as_deref().and_then(Path::file_name).map(ToOwned::to_owned);
        if let Some(folder) = list.as_deref().and_then(Path::parent) {
            let changes =
                AddWatchFlags::IN_MOVED_TO | AddWatchFlags::IN_CLOSE_WRITE | AddWatchFlags::IN_ONLYDIR;
            // A folder that is not there yet: new logins are refused anyway.
            let _ = inotify.add_watch(folder, changes);
        }
        Ok(Self { inotify, name })
    }

    /// Whether the list itself changed.
    pub(super) fn changed(&self) -> bool {
        let mut changed = false;
        while let Ok(events) = self.inotify.read_events() {
            changed |= events.iter().any(|event| event.name == self.name);
        }
        changed
    }
}

impl std::os::fd::AsFd for RevokedWatch {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.inotify.as_fd()
    }
}

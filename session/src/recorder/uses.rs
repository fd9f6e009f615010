//! How often a grant was used on this host: one small file a grant, named by the document's digest.
//!
//! The count is durable before the login is confirmed, so no restart or race gives one more. A kill
//! between the two costs a use and lets nobody in.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use grant::Digest;

/// The counts.
#[derive(Debug)]
pub(super) struct Uses(PathBuf);

impl Uses {
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        Ok(Self(folder.to_owned()))
    }

    /// Counts one more use, up to `limit`; `false` when it is used up.
    ///
    /// # Errors
    /// If the count can't be read or made durable; then nobody may enter.
    pub(super) fn take(&self, grant: &Digest, limit: u32) -> io::Result<bool> {
        let path = self.0.join(grant.to_string());
        let used: u32 = match fs::read_to_string(&path) {
            Ok(text) => text.trim().parse().map_err(io::Error::other)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            Err(error) => return Err(error),
        };
        if used >= limit {
            return Ok(false);
        }
        let temporary = self.0.join(format!(".{grant}.new"));
        let mut file =
            File::options().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
        writeln!(file, "{}", used + 1)?;
        file.sync_all()?;
        fs::rename(&temporary, &path)?;
        File::open(&self.0)?.sync_all()?;
        Ok(true)
    }
}

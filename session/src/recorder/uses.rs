//! How often a grant was used on this host: one small file a grant, named by when it closes and the document's digest, so
//! that the sweep sees by the name which count nobody needs any more.
//!
//! The count is durable before the login is confirmed, so no restart or race gives one more. A kill
//! between the two costs a use and lets nobody in.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use grant::{Digest, UnixTime};

/// How long a count is kept after its grant has closed, in seconds: nobody gets in with it any more, and a clock that was
/// set back by less than this does not give uses back.
const KEPT: u64 = 30 * 24 * 3_600;

/// The counts.
#[derive(Debug)]
pub(super) struct Uses(PathBuf);

impl Uses {
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        Ok(Self(folder.to_owned()))
    }

    /// Counts one more use of a grant that closes then, up to `limit`; `false` when it is used up.
    ///
    /// # Errors
    /// If the count can't be read or made durable; then nobody may enter.
    pub(super) fn take(&self, grant: &Digest, closes: UnixTime, limit: u32) -> io::Result<bool> {
        let path = self.0.join(format!("{:020}.{grant}", closes.secs()));
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

/// Whether a file of this name is a count that nobody needs any more.
pub(crate) fn is_over(name: &str, now: u64) -> bool {
    let closed = name.split_once('.').filter(|(closes, _)| closes.len() == 20);
    closed.and_then(|(closes, _)| closes.parse::<u64>().ok()).is_some_and(|closes| closes + KEPT < now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_over_a_month_after_its_grant() {
        let name = format!("{:020}.{}", 1_000_000, "ab".repeat(32));
        assert!(!is_over(&name, 1_000_000 + KEPT));
        assert!(is_over(&name, 1_000_001 + KEPT));
        for other in ["", ".x.new", "7.x", &"ab".repeat(32)] {
            assert!(!is_over(other, u64::MAX), "{other}");
        }
    }
}

//! The drop-in for the scopes of login sessions: what ignores SIGTERM at a session's limit is killed after a second.
//!
//! systemd knows no drop-in for the sessions of one group, so it holds for administrators too. That is why set-up writes it,
//! and no package does; and why it is here and nowhere else that process 1 is told of it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::error::{Result, SetupError};
use super::place::has_systemd;

/// Where set-up writes it: the administrator's own place.
const DROP_IN: &str = "/etc/systemd/system/session-.scope.d/50-jit.conf";
/// Its text.
pub(super) const TEXT: &str = include_str!("../../../systemd/session-.scope.d/50-jit.conf");

/// The drop-in.
#[must_use]
pub(super) fn drop_in() -> PathBuf {
    DROP_IN.into()
}

/// Whether process 1 has to be told when this file came, changed or went.
#[must_use]
pub(super) fn is_drop_in(path: &Path) -> bool {
    path == Path::new(DROP_IN)
}

/// Lets process 1 read its files again. Nothing that runs is stopped or started by it.
pub(super) fn reload() -> Result<()> {
    if !has_systemd() {
        return Ok(());
    }
    let mut command = Command::new("systemctl");
    let output = command.arg("daemon-reload").stdin(Stdio::null()).output();
    let output = output.map_err(|source| SetupError::run("systemctl", source))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(SetupError::new(format!("`systemctl daemon-reload` failed: {said}")))
}

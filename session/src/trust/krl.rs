//! Whether sshd will read a key revocation list: asked of OpenSSH itself, before anything is written.

use std::io::Write;
use std::process::{Command, Stdio};

use super::judge::Refused;

/// Refuses a list that `ssh-keygen -Q` can't load: with it sshd would refuse every vendor. A host whose ssh-keygen
/// can't be started keeps the check that the bundle's parser made.
pub(super) fn expect_readable(list: &[u8]) -> Result<(), Refused> {
    let started = Command::new("/usr/bin/ssh-keygen")
        .args(["-Q", "-f", "/proc/self/fd/0"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = started else { return Ok(()) };
    if let Some(mut stdin) = child.stdin.take() {
        // One that does not read to the end says why.
        let _ = stdin.write_all(list);
    }
    let Ok(output) = child.wait_with_output() else { return Ok(()) };
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Refused::Krl { problem: said.lines().next().unwrap_or("it does not say why").to_owned() })
}

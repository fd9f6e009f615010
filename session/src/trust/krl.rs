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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_openssh_cannot_read_is_refused() {
        let empty = b"SSHKRL\n\0\0\0\0\x01".iter().copied().chain([0; 8 + 8 + 8 + 4 + 4]).collect::<Vec<_>>();
        assert_eq!(expect_readable(&empty), Ok(()));
        for wrong in [&b"SSHKRL\n\0"[..], b"SSHKRL\n\0 and more", &empty[..empty.len() - 1]] {
            assert!(matches!(expect_readable(wrong), Err(Refused::Krl { .. })), "{wrong:?}");
        }
    }
}

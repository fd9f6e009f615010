//! The account phase: refuse where no certificate can come, pass where sshd will show one in the session phase.
//!
//! For a single publickey login sshd calls this phase before it writes the certificate: `SSH_AUTH_INFO_0` is set and
//! empty. That is no success and no refusal; `stage=first` decides. Where the certificate is already shown, the
//! verdict is made here too, because a refusal here ends the connection.

use pam::constants::PamResultCode;

use crate::hook::Vendor;
use crate::login::Login;
use crate::refused::{Refused, Why};
use crate::verdict::verdict;

/// The PAM services of sudo(8).
const SUDO: [&str; 2] = ["sudo", "sudo-i"];

/// What the PAM service of sshd begins with: its program's name (`SSHD_PAM_SERVICE` of OpenSSH).
const SSHD: &str = "sshd";

/// The account phase for a vendor account.
pub(crate) fn account(login: &mut impl Login, vendor: &Vendor) -> Result<PamResultCode, Refused> {
    match login.auth_info() {
        None if login.service().is_some_and(|service| SUDO.contains(&service.as_str())) => {
            sudo(login, vendor)
        }
        None => Err(Why::NotOverSsh.into()),
        // Elsewhere an empty one is no word of sshd's: pam_env can have set it for the person.
        Some(info) if info.is_empty() && login.service().is_none_or(|service| !service.starts_with(SSHD)) => {
            Err(Why::NotOverSsh.into())
        }
        Some(info) if info.is_empty() => Ok(PamResultCode::PAM_IGNORE),
        Some(info) => verdict(login, vendor, &info).map(|_| PamResultCode::PAM_SUCCESS),
    }
}

/// sudo inside a session: the session's grant must allow it. The session is that of the kernel's audit id.
fn sudo(login: &impl Login, vendor: &Vendor) -> Result<PamResultCode, Refused> {
    let allowed = vendor.host.recorder.as_ref().is_some_and(|recorder| login.may_sudo(recorder));
    // Not a success: whether this account may become that one, sudoers and the rest of the stack say.
    if allowed { Ok(PamResultCode::PAM_IGNORE) } else { Err(Why::NoSudo.into()) }
}

#[cfg(test)]
#[path = "account_tests.rs"]
mod tests;

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

/// The account phase for a vendor account.
pub(crate) fn account(login: &mut impl Login, vendor: &Vendor) -> Result<PamResultCode, Refused> {
    match login.auth_info() {
        None => Err(Why::NotOverSsh.into()),
        Some(info) if info.is_empty() => Ok(PamResultCode::PAM_IGNORE),
        Some(info) => verdict(login, vendor, &info).map(|_| PamResultCode::PAM_SUCCESS),
    }
}

#[cfg(test)]
#[path = "account_tests.rs"]
mod tests;

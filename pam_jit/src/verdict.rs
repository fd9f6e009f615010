//! The verdict on a login whose certificate sshd shows: from PAM's variables and the host's files to terms.
//!
//! The rules are `grant::decide`'s; this file only brings together what it asks for.

use std::net::IpAddr;

use grant::{AuthInfo, Terms, Verdict, decide};

use crate::hook::Vendor;
use crate::login::Login;
use crate::refused::{Refused, Why};
use crate::source;

/// Terms and source address of a login with this `SSH_AUTH_INFO_0`, or why there are none.
pub(crate) fn verdict(login: &impl Login, vendor: &Vendor, info: &[u8]) -> Result<(Terms, IpAddr), Refused> {
    let connection = login.ssh_connection().unwrap_or_default();
    let source = source::address(&connection).ok_or(Why::Source)?;
    let trust = login.trust(&vendor.host).map_err(|error| Refused::from(source, error))?;
    let AuthInfo { certificate } = AuthInfo::parse(info).map_err(|reason| Refused::from(source, reason))?;
    let attempt = grant::Login { account: vendor.account.clone(), source };
    match decide(&certificate, &trust, &attempt, login.now().unix_time()) {
        Verdict::Allow(terms) => Ok((*terms, source)),
        Verdict::Refuse(refusal) => {
            Err(Refused::from(source, refusal.reason).claiming(refusal.claim.as_ref()))
        }
    }
}

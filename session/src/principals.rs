//! `jit principals`: what sshd's AuthorizedPrincipalsCommand prints (sshd_config(5)).
//!
//! One line for each name of this host, `OPTIONS ACCOUNT@HOST` and `OPTIONS ACCOUNT@role:ROLE`. sshd
//! runs it as nobody, before the person has proved anything and also for a mere query, so it has no
//! effects, and any doubt is no line. The options make stock sshd keep what the grant names: they can
//! only take away from what the certificate permits.

use std::path::Path;

use base64ct::{Base64, Encoding};
use grant::{AccountName, Certificate, Grant};
use hostfile::{HostConfig, HostfileError, vendor_group};

use crate::check::pam_guard::{Unguarded, expect_guarded};

/// Why there are no principals.
#[derive(Debug, thiserror::Error)]
pub enum NoPrincipals {
    /// A file or NSS gave no answer.
    #[error(transparent)]
    Hostfile(#[from] HostfileError),
    /// Not an account that a grant can name.
    #[error("not an account that a grant can name")]
    Account(#[from] grant::NameError),
    /// Not a vendor account.
    #[error("{account} is no vendor account: not in the group {group}, or with a uid below 1000")]
    NotAVendor {
        /// The account.
        account: AccountName,
        /// The vendor group.
        group: String,
    },
    /// Without the module's lines a certificate alone would do.
    #[error(transparent)]
    Unguarded(#[from] Unguarded),
    /// The key is not one certificate in base64.
    #[error("the key is not a certificate in base64")]
    NotACertificate,
    /// The certificate cannot be read, or holds no grant.
    #[error("the certificate is refused: {0}")]
    Certificate(String),
    /// The grant is not for this login.
    #[error("the grant is not for {0}")]
    NotForThis(&'static str),
}

/// sshd's PAM service.
#[derive(Debug, Clone, Copy)]
pub struct PamService<'a> {
    /// The folder of the services.
    pub directory: &'a Path,
    /// Its name.
    pub name: &'a str,
}

/// The lines for a login to `account` with the certificate `key`, in base64, if sshd was told to show
/// it; without it all forwarding is forbidden. None while sshd's PAM `service` does not bring vendors to the module.
///
/// # Errors
/// [`NoPrincipals`] on any doubt.
pub fn principals(
    config: &HostConfig,
    service: PamService<'_>,
    account: &str,
    key: Option<&str>,
) -> Result<Vec<String>, NoPrincipals> {
    let account: AccountName = account.parse()?;
    if !vendor_group::is_vendor(account.as_str(), &config.vendor_group)? {
        return Err(NoPrincipals::NotAVendor { account, group: config.vendor_group.clone() });
    }
    let uid =
        nix::unistd::User::from_name(account.as_str()).ok().flatten().map_or(1000, |user| user.uid.as_raw());
    expect_guarded(service.directory, service.name, uid, &config.vendor_group)?;
    let options = match key {
        Some(key) => options(&grant_for(config, &account, key)?),
        None => ALWAYS.iter().chain(&["no-port-forwarding"]).copied().collect::<Vec<_>>().join(","),
    };
    let names = config.principals(&account);
    Ok(names.into_iter().map(|name| format!("{options} {name}")).collect())
}

/// What no grant permits.
const ALWAYS: [&str; 2] = ["no-x11-forwarding", "no-user-rc"];

/// The grant that the certificate carries, if it is for this host and account. That its signature
/// holds is sshd's check, made before it asks, and the module's, made after.
fn grant_for(config: &HostConfig, account: &AccountName, key: &str) -> Result<Grant, NoPrincipals> {
    if key.len() > grant::limits::AUTH_INFO {
        return Err(NoPrincipals::NotACertificate);
    }
    let blob = Base64::decode_vec(key).map_err(|_| NoPrincipals::NotACertificate)?;
    let refused = |reason: grant::Reason| NoPrincipals::Certificate(reason.logged());
    let grant = Certificate::read(&blob).and_then(|read| read.unverified_grant()).map_err(refused)?;
    if grant.authority != config.authority {
        return Err(NoPrincipals::NotForThis("this authority"));
    }
    if !grant.hosts.contains(&config.host) && grant.roles.is_disjoint(&config.roles) {
        return Err(NoPrincipals::NotForThis("this host"));
    }
    if !grant.accounts.contains(account) {
        return Err(NoPrincipals::NotForThis("this account"));
    }
    Ok(grant)
}

/// The options (sshd(8), "AUTHORIZED_KEYS FILE FORMAT") that hold a session to the grant's features.
fn options(grant: &Grant) -> String {
    let mut options: Vec<String> = ALWAYS.iter().map(|option| (*option).to_owned()).collect();
    if !grant.features.pty {
        options.push("no-pty".to_owned());
    }
    if !grant.features.agent {
        options.push("no-agent-forwarding".to_owned());
    }
    if grant.features.forward.is_empty() {
        options.push("no-port-forwarding".to_owned());
    } else {
        options.extend(grant.features.forward.iter().map(|target| format!("permitopen=\"{target}\"")));
        // sshd has no word for "no remote forwarding" here; a port that only root may bind is one.
        options.push("permitlisten=\"localhost:1\"".to_owned());
    }
    options.join(",")
}

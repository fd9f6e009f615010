//! Making the certificate of a grant.
//!
//! The certificate is wholly determined by the grant, the approvals, the person's key and a few
//! numbers; [`crate::certificate`] demands exactly this on the host. Whatever stock sshd can enforce
//! by itself stands in it natively: principals, source-address, permit-*.

use ssh_key::SigningKey;
use ssh_key::certificate::{Builder, CertType};

use crate::approval::Approvals;
use crate::certificate::{APPROVALS_EXTENSION, GRANT_EXTENSION};
use crate::document::Grant;
use crate::key::PublicKey;
use crate::unix_time::UnixTime;

/// What a certificate is made from.
#[derive(Debug, Clone)]
pub struct Issue<'a> {
    /// The grant.
    pub grant: &'a Grant,
    /// Its approvals.
    pub approvals: &'a Approvals,
    /// The person's key; the grant must list it.
    pub key: &'a PublicKey,
    /// The serial, not 0, never used before.
    pub serial: u64,
    /// The first second of validity; up to [`crate::limits::BACKDATE`] seconds before now.
    pub valid_after: UnixTime,
    /// The first second after validity; at most the window's end.
    pub valid_before: UnixTime,
    /// Random bytes, so that what is signed can't be foreseen.
    pub nonce: [u8; 32],
}

impl Issue<'_> {
    /// Builds the certificate and signs it with the CA key.
    ///
    /// # Errors
    /// `ssh_key::Error` if the key refuses to sign (an agent that is gone) or the fields cannot be encoded.
    pub fn sign(&self, ca_key: &impl SigningKey) -> Result<ssh_key::Certificate, ssh_key::Error> {
        let (after, before) = (self.valid_after.secs(), self.valid_before.secs());
        let mut builder = Builder::new(self.nonce, self.key.as_ssh().clone(), after, before)?;
        builder.serial(self.serial)?.cert_type(CertType::User)?.key_id(self.grant.key_id())?;
        for principal in self.grant.principals() {
            builder.valid_principal(principal)?;
        }
        if let Some(networks) = self.grant.sources.source_address() {
            builder.critical_option("source-address", networks)?;
        }
        for permit in self.grant.features.permits() {
            builder.extension(permit, "")?;
        }
        builder.extension(GRANT_EXTENSION, self.grant.render())?;
        if !self.approvals.is_empty() {
            builder.extension(APPROVALS_EXTENSION, self.approvals.to_string())?;
        }
        builder.sign(ca_key)
    }
}

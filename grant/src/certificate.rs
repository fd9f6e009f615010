//! Reading an OpenSSH user certificate (PROTOCOL.certkeys) strictly.
//!
//! `ssh-key` verifies a re-encoding, which accepts altered bytes; so a blob counts only when it is
//! exactly its own re-encoding, and the signature is verified over the blob's own bytes. Nothing here
//! believes the certificate: [`Certificate::signed_by`] makes a [`SignedCertificate`], and only that
//! gives out contents.

use ssh_key::certificate::CertType;
use ssh_key::encoding::Encode as _;

use crate::approval::Approvals;
use crate::document::Grant;
use crate::key::PublicKey;
use crate::limits;
use crate::reason::Reason;
use crate::unix_time::UnixTime;

/// The extension that holds the grant document.
pub const GRANT_EXTENSION: &str = "grant@pam-jit";
/// The extension that holds the approvals.
pub const APPROVALS_EXTENSION: &str = "approvals@pam-jit";

/// A certificate that can be read, and is believed in nothing.
#[derive(Debug, Clone)]
pub struct Certificate<'a> {
    blob: &'a [u8],
    inner: ssh_key::Certificate,
}

/// A user certificate with a valid signature by a trusted CA key.
#[derive(Debug, Clone)]
pub struct SignedCertificate {
    inner: ssh_key::Certificate,
    key: PublicKey,
}

impl<'a> Certificate<'a> {
    /// Reads a certificate blob.
    ///
    /// # Errors
    /// [`Reason`] if it is too large, unreadable, or not the canonical encoding of what it says.
    pub fn read(blob: &'a [u8]) -> Result<Self, Reason> {
        if blob.len() > limits::CERTIFICATE {
            return Err(Reason::CertificateTooLarge(blob.len()));
        }
        let inner = match ssh_key::Certificate::from_bytes(blob) {
            Ok(inner) => inner,
            Err(_) => return Err(Reason::CertificateUnreadable),
        };
        match inner.to_bytes() {
            Ok(bytes) if bytes == blob => Ok(Self { blob, inner }),
            _ => Err(Reason::CertificateNotCanonical),
        }
    }

    /// The certificate as it claims to be, for showing it to a person. Decides nothing.
    #[must_use]
    pub fn unverified(&self) -> &ssh_key::Certificate {
        &self.inner
    }

    /// The grant that it claims to hold, for showing it, or for limiting a session further. Decides
    /// nothing.
    ///
    /// # Errors
    /// [`Reason::NoGrant`] or [`Reason::Document`].
    pub fn unverified_grant(&self) -> Result<Grant, Reason> {
        grant_of(&self.inner)
    }

    /// Checks that one of `ca_keys` signed these very bytes as a user certificate.
    ///
    /// # Errors
    /// [`Reason`] if the key is not trusted, the signature does not hold, the certificate is not a user
    /// certificate, or it certifies a key that is not accepted.
    pub fn signed_by(self, ca_keys: &[PublicKey]) -> Result<SignedCertificate, Reason> {
        let ca_key = ca_keys
            .iter()
            .find(|key| key.as_ssh() == self.inner.signature_key())
            .ok_or(Reason::UntrustedAuthority)?;
        ca_key.verify(self.signed_bytes()?, self.inner.signature()).map_err(|_| Reason::BadSignature)?;
        if self.inner.cert_type() != CertType::User {
            return Err(Reason::NotAUserCertificate);
        }
        let key = PublicKey::from_ssh(self.inner.public_key().clone()).map_err(Reason::CertifiedKey)?;
        Ok(SignedCertificate { inner: self.inner, key })
    }

    /// Everything before the signature field: what the CA signed.
    fn signed_bytes(&self) -> Result<&'a [u8], Reason> {
        let signature =
            self.inner.signature().encoded_len_prefixed().map_err(|_| Reason::CertificateUnreadable)?;
        let end = self.blob.len().checked_sub(signature).ok_or(Reason::CertificateUnreadable)?;
        self.blob.get(..end).ok_or(Reason::CertificateUnreadable)
    }
}

fn grant_of(certificate: &ssh_key::Certificate) -> Result<Grant, Reason> {
    let document = certificate.extensions().get(GRANT_EXTENSION).ok_or(Reason::NoGrant)?;
    Grant::parse(document.as_bytes()).map_err(Reason::Document)
}

impl SignedCertificate {
    /// The serial that the CA gave.
    #[must_use]
    pub fn serial(&self) -> u64 {
        self.inner.serial()
    }

    /// The person's key.
    #[must_use]
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// The first second at which it is no longer valid.
    #[must_use]
    pub fn valid_before(&self) -> UnixTime {
        UnixTime::from_secs(self.inner.valid_before())
    }

    /// Checks valid_after <= now < valid_before, and that it lives no longer than a certificate may.
    ///
    /// # Errors
    /// [`Reason`] says which of these does not hold.
    pub fn check_validity(&self, now: UnixTime) -> Result<(), Reason> {
        let (after, before) = (self.inner.valid_after(), self.inner.valid_before());
        if before.checked_sub(after).is_none_or(|life| life > limits::CERTIFICATE_LIFETIME) {
            return Err(Reason::CertificateLivesTooLong);
        }
        if now.secs() < after {
            return Err(Reason::CertificateNotYetValid { from: UnixTime::from_secs(after), now });
        }
        if now.secs() >= before {
            return Err(Reason::CertificateExpired { at: UnixTime::from_secs(before), now });
        }
        Ok(())
    }

    /// The grant that it carries.
    ///
    /// # Errors
    /// [`Reason::NoGrant`] or [`Reason::Document`].
    pub fn grant(&self) -> Result<Grant, Reason> {
        grant_of(&self.inner)
    }

    /// The approvals that it carries; none at all is an empty list.
    ///
    /// # Errors
    /// [`Reason::Approvals`] if the list cannot be read.
    pub fn approvals(&self) -> Result<Approvals, Reason> {
        match self.inner.extensions().get(APPROVALS_EXTENSION) {
            Some(text) => Approvals::parse(text).map_err(Reason::Approvals),
            None => Ok(Approvals::default()),
        }
    }

    /// Checks that the certificate says exactly what its grant makes it say: key id, principals,
    /// critical options and extensions, and that it does not outlive the window.
    ///
    /// # Errors
    /// [`Reason::CertificateDiffers`] names the first field that says otherwise.
    pub fn check_against(&self, grant: &Grant) -> Result<(), Reason> {
        let differs = |field| Err(Reason::CertificateDiffers(field));
        if self.inner.serial() == 0 {
            return differs("serial");
        }
        if self.inner.key_id() != grant.key_id() {
            return differs("key id");
        }
        if self.inner.valid_principals() != grant.principals() {
            return differs("principals");
        }
        let wanted = grant.sources.source_address().map(|list| ("source-address", list));
        let options = self.inner.critical_options().iter().map(|(name, data)| (name.as_str(), data.clone()));
        if !options.eq(wanted) {
            return differs("critical options");
        }
        let carried = [GRANT_EXTENSION, APPROVALS_EXTENSION];
        let extensions = self.inner.extensions().iter().filter(|(name, _)| !carried.contains(&name.as_str()));
        if !extensions.map(|(name, data)| (name.as_str(), data.as_str())).eq(grant
            .features
            .permits()
            .into_iter()
            .map(|name| (name, "")))
        {
            return differs("extensions");
        }
        if self.inner.valid_before() > grant.window.closes().secs() {
            return differs("end of validity");
        }
        Ok(())
    }
}

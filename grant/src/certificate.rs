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
        if !is_known_kind(blob) {
            return Err(Reason::CertificateUnreadable);
        }
        let inner = match ssh_key::Certificate::from_bytes(blob) {
            Ok(inner) => inner,
            Err(_) => return Err(Reason::CertificateUnreadable),
        };
        if matches!(inner.signature_key(), ssh_key::public::KeyData::Certificate(_)) {
            // A certificate as a CA's key: no chain exists, and its kind may be one that can't be written again.
            return Err(Reason::CertificateUnreadable);
        }
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

/// Certificate kinds that OpenSSH has (PROTOCOL.certkeys, PROTOCOL.u2f); not all of them are accepted.
const KINDS: [&str; 10] = [
    "ssh-ed25519-cert-v01@openssh.com",
    "ecdsa-sha2-nistp256-cert-v01@openssh.com",
    "ssh-rsa-cert-v01@openssh.com",
    "rsa-sha2-256-cert-v01@openssh.com",
    "rsa-sha2-512-cert-v01@openssh.com",
    "sk-ssh-ed25519-cert-v01@openssh.com",
    "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com",
    "ecdsa-sha2-nistp384-cert-v01@openssh.com",
    "ecdsa-sha2-nistp521-cert-v01@openssh.com",
    "ssh-dss-cert-v01@openssh.com",
];

/// Whether the blob begins with the name of a known kind. `ssh-key` also reads names of its readers' own
/// making, and panics when it writes some of them again (found by fuzzing: `-cert-v01@openssh.com@x`).
fn is_known_kind(blob: &[u8]) -> bool {
    let Some((length, rest)) = blob.split_first_chunk::<4>() else { return false };
    let name = usize::try_from(u32::from_be_bytes(*length)).ok().and_then(|length| rest.get(..length));
    name.is_some_and(|name| KINDS.iter().any(|kind| kind.as_bytes() == name))
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

#[cfg(test)]
mod tests {
    use base64ct::{Base64, Encoding};

    use super::*;

    /// Found by fuzzing: `ssh-key` reads it, and panics when it writes the name of its kind again.
    const NAMELESS_KIND: &str = "AAAAIC1jZXJ0LXYwMUBvcGVuc3NoLmNvbW9wZW5zc2guY29tAAAAIKGlE7MQYMVqtSvHcxr7TdFK0tsWhOsziEss8uy8Mx35AAAAIA5Z54vHaQbTCpE2An44CCndGk+4Ht5o0LHZGiG62yXnAAAAAAAAACoAAAABAAAAEEctN0YzSzlRIGFjbWUvam8AAAAZAAAAFWFjbWUtc3VwcG9ydEBkYjEucHJvZAAAAABrBZp8AAAAAGsFm6gAAAAmAAAADnNvdXJjZS1hZGRyZXNzAAAAEAAAAAwxOTIuMC4yLjAvMjQAAAPBAAAAEWFwcHJvdmFsc0BwYW0taml0AAAA+QAAAPVVMU5JVTBsSEFBQUFBUUFBQURNQUFBQUxjM05vTFdWa01qVTFNVGtBQUFBZzB5VXBicW9hOUlTNkovay9KM3dJM2NQL2pCNmlaOVVNbmVHd3BBRTdOZE1BQUFBTlozSmhiblJBY0dGdExXcHBkQUFBQUFBQUFBQUdjMmhoTlRFeUFBQUFVd0FBQUF0emMyZ3RaV1F5TlRVeE9RQUFBRUJtakhhWllxNkszQjd2VmlmUlo0c1BLV0YxcElmZlVQZjMzeW01dHEyRlZoNDRwa2Fmdnp0eVc1OSs4cVlWWUFFc1lXci9FUFRjTUM3eHZJdkF5MlVKCgAAAA1ncmFudEBwYW0taml0AAACiAAAAoRwYW0taml0IGdyYW50IDEKYXV0aG9yaXR5OiBTSEEyNTY6THY3SEk2aW5adXQ2L1VUL2JFWm9yMTZDdmlOS1ZYVkE1cGVxRW95M0FjTQpncmFudDogRy03RjNLOVEKdmVuZG9yOiBhY21lCnBlcnNvbjogYWNtZS9qbwprZXlzOiBTSEEyNTY6UTZQM1BEcUNUdU5hUC9TYmI2RUFkdjNZZ0V5cC8yTklPcWdodzk5TytjYyxTSEEyNTY6ZjJqbXV6RTlpRTk0d1V6VFZFZndoQUR0SVoxWGU4cEl1QmRyVU4wK0UzTSxTSEEyNTY6dDAvMENqeGdaTGpYM0l3ZHY2dHE4Z3BrbVVyRE5zQWRlNVo5VXRkMEtwZyxTSEEyNTY6eXV6bC9IWFZ5RU5pcFU4U256Y2YvamdEMi9mTWk0R01Nb0RqemdQaHFJVSxTSEEyNTY6NDVYTXlrYThjV0RER3FPTXYzWC9oeFRQc1YzR3pncFdPWTNzY0dzTWhxWQpob3N0czogZGIxLnByb2QKcm9sZXM6IC0KYWNjb3VudHM6IGFjbWUtc3VwcG9ydApmcm9tOiAxOTIuMC4yLjAvMjQKZmVhdHVyZXM6IHB0eSxzZnRwCm9wZW5zOiAyMDI2LTExLTI0VDE0OjAwOjAwWgpjbG9zZXM6IDIwMjYtMTEtMjRUMTQ6MzA6MDBaCmV4dGVuZGFibGUtdG86IC0KdXNlczogdW5saW1pdGVkCnNlc3Npb25zOiB1bmxpbWl0ZWQKcmVhc29uOiByZXN0b3JlIHRoZSBiaWxsaW5nIGluZGV4CnRpY2tldDogT1BTLTEyMzQKYXBwcm92YWxzOiAxCgAAAApwZXJtaXQtcHR5AAAAAAAAAAAAAAGXAAAAB3NzaC1yc2EAAAADAQABAAABgQDBxswlvB4BUWq9WOPZ/s7FP9dKPEaEz2fZORy3M9FTE32rabxIjgNfRFjFq0mL/Kx24WXX3muMtiXw/77MH51ii6YI1cpDi5NxLHyGx9ICWtzEbSelfJecNZCNNtl8vDaY1PQEN/k8Rh4lp+ltEdn8vt10P4NP3zhx3ry11FYLKFtAqaIHyZmPGHIHm5Nxh+4k4aiMuFdU8jrSFe2xZrIWqwSwcj6xb4Xv6pJ3+OKAPhGvXCW9fcUKdsVNSAyvADliRxFecor2dFXhLHQHZunX+ifcjW7f57CJ5IGaE4sU3bsHkUBsuPrF4xThTxFTsJ75NDDcIwxi05jBCh5LmG3Gjw/q5JzO2n/l1xf3ILXoMHN0cfMi9WbtWRY6p56AmPsfmyOXwHkkrocGllzfpllfk3qsDIHKVXsGtJpuQZ5vTgEhDBURcdjNaaKqk3Gn+2FOhO7D4RNiI9IunzG0WpnGTw2kuv4n8flonJDhBQN27tEeSYr9o+E3rurJVMK2PR0AAAGPAAAAB3NzaC1yc2EAAAGAardVR4lNycXE/OCPjX/BRA2qTSSXm1Gm/qxS2mvOisRh2Nsy3vU/D17eRtaPLbB1mJQsFaV9FvrCHl6GHjSisV7NwH8rsvvz4vfABtmlMf2oLGj0n1elEUzLKlfSJ8QZ5Z9xW7lXho9g1RilzJyzteJRf6iOuo51Y1/Hf4nv67GLz+3kWaYbugBKnOFWFUPM/taCcTYGsvOxb95S7gWnnpj0Xwxj83ltbYxpbUQqwwqQUpyLRUpuoo8PBBFAHkrIh0HLtHqI7KLQEj7l8juGo0YOHwdvCFyPHBE/CEmipHYmMaJTIDkwmtmfiGnj8qBzI48XyR8LeiG6ZDx8nDQ0KwyC5hIgxIewe9DKS3v5b2j+Rtrq+1a9dSyI3VjZHBuAXRI4yQAjOq4EetszUKnsEAOith6AjOfa4s8jemc99qpcD/FPHWFkh6g/kJ5DinveLWimCH0sQsJc+Kbl7AM3L4S3HW6cpmPXWzUgP43sY3cDK/FGXxc3KkvPdtI1Ee0i";

    #[test]
    fn a_certificate_of_a_kind_without_a_name_is_no_panic() {
        let blob = Base64::decode_vec(NAMELESS_KIND).unwrap();
        assert_eq!(Certificate::read(&blob).unwrap_err(), Reason::CertificateUnreadable);
    }
}

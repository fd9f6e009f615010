//! Looking at a certificate: what it says, and what a host would say to it now.
//!
//! The certificate may be foreign, altered or broken; nothing of it is believed. What it says is told as
//! its claim, and the verdict is the one function that hosts use.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use base64ct::{Base64, Encoding};
use grant::{
    Approvals, ApproverName, Certificate, Fingerprint, Grant, HostName, Login, Reason, UnixTime, Verdict,
};

use crate::ledger::key::Owner;
use crate::ledger::{certificate, host, key};
use crate::{Authority, Error, durable, limits};

/// Where a login would be tried; what is left out is taken from the grant.
#[derive(Debug, Clone, Default)]
pub struct Try {
    /// On which host.
    pub host: Option<HostName>,
    /// As which account.
    pub account: Option<String>,
    /// From which address.
    pub source: Option<IpAddr>,
}

/// The signature of an approval that a certificate carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedApproval {
    /// By which key.
    pub fingerprint: Fingerprint,
    /// Whose key that is, if an approver's who has not ended.
    pub approver: Option<ApproverName>,
    /// Does the signature hold?
    pub holds: bool,
}

/// What a certificate says, and the verdict on it.
#[derive(Debug)]
pub struct Inspection {
    /// The certificate as it was read; nothing in it is verified.
    pub claims: ssh_key::Certificate,
    /// The fingerprint of the key that it is for.
    pub key: String,
    /// The fingerprint of the key that signed it.
    pub signed_by: String,
    /// Is that our CA key?
    pub ours: bool,
    /// Does the ledger hold exactly these bytes?
    pub in_ledger: bool,
    /// The grant that it carries, or why there is none.
    pub grant: Result<Grant, Reason>,
    /// The approvals that it carries.
    pub approvals: Vec<ClaimedApproval>,
    /// The host, the account and the address that the verdict is for; none when no host is known.
    pub tried: Option<(HostName, String, IpAddr)>,
    /// Would it be accepted?
    pub verdict: Option<Verdict>,
}

/// Reads a certificate file to the certificate's blob. `-` is standard input.
///
/// # Errors
/// [`Error`] that says in one sentence what the file holds instead.
pub fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let text = durable::read_text(path, "certificate", limits::CERTIFICATE_FILE)?;
    parse(&text, &path.display().to_string())
}

fn parse(text: &str, place: &str) -> Result<Vec<u8>, Error> {
    let fail = |problem, hint: Option<&str>| {
        Err(Error::Content { place: place.to_owned(), problem, hint: hint.map(str::to_owned) })
    };
    let text = text.trim_ascii();
    if text.is_empty() {
        return fail("is empty", None);
    }
    if text.contains('\n') {
        return fail("is not one certificate: it has more than one line", None);
    }
    let mut words = text.split_ascii_whitespace();
    let (kind, body) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    if !kind.ends_with("-cert-v01@openssh.com") {
        let hint = "a certificate file is one line that begins like ssh-ed25519-cert-v01@openssh.com";
        return fail("is not an OpenSSH certificate", Some(hint));
    }
    let Ok(blob) = Base64::decode_vec(body) else {
        return fail("is damaged: its second word is not base64", None);
    };
    // The word before the base64 must be the one inside it, or tools will read it differently.
    let inner = blob.split_first_chunk::<4>().and_then(|(length, rest)| {
        rest.get(..usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX))
    });
    if inner != Some(kind.as_bytes()) {
        return fail("is damaged: its first word is not the kind of the certificate", None);
    }
    Ok(blob)
}

/// What a certificate says, and what a host would say to it.
///
/// # Errors
/// [`Error::Content`] when it is too broken to say anything.
pub fn inspect(
    authority: &Authority,
    blob: &[u8],
    place: &str,
    wanted: &Try,
    now: UnixTime,
) -> Result<Inspection, Error> {
    let read = Certificate::read(blob).map_err(|reason| Error::Content {
        place: place.to_owned(),
        problem: match reason {
            Reason::CertificateTooLarge(_) => "is larger than a certificate can be",
            Reason::CertificateNotCanonical => "is damaged: its bytes are not those of any certificate",
            _ => "is damaged: it cannot be read as a certificate",
        },
        hint: None,
    })?;
    let claims = read.unverified().clone();
    let grant = read.unverified_grant();
    let ledger = authority.ledger();
    let approvals = match &grant {
        Ok(grant) => claimed_approvals(authority, &claims, grant)?,
        Err(_) => Vec::new(),
    };
    let tried = place_of(authority, grant.as_ref().ok(), wanted)?;
    let verdict = match &tried {
        None => None,
        Some((host, account, source)) => {
            let roles = host::find(ledger, host).map(|host| host.roles).unwrap_or_default();
            let trust = authority.trust_of(host.clone(), roles, now)?;
            let login = Login { account: account.clone(), source: *source };
            Some(grant::decide(blob, &trust, &login, now))
        }
    };
    let sha256 = ssh_key::HashAlg::Sha256;
    Ok(Inspection {
        key: claims.public_key().fingerprint(sha256).to_string(),
        signed_by: claims.signature_key().fingerprint(sha256).to_string(),
        ours: claims.signature_key() == authority.ca_public().as_ssh(),
        in_ledger: certificate::bytes(ledger, claims.serial())?.as_deref() == Some(blob),
        claims,
        grant,
        approvals,
        tried,
        verdict,
    })
}

fn claimed_approvals(
    authority: &Authority,
    claims: &ssh_key::Certificate,
    grant: &Grant,
) -> Result<Vec<ClaimedApproval>, Error> {
    let text = claims.extensions().get(grant::certificate::APPROVALS_EXTENSION);
    let Some(Ok(approvals)) = text.map(|text| Approvals::parse(text)) else { return Ok(Vec::new()) };
    let document = grant.render();
    let mut found = Vec::new();
    for approval in approvals.iter() {
        let fingerprint = approval.key().fingerprint();
        let approver = match key::find(authority.ledger(), &fingerprint)? {
            Some(enrolled) if enrolled.is_active() => match enrolled.owner {
                Owner::Approver(name) => Some(name),
                Owner::Person(_) => None,
            },
            _ => None,
        };
        found.push(ClaimedApproval {
            fingerprint,
            approver,
            holds: approval.verify(document.as_bytes()).is_ok(),
        });
    }
    Ok(found)
}

/// The host that was asked for, or the first that the grant names, by itself or by role.
fn place_of(
    authority: &Authority,
    grant: Option<&Grant>,
    wanted: &Try,
) -> Result<Option<(HostName, String, IpAddr)>, Error> {
    let by_role = |grant: &Grant| -> Result<Option<HostName>, Error> {
        for role in &grant.roles {
            if let Some(host) = host::with_role(authority.ledger(), role)?.into_iter().next() {
                return Ok(Some(host));
            }
        }
        Ok(None)
    };
    let host = match (&wanted.host, grant) {
        (Some(host), _) => Some(host.clone()),
        (None, Some(grant)) => match grant.hosts.first() {
            Some(host) => Some(host.clone()),
            None => by_role(grant)?,
        },
        (None, None) => host::all(authority.ledger())?.into_iter().next().map(|host| host.name),
    };
    let account = wanted
        .account
        .clone()
        .or_else(|| grant.and_then(|grant| Some(grant.accounts.first()?.to_string())))
        .unwrap_or_default();
    let source = wanted.source.or_else(|| grant.and_then(first_address)).unwrap_or(ANYWHERE);
    Ok(host.map(|host| (host, account, source)))
}

/// An address that stands for any (RFC 5737).
const ANYWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

fn first_address(grant: &Grant) -> Option<IpAddr> {
    let networks = grant.sources.source_address()?;
    networks.split([',', '/']).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> String {
        parse(text, "x-cert.pub").unwrap_err().to_string()
    }

    #[test]
    fn what_is_no_certificate_is_named() {
        assert_eq!(problem(" \n"), "x-cert.pub is empty");
        assert_eq!(problem("ssh-ed25519 AAAA jo"), "x-cert.pub is not an OpenSSH certificate");
        let cert = "ssh-ed25519-cert-v01@openssh.com";
        assert_eq!(problem(&format!("{cert} !!!!")), "x-cert.pub is damaged: its second word is not base64");
        assert_eq!(
            problem(&format!("{cert} AAAAC3NzaC1lZDI1NTE5")),
            "x-cert.pub is damaged: its first word is not the kind of the certificate"
        );
        assert_eq!(
            problem(&format!("{cert} AAAA\n{cert} AAAA")),
            "x-cert.pub is not one certificate: it has more than one line"
        );
    }
}

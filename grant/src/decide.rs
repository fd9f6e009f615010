//! The verdict: certificate + what the host believes + the login + now.
//!
//! This file is the specification of a login (docs/grant-format.md, "Verdict"). Each line either goes
//! on or refuses, in this order. It reads no file and no clock.

use crate::approval::Approvals;
use crate::certificate::{Certificate, SignedCertificate};
use crate::document::Grant;
use crate::fingerprint::Digest;
use crate::key::SignatureError;
use crate::name::{AccountName, ApproverName};
use crate::reason::{Discounted, Reason};
use crate::trust::{Enforced, Login, Trust};
use crate::unix_time::UnixTime;
use crate::verdict::{Claim, ClaimedGrant, Refusal, Terms, Verdict, VerifiedGrant};
use crate::window::WindowState;

/// The verdict on one login with the certificate `blob`, at `now`.
pub fn decide(blob: &[u8], trust: &Trust, login: &Login, now: UnixTime) -> Verdict {
    let refuse = |reason, claim| Verdict::Refuse(Box::new(Refusal { reason, claim }));
    let certificate = match Certificate::read(blob).and_then(|read| read.signed_by(&trust.ca_keys)) {
        Ok(certificate) => certificate,
        Err(reason) => return refuse(reason, None),
    };
    match verify(&certificate, trust, login, now) {
        Ok(terms) => Verdict::Allow(Box::new(terms)),
        Err(reason) => refuse(reason, Some(claim(&certificate))),
    }
}

/// What must hold once the certificate is readable and signed by a trusted CA.
fn verify(
    certificate: &SignedCertificate,
    trust: &Trust,
    login: &Login,
    now: UnixTime,
) -> Result<Terms, Reason> {
    trust.check_age(now)?;
    let grant = certificate.grant()?;
    let id = || grant.id.clone();

    if grant.authority != trust.authority {
        return Err(Reason::OtherAuthority);
    }
    check_window(&grant, now)?;
    certificate.check_validity(now)?;
    if !grant.keys.contains(&certificate.key().fingerprint()) {
        return Err(Reason::KeyNotListed(id()));
    }
    certificate.check_against(&grant)?;

    let document = grant.render();
    let digest = Digest::of(document.as_bytes());
    let approved_by = count_approvals(&grant, document.as_bytes(), &certificate.approvals()?, trust, now)?;

    if !grant.hosts.contains(&trust.host) && grant.roles.is_disjoint(&trust.roles) {
        return Err(Reason::OtherHost { grant: id(), here: trust.host.clone() });
    }
    let account = granted_account(&grant, &login.account)?;
    if !grant.sources.contain(login.source) {
        return Err(Reason::OtherSource { grant: id(), source: login.source.to_canonical() });
    }
    check_enforced(&grant, trust.enforced)?;

    if let Some(by) = trust.revoked.meets(&digest, certificate.serial(), &grant.person) {
        return Err(Reason::Revoked { grant: id(), by });
    }
    Ok(Terms {
        digest,
        account,
        serial: certificate.serial(),
        key: certificate.key().fingerprint(),
        valid_before: certificate.valid_before(),
        approved_by,
        grant: VerifiedGrant(grant),
    })
}

fn check_window(grant: &Grant, now: UnixTime) -> Result<(), Reason> {
    match grant.window.state(now) {
        WindowState::Open => Ok(()),
        WindowState::NotYetOpen => {
            Err(Reason::NotYetOpen { grant: grant.id.clone(), opens: grant.window.opens(), now })
        }
        WindowState::Closed => {
            Err(Reason::Closed { grant: grant.id.clone(), closed: grant.window.closes(), now })
        }
    }
}

/// The approvers whose approvals count: distinct names, distinct keys, none of them the person's own.
fn count_approvals(
    grant: &Grant,
    document: &[u8],
    approvals: &Approvals,
    trust: &Trust,
    now: UnixTime,
) -> Result<Vec<ApproverName>, Reason> {
    let mut counted = Vec::new();
    let mut discounted = Vec::new();
    for approval in approvals.iter() {
        let held = approval.verify(document);
        if !matches!(held, Ok(()) | Err(SignatureError::NoTouch)) {
            return Err(Reason::BadApproval(grant.id.clone()));
        }
        let approver = trust.approvers.by_key(approval.key());
        match approver {
            _ if grant.keys.contains(&approval.key().fingerprint()) => discounted.push(Discounted::OwnKey),
            None => discounted.push(Discounted::Unknown),
            Some(approver) if !approver.valid_at(now) => {
                discounted.push(Discounted::Ended(approver.name.clone()))
            }
            Some(approver) if held.is_err() => discounted.push(Discounted::NoTouch(approver.name.clone())),
            Some(approver) if counted.contains(&approver.name) => {
                discounted.push(Discounted::Again(approver.name.clone()))
            }
            Some(approver) => counted.push(approver.name.clone()),
        }
    }
    let needed = grant.approvals.max(trust.minimum_approvals);
    if counted.len() >= usize::from(needed) {
        return Ok(counted);
    }
    let count = u8::try_from(counted.len()).unwrap_or(u8::MAX);
    Err(Reason::TooFewApprovals { grant: grant.id.clone(), needed, counted: count, discounted })
}

fn granted_account(grant: &Grant, account: &str) -> Result<AccountName, Reason> {
    let granted = grant.accounts.iter().find(|granted| granted.as_str() == account);
    granted.cloned().ok_or_else(|| {
        let granted: Vec<_> = grant.accounts.iter().map(AccountName::as_str).collect();
        Reason::OtherAccount { grant: grant.id.clone(), granted: granted.join(", ") }
    })
}

/// A limit that nothing on the host keeps is refused rather than ignored.
fn check_enforced(grant: &Grant, enforced: Enforced) -> Result<(), Reason> {
    let limits = [
        ("uses", grant.uses.is_some(), enforced.uses),
        ("sessions", grant.sessions.is_some(), enforced.sessions),
        ("extendable-to", grant.extendable_to.is_some(), enforced.extendable_to),
        ("sudo", grant.features.sudo, enforced.sudo),
    ];
    match limits.into_iter().find(|(_, used, kept)| *used && !*kept) {
        Some((limit, _, _)) => Err(Reason::NotEnforced { grant: grant.id.clone(), limit }),
        None => Ok(()),
    }
}

fn claim(certificate: &SignedCertificate) -> Claim {
    let grant = certificate.grant().ok().map(|grant| ClaimedGrant {
        id: grant.id.clone(),
        vendor: grant.vendor.clone(),
        person: grant.person.clone(),
        digest: grant.digest(),
    });
    Claim { serial: certificate.serial(), key: certificate.key().fingerprint(), grant }
}

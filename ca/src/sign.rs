//! Signing a certificate: this file reads as the rule of who gets one.
//!
//! Nothing that is stored is believed: the document is parsed again, every approval is verified again.
//! Everything happens in one transaction, so that what was checked is what holds when the certificate is
//! written down; its bytes are given out only after the commit.

use grant::{
    Approval, Approvals, ApproverName, Fingerprint, GrantId, Issue, PublicKey, UnixTime, WindowState,
};
use rusqlite::Connection;

use crate::Error;
use crate::keys::CaKey;
use crate::ledger::certificate::{self, NewCertificate};
use crate::ledger::grant_record::{self, GrantRecord, Standing};
use crate::ledger::key::{self, Owner};
use crate::ledger::vendor::Vendor;
use crate::ledger::{Ledger, person, vendor};
use crate::refused::Refused;

/// A wish for a certificate.
#[derive(Debug, Clone)]
pub struct Request {
    /// Of which grant.
    pub grant: GrantId,
    /// For which key; may be left out when the grant is for one key only.
    pub key: Option<PublicKey>,
    /// How long it should live, in seconds.
    pub lifetime: u64,
}

/// A certificate that stands in the ledger.
#[derive(Debug, Clone)]
pub struct Issued {
    /// Its serial.
    pub serial: u64,
    /// The certificate.
    pub certificate: ssh_key::Certificate,
    /// Its grant.
    pub record: GrantRecord,
    /// The person's key.
    pub key: PublicKey,
    /// The first second at which it is valid.
    pub valid_after: UnixTime,
    /// The first second at which it is not valid any more.
    pub valid_before: UnixTime,
}

/// A request that the rules allow at this moment.
struct Allowed {
    record: GrantRecord,
    vendor: Vendor,
    key: PublicKey,
    approvals: Approvals,
}

/// Checks a request without signing, so that nobody is asked for a passphrase in vain.
///
/// # Errors
/// [`Refused`], or a ledger that cannot be read.
pub fn check(ledger: &Connection, request: &Request, now: UnixTime) -> Result<(), Error> {
    allow(ledger, request, now).map(drop)
}

/// Signs a certificate and writes it down.
///
/// # Errors
/// [`Refused`], a ledger or key that cannot be used. No certificate then exists.
pub fn sign(
    ledger: &mut Ledger,
    ca_key: &CaKey,
    request: &Request,
    now: UnixTime,
    by_whom: &str,
) -> Result<Issued, Error> {
    let change = ledger.change(now, by_whom)?;
    let allowed = allow(&change, request, now)?;
    let (valid_after, valid_before) = validity(&allowed, request.lifetime, now)?;
    let serial = certificate::next_serial(&change)?;
    let certificate = Issue {
        grant: &allowed.record.grant,
        approvals: &allowed.approvals,
        key: &allowed.key,
        serial,
        valid_after,
        valid_before,
        nonce: nonce()?,
    }
    .sign(ca_key)
    .map_err(|e| ca_key.take_failure().map_or(Error::Sign(e), Error::Agent))?;
    let bytes = certificate.to_bytes().map_err(Error::Sign)?;
    let new = NewCertificate {
        record: &allowed.record,
        fingerprint: allowed.key.fingerprint(),
        valid_after,
        valid_before,
        bytes: &bytes,
    };
    certificate::add(&change, serial, &new)?;
    change.commit()?;
    Ok(Issued { serial, certificate, record: allowed.record, key: allowed.key, valid_after, valid_before })
}

/// The rules.
fn allow(ledger: &Connection, request: &Request, now: UnixTime) -> Result<Allowed, Error> {
    let standing = grant_record::standing(ledger, grant_record::find(ledger, &request.grant)?)?;
    expect_neither_denied_nor_revoked(&standing)?;
    let grant = &standing.record.grant;
    let vendor = vendor::find(ledger, &grant.vendor)?.expect_active(now)?;
    let person = person::find(ledger, &grant.person)?.expect_active()?;
    let key = choose_key(ledger, &standing.record, request.key.as_ref(), &person.owner())?;
    let approvals = enough_approvals(ledger, &standing)?;
    expect_open(&standing.record, now)?;
    Ok(Allowed { record: standing.record, vendor, key, approvals })
}

fn expect_neither_denied_nor_revoked(standing: &Standing) -> Result<(), Refused> {
    if let Some(revocation) = &standing.revocation {
        return Err(Refused::Revoked(revocation.clone()));
    }
    if let Some(denial) = &standing.denial {
        return Err(Refused::Denied {
            grant: standing.record.grant.id.clone(),
            approver: denial.approver.clone(),
            reason: denial.reason.clone(),
        });
    }
    Ok(())
}

fn expect_open(record: &GrantRecord, now: UnixTime) -> Result<(), Refused> {
    let grant = record.grant.id.clone();
    let window = record.grant.window;
    match window.state(now) {
        WindowState::Open => Ok(()),
        WindowState::NotYetOpen => Err(Refused::NotYetOpen { grant, opens: window.opens(), now }),
        WindowState::Closed => Err(Refused::Closed { grant, closed: window.closes(), now }),
    }
}

/// The key must stand in the grant and still be enrolled for the person.
fn choose_key(
    ledger: &Connection,
    record: &GrantRecord,
    wanted: Option<&PublicKey>,
    person: &Owner,
) -> Result<PublicKey, Error> {
    let keys: Vec<Fingerprint> = record.grant.keys.iter().copied().collect();
    let fingerprint = match (wanted, keys.as_slice()) {
        (Some(key), _) => key.fingerprint(),
        (None, [only]) => *only,
        (None, _) => {
            return Err(Refused::WhichKey { grant: record.grant.id.clone(), count: keys.len(), keys }.into());
        }
    };
    if !keys.contains(&fingerprint) {
        return Err(Refused::KeyNotInGrant { grant: record.grant.id.clone(), fingerprint, keys }.into());
    }
    match key::find(ledger, &fingerprint)? {
        Some(enrolled) if enrolled.owner == *person && enrolled.is_active() => Ok(enrolled.key),
        _ => Err(Refused::KeyEnded { fingerprint, person: record.grant.person.clone() }.into()),
    }
}

/// Verifies every stored approval again; what does not count is said, not carried.
fn enough_approvals(ledger: &Connection, standing: &Standing) -> Result<Approvals, Error> {
    let grant = &standing.record.grant;
    let document = grant.render();
    let mut counted: Vec<(&ApproverName, Approval)> = Vec::new();
    let mut others = Vec::new();
    for stored in &standing.approvals {
        let name = &stored.approver;
        let approval = match Approval::from_armored(&stored.armored) {
            Ok(approval) => approval,
            Err(problem) => {
                others.push(format!("{name}: {problem}"));
                continue;
            }
        };
        let enrolled = key::find(ledger, &approval.key().fingerprint())?;
        let theirs = enrolled.is_some_and(|k| k.is_active() && k.owner == Owner::Approver(name.clone()));
        if !stored.counts || !theirs {
            others.push(format!("{name} or the key has ended"));
        } else if grant.keys.contains(&approval.key().fingerprint()) {
            others.push(format!("{name} signed with a key of the requester"));
        } else if let Err(problem) = approval.verify(document.as_bytes()) {
            others.push(format!("{name}: {problem}"));
        } else if counted.iter().any(|(before, _)| *before == name) {
            others.push(format!("{name} signed twice"));
        } else {
            // Keys are distinct by the ledger's primary key.
            counted.push((name, approval));
        }
    }
    if counted.len() < usize::from(grant.approvals) {
        return Err(Refused::TooFewApprovals {
            grant: grant.id.clone(),
            counted: counted.len(),
            needed: grant.approvals,
            others,
        }
        .into());
    }
    Approvals::new(counted.into_iter().map(|(_, approval)| approval))
        .map_err(|source| Error::Approval { place: format!("the list of grant {}", grant.id), source })
}

/// From a little before now, for hosts whose clocks are late, but not before the window opens; until
/// the lifetime, the window or the vendor ends, whichever is first.
fn validity(allowed: &Allowed, lifetime: u64, now: UnixTime) -> Result<(UnixTime, UnixTime), Refused> {
    let window = allowed.record.grant.window;
    let after = now.minus(grant::limits::BACKDATE).max(window.opens());
    let before = now.plus(lifetime).min(window.closes()).min(allowed.vendor.over_at());
    if before > now {
        Ok((after, before))
    } else {
        let vendor = allowed.vendor.name.to_string();
        Err(Refused::TooLate { vendor, at: allowed.vendor.over_at() })
    }
}

fn nonce() -> Result<[u8; 32], Error> {
    let mut nonce = [0; 32];
    getrandom::fill(&mut nonce)
        .map_err(|e| Error::System { step: "get random bytes", problem: e.to_string() })?;
    Ok(nonce)
}

//! Approving and denying: a signature is verified before it is written down.
//!
//! What an approver signs are the exact bytes of the document. The signature may be made here with a key
//! file, by an ssh-agent (FIDO keys too), or elsewhere with `ssh-keygen -Y sign`.

use grant::{Approval, ApproverName, GrantId, PublicKey, ReasonText, UnixTime};
use rusqlite::Connection;
use signature::Signer;
use ssh_key::{PrivateKey, Signature};

use crate::Error;
use crate::agent::Agent;
use crate::keys::KeyError;
use crate::ledger::grant_record::{self, GrantRecord, Standing, State};
use crate::ledger::key::{self, EnrolledKey, Owner};
use crate::ledger::{Change, approval, approver};
use crate::refused::Refused;

/// Refuses a grant that cannot be approved or denied any more.
///
/// # Errors
/// [`Refused`].
pub fn expect_undecided(standing: &Standing, now: UnixTime) -> Result<(), Refused> {
    let grant = standing.record.grant.id.clone();
    match (standing.state(now), &standing.revocation, &standing.denial) {
        (_, Some(revocation), _) => Err(Refused::Revoked(revocation.clone())),
        (_, _, Some(denial)) => {
            Err(Refused::Denied { grant, approver: denial.approver.clone(), reason: denial.reason.clone() })
        }
        (State::Closed | State::Lapsed, _, _) => {
            Err(Refused::Closed { grant, closed: standing.record.grant.window.closes(), now })
        }
        _ => Ok(()),
    }
}

/// Refuses an approver who cannot approve this grant: unknown, ended, or approved it already.
///
/// # Errors
/// [`Refused`].
pub fn expect_may_approve(
    ledger: &Connection,
    standing: &Standing,
    name: &ApproverName,
    now: UnixTime,
) -> Result<(), Error> {
    expect_undecided(standing, now)?;
    approver::find(ledger, name)?.expect_active()?;
    if let Some(before) = standing.approvals.iter().find(|stored| stored.approver == *name && stored.counts) {
        return Err(Refused::ApprovedAlready {
            grant: standing.record.grant.id.clone(),
            approver: name.clone(),
            at: before.approved_at,
        }
        .into());
    }
    Ok(())
}

/// Signs a document with a key that was opened from a file.
///
/// # Errors
/// [`KeyError`] when the key cannot sign.
pub fn with_key(key: &PrivateKey, document: &[u8]) -> Result<Approval, Error> {
    let failed = |e: &dyn std::fmt::Display| KeyError::Crypto { step: "sign", problem: e.to_string() };
    let public = PublicKey::from_ssh(key.public_key().key_data().clone())
        .map_err(|source| Error::PublicKey { place: "the key cannot approve".to_owned(), source })?;
    let signature: Signature = key.try_sign(&Approval::signed_data(document)).map_err(|e| failed(&e))?;
    finish(&public, signature)
}

/// Signs a document with a key of the approver's that the ssh-agent holds.
///
/// # Errors
/// [`Refused::NoAgentKey`], or the agent's.
pub fn with_agent(
    ledger: &Connection,
    name: &ApproverName,
    agent: &mut Agent,
    document: &[u8],
) -> Result<Approval, Error> {
    let enrolled = key::active_of(ledger, &Owner::Approver(name.clone()))?;
    let held = agent.keys()?;
    let key = enrolled
        .iter()
        .map(|enrolled| &enrolled.key)
        .find(|key| held.contains(key.as_ssh()))
        .ok_or_else(|| Refused::NoAgentKey(name.clone()))?;
    let signature = agent.sign(key.as_ssh(), &Approval::signed_data(document))?;
    finish(key, signature)
}

fn finish(key: &PublicKey, signature: Signature) -> Result<Approval, Error> {
    Approval::from_signature(key, signature)
        .map_err(|source| Error::Approval { place: "the signature".to_owned(), source })
}

/// Verifies an approval and writes it down.
///
/// # Errors
/// [`Refused`] says why it does not count.
pub fn approve(
    change: &Change<'_>,
    id: &GrantId,
    name: &ApproverName,
    approval: &Approval,
) -> Result<Standing, Error> {
    let standing = grant_record::standing(change, grant_record::find(change, id)?)?;
    expect_may_approve(change, &standing, name, change.now())?;
    expect_approvers_key(change, &standing.record, name, approval)?;
    if standing.counted() >= grant::limits::APPROVALS {
        return Err(
            Refused::ApprovedFully { grant: id.clone(), needed: standing.record.grant.approvals }.into()
        );
    }
    approval
        .verify(standing.record.grant.render().as_bytes())
        .map_err(|problem| Refused::BadSignature { grant: id.clone(), problem })?;
    approval::add(change, &standing.record, name, approval)?;
    Ok(grant_record::standing(change, standing.record)?)
}

fn expect_approvers_key(
    ledger: &Connection,
    record: &GrantRecord,
    name: &ApproverName,
    approval: &Approval,
) -> Result<(), Error> {
    let fingerprint = approval.key().fingerprint();
    let enrolled = key::find(ledger, &fingerprint)?;
    if let Some(EnrolledKey { owner: Owner::Person(person), .. }) = enrolled {
        return Err(Refused::OwnRequest { fingerprint, person }.into());
    }
    // The same, should the ledger and the document ever differ.
    if record.grant.keys.contains(&fingerprint) {
        return Err(Refused::OwnRequest { fingerprint, person: record.grant.person.clone() }.into());
    }
    match enrolled {
        Some(found) if found.owner == Owner::Approver(name.clone()) && found.is_active() => Ok(()),
        Some(found) if found.owner == Owner::Approver(name.clone()) => {
            Err(Refused::ApproverKeyEnded { fingerprint, approver: name.clone() }.into())
        }
        found => Err(Refused::NotApproversKey {
            fingerprint,
            approver: name.clone(),
            owner: found.map(|found| found.owner.to_string()),
        }
        .into()),
    }
}

/// Denies a request, for good.
///
/// # Errors
/// [`Refused`] when the approver is unknown or ended, or the request is decided already.
pub fn deny(
    change: &Change<'_>,
    id: &GrantId,
    name: &ApproverName,
    reason: &ReasonText,
) -> Result<(), Error> {
    let standing = grant_record::standing(change, grant_record::find(change, id)?)?;
    expect_undecided(&standing, change.now())?;
    approver::find(change, name)?.expect_active()?;
    if matches!(standing.state(change.now()), State::Approved | State::Open) {
        return Err(
            Refused::ApprovedFully { grant: id.clone(), needed: standing.record.grant.approvals }.into()
        );
    }
    grant_record::deny(change, &standing.record, name, reason)?;
    Ok(())
}

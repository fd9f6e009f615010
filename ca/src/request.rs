//! Asking for access: from what a person wants to a grant document in the ledger.
//!
//! Whatever the authority knows is checked here; what a document alone can be checked for, the crate
//! `grant` checks. The document lists every enrolled key of the person.

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use grant::{
    AccountName, Features, Fingerprint, Grant, GrantFields, GrantId, HostName, PersonName, ReasonText,
    RoleName, Sources, Ticket, UnixTime, Window,
};

use crate::Error;
use crate::ledger::grant_record;
use crate::ledger::key;
use crate::ledger::{Change, host, person, revocation, vendor};
use crate::refused::Refused;

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Wish {
    /// Who wants in.
    pub person: PersonName,
    /// On which hosts, by name.
    pub hosts: BTreeSet<HostName>,
    /// On which hosts, by role.
    pub roles: BTreeSet<RoleName>,
    /// As which accounts.
    pub accounts: BTreeSet<AccountName>,
    /// From where.
    pub sources: Sources,
    /// With what.
    pub features: Features,
    /// When.
    pub window: Window,
    /// How far the window may be extended.
    pub extendable_to: Option<UnixTime>,
    /// How many logins.
    pub uses: Option<NonZeroU32>,
    /// How many sessions at a time.
    pub sessions: Option<NonZeroU32>,
    /// Why.
    pub reason: ReasonText,
    /// A tracker's number.
    pub ticket: Option<Ticket>,
    /// How many approvers must sign.
    pub approvals: u8,
}

/// Writes a request down.
///
/// # Errors
/// [`Refused`] or [`grant::DocumentError`] say what does not fit.
pub fn create(change: &Change<'_>, authority: Fingerprint, wish: Wish) -> Result<Grant, Error> {
    let now = change.now();
    let vendor_name = wish.person.vendor();
    let vendor = vendor::find(change, &vendor_name)?.expect_active(now)?;
    let person = person::find(change, &wish.person)?.expect_active()?;
    revocation::expect_none_of_person(change, &wish.person)?;
    for name in &wish.hosts {
        host::find(change, name)?.expect_active()?;
    }
    for role in &wish.roles {
        if host::with_role(change, role)?.is_empty() {
            return Err(Refused::RoleUnknown(role.clone()).into());
        }
    }
    let closes = wish.window.closes();
    if closes <= now {
        return Err(Refused::WindowPast { closes }.into());
    }
    let last = wish.extendable_to.map_or(closes, |end| end.max(closes));
    if last > vendor.until {
        return Err(Refused::BeyondVendor { closes: last, until: vendor.until }.into());
    }
    let keys: BTreeSet<_> =
        key::active_of(change, &person.owner())?.iter().map(|k| k.key.fingerprint()).collect();
    if keys.is_empty() {
        return Err(Refused::NoKeys(wish.person).into());
    }
    let grant = Grant::new(GrantFields {
        authority,
        id: free_id(change)?,
        vendor: vendor_name,
        person: wish.person,
        keys,
        hosts: wish.hosts,
        roles: wish.roles,
        accounts: wish.accounts,
        sources: wish.sources,
        features: wish.features,
        window: wish.window,
        extendable_to: wish.extendable_to,
        uses: wish.uses,
        sessions: wish.sessions,
        reason: wish.reason,
        ticket: wish.ticket,
        approvals: wish.approvals,
    })?;
    grant_record::add(change, &grant)?;
    Ok(grant)
}

/// An id that no grant has. There are 729 million; among a million grants a second try is rare.
fn free_id(change: &Change<'_>) -> Result<GrantId, Error> {
    loop {
        let mut random = [0; 6];
        getrandom::fill(&mut random)
            .map_err(|e| Error::System { step: "get random bytes", problem: e.to_string() })?;
        let id = GrantId::from_random(&random);
        if grant_record::is_free(change, &id)? {
            return Ok(id);
        }
    }
}

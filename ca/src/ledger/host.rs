//! Hosts: the machines that vendors log in to, each with roles.
//!
//! A host's name can be used again after it has ended, unlike a person's: machines are replaced under the
//! same name, and nothing but new grants depends on the entry.

use std::collections::BTreeSet;

use grant::{HostName, RoleName, UnixTime};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::json;

use super::{Change, LedgerError, column, event::Kind};
use crate::Error;
use crate::refused::{Noun, Refused};

/// A host as the ledger has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// Its name.
    pub name: HostName,
    /// What it is for.
    pub roles: BTreeSet<RoleName>,
    /// When it was added.
    pub added_at: UnixTime,
    /// When it ended.
    pub ended_at: Option<UnixTime>,
}

impl Host {
    /// The host, if not ended.
    ///
    /// # Errors
    /// [`Refused::Ended`].
    pub fn expect_active(self) -> Result<Self, Refused> {
        match self.ended_at {
            None => Ok(self),
            Some(at) => Err(Refused::Ended { noun: Noun::Host, name: self.name.to_string(), at }),
        }
    }
}

fn host(row: &Row<'_>) -> rusqlite::Result<Host> {
    Ok(Host {
        name: column::parsed(row, "name")?,
        roles: BTreeSet::new(),
        added_at: column::time(row, "added_at")?,
        ended_at: column::optional_time(row, "ended_at")?,
    })
}

fn roles(ledger: &Connection, name: &HostName) -> Result<BTreeSet<RoleName>, LedgerError> {
    let mut rows = ledger.prepare_cached("SELECT role FROM host_role WHERE host = ?1")?;
    let roles = rows.query_map([name.as_str()], |row| column::parsed(row, "role"))?;
    Ok(roles.collect::<rusqlite::Result<_>>()?)
}

/// The host of that name.
///
/// # Errors
/// [`Refused::Unknown`], or [`LedgerError`].
pub fn find(ledger: &Connection, name: &HostName) -> Result<Host, Error> {
    let mut row = ledger.prepare_cached("SELECT * FROM host WHERE name = ?1")?;
    let mut found = row
        .query_row([name.as_str()], host)
        .optional()?
        .ok_or_else(|| Refused::Unknown { noun: Noun::Host, name: name.to_string() })?;
    found.roles = roles(ledger, name)?;
    Ok(found)
}

/// All hosts, by name.
///
/// # Errors
/// [`LedgerError`].
pub fn all(ledger: &Connection) -> Result<Vec<Host>, LedgerError> {
    let mut rows = ledger.prepare("SELECT * FROM host ORDER BY name")?;
    let mut hosts = rows.query_map([], host)?.collect::<rusqlite::Result<Vec<_>>>()?;
    for host in &mut hosts {
        host.roles = roles(ledger, &host.name)?;
    }
    Ok(hosts)
}

/// The hosts that carry a role and have not ended.
///
/// # Errors
/// [`LedgerError`].
pub fn with_role(ledger: &Connection, role: &RoleName) -> Result<Vec<HostName>, LedgerError> {
    let mut rows = ledger.prepare_cached(
        "SELECT name FROM host JOIN host_role ON host = name WHERE role = ?1 AND ended_at IS NULL ORDER BY name",
    )?;
    let hosts = rows.query_map([role.as_str()], |row| column::parsed(row, "name"))?;
    Ok(hosts.collect::<rusqlite::Result<_>>()?)
}

/// Adds a host with its roles. The name of a host that has ended may be used again: machines are
/// replaced under the same name.
///
/// # Errors
/// [`Refused::Exists`].
pub fn add(change: &Change<'_>, name: &HostName, roles: &BTreeSet<RoleName>) -> Result<(), Error> {
    match find(change, name) {
        Ok(found) if found.ended_at.is_none() => {
            return Err(Refused::Exists { noun: Noun::Host, name: name.to_string() }.into());
        }
        Ok(_) | Err(Error::Refused(_)) => {}
        Err(other) => return Err(other),
    }
    change.execute(
        "INSERT INTO host (name, added_at) VALUES (?1, ?2)
         ON CONFLICT (name) DO UPDATE SET added_at = ?2, ended_at = NULL",
        params![name.as_str(), column::seconds(change.now())],
    )?;
    set_roles(change, name, roles)?;
    change.record(Kind::HostAdd, name.as_str(), None, json!({ "roles": roles_json(roles) }))?;
    Ok(())
}

/// Gives a host exactly these roles.
///
/// # Errors
/// [`Refused`] when it is unknown or has ended.
pub fn change_roles(change: &Change<'_>, name: &HostName, roles: &BTreeSet<RoleName>) -> Result<(), Error> {
    let found = find(change, name)?.expect_active()?;
    set_roles(change, name, roles)?;
    let detail = json!({ "roles": roles_json(roles), "was": roles_json(&found.roles) });
    change.record(Kind::HostChange, name.as_str(), None, detail)?;
    Ok(())
}

fn set_roles(change: &Change<'_>, name: &HostName, roles: &BTreeSet<RoleName>) -> Result<(), LedgerError> {
    change.execute("DELETE FROM host_role WHERE host = ?1", [name.as_str()])?;
    for role in roles {
        change
            .execute("INSERT INTO host_role (host, role) VALUES (?1, ?2)", [name.as_str(), role.as_str()])?;
    }
    Ok(())
}

fn roles_json(roles: &BTreeSet<RoleName>) -> Vec<&str> {
    roles.iter().map(RoleName::as_str).collect()
}

/// Ends a host: no new grant can name it.
///
/// # Errors
/// [`Refused`] when it is unknown or has ended.
pub fn end(change: &Change<'_>, name: &HostName) -> Result<(), Error> {
    find(change, name)?.expect_active()?;
    change.execute(
        "UPDATE host SET ended_at = ?2 WHERE name = ?1",
        params![name.as_str(), column::seconds(change.now())],
    )?;
    change.record(Kind::HostEnd, name.as_str(), None, json!({}))?;
    Ok(())
}

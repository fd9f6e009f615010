//! Looking an authority over: files, keys, ledger, clock, and what should have been ended.
//!
//! A check changes nothing and goes on after each finding, as far as what it needs is there.

mod files;

use std::path::Path;

use grant::UnixTime;
use rusqlite::Connection;

use crate::agent::Agent;
use crate::authority::file;
use crate::bundle;
use crate::config::KeyPlace;
use crate::finding::{self, Finding, Kind};
use crate::ledger::grant_record::{self, Wanted};
use crate::ledger::{event, host, person, vendor};
use crate::moment::{Local, last_day, span};
use crate::{Authority, Error, limits};

/// One part of the check of an authority that opens.
type Part = fn(&Authority, UnixTime, &mut Vec<Finding>) -> Result<(), Error>;

/// An error and its sources in one line.
#[must_use]
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        // SQLite's message has said what its code stands for.
        if source.is::<rusqlite::ffi::Error>() {
            break;
        }
        let said = source.to_string();
        // The number of a system error says nothing that its words do not.
        let said = said.split(" (os error ").next().unwrap_or_default();
        if !text.ends_with(said) {
            text.push_str(": ");
            text.push_str(said);
        }
        next = source.source();
    }
    text
}

/// Everything that is not as it should be in a directory.
#[must_use]
pub fn check(dir: &Path, now: UnixTime) -> Vec<Finding> {
    let mut findings = Vec::new();
    let opened = Authority::open(dir);
    // A mistyped directory is somebody else's: nothing is said of its mode, nor of its room.
    let is_authority = !matches!(opened, Err(Error::NoAuthority(_)));
    files::check(dir, is_authority, &mut findings);
    match opened {
        Ok(authority) => {
            let parts: [Part; 7] = [
                check_ca_key,
                check_ledger,
                check_numbers,
                check_clock,
                check_ends,
                check_grants,
                check_bundles,
            ];
            for part in parts {
                if let Err(error) = part(&authority, now, &mut findings) {
                    findings.push(of(&finding::NOT_LOOKED_AT, &error));
                }
            }
        }
        Err(error) => findings.push(of(&finding::UNUSABLE, &error)),
    }
    findings.extend(check_space(dir).filter(|_| is_authority));
    // The same file can be found twice: by its mode, and when it is opened.
    let mut seen = std::collections::BTreeSet::new();
    findings.retain(|finding| seen.insert(finding.what.clone()));
    findings.sort_by_key(|finding| finding.kind.number);
    findings
}

/// An error as a finding, with its causes.
fn of(kind: &'static Kind, error: &Error) -> Finding {
    let seen = kind.seen(chain(error));
    match error.hint() {
        Some(hint) => seen.mended_by(hint),
        None => seen,
    }
}

/// Room for what the ledger writes.
fn check_space(dir: &Path) -> Option<Finding> {
    let volume = nix::sys::statvfs::statvfs(dir).ok()?;
    let free = volume.blocks_available().saturating_mul(volume.fragment_size());
    let low = free < limits::FREE_SPACE;
    low.then(|| finding::NO_SPACE.seen(format!("{} MiB are free where the ledger is", free >> 20)))
}

fn check_ca_key(authority: &Authority, _: UnixTime, findings: &mut Vec<Finding>) -> Result<(), Error> {
    let stored: String =
        authority.ledger().query_row("SELECT ca_key FROM authority", [], |row| row.get(0))?;
    if stored != authority.ca_public().to_line() {
        findings.push(finding::OTHER_KEY.seen("ca_key.pub is not the CA key that the ledger began with"));
    }
    if authority.config().ca_key == KeyPlace::File {
        if !authority.dir().join(file::CA_KEY).exists() {
            findings.push(finding::NO_KEY.seen("the CA key file is missing"));
        }
        return Ok(());
    }
    let held = Agent::from_environment()?.keys()?;
    if !held.contains(authority.ca_public().as_ssh()) {
        let seen = finding::NO_KEY.seen("the ssh-agent does not hold the CA key");
        findings.push(seen.mended_by("load it with ssh-add"));
    }
    Ok(())
}

fn check_ledger(authority: &Authority, _: UnixTime, findings: &mut Vec<Finding>) -> Result<(), Error> {
    for problem in authority.ledger().integrity()? {
        findings.push(finding::DAMAGED.seen(format!("the ledger is damaged: {problem}")));
    }
    if let Err(error) = grant_record::check_all(authority.ledger()) {
        findings.push(of(&finding::DAMAGED, &Error::from(error)));
    }
    Ok(())
}

/// Events and serials have no gaps, and every certificate has its event.
fn check_numbers(authority: &Authority, _: UnixTime, findings: &mut Vec<Finding>) -> Result<(), Error> {
    let one = |sql: &str| authority.ledger().query_row(sql, [], |row| row.get::<_, i64>(0));
    for (noun, table, number) in [("event", "event", "number"), ("certificate", "certificate", "serial")] {
        let count = one(&format!("SELECT count(*) FROM {table}"))?;
        let last = one(&format!("SELECT coalesce(max({number}), 0) FROM {table}"))?;
        let ever = one(&format!("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = '{table}'"))?;
        if count != last || last != ever {
            let what = format!("the ledger has {count} {noun}s, and numbers up to {}", last.max(ever));
            findings.push(finding::ROWS_MISSING.seen(what));
        }
    }
    let issued = one("SELECT count(*) FROM event WHERE kind = 'cert.issue'")?;
    let certificates = one("SELECT count(*) FROM certificate")?;
    if issued != certificates {
        let what = format!("the ledger has {certificates} certificates, and {issued} events of them");
        findings.push(finding::ROWS_MISSING.seen(what));
    }
    Ok(())
}

fn check_clock(authority: &Authority, now: UnixTime, findings: &mut Vec<Finding>) -> Result<(), Error> {
    let (events, _) = event::last(authority.ledger(), 1)?;
    if let Some(last) = events.last()
        && now.plus(limits::CLOCK_BEHIND) < last.at
    {
        let what = format!("the clock is {} behind the last event of the ledger", span(last.at.since(now)));
        findings.push(finding::CLOCK_BEHIND.seen(what));
    }
    Ok(())
}

fn check_ends(authority: &Authority, now: UnixTime, findings: &mut Vec<Finding>) -> Result<(), Error> {
    let ledger: &Connection = authority.ledger();
    for vendor in vendor::all(ledger)? {
        if vendor.until > now || vendor.ended_at.is_some() {
            continue;
        }
        let persons = person::all(ledger, Some(&vendor.name))?;
        let left = persons.iter().filter(|person| person.ended_at.is_none()).count();
        let what = format!(
            "the vendor {}'s last day was {}, and it still has {left} enrolled person{}",
            vendor.name,
            last_day(vendor.until),
            if left == 1 { "" } else { "s" },
        );
        let mend = format!("end it: ca vendor end {}", vendor.name);
        findings.push(finding::VENDOR_PAST.seen(what).mended_by(mend));
    }
    Ok(())
}

/// Grants that are alive and lead nowhere.
fn check_grants(authority: &Authority, now: UnixTime, findings: &mut Vec<Finding>) -> Result<(), Error> {
    let ledger: &Connection = authority.ledger();
    for wanted in [Wanted::Pending, Wanted::Open] {
        let (standings, _) = grant_record::list(ledger, wanted, None, None, now)?;
        for standing in standings {
            let grant = &standing.record.grant;
            let mut dead = Vec::new();
            if person::find(ledger, &grant.person)?.ended_at.is_some() {
                dead.push(format!("the person {}", grant.person));
            }
            for name in &grant.hosts {
                if host::find(ledger, name)?.ended_at.is_some() {
                    dead.push(format!("the host {name}"));
                }
            }
            if !dead.is_empty() {
                let (id, closes) = (&grant.id, Local(grant.window.closes()));
                let what = format!("grant {id} is for {} which ended, until {closes}", dead.join(" and "));
                let mend = format!("revoke it: ca revoke {id} --reason TEXT");
                findings.push(finding::GRANT_NOWHERE.seen(what).mended_by(mend));
            }
        }
    }
    Ok(())
}

/// Hosts whose last bundle says something else than the ledger says now. One without any is set up by hand, or not yet.
fn check_bundles(authority: &Authority, _: UnixTime, findings: &mut Vec<Finding>) -> Result<(), Error> {
    let ledger: &Connection = authority.ledger();
    let mut hosts = host::all(ledger)?;
    hosts.retain(|host| host.ended_at.is_none());
    for (name, last) in bundle::last(ledger, &hosts)?.into_iter().filter(|(_, last)| !last.is_current()) {
        let (version, made, changed) = (last.version, Local(last.made), last.changed());
        let what = format!(
            "{name}: its last bundle, version {version} of {made}, is older than a change of {changed}"
        );
        let mend = format!("make a new one: ca host bundle {name} -o FILE, and on {name}: jit trust FILE");
        findings.push(finding::BUNDLE_OLD.seen(what).mended_by(mend));
    }
    Ok(())
}

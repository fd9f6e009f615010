//! `ca vendor`: add, list, show, end.
//!
//! A vendor's last day counts as a whole, in UTC, and the output says so each time. The rules are in
//! `ca::ledger::vendor`.

use ca::Refused;
use ca::ledger::{person, revocation, vendor};
use ca::moment::{Local, last_day};
use clap::{Args, Subcommand};
use grant::{UnixTime, VendorName};
use rusqlite::Connection;
use serde_json::{Value, json};

use super::{Context, end_of_day};
use crate::printer::{Failure, hint};

#[derive(Debug, Subcommand)]
pub(crate) enum Vendor {
    Add(Add),
    List(List),
    Show(Show),
    End(End),
}

/// Add a vendor with its last day, or move the last day of one
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ca vendor add acme --until 2027-06-30
  ca vendor add acme --until 2028-06-30 --existing   move its last day")]
pub(crate) struct Add {
    /// The vendor, for example acme
    name: VendorName,
    /// The last day on which the vendor may have access; the whole day counts, in UTC
    #[arg(long, value_name = "DATE")]
    until: String,
    /// The vendor exists: move its last day
    #[arg(long)]
    existing: bool,
}

/// List the vendors
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  ca vendor list\n  ca vendor list --json")]
pub(crate) struct List {}

/// Show a vendor and its persons
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  ca vendor show acme")]
pub(crate) struct Show {
    /// The vendor
    name: VendorName,
}

/// End a vendor now and for good, with all its persons
///
/// No certificate is signed for the vendor any more. Those that were signed live on for minutes; `ca
/// revoke --vendor` ends them too.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  ca vendor end acme")]
pub(crate) struct End {
    /// The vendor
    name: VendorName,
}

impl Vendor {
    pub(crate) fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Add(command) => command.run(context),
            Self::List(_) => list(context),
            Self::Show(command) => command.run(context),
            Self::End(command) => command.run(context),
        }
    }
}

fn state(ledger: &Connection, vendor: &vendor::Vendor, now: UnixTime) -> Result<&'static str, Failure> {
    Ok(match vendor.clone().expect_active(now) {
        _ if revocation::of_vendor(ledger, &vendor.name)?.is_some() => "revoked",
        Ok(_) => "active",
        Err(_) => "ended",
    })
}

fn to_json(ledger: &Connection, vendor: &vendor::Vendor, now: UnixTime) -> Result<Value, Failure> {
    Ok(json!({
        "name": vendor.name.as_str(),
        "state": state(ledger, vendor, now)?,
        "last_day": last_day(vendor.until),
        "until": vendor.until.to_string(),
        "added_at": vendor.added_at.to_string(),
        "ended_at": vendor.ended_at.map(|t| t.to_string()),
    }))
}

impl Add {
    fn run(self, context: &Context) -> Result<(), Failure> {
        let until = end_of_day("--until <DATE>", &self.until)?;
        let mut authority = context.authority()?;
        let now = context.now();
        let change = authority.change(now)?;
        if self.existing {
            vendor::move_end(&change, &self.name, until)?;
        } else {
            vendor::add(&change, &self.name, until)?;
        }
        change.commit()?;
        let ledger = authority.ledger();
        let value = to_json(ledger, &vendor::find(ledger, &self.name)?, now)?;
        let text =
            format!("vendor {}: may have access through {}, until 24:00 UTC", self.name, last_day(until));
        context.out.either(text, &value)
    }
}

fn list(context: &Context) -> Result<(), Failure> {
    let authority = context.authority()?;
    let (ledger, now) = (authority.ledger(), context.now());
    let vendors = vendor::all(ledger)?;
    if context.out.json {
        let values = vendors.iter().map(|v| to_json(ledger, v, now)).collect::<Result<Vec<_>, _>>()?;
        return context.out.json(&values.into());
    }
    let mut rows = Vec::new();
    for vendor in &vendors {
        let persons = person::all(ledger, Some(&vendor.name))?;
        let active = persons.iter().filter(|person| person.ended_at.is_none()).count();
        rows.push(vec![
            vendor.name.to_string(),
            state(ledger, vendor, now)?.to_owned(),
            last_day(vendor.until),
            active.to_string(),
        ]);
    }
    context.out.table(&["vendor", "state", "last day (UTC)", "persons"], rows, "no vendors yet")
}

impl Show {
    fn run(self, context: &Context) -> Result<(), Failure> {
        let authority = context.authority()?;
        let (ledger, now) = (authority.ledger(), context.now());
        let vendor = vendor::find(ledger, &self.name)?;
        let persons = person::all(ledger, Some(&self.name))?;
        let revoked = revocation::of_vendor(ledger, &self.name)?;
        if context.out.json {
            let mut value = to_json(ledger, &vendor, now)?;
            value["persons"] = persons.iter().map(|p| p.name.to_string()).collect::<Vec<_>>().into();
            value["revoked"] = revoked.map(|r| r.reason).into();
            return context.out.json(&value);
        }
        let mut pairs = vec![
            ("vendor", vendor.name.to_string()),
            ("state", state(ledger, &vendor, now)?.to_owned()),
            ("last day", format!("{} (UTC)", last_day(vendor.until))),
            ("added", Local(vendor.added_at).to_string()),
        ];
        pairs.extend(vendor.ended_at.map(|at| ("ended", Local(at).to_string())));
        pairs.extend(revoked.map(|r| ("revoked", format!("{}: {}", Local(r.revoked_at), r.reason))));
        for person in &persons {
            let ended = person.ended_at.map_or(String::new(), |at| format!(" (ended {})", Local(at)));
            pairs.push(("person", format!("{}{ended}", person.name)));
        }
        context.out.pairs(&pairs)
    }
}

impl End {
    fn run(self, context: &Context) -> Result<(), Failure> {
        let mut authority = context.authority()?;
        let now = context.now();
        let change = authority.change(now)?;
        let persons = vendor::end(&change, &self.name)?;
        change.commit()?;
        let names: Vec<_> = persons.iter().map(ToString::to_string).collect();
        if context.out.json {
            return context
                .out
                .json(&json!({ "name": self.name.as_str(), "ended_at": now.to_string(), "persons": names }));
        }
        let with = if names.is_empty() { String::new() } else { format!(", with {}", names.join(", ")) };
        context.out.line(format_args!("vendor {} ended{with}", self.name))?;
        hint(&format!(
            "certificates that were signed live on for minutes; to end these too: ca revoke --vendor {} --reason TEXT",
            self.name
        ));
        Ok(())
    }
}

/// Used by other nouns: the vendor of that name must exist.
pub(crate) fn expect_known(ledger: &Connection, name: &VendorName) -> Result<(), Failure> {
    vendor::find(ledger, name).map(drop).map_err(|error| match error {
        ca::Error::Refused(refused @ Refused::Unknown { .. }) => refused.into(),
        other => other.into(),
    })
}

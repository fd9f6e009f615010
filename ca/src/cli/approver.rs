//! `ca approver`: add, list, end, export.
//!
//! The exported file decides on hosts whose approvals count, so every change of an approver reminds of it.
//! The rules are in `ca::ledger::approver`.

use std::path::PathBuf;

use ca::ledger::{approver, key};
use ca::public_key;
use clap::{Args, Subcommand};
use grant::ApproverName;
use rusqlite::Connection;
use serde_json::{Value, json};

use super::Context;
use super::person::{key_json, read_keys};
use crate::printer::{Failure, hint};

#[derive(Debug, Subcommand)]
pub(crate) enum Approver {
    Add(Add),
    List(List),
    End(End),
    Export(Export),
}

/// Add an approver with public keys, or enrol more keys of one
///
/// An approver signs grants with the private half, as a file, in an ssh-agent, or on a FIDO key. A key
/// that ever belonged to a person cannot become an approver's.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ca approver add kim --key kim.pub
  ca approver add kim --key token.pub --existing   enrol one more key")]
pub(crate) struct Add {
    /// The approver
    name: ApproverName,
    /// A public key file of the approver; can stand more than once
    #[arg(long = "key", value_name = "FILE.pub", required = true)]
    keys: Vec<PathBuf>,
    /// The approver exists: enrol these keys as well
    #[arg(long)]
    existing: bool,
}

/// List the approvers
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  ca approver list\n  ca approver list --json")]
pub(crate) struct List {}

/// End an approver, or one key of an approver, now and for good
///
/// Approvals by what ended no longer count. Export the approvers again to tell the hosts.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ca approver end kim
  ca approver end kim --key lost.pub    only this key")]
pub(crate) struct End {
    /// The approver
    name: ApproverName,
    /// Only this key
    #[arg(long, value_name = "FILE.pub")]
    key: Option<PathBuf>,
}

/// Write the approvers file for hosts: allowed_signers lines, as ssh-keygen -Y verify reads them
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ca approver export > approvers
  ca approver export -o approvers

Hosts without a trust bundle read it as /etc/jit/approvers.")]
pub(crate) struct Export {
    /// Where to write it; - is standard output
    #[arg(short, long, value_name = "FILE", default_value = "-")]
    output: PathBuf,
}

impl Approver {
    pub(crate) fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Add(command) => command.run(context),
            Self::List(_) => list(context),
            Self::End(command) => command.run(context),
            Self::Export(command) => command.run(context),
        }
    }
}

const TELL_HOSTS: &str = "tell the hosts: ca host bundle HOST -o FILE for each";

fn to_json(ledger: &Connection, approver: &approver::Approver) -> Result<Value, Failure> {
    let keys = key::of(ledger, &approver.owner())?;
    Ok(json!({
        "name": approver.name.as_str(),
        "state": if approver.ended_at.is_none() { "active" } else { "ended" },
        "added_at": approver.added_at.to_string(),
        "ended_at": approver.ended_at.map(|t| t.to_string()),
        "keys": keys.iter().map(key_json).collect::<Vec<_>>(),
    }))
}

impl Add {
    fn run(self, context: &Context) -> Result<(), Failure> {
        let keys = read_keys(&self.keys)?;
        let mut authority = context.authority()?;
        let change = authority.change(context.now())?;
        if self.existing {
            approver::add_keys(&change, &self.name, &keys)?;
        } else {
            approver::add(&change, &self.name, &keys)?;
        }
        change.commit()?;
        let ledger = authority.ledger();
        let approver = approver::find(ledger, &self.name)?;
        let fingerprints: Vec<_> = keys.iter().map(|key| key.fingerprint().to_string()).collect();
        let text = format!("approver {}: enrolled {}", self.name, fingerprints.join(", "));
        context.out.either(text, &to_json(ledger, &approver)?)?;
        if !context.out.json {
            hint(TELL_HOSTS);
        }
        Ok(())
    }
}

fn list(context: &Context) -> Result<(), Failure> {
    let authority = context.authority()?;
    let ledger = authority.ledger();
    let approvers = approver::all(ledger)?;
    if context.out.json {
        let values = approvers.iter().map(|a| to_json(ledger, a)).collect::<Result<Vec<_>, _>>()?;
        return context.out.json(&values.into());
    }
    let mut rows = Vec::new();
    for approver in &approvers {
        let keys = key::active_of(ledger, &approver.owner())?;
        let keys: Vec<_> = keys.iter().map(|key| key.key.fingerprint().to_string()).collect();
        let state = if approver.ended_at.is_none() { "active" } else { "ended" };
        let keys = if keys.is_empty() { "-".to_owned() } else { keys.join(" ") };
        rows.push(vec![approver.name.to_string(), state.to_owned(), keys]);
    }
    context.out.table(&["approver", "state", "keys"], rows, "no approvers yet")
}

impl End {
    fn run(self, context: &Context) -> Result<(), Failure> {
        let key = self.key.as_deref().map(public_key::read).transpose()?;
        let mut authority = context.authority()?;
        let change = authority.change(context.now())?;
        let approver = approver::find(&change, &self.name)?;
        let text = match &key {
            None => {
                approver::end(&change, &self.name)?;
                format!("approver {} ended", self.name)
            }
            Some(key) => {
                let fingerprint = key.fingerprint();
                key::end(&change, &fingerprint, &approver.owner())?;
                format!("approver {}: the key {fingerprint} ended", self.name)
            }
        };
        change.commit()?;
        let ledger = authority.ledger();
        context.out.either(text, &to_json(ledger, &approver::find(ledger, &self.name)?)?)?;
        if !context.out.json {
            hint(TELL_HOSTS);
        }
        Ok(())
    }
}

impl Export {
    fn run(self, context: &Context) -> Result<(), Failure> {
        let authority = context.authority()?;
        let text = approver::export(authority.ledger())?;
        if text.is_empty() {
            hint("there are no approvers: hosts that get this file accept no approval");
        }
        context.out.file(&self.output, text.as_bytes())
    }
}

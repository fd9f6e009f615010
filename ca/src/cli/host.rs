//! `ca host`: add, list, end; `bundle` is in its own file.
//!
//! The ledger's hosts are what grants may name; what a host itself believes stands in its own host.toml.
//! The rules are in `ca::ledger::host`.

use std::collections::BTreeSet;

use ca::bundle::{self, Last};
use ca::ledger::host;
use ca::moment::Local;
use clap::{Args, Subcommand};
use grant::{HostName, RoleName};
use serde_json::{Value, json};

use super::Context;
use super::bundle::HostBundle;
use crate::printer::Failure;

#[derive(Debug, Subcommand)]
pub(crate) enum Host {
    Add(Add),
    List(List),
    End(End),
    Bundle(Box<HostBundle>),
}

/// Add a host with its roles, or give one exactly these roles
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ca host add db1.prod --role db
  ca host add db1.prod --role db --role billing --existing

With --existing its roles are now these two.")]
pub(crate) struct Add {
    /// The host's name, as in its /etc/jit/host.toml
    name: HostName,
    /// A role of the host; can stand more than once
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<RoleName>,
    /// The host exists: its roles are exactly these
    #[arg(long)]
    existing: bool,
}

/// List the hosts, with the last bundle that was made for each and whether it says what the ledger says now
///
/// What a host has applied the ledger does not know: /var/lib/jit/trust/applied there has the version.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  ca host list\n  ca host list --json")]
pub(crate) struct List {}

/// End a host: no new grant can name it
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  ca host end db1.prod")]
pub(crate) struct End {
    /// The host
    name: HostName,
}

impl Host {
    pub(crate) fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Add(command) => command.run(context),
            Self::List(_) => list(context),
            Self::End(command) => command.run(context),
            Self::Bundle(command) => command.run(context),
        }
    }
}

fn roles_text(roles: &BTreeSet<RoleName>) -> String {
    let roles: Vec<_> = roles.iter().map(RoleName::as_str).collect();
    if roles.is_empty() { "-".to_owned() } else { roles.join(", ") }
}

fn to_json(host: &host::Host) -> Value {
    json!({
        "name": host.name.as_str(),
        "state": if host.ended_at.is_none() { "active" } else { "ended" },
        "roles": host.roles.iter().map(RoleName::as_str).collect::<Vec<_>>(),
        "added_at": host.added_at.to_string(),
        "ended_at": host.ended_at.map(|t| t.to_string()),
    })
}

impl Add {
    fn run(self, context: &Context) -> Result<(), Failure> {
        let roles: BTreeSet<_> = self.roles.into_iter().collect();
        let mut authority = context.authority()?;
        let change = authority.change(context.now())?;
        if self.existing {
            host::change_roles(&change, &self.name, &roles)?;
        } else {
            host::add(&change, &self.name, &roles)?;
        }
        change.commit()?;
        let host = host::find(authority.ledger(), &self.name)?;
        context
            .out
            .either(format_args!("host {}: roles {}", host.name, roles_text(&host.roles)), &to_json(&host))
    }
}

fn list(context: &Context) -> Result<(), Failure> {
    let authority = context.authority()?;
    let hosts = host::all(authority.ledger())?;
    let bundles = bundle::last(authority.ledger(), &hosts)?;
    if context.out.json {
        let values = hosts.iter().map(|host| {
            let mut value = to_json(host);
            value["bundle"] = bundles.get(&host.name).map_or(Value::Null, |last| bundle_json(host, last));
            value
        });
        return context.out.json(&values.collect::<Vec<_>>().into());
    }
    let rows = hosts.iter().map(|host| {
        let state = if host.ended_at.is_none() { "active" } else { "ended" };
        let last = bundles.get(&host.name);
        let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
        vec![
            host.name.to_string(),
            state.to_owned(),
            roles_text(&host.roles),
            or_none(last.map(|last| last.version.to_string())),
            or_none(last.map(|last| Local(last.made).to_string())),
            or_none(last.filter(|_| host.ended_at.is_none()).map(current)),
        ]
    });
    context.out.table(
        &["host", "state", "roles", "bundle", "made", "current"],
        rows.collect(),
        "no hosts yet",
    )
}

fn current(last: &Last) -> String {
    if last.is_current() { "yes".to_owned() } else { format!("no: {}", last.changed()) }
}

fn bundle_json(host: &host::Host, last: &Last) -> Value {
    json!({
        "version": last.version,
        "made": last.made.to_string(),
        // Nobody needs one for a host that has ended.
        "current": host.ended_at.is_none().then(|| last.is_current()),
        "changed": last.changed.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

impl End {
    fn run(self, context: &Context) -> Result<(), Failure> {
        let mut authority = context.authority()?;
        let change = authority.change(context.now())?;
        host::end(&change, &self.name)?;
        change.commit()?;
        let host = host::find(authority.ledger(), &self.name)?;
        context.out.either(format_args!("host {} ended", host.name), &to_json(&host))
    }
}

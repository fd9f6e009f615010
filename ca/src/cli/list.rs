//! `ca list`.
//!
//! Shows the newest grants, a bounded number of them unless `--all` is given, so that a large ledger lists
//! as fast as an empty one. The queries are in `ca::ledger::grant_record`.

use ca::ledger::grant_record::{self, Wanted};
use ca::limits;
use ca::moment::Local;
use clap::Args;
use grant::VendorName;

use super::shown::{joined, places, standing_json};
use super::{Context, hint_more, vendor};
use crate::printer::Failure;

/// List grants, the newest first
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ca list                       the newest 50
  ca list --pending             what waits for approvers
  ca list --open --vendor acme
  ca list --all --json")]
pub(crate) struct List {
    #[command(flatten)]
    state: StateFlags,
    /// Only those of this vendor
    #[arg(long, value_name = "VENDOR")]
    vendor: Option<VendorName>,
    /// All of them, however many
    #[arg(long)]
    all: bool,
}

/// At most one state.
#[derive(Debug, Args)]
#[group(multiple = false)]
struct StateFlags {
    /// Only requests that wait for approvals
    #[arg(long)]
    pending: bool,
    /// Only approved grants inside their window
    #[arg(long)]
    open: bool,
    /// Only grants whose window is over, also those that were never approved
    #[arg(long)]
    closed: bool,
    /// Only revoked grants
    #[arg(long)]
    revoked: bool,
}

impl StateFlags {
    fn wanted(&self) -> Wanted {
        match self {
            Self { pending: true, .. } => Wanted::Pending,
            Self { open: true, .. } => Wanted::Open,
            Self { closed: true, .. } => Wanted::Closed,
            Self { revoked: true, .. } => Wanted::Revoked,
            _ => Wanted::All,
        }
    }
}

impl List {
    pub(crate) fn run(self, context: &Context) -> Result<(), Failure> {
        let authority = context.authority()?;
        let (ledger, now) = (authority.ledger(), context.now());
        if let Some(name) = &self.vendor {
            vendor::expect_known(ledger, name)?;
        }
        let limit = (!self.all).then_some(limits::LISTED);
        let (found, more) =
            grant_record::list(ledger, self.state.wanted(), self.vendor.as_ref(), limit, now)?;
        if context.out.json {
            let values: Vec<_> = found.iter().map(|standing| standing_json(standing, now)).collect();
            context.out.json(&values.into())?;
            hint_more(more, found.len());
            return Ok(());
        }
        let rows = found.iter().map(|standing| {
            let grant = &standing.record.grant;
            vec![
                grant.id.to_string(),
                standing.state(now).word().to_owned(),
                format!("{}/{}", standing.counted(), grant.approvals),
                grant.person.to_string(),
                joined(&grant.accounts),
                places(grant),
                Local(grant.window.opens()).to_string(),
                Local(grant.window.closes()).to_string(),
            ]
        });
        let header = ["grant", "state", "approvals", "person", "as", "where", "opens", "closes"];
        context.out.table(&header, rows.collect(), "no grants")?;
        hint_more(more, found.len());
        Ok(())
    }
}

//! `ca backup`.
//!
//! What is copied, and in which order, is in `ca::backup`.

use std::path::PathBuf;

use ca::backup;
use ca::ledger::event;
use clap::Args;
use serde_json::json;

use super::Context;
use crate::printer::Failure;

/// Copy the authority into another directory: keys, ledger, ca.toml
///
/// Also while somebody works with it. The copy is an authority of its own, which `ca --dir DIR check`
/// looks over: whoever has it can sign. How to restore it: docs/operations.md.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ca backup /backup/2026-11-24
  ca --dir /backup/2026-11-24 check")]
pub(crate) struct Backup {
    /// Where to: a directory that is empty or not there yet
    #[arg(value_name = "DIR")]
    to: PathBuf,
}

impl Backup {
    pub(crate) fn run(self, context: &Context) -> Result<(), Failure> {
        let authority = context.authority()?;
        let files = backup::backup(&authority, &self.to)?;
        let last = event::last_number(ca::Authority::open(&self.to)?.ledger())?;
        let dir = self.to.display();
        context.out.either(
            format_args!("{dir}: {}, up to event {last}", files.join(", ")),
            &json!({ "dir": dir.to_string(), "files": files, "last_event": last }),
        )
    }
}

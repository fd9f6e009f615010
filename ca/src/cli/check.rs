//! `ca check`.
//!
//! Findings are the result, so they go to standard output, numbered, each with what to do; the exit code
//! says whether there are any. What is looked at, `ca::check` says.

use clap::Args;
use serde_json::json;

use super::Context;
use crate::printer::Failure;

/// Look the authority over: files, keys, ledger, clock, and what should have been ended
///
/// Changes nothing. Exit code 1 if anything was found.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  ca check\n  ca check --json")]
pub(crate) struct Check {}

impl Check {
    pub(crate) fn run(self, context: &Context) -> Result<(), Failure> {
        let findings = ca::check::check(context.dir(), context.now());
        if context.out.json {
            let values = findings.iter().map(|f| json!({ "what": f.what, "hint": f.hint }));
            context.out.json(&values.collect::<Vec<_>>().into())?;
        } else if findings.is_empty() {
            context.out.line(format_args!("all is well in {}", context.dir().display()))?;
        } else {
            for (number, finding) in (1..).zip(&findings) {
                context.out.line(format_args!("{number}. {}", finding.what))?;
                if let Some(hint) = &finding.hint {
                    context.out.line(format_args!("   {hint}"))?;
                }
            }
        }
        if findings.is_empty() { Ok(()) } else { Err(Failure::Findings) }
    }
}

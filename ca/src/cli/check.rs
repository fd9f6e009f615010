//! `ca check`.
//!
//! Findings are the result, so they go to standard output: each with its number (`ca::finding`), what it means and how to
//! mend it. The exit code says whether there are any. What is looked at, `ca::check` says.

use ca::finding::{Finding, Severity};
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
        let count = |severity| findings.iter().filter(|finding| finding.kind.severity == severity).count();
        let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
        if context.out.json {
            let values: Vec<_> = findings.iter().map(shown).collect();
            let dir = context.dir().display().to_string();
            context
                .out
                .json(&json!({ "dir": dir, "errors": errors, "warnings": warnings, "findings": values }))?;
        } else if findings.is_empty() {
            context.out.line(format_args!("all is well in {}", context.dir().display()))?;
        } else {
            for Finding { kind, what, mend } in &findings {
                context.out.line(format_args!("{} {}: {what}", kind.severity.word(), kind.number))?;
                context.out.line(format_args!("  means  {}", kind.meaning))?;
                context.out.line(format_args!("  mend   {mend}\n"))?;
            }
            let counted = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
            let (errors, warnings) = (counted(errors, "error"), counted(warnings, "warning"));
            context.out.line(format_args!("{}: {errors}, {warnings}", context.dir().display()))?;
        }
        if findings.is_empty() { Ok(()) } else { Err(Failure::Findings) }
    }
}

fn shown(finding: &Finding) -> serde_json::Value {
    let Finding { kind, what, mend } = finding;
    json!({
        "number": kind.number,
        "severity": kind.severity,
        "seen": what,
        "meaning": kind.meaning,
        "mend": mend,
    })
}

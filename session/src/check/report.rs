//! What `jit check` says: for people, and as JSON.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

use super::door::{Finding, Severity, merged};

/// The outcome of a check.
#[derive(Debug)]
pub struct Report {
    host: Option<String>,
    accounts: BTreeSet<String>,
    findings: Vec<Finding>,
    source: Option<String>,
}

/// The JSON form; its keys never change their meaning.
#[derive(Serialize)]
struct JsonReport<'a> {
    host: Option<&'a str>,
    accounts: &'a BTreeSet<String>,
    kernel_copy: Option<&'a str>,
    errors: usize,
    warnings: usize,
    findings: Vec<JsonFinding<'a>>,
}

#[derive(Serialize)]
struct JsonFinding<'a> {
    number: u16,
    severity: Severity,
    title: &'a str,
    seen: &'a str,
    accounts: &'a BTreeSet<String>,
    meaning: &'a str,
    mend: &'a str,
}

impl Report {
    /// A report of what was found about the host and its vendor accounts.
    #[must_use]
    pub fn new(host: Option<String>, accounts: BTreeSet<String>, findings: Vec<Finding>) -> Self {
        Self { host, accounts, findings: merged(findings), source: None }
    }

    /// The same with what tells the recorder which programs ran: `BPF` or `audit`.
    #[must_use]
    pub fn with_source(self, source: Option<String>) -> Self {
        Self { source, ..self }
    }

    /// The findings, by number.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// How many findings have this severity.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.door.severity == severity).count()
    }

    /// The report as JSON, without a newline at the end.
    ///
    /// # Errors
    /// None in practice: everything in it is text and numbers.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(&JsonReport {
            host: self.host.as_deref(),
            accounts: &self.accounts,
            kernel_copy: self.source.as_deref(),
            errors: self.count(Severity::Error),
            warnings: self.count(Severity::Warning),
            findings: self.findings.iter().map(JsonFinding::from).collect(),
        })
    }
}

impl<'a> From<&'a Finding> for JsonFinding<'a> {
    fn from(finding: &'a Finding) -> Self {
        Self {
            number: finding.door.number,
            severity: finding.door.severity,
            title: finding.door.title,
            seen: &finding.detail,
            accounts: &finding.accounts,
            meaning: finding.door.meaning,
            mend: finding.door.mend,
        }
    }
}

/// Doors that stand open together on a host that is not set up: no configuration of ours; no line of the module.
const NO_CONFIGURATION: u16 = 101;
const NO_LINES: [u16; 2] = [604, 605];

impl Report {
    /// What to do first where hardly anything is there yet, instead of mending one door after the other.
    fn next(&self) -> Option<&'static str> {
        let open = |number: u16| self.findings.iter().any(|finding| finding.door.number == number);
        let no_lines = NO_LINES.into_iter().all(open);
        match (self.host.is_none() && open(NO_CONFIGURATION), no_lines) {
            (true, true) => Some(
                "this host is not set up: `jit trust FILE`, with a bundle of `ca host bundle`; then `jit setup`",
            ),
            (false, true) => {
                Some("this host is not set up: `jit setup` writes sshd's block and the PAM lines")
            }
            (true, false) | (false, false) => None,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            let door = finding.door;
            writeln!(f, "{} {}: {}", door.severity.word(), door.number, door.title)?;
            writeln!(f, "  seen   {}", finding.detail)?;
            if !finding.accounts.is_empty() {
                writeln!(f, "  for    {}", list(&finding.accounts))?;
            }
            writeln!(f, "  means  {}", door.meaning)?;
            writeln!(f, "  mend   {}\n", door.mend)?;
        }
        if let Some(next) = self.next() {
            writeln!(f, "next: {next}\n")?;
        }
        let host = self.host.as_deref().unwrap_or("this host");
        let accounts = match self.accounts.len() {
            0 => "no vendor account".to_owned(),
            count => format!("{}: {}", counted(count, "vendor account"), list(&self.accounts)),
        };
        let errors = counted(self.count(Severity::Error), "error");
        let warnings = counted(self.count(Severity::Warning), "warning");
        write!(f, "{host}: {errors}, {warnings}; {accounts}")?;
        match &self.source {
            Some(source) => write!(f, "; what ran is told by {source}"),
            None => Ok(()),
        }
    }
}

fn list(accounts: &BTreeSet<String>) -> String {
    accounts.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

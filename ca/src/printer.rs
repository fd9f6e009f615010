//! What a person and a program read: text, tables, JSON, and one form for errors.
//!
//! Results go to standard output. `error:` and `hint:` lines go to standard error. A reader who hangs up
//! (`| head`) ends the command with exit code 1 and no message.

use std::fmt::Display;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use ca::check::chain;
use ca::durable::{FileError, Prepared};
use comfy_table::{ContentArrangement, Table, presets};
use serde_json::Value;

/// How a command ended without success.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It was refused, or something is broken: exit code 1.
    Error(Box<ca::Error>),
    /// It was written wrong: exit code 2.
    Usage {
        /// What is wrong.
        problem: String,
        /// What to write instead.
        hint: Option<String>,
    },
    /// Standard output cannot be written to.
    Output(io::Error),
    /// `ca check` found something, and printed it.
    Findings,
}

impl<E: Into<ca::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Error(Box::new(error.into()))
    }
}

impl Failure {
    /// A command that was written wrong.
    pub(crate) fn usage(problem: impl Into<String>) -> Self {
        Self::Usage { problem: problem.into(), hint: None }
    }

    /// The same, with what to write instead.
    pub(crate) fn usage_with(problem: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Usage { problem: problem.into(), hint: Some(hint.into()) }
    }

    /// Says it, and gives the exit code.
    pub(crate) fn report(self) -> ExitCode {
        match self {
            Self::Error(error) => {
                say("error", &chain(&*error));
                if let Some(text) = error.hint() {
                    hint(&text);
                }
                ExitCode::from(if error.is_usage() { 2 } else { 1 })
            }
            Self::Usage { problem, hint: text } => {
                say("error", &problem);
                if let Some(text) = text {
                    hint(&text);
                }
                ExitCode::from(2)
            }
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::from(1),
            Self::Output(error) => {
                say("error", &format!("cannot write the result: {error}"));
                ExitCode::from(1)
            }
            Self::Findings => ExitCode::from(1),
        }
    }
}

fn say(word: &str, text: &str) {
    // If standard error is gone there is nobody to tell.
    let _ = writeln!(io::stderr(), "{word}: {}", one_line(text));
}

/// A `hint:` line on standard error.
pub(crate) fn hint(text: &str) {
    say("hint", text);
}

/// Foreign text can stand in a message; it must not begin a line of its own or drive the terminal.
fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        let hides = c.is_control()
            || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}');
        if hides { line.extend(c.escape_default()) } else { line.push(c) }
    }
    line
}

/// Where results go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Printer {
    /// JSON instead of text.
    pub(crate) json: bool,
}

impl Printer {
    /// A line of text.
    pub(crate) fn line(self, text: impl Display) -> Result<(), Failure> {
        self.raw(format!("{text}\n").as_bytes())
    }

    /// Bytes as they are.
    pub(crate) fn raw(self, bytes: &[u8]) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        out.write_all(bytes).and_then(|()| out.flush()).map_err(Failure::Output)
    }

    /// A JSON value, laid out for people too.
    pub(crate) fn json(self, value: &Value) -> Result<(), Failure> {
        self.line(format_args!("{value:#}"))
    }

    /// A JSON value on one line.
    pub(crate) fn json_line(self, value: &Value) -> Result<(), Failure> {
        self.line(value)
    }

    /// One text for people or one value for programs.
    pub(crate) fn either(self, text: impl Display, value: &Value) -> Result<(), Failure> {
        if self.json { self.json(value) } else { self.line(text) }
    }

    /// A table, or `nothing` when it has no rows.
    pub(crate) fn table(self, header: &[&str], rows: Vec<Vec<String>>, nothing: &str) -> Result<(), Failure> {
        if rows.is_empty() {
            return self.line(nothing);
        }
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(header.iter().map(|h| h.to_uppercase()));
        table.add_rows(
            rows.into_iter().map(|row| row.into_iter().map(|cell| one_line(&cell)).collect::<Vec<_>>()),
        );
        let text: Vec<_> = table.lines().map(|line| line.trim().to_owned()).collect();
        self.line(text.join("\n"))
    }

    /// Lines of a name and a value, the values in one column.
    pub(crate) fn pairs(self, pairs: &[(&str, String)]) -> Result<(), Failure> {
        let width = pairs.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        for (name, value) in pairs {
            self.line(format_args!("{name:width$}  {}", one_line(value)))?;
        }
        Ok(())
    }

    /// Puts a public result where it goes: a file, whole or not at all, or standard output for `-`.
    pub(crate) fn file(self, path: &Path, bytes: &[u8]) -> Result<(), Failure> {
        self.prepare(path, bytes)?.publish()
    }

    /// The same, up to the last step.
    pub(crate) fn prepare(self, path: &Path, bytes: &[u8]) -> Result<Pending, FileError> {
        if path.as_os_str() == "-" {
            return Ok(Pending::Output(self, bytes.to_vec()));
        }
        Prepared::new(path, bytes, 0o644).map(Pending::File)
    }
}

/// A public result that lies ready.
#[derive(Debug)]
#[must_use]
pub(crate) enum Pending {
    Output(Printer, Vec<u8>),
    File(Prepared),
}

impl Pending {
    pub(crate) fn publish(self) -> Result<(), Failure> {
        match self {
            Self::Output(printer, bytes) => printer.raw(&bytes),
            Self::File(prepared) => Ok(prepared.publish()?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_cannot_begin_a_line_or_drive_a_terminal() {
        assert_eq!(one_line("a\nerror: b\u{1b}[2J\u{202e}"), "a\\nerror: b\\u{1b}[2J\\u{202e}");
        assert_eq!(one_line("Wartung für kim"), "Wartung für kim");
    }
}

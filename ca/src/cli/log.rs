//! `ca log`.
//!
//! Prints events in their order, one a line in both forms. `--follow` looks for numbers after the last one
//! that was printed, so it misses none and repeats none, however many come at once.

use ca::ledger::event::{self, Event};
use ca::limits;
use ca::moment::Local;
use clap::Args;
use rusqlite::Connection;
use serde_json::{Value, json};

use super::{Context, hint_more};
use crate::printer::Failure;

/// Show what happened: every change and every certificate, oldest first
///
/// With --json one object on a line, so that --follow can be piped into a program.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ca log                     the last 50 events
  ca log --all --json
  ca log --follow            goes on until interrupted")]
pub(crate) struct Log {
    /// Wait for new events and show them
    #[arg(short, long)]
    follow: bool,
    /// All of them, however many
    #[arg(long)]
    all: bool,
}

/// Events that are read at a time.
const BATCH: usize = 1000;

impl Log {
    pub(crate) fn run(self, context: &Context) -> Result<(), Failure> {
        let authority = context.authority()?;
        let ledger: &Connection = authority.ledger();
        let mut seen = if self.all {
            print_after(context, ledger, 0)?
        } else {
            let (events, more) = event::last(ledger, limits::LISTED)?;
            hint_more(more, events.len());
            events.iter().try_for_each(|event| print(context, event))?;
            events.last().map_or(0, |last| last.number)
        };
        if !self.follow {
            return Ok(());
        }
        loop {
            std::thread::sleep(limits::FOLLOW);
            seen = print_after(context, ledger, seen)?;
        }
    }
}

/// Prints every event after a number, and gives the number of the last one.
fn print_after(context: &Context, ledger: &Connection, mut seen: u64) -> Result<u64, Failure> {
    loop {
        let events = event::after(ledger, seen, BATCH)?;
        let Some(last) = events.last() else { return Ok(seen) };
        seen = last.number;
        events.iter().try_for_each(|event| print(context, event))?;
    }
}

fn print(context: &Context, event: &Event) -> Result<(), Failure> {
    if context.out.json {
        return context.out.json_line(&json!({
            "number": event.number,
            "at": event.at.to_string(),
            "by": event.by_whom,
            "event": event.kind,
            "subject": event.subject,
            "serial": event.serial,
            "detail": event.detail,
        }));
    }
    let serial = event.serial.map_or(String::new(), |serial| format!(" serial={serial}"));
    context.out.line(format_args!(
        "{} {:>5} {:<16} {}{serial}{} by={}",
        Local(event.at),
        event.number,
        event.kind,
        event.subject,
        detail(&event.detail),
        event.by_whom
    ))
}

/// The short values; documents, keys and signatures are in the JSON form.
fn detail(value: &Value) -> String {
    let mut text = String::new();
    for (name, value) in value.as_object().into_iter().flatten() {
        if matches!(name.as_str(), "document" | "signature" | "key" | "ca_key" | "digest") || value.is_null()
        {
            continue;
        }
        let shown = match value {
            Value::String(word) if word.bytes().all(|b| b.is_ascii_graphic() && b != b'"') => word.clone(),
            other => other.to_string(),
        };
        text.push_str(&format!(" {name}={shown}"));
    }
    text
}

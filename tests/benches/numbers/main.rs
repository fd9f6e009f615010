//! The numbers of docs/benchmarks.md, measured on this machine: each beside a baseline of the same run.
//!
//! `numbers [--runs N] [--table FILE] [NAME...]` measures what is named, or everything; NAME is a word of [`NUMBERS`].
//! It prints what it measured; `--table` also writes the rows of the table as Markdown. A figure above its budget is
//! printed as `OVER` and is no failure: the exit code is 0 whenever everything could be measured.
#![allow(clippy::expect_used, reason = "in a benchmark a failed step ends the run with that sentence")]

mod crowd;
mod ending;
mod execs;
mod filled;
mod fresh;
mod idle;
mod issuing;
mod ledger;
mod login;
mod login_recorded;
mod measure;
mod module;
mod others;
mod recorded;
mod row;
mod signing;
mod verdict;

use std::process::ExitCode;

use row::Row;

/// A number's name, how many runs it takes unless told otherwise, and what measures it.
type Number = (&'static str, usize, fn(usize) -> Vec<Row>);

const NUMBERS: [Number; 11] = [
    ("verdict", 5000, verdict::rows),
    ("login", 200, login::rows),
    ("signing", 200, signing::rows),
    ("issuing", 40, issuing::rows),
    ("ledger", 100, ledger::rows),
    ("module", 5, module::rows),
    ("login_recorded", 100, login_recorded::rows),
    ("execs", 10, execs::rows),
    ("ending", 100, ending::rows),
    ("idle", 5, idle::rows),
    // The last: it leaves the kernel's audit as it can't be before (others/auditd.rs).
    ("others", 5, others::rows),
];

fn main() -> ExitCode {
    let mut runs_wanted = None;
    let mut table = None;
    let mut names = Vec::new();
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            // Cargo says this to every benchmark.
            "--bench" => {}
            "--runs" => runs_wanted = words.next().and_then(|text| text.parse().ok()),
            "--table" => table = words.next(),
            name if NUMBERS.iter().any(|(known, ..)| *known == name) => names.push(name.to_owned()),
            other => {
                let known: Vec<_> = NUMBERS.iter().map(|(name, ..)| *name).collect();
                eprintln!("error: no number is called {other}");
                eprintln!("hint: numbers [--runs N] [--table FILE] [{}]...", known.join("|"));
                return ExitCode::from(2);
            }
        }
    }
    let mut rows = Vec::new();
    for (name, runs, measure) in NUMBERS {
        if names.is_empty() || names.iter().any(|wanted| wanted == name) {
            println!("{name}");
            let found = measure(runs_wanted.unwrap_or(runs));
            found.iter().for_each(|row| println!("{row}"));
            rows.extend(found);
        }
    }
    if let Some(path) = table {
        let text: String =
            std::iter::once(Row::HEAD.to_owned()).chain(rows.iter().map(Row::markdown)).collect();
        std::fs::write(path, text).expect("writes the table");
    }
    ExitCode::SUCCESS
}

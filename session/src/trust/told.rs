//! `jit trust` as people and programs see it: what is asked, what is said.
//!
//! A person on a terminal compares the trust root of a first use and sees what changes before it does. Without a
//! terminal nothing is asked: what was not given as an argument is refused.

use std::io::{self, IsTerminal, Read, Write};
use std::path::Path;

use grant::{Fingerprint, SignedBundle, UnixTime, limits};
use serde_json::{Value, json};

use super::incoming::{Dropped, sentence};
use super::judge::Refused;
use super::{Outcome, Place, TrustError, Work, is_first_use, preview};

/// What was asked for on the command line.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    /// The trust root that it must be.
    pub root: Option<Fingerprint>,
    /// Do not ask whether to apply it.
    pub yes: bool,
    /// Change nothing.
    pub dry_run: bool,
}

/// Reads and verifies a bundle from a file, or from standard input for `-`.
///
/// # Errors
/// [`TrustError`].
pub fn read(file: &Path) -> Result<SignedBundle, TrustError> {
    let mut bytes = Vec::new();
    let limit = limits::BUNDLE as u64 + 1;
    let read = if file == Path::new("-") {
        io::stdin().lock().take(limit).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(file).and_then(|file| file.take(limit).read_to_end(&mut bytes))
    };
    read.map_err(TrustError::io("read", file))?;
    Ok(SignedBundle::read(&bytes)?)
}

/// Applies a bundle, asking a person where one is there; what to print.
///
/// # Errors
/// [`TrustError`].
pub fn believe(
    place: &Place,
    signed: &SignedBundle,
    asked: &Asked,
    as_json: bool,
    clock: fn() -> UnixTime,
) -> Result<String, TrustError> {
    let bundle = signed.bundle();
    if place.pending().exists() && !asked.dry_run {
        // What a kill left half done is finished whatever becomes of this one.
        Work::begin(place)?;
    }
    let first = is_first_use(place)?;
    let person = io::stdin().is_terminal() && io::stderr().is_terminal();
    let mut root = asked.root;
    let mut said_yes = asked.yes;
    if asked.dry_run {
        // Nothing is pinned: the answer is what would follow if it were the right one.
        root = root.or(first.then_some(bundle.authority));
    } else if first && root.is_none() && person {
        show(&format!("the trust root of this bundle is {}", bundle.authority));
        show(
            "compare it with what `ca init` printed, or `ssh-keygen -lf trust_root.pub` prints, on the authority",
        );
        if !confirmed("is it the same?") {
            return Err(Refused::NotPinned { root: bundle.authority }.into());
        }
        root = Some(bundle.authority);
        said_yes = true;
    }
    if asked.dry_run {
        let changes = preview(place, signed, root, clock())?;
        let outcome = if changes.is_some() { "would-apply" } else { "already-applied" };
        return Ok(answer(signed, outcome, &changes.unwrap_or_default(), as_json));
    }
    // Before the question, so that nobody is asked about a bundle that is then refused.
    let Some(changes) = preview(place, signed, root, clock())? else {
        return Ok(answer(signed, "already-applied", &[], as_json));
    };
    if person && !said_yes && !changes.is_empty() {
        changes.iter().for_each(|change| show(change));
        if !confirmed("apply it?") {
            return Err(Refused::Declined.into());
        }
    }
    let (work, _) = Work::begin(place)?;
    let outcome = work.apply(signed, root, clock())?;
    if first && person {
        show("next: `jit setup` opens this host to vendors with a grant, and to nobody else");
    }
    match outcome {
        Outcome::Applied => Ok(answer(signed, "applied", &changes, as_json)),
        Outcome::Already => Ok(answer(signed, "already-applied", &[], as_json)),
    }
}

fn answer(signed: &SignedBundle, outcome: &str, changes: &[String], as_json: bool) -> String {
    let bundle = signed.bundle();
    if as_json {
        let value = json!({
            "outcome": outcome,
            "host": bundle.host.as_str(),
            "version": bundle.version,
            "made": bundle.made.to_string(),
            "authority": bundle.authority.to_string(),
            "changes": changes,
        });
        return format!("{value:#}");
    }
    let words = match outcome {
        "applied" => "applied",
        "would-apply" => "would be applied",
        _ => "was applied before",
    };
    let mut lines = changes.to_vec();
    lines.push(format!("version {} for {}, made {}: {words}", bundle.version, bundle.host, bundle.made));
    lines.join("\n")
}

/// What became of dropped files.
///
/// # Errors
/// None in practice: everything in it is text and numbers.
pub fn dropped(finished: bool, dropped: &[Dropped], as_json: bool) -> Result<String, serde_json::Error> {
    if as_json {
        let files: Vec<Value> = dropped
            .iter()
            .map(|dropped| {
                let file = dropped.path.display().to_string();
                match &dropped.result {
                    Ok((version, outcome)) => {
                        json!({ "file": file, "outcome": word(*outcome), "version": version })
                    }
                    Err(error) => {
                        let kept = dropped.kept.as_ref().map(|kept| kept.display().to_string());
                        let outcome = if kept.is_some() { "too-early" } else { "refused" };
                        json!({ "file": file, "outcome": outcome, "reason": sentence(error), "kept": kept })
                    }
                }
            })
            .collect();
        return serde_json::to_string_pretty(&json!({ "finished": finished, "files": files }));
    }
    let mut lines = Vec::new();
    if finished {
        lines.push("a bundle that was half applied is applied".to_owned());
    }
    for dropped in dropped {
        let printable = |path: &Path| crate::check::door::printable(&path.display().to_string());
        let file = printable(&dropped.path);
        lines.push(match (&dropped.result, &dropped.kept) {
            (Ok((version, outcome)), _) => format!("{file}: version {version}: {}", word(*outcome)),
            (Err(error), None) => format!("{file}: refused: {}", sentence(error)),
            (Err(error), Some(kept)) => {
                format!("{file}: too early, and looked at again as {}: {}", printable(kept), sentence(error))
            }
        });
    }
    Ok(if lines.is_empty() { "no bundle there".to_owned() } else { lines.join("\n") })
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Applied => "applied",
        Outcome::Already => "already-applied",
    }
}

/// Shown beside the result: standard output stays for it.
fn show(line: &str) {
    // If standard error is gone, the question is not answered with yes either.
    let _ = writeln!(io::stderr(), "{line}");
}

/// Whether a person says yes, in full: one letter is typed too easily.
fn confirmed(question: &str) -> bool {
    let mut err = io::stderr();
    let _ = write!(err, "{question} Type yes to go on: ").and_then(|()| err.flush());
    let mut line = String::new();
    io::stdin().read_line(&mut line).is_ok() && line.trim() == "yes"
}

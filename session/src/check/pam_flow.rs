//! Whether a stack brings an account to our module: every path through it, not just the usual one.
//!
//! Modules other than pam_succeed_if, pam_permit and pam_deny are taken to answer anything, so a path
//! that exists here may be unlikely; a path that does not exist here does not exist. Our module is
//! found by its file name.

use std::collections::BTreeSet;

use super::pam_stack::{Action, Control, Step};

/// The file name of our module.
pub const MODULE: &str = "pam_jit.so";

/// Whose path through the stack is asked about.
#[derive(Debug, Clone, Copy)]
pub struct Persona<'a> {
    /// The account's uid.
    pub uid: u32,
    /// The vendor group's name.
    pub group: &'a str,
    /// Whether the account is a member of it.
    pub member: bool,
}

/// What a module answers to this persona.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Answer {
    Success,
    Failure,
    Anything,
}

/// What can become of a persona in a stack.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Paths {
    /// The steps of our module that some path reaches.
    pub reached: BTreeSet<usize>,
    /// Some path gets past `target` (or through the stack) with a good count and without the module;
    /// the step that makes it end or jump.
    pub around: Option<usize>,
}

/// Follows `persona` through `steps` on every path, up to the step `target`, which is a line of our
/// module; `None` follows to the end.
#[must_use]
pub fn follow(steps: &[Step], persona: Persona<'_>, target: Option<usize>) -> Paths {
    let mut paths = Paths::default();
    let mut seen = BTreeSet::new();
    // (step, whether something bad has been counted, the last step that ended or jumped)
    let mut open = vec![(0_usize, false, None::<usize>)];
    while let Some((at, bad, by)) = open.pop() {
        if !seen.insert((at, bad)) {
            continue;
        }
        if target == Some(at) {
            paths.reached.insert(at);
            continue;
        }
        let Some(step) = steps.get(at) else {
            if !bad {
                paths.around = paths.around.or(by).or(steps.len().checked_sub(1));
            }
            continue;
        };
        if target.is_some_and(|target| at > target) && !bad {
            paths.around = paths.around.or(by).or(Some(at));
            continue;
        }
        if is_ours(step) {
            paths.reached.insert(at);
        }
        for action in actions(step, persona) {
            match action {
                Action::Ignore | Action::Ok => open.push((at + 1, bad, by)),
                Action::Bad => open.push((at + 1, true, by)),
                Action::Reset => open.push((at + 1, false, by)),
                // libpam fails a stack that jumps past its end.
                Action::Jump(lines) if at + 1 + lines > steps.len() => {}
                Action::Jump(lines) => open.push((at + 1 + lines, bad, Some(at))),
                // A good end before the target is a way around it.
                Action::Done if !bad => paths.around = paths.around.or(Some(at)),
                Action::Done | Action::Die => {}
            }
        }
    }
    paths
}

/// Whether the step is our module.
#[must_use]
pub fn is_ours(step: &Step) -> bool {
    step.module.as_deref() == Some(MODULE)
}

/// Whether a refusal by a module with this control refuses the stack.
#[must_use]
pub fn refusal_counts(control: &Control) -> bool {
    // What our module answers when it refuses, what its panic guard answers, and what libpam answers
    // for it when the file is missing or broken.
    let refusals =
        ["auth_err", "perm_denied", "session_err", "abort", "system_err", "module_unknown", "open_err"];
    refusals.iter().all(|answer| matches!(control.on(answer), Action::Bad | Action::Die))
}

fn actions(step: &Step, persona: Persona<'_>) -> Vec<Action> {
    let failures = || step.control.on_failure().collect::<Vec<_>>();
    match answer(step, persona) {
        Answer::Success => vec![step.control.on_success()],
        Answer::Failure => failures(),
        Answer::Anything => [vec![step.control.on_success()], failures()].concat(),
    }
}

fn answer(step: &Step, persona: Persona<'_>) -> Answer {
    match step.module.as_deref() {
        Some("pam_permit.so") => Answer::Success,
        Some("pam_deny.so") => Answer::Failure,
        Some("pam_succeed_if.so") => succeed_if(&step.args, persona),
        _ => Answer::Anything,
    }
}

/// The conditions that the jump lines use; anything else may hold or not.
fn succeed_if(args: &[String], persona: Persona<'_>) -> Answer {
    let flags = ["debug", "quiet", "quiet_fail", "quiet_success", "audit"];
    let words: Vec<&str> = args.iter().map(String::as_str).filter(|arg| !flags.contains(arg)).collect();
    if words.is_empty() || !words.len().is_multiple_of(3) {
        return Answer::Anything;
    }
    let mut all = Answer::Success;
    for condition in words.chunks_exact(3) {
        let holds = match condition {
            ["user", "ingroup", group] if *group == persona.group => Some(persona.member),
            ["user", "notingroup", group] if *group == persona.group => Some(!persona.member),
            ["uid", compare, number] => number.parse().ok().and_then(|number: u32| match *compare {
                "<" | "lt" => Some(persona.uid < number),
                "<=" | "le" => Some(persona.uid <= number),
                ">" | "gt" => Some(persona.uid > number),
                ">=" | "ge" => Some(persona.uid >= number),
                "=" | "eq" => Some(persona.uid == number),
                "!=" | "ne" => Some(persona.uid != number),
                _ => None,
            }),
            _ => None,
        };
        match holds {
            Some(true) => {}
            Some(false) => return Answer::Failure,
            None => all = Answer::Anything,
        }
    }
    all
}

#[cfg(test)]
#[path = "pam_flow_tests.rs"]
mod tests;

//! Whether sshd's PAM service brings a vendor to the module, at both of its places in the session stack.
//!
//! sshd's block and the PAM lines are two files, and either can go without the other: a package's own version of the
//! service is put back, configuration management rewrites it, the module is removed by force. With the block alone a
//! certificate would do, with no approval looked at and nothing recorded. So `jit principals` names nobody then.

use std::path::Path;

use super::pam_flow::{Persona, follow, is_ours, refusal_counts};
use super::pam_stack::{Kind, StackError, stack};

/// Why a vendor's login would not meet the module, or could not be told to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unguarded {
    /// The service can't be read by who asks, which for sshd is nobody.
    #[error("sshd's PAM service does not say whether it asks the module")]
    Stack(#[from] StackError),
    /// A line is missing.
    #[error("the PAM service {service} has no session line `pam_jit.so stage={stage}`")]
    Missing {
        /// The service.
        service: String,
        /// `first` or `last`.
        stage: &'static str,
    },
    /// There is a way past it, or its refusal does not count.
    #[error("a vendor can get past the module: {0}")]
    Passed(String),
}

/// Both session lines of the module are there, nothing leads a member of `group` with this uid past them, and their refusal
/// counts.
///
/// # Errors
/// [`Unguarded`].
pub fn expect_guarded(directory: &Path, service: &str, uid: u32, group: &str) -> Result<(), Unguarded> {
    let steps = stack(directory, service, Kind::Session)?;
    let vendor = Persona { uid, group, member: true };
    for stage in ["first", "last"] {
        let at = steps.iter().position(|step| is_ours(step) && step.argument("stage") == Some(stage));
        let Some((at, step)) = at.and_then(|at| Some((at, steps.get(at)?))) else {
            return Err(Unguarded::Missing { service: service.to_owned(), stage });
        };
        if !refusal_counts(&step.control) || follow(&steps, vendor, Some(at)).around.is_some() {
            return Err(Unguarded::Passed(step.place()));
        }
    }
    Ok(())
}

//! `pam_jit.so`: a vendor account can be entered only with a grant, over ssh.
//!
//! ```text
//! account  requisite  pam_jit.so
//! session  requisite  pam_jit.so stage=first     # after pam_loginuid, before all that acts for the person
//! session  required   pam_jit.so stage=last      # the end of the stack
//! ```
//!
//! A vendor account is a member of the vendor group with a uid of at least 1000; to everybody else every hook
//! answers `PAM_IGNORE`, whatever else is broken. For a vendor account everything that is not a clear yes is a no,
//! a panic included. sshd shows the certificate in the session phase, so the verdict is made at `stage=first`
//! (crate `grant` has the rules) and confirmed at `stage=last`; the account phase refuses where no certificate can
//! come (su, login, cron) and passes where one will. `config=FILE` names another file than `/etc/jit/host.toml`.
//!
//! The module runs as root inside sshd. It has no threads, writes to no file and no standard stream, changes no
//! environment, leaves no descriptor open, and exports the six hooks of pam_sm(3) and nothing else.

mod account;
mod arguments;
mod clock;
mod close;
mod gate_ffi;
mod hook;
mod limit;
mod log;
mod login;
mod open;
mod pam_ffi;
mod pam_login;
mod quiet;
mod recorder;
mod refused;
mod source;
mod tell;
mod verdict;

#[cfg(test)]
mod scripted;

use std::ffi::CStr;

use pam::constants::{PamFlag, PamResultCode};
use pam::module::{PamHandle, PamHooks};

use crate::hook::hook;
use crate::pam_login::PamLogin;
use crate::quiet::quietly;

struct Module;

/// The exported symbols, which the macro of pam-bindings writes; pam_sm(3) documents them.
mod exported {
    #![allow(missing_docs, reason = "the macro writes no comments")]
    use super::Module;

    pam::pam_hooks!(Module);
}

impl PamHooks for Module {
    fn acct_mgmt(pamh: &mut PamHandle, args: Vec<&CStr>, flags: PamFlag) -> PamResultCode {
        quietly(&mut PamLogin::new(pamh, flags), |login| {
            hook(login, &args, PamResultCode::PAM_PERM_DENIED, account::account)
        })
    }

    fn sm_open_session(pamh: &mut PamHandle, args: Vec<&CStr>, flags: PamFlag) -> PamResultCode {
        quietly(&mut PamLogin::new(pamh, flags), |login| {
            hook(login, &args, PamResultCode::PAM_SESSION_ERR, open::open)
        })
    }

    fn sm_close_session(pamh: &mut PamHandle, args: Vec<&CStr>, flags: PamFlag) -> PamResultCode {
        quietly(&mut PamLogin::new(pamh, flags), |login| close::close(login, &args))
    }

    fn sm_authenticate(pamh: &mut PamHandle, args: Vec<&CStr>, flags: PamFlag) -> PamResultCode {
        not_ours(pamh, &args, flags)
    }

    fn sm_setcred(pamh: &mut PamHandle, args: Vec<&CStr>, flags: PamFlag) -> PamResultCode {
        not_ours(pamh, &args, flags)
    }

    fn sm_chauthtok(pamh: &mut PamHandle, args: Vec<&CStr>, flags: PamFlag) -> PamResultCode {
        not_ours(pamh, &args, flags)
    }
}

/// The hooks that decide nothing: nobody is authenticated here, and no credentials are set.
fn not_ours(pamh: &mut PamHandle, args: &[&CStr], flags: PamFlag) -> PamResultCode {
    if cfg!(feature = "panic-probe") {
        return quietly(&mut PamLogin::new(pamh, flags), |login| {
            hook(login, args, PamResultCode::PAM_ABORT, |_, _| Ok(PamResultCode::PAM_IGNORE))
        });
    }
    PamResultCode::PAM_IGNORE
}

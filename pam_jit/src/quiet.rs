//! Panics stay inside: no output, no unwinding into C, a refusal and a line in the log.
//!
//! The default panic hook writes to standard error, which is sshd's. The hook is process-wide in this object's own
//! copy of the standard library, so setting it touches neither sshd nor other modules; the former one is put back.

use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::{Mutex, PoisonError};

use audit::{Event, Facts};
use pam::constants::PamResultCode;

use crate::arguments::default_config;
use crate::hook::Place;
use crate::login::Login;

/// Where the last panic happened; the message is not kept, it could hold what was being parsed.
static WHERE: Mutex<Option<String>> = Mutex::new(None);

/// Runs `work`; a panic is logged and becomes `PAM_ABORT`, which every PAM control treats as a refusal.
pub(crate) fn quietly<L: Login>(login: &mut L, work: impl FnOnce(&mut L) -> PamResultCode) -> PamResultCode {
    let former = panic::take_hook();
    panic::set_hook(Box::new(remember));
    let result = panic::catch_unwind(AssertUnwindSafe(|| work(login)));
    let code = result.unwrap_or_else(|payload| {
        // Whatever the payload is, dropping it must not panic again on the way out.
        std::mem::forget(payload);
        let logged = panic::catch_unwind(AssertUnwindSafe(|| log(login)));
        logged.unwrap_or_else(std::mem::forget);
        PamResultCode::PAM_ABORT
    });
    panic::set_hook(former);
    code
}

fn remember(info: &PanicHookInfo<'_>) {
    let place = info.location().map(|at| format!("{}:{}", at.file(), at.line()));
    *WHERE.lock().unwrap_or_else(PoisonError::into_inner) = place;
}

fn log(login: &mut impl Login) {
    let place = WHERE.lock().unwrap_or_else(PoisonError::into_inner).take();
    let text = format!("pam_jit panicked at {}", place.as_deref().unwrap_or("an unknown place"));
    let facts = Facts { reason: Some("panic".to_owned()), reason_text: Some(text), ..Facts::default() };
    Place::of(login, &login.host_config(&default_config())).log(login, Event::LoginRefuse, facts);
}

#[cfg(test)]
#[path = "quiet_tests.rs"]
mod tests;

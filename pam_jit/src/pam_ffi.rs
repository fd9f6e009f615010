//! The places where C's word is taken: `pam_getenv`, which pam-bindings lacks, text for other modules, and the typed
//! view of kept data.
//!
//! With `gate_ffi.rs` the only file with unsafe code; it is small so that it can be read whole. Everything handed out is an owned copy.
#![allow(unsafe_code, reason = "pam(3) is a C interface")]

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::ptr;

use pam::module::PamHandle;

use crate::login::Admitted;

/// The name under which [`Admitted`] is kept, with the version, because its layout is this build's own.
pub(crate) const KEPT: &str = concat!("pam_jit.admitted/", env!("CARGO_PKG_VERSION"));

unsafe extern "C" {
    /// pam_getenv(3): `const char *pam_getenv(pam_handle_t *pamh, const char *name)`.
    fn pam_getenv(pamh: *mut PamHandle, name: *const c_char) -> *const c_char;
    /// pam_set_data(3).
    fn pam_set_data(
        pamh: *mut PamHandle,
        name: *const c_char,
        data: *mut c_void,
        cleanup: extern "C" fn(*mut PamHandle, *mut c_void, c_int),
    ) -> c_int;
}

/// A variable of the PAM environment: what the application put there, not the process's environment.
pub(crate) fn getenv(pamh: &PamHandle, name: &CStr) -> Option<Vec<u8>> {
    // SAFETY: libpam gave us the handle and keeps it valid during the hook; pam_getenv reads it and does not write,
    // whatever its prototype says, and nothing else runs on the handle meanwhile. `name` ends with NUL.
    let value = unsafe { pam_getenv(ptr::from_ref(pamh).cast_mut(), name.as_ptr()) };
    if value.is_null() {
        return None;
    }
    // SAFETY: pam_getenv(3) returns NULL or a NUL-terminated string inside the handle's environment, which lives
    // until the variable is set again; it is copied before anything else can happen.
    Some(unsafe { CStr::from_ptr(value) }.to_bytes().to_vec())
}

/// Frees a text of [`set_text`].
extern "C" fn free_text(_: *mut PamHandle, data: *mut c_void, _: c_int) {
    if !data.is_null() {
        // SAFETY: the pointer is from CString::into_raw in `set_text`, and libpam gives it back once.
        drop(unsafe { CString::from_raw(data.cast()) });
    }
}

/// Leaves a text for another module of the stack, as a C string under `name`.
pub(crate) fn set_text(pamh: &mut PamHandle, name: &str, text: &str) -> Result<(), c_int> {
    // Both are ours and hold no NUL.
    let (Ok(name), Ok(text)) = (CString::new(name), CString::new(text)) else { return Err(-1) };
    let data = text.into_raw();
    // SAFETY: the handle is libpam's and valid during the hook; `name` lives over the call; `data` is a C string
    // that stays valid until libpam calls `free_text` with it.
    let code = unsafe { pam_set_data(ptr::from_mut(pamh), name.as_ptr(), data.cast(), free_text) };
    if code == 0 {
        return Ok(());
    }
    // SAFETY: libpam did not take it, so it is still ours, from into_raw above.
    drop(unsafe { CString::from_raw(data) });
    Err(code)
}

/// A copy of what [`keep`] kept on this handle.
pub(crate) fn kept(pamh: &PamHandle) -> Option<Admitted> {
    // SAFETY: get_data demands that the data under the name is of the type asked for. Only `keep` sets data under
    // KEPT, it sets an Admitted, and libpam holds it until it is replaced or the handle ends. libpam keeps one copy
    // of a module per handle; another build under another path has another version in the name.
    unsafe { pamh.get_data::<Admitted>(KEPT) }.ok().cloned()
}

/// Keeps `admitted` on the handle, replacing what was kept.
pub(crate) fn keep(pamh: &mut PamHandle, admitted: Admitted) -> Result<(), i32> {
    // The code as C's integer: pam-bindings' enum is for answering, not for showing.
    pamh.set_data(KEPT, Box::new(admitted)).map_err(|code| code as i32)
}

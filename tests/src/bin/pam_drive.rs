//! Plays one program that uses PAM: reads steps from standard input, calls libpam, prints what came back.
//!
//! `pam-drive FOLDER SERVICE ACCOUNT` starts a transaction with the stack file FOLDER/SERVICE. Steps, one a line:
//! `env NAME=VALUE` (with `\n` for a line end), `account`, `open`, `close`, `authenticate`, `setcred`, `chauthtok`,
//! `look`. It prints `pid NUMBER` first. Each call prints `STEP NUMBER`; what the module tells the person is printed as `told TEXT`; `look` prints
//! the open descriptors, the threads and the PAM environment.
#![allow(unsafe_code, reason = "calls libpam, a C library")]
#![allow(clippy::expect_used, reason = "in a harness a failed step ends the test with that sentence")]

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::io::BufRead;
use std::ptr;

use libc::{calloc, free, strdup};

const PAM_SUCCESS: c_int = 0;
const PAM_BUF_ERR: c_int = 5;
const PAM_ESTABLISH_CRED: c_int = 2;

#[repr(C)]
struct Message {
    style: c_int,
    text: *const c_char,
}

#[repr(C)]
struct Response {
    text: *mut c_char,
    code: c_int,
}

#[repr(C)]
struct Conversation {
    talk: extern "C" fn(c_int, *mut *const Message, *mut *mut Response, *mut c_void) -> c_int,
    data: *mut c_void,
}

#[repr(C)]
struct Handle {
    _private: [u8; 0],
}

// SAFETY: the signatures are those of <security/pam_appl.h> and <security/_pam_types.h>, Linux-PAM 1.4 and newer.
#[link(name = "pam")]
unsafe extern "C" {
    fn pam_start_confdir(
        service: *const c_char,
        user: *const c_char,
        conversation: *const Conversation,
        folder: *const c_char,
        handle: *mut *mut Handle,
    ) -> c_int;
    fn pam_end(handle: *mut Handle, status: c_int) -> c_int;
    fn pam_putenv(handle: *mut Handle, pair: *const c_char) -> c_int;
    fn pam_getenvlist(handle: *mut Handle) -> *mut *mut c_char;
    fn pam_authenticate(handle: *mut Handle, flags: c_int) -> c_int;
    fn pam_setcred(handle: *mut Handle, flags: c_int) -> c_int;
    fn pam_acct_mgmt(handle: *mut Handle, flags: c_int) -> c_int;
    fn pam_open_session(handle: *mut Handle, flags: c_int) -> c_int;
    fn pam_close_session(handle: *mut Handle, flags: c_int) -> c_int;
    fn pam_chauthtok(handle: *mut Handle, flags: c_int) -> c_int;
}

/// Prints every message, answers every question with an empty text.
extern "C" fn talk(
    count: c_int,
    messages: *mut *const Message,
    answers: *mut *mut Response,
    _: *mut c_void,
) -> c_int {
    let count = usize::try_from(count).unwrap_or(0);
    // SAFETY: calloc has no precondition; libpam frees the array and each text with free(3).
    let made = unsafe { calloc(count.max(1), size_of::<Response>()) }.cast::<Response>();
    if made.is_null() {
        return PAM_BUF_ERR;
    }
    for index in 0..count {
        // SAFETY: libpam hands over `count` pointers to messages, each with a NUL-ended text; `made` has `count` places.
        unsafe {
            let message = &**messages.add(index);
            println!("told {}", CStr::from_ptr(message.text).to_string_lossy());
            (*made.add(index)).text = strdup(c"".as_ptr());
        }
    }
    // SAFETY: libpam passes a place for one pointer.
    unsafe { *answers = made };
    PAM_SUCCESS
}

/// A started transaction.
struct Transaction {
    handle: *mut Handle,
    last: c_int,
}

impl Transaction {
    fn start(folder: &str, service: &str, account: &str, conversation: &'static Conversation) -> Self {
        let [folder, service, account] = [folder, service, account].map(c_text);
        let mut handle = ptr::null_mut();
        // SAFETY: the texts live through the call, libpam copies them and the conversation; `handle` is a place for it.
        let code = unsafe {
            pam_start_confdir(
                service.as_ptr(),
                account.as_ptr(),
                conversation,
                folder.as_ptr(),
                &raw mut handle,
            )
        };
        assert_eq!(code, PAM_SUCCESS, "pam_start_confdir");
        Self { handle, last: PAM_SUCCESS }
    }

    fn set(&mut self, pair: &str) {
        let pair = c_text(&pair.replace("\\n", "\n"));
        // SAFETY: the handle is live; libpam copies the pair.
        let code = unsafe { pam_putenv(self.handle, pair.as_ptr()) };
        assert_eq!(code, PAM_SUCCESS, "pam_putenv");
    }

    fn call(&mut self, step: &str) {
        // SAFETY: the handle is live and used by this thread alone.
        let code = unsafe {
            match step {
                "account" => pam_acct_mgmt(self.handle, 0),
                "open" => pam_open_session(self.handle, 0),
                "close" => pam_close_session(self.handle, 0),
                "authenticate" => pam_authenticate(self.handle, 0),
                "setcred" => pam_setcred(self.handle, PAM_ESTABLISH_CRED),
                "chauthtok" => pam_chauthtok(self.handle, 0),
                other => panic!("no such step: {other}"),
            }
        };
        self.last = code;
        println!("{step} {code}");
    }

    fn environment(&self) -> Vec<String> {
        let mut pairs = Vec::new();
        // SAFETY: libpam returns an array of NUL-ended texts, ended by a null pointer; all of it is ours to free.
        unsafe {
            let list = pam_getenvlist(self.handle);
            let mut place = list;
            while !place.is_null() && !(*place).is_null() {
                pairs.push(CStr::from_ptr(*place).to_string_lossy().into_owned());
                free((*place).cast());
                place = place.add(1);
            }
            free(list.cast());
        }
        pairs
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        // SAFETY: the handle is live and not used again.
        unsafe { pam_end(self.handle, self.last) };
    }
}

fn c_text(text: &str) -> CString {
    CString::new(text).expect("a text without NUL")
}

fn look(transaction: &Transaction) {
    let count = |folder: &str| std::fs::read_dir(folder).expect("reads /proc").count();
    // The folder that is being read is itself one open descriptor.
    println!("descriptors {}", count("/proc/self/fd") - 1);
    println!("threads {}", count("/proc/self/task"));
    for pair in transaction.environment() {
        println!("environment {pair}");
    }
}

fn main() {
    static CONVERSATION: Conversation = Conversation { talk, data: ptr::null_mut() };
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [folder, service, account] = words.as_slice() else {
        panic!("usage: pam-drive FOLDER SERVICE ACCOUNT < STEPS");
    };
    let mut transaction = Transaction::start(folder, service, account, &CONVERSATION);
    println!("pid {}", std::process::id());
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("reads a step");
        match line.split_once(' ') {
            Some(("env", pair)) => transaction.set(pair),
            None if line == "look" => look(&transaction),
            _ => transaction.call(&line),
        }
    }
}

// SAFETY: `data` is never read; the conversation has no state to share.
unsafe impl Sync for Conversation {}

//! Small C programs that do on a host what no shell does, compiled here and linked statically.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::booted::host::Host;
use crate::process::{clean, program, run};

impl Host {
    /// Compiles `source` and puts it onto the host as `/usr/local/bin/NAME`.
    ///
    /// # Panics
    /// When it does not compile.
    pub fn put_program(&self, name: &str, source: &str) {
        static COMPILED: Mutex<Option<HashMap<String, Vec<u8>>>> = Mutex::new(None);
        let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes =
            compiled.get_or_insert_default().entry(source.to_owned()).or_insert_with(|| compile(source));
        self.put(&format!("/usr/local/bin/{name}"), bytes, 0o755);
    }
}

fn compile(source: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let (text, out) = (folder.path().join("program.c"), folder.path().join("program"));
    std::fs::write(&text, source).expect("writes a source");
    let mut cc = clean(program("cc", "gcc"));
    cc.args(["-O2", "-Wall", "-Werror", "-static", "-pthread", "-D_GNU_SOURCE", "-o"]).arg(&out).arg(&text);
    drop(run(cc).ok());
    std::fs::read(out).expect("reads a compiled program")
}

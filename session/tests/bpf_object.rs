//! The BPF program is one source for each architecture that the recorder runs on.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::process::Command;

/// Compiles it with these defines, as build.rs does; gives the numbers of system calls that the object compares with.
fn compiled(defines: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let object = folder.path().join("exec.bpf.o");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/bpf/exec.bpf.c");
    let mut clang = Command::new("clang");
    clang.args(["-O2", "-g", "-Wall", "-Werror", "-target", "bpf", "-mcpu=v3"]).args(defines);
    let output = clang.args(["-c", source, "-o"]).arg(&object).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // Names of fields that are looked up in the kernel's BTF when it is loaded.
    String::from_utf8_lossy(&std::fs::read(object).unwrap()).into_owned()
}

#[test]
fn it_compiles_for_aarch64_and_reads_that_kernels_fields() {
    let arm = compiled(&["-DARM64"]);
    assert!(arm.contains("syscallno") && !arm.contains("orig_ax"));
    let intel = compiled(&[]);
    assert!(intel.contains("orig_ax") && !intel.contains("syscallno"));
}

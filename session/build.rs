//! Compiles `bpf/exec.bpf.c` with clang for the BPF target. CO-RE: one object fits every kernel with BTF.

use std::path::PathBuf;
use std::process::Command;

fn main() {
    let source = "bpf/exec.bpf.c";
    println!("cargo::rerun-if-changed={source}");
    println!("cargo::rerun-if-env-changed=CLANG");
    let clang = std::env::var("CLANG").unwrap_or_else(|_| "clang".to_owned());
    let object = PathBuf::from(std::env::var_os("OUT_DIR").unwrap_or_default()).join("exec.bpf.o");
    let mut command = Command::new(&clang);
    // Where this folder lies is nobody's business: BTF's lines would name it, and two builds differ.
    command.arg("-ffile-compilation-dir=.");
    // What differs is where a system call's number stands, and how a 32-bit process is known.
    if std::env::var("CARGO_CFG_TARGET_ARCH").as_deref() == Ok("aarch64") {
        command.arg("-DARM64");
    }
    command
        .args(["-O2", "-g", "-Wall", "-Werror", "-target", "bpf", "-mcpu=v3", "-c", source, "-o"])
        .arg(&object);
    match command.status() {
        Ok(status) if status.success() => {}
        Ok(status) => panic!("{clang} could not compile {source} for BPF: {status}"),
        Err(error) => {
            panic!("{clang} is needed to compile {source} for BPF (Debian: apt-get install clang): {error}")
        }
    }
}

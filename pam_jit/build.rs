//! Packs the module's relative relocations (DT_RELR): 31 kB less in every sshd. Needs glibc 2.36 where it runs, which
//! Debian 12 and EL10 have.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-cdylib-link-arg=-Wl,-z,pack-relative-relocs");
}

//! Packages are built from an export of the tree, with crates that were compiled before: an edit is never taken for compiled.

use std::fs;
use std::path::Path;
use std::process::Command;

use e2e::packages::root;
use e2e::process::{clean, program, run};

/// What the exported tree's program says when it is built with the crates that are there.
fn built(tree: &Path, exported: &Path) -> String {
    let mut build = Command::new(root().join("scripts/with-rust"));
    build.args(["cargo", "build", "--quiet", "--offline"]).current_dir(exported);
    build.env("CARGO_TARGET_DIR", tree.join("target/cargo"));
    drop(run(build).ok());
    run(clean(tree.join("target/cargo/debug/said"))).ok().stdout
}

fn export(tree: &Path, to: &Path) {
    let mut export = Command::new(tree.join("scripts/export"));
    export.arg(to);
    drop(run(export).ok());
}

/// Gives a file this content, as old as another one.
fn edit(file: &Path, content: &str, as_old_as: &Path) {
    fs::write(file, content).expect("writes a file");
    let mut touch = clean(program("touch", "coreutils"));
    touch.arg("--reference").arg(as_old_as).arg(file);
    drop(run(touch).ok());
}

#[test]
fn a_file_that_was_edited_while_a_build_ran_is_compiled_by_the_next_one() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let tree = folder.path().join("tree");
    fs::create_dir_all(tree.join("src")).expect("makes a folder");
    fs::create_dir_all(tree.join("scripts")).expect("makes a folder");
    fs::copy(root().join("scripts/export"), tree.join("scripts/export")).expect("copies the script");
    let manifest = "[package]\nname = \"said\"\nedition = \"2024\"\nversion = \"1.0.0\"\n[workspace]\n";
    fs::write(tree.join("Cargo.toml"), manifest).expect("writes a manifest");
    fs::write(tree.join("src/main.rs"), "fn main() { print!(include_str!(\"word\")) }\n")
        .expect("writes a source");
    let word = tree.join("src/word");
    fs::write(&word, "before").expect("writes a source");
    fs::write(tree.join("gone"), "").expect("writes a file");
    let exported = tree.join("target/source");

    export(&tree, &exported);
    // Behind the export, and before the compiler reads what was exported.
    fs::write(&word, "edited").expect("edits a source");
    assert_eq!(built(&tree, &exported), "before");
    fs::remove_file(tree.join("gone")).expect("removes a file");
    export(&tree, &exported);
    assert_eq!(built(&tree, &exported), "edited");
    assert!(!exported.join("gone").exists());

    // Nor does a time of long ago hide one: unpacked from an archive, say.
    edit(&word, "archived", &root().join("Cargo.toml"));
    export(&tree, &exported);
    assert_eq!(built(&tree, &exported), "archived");

    // What was not changed is not compiled again: it is as old as the export that brought it.
    let old = fs::metadata(exported.join("src/word")).and_then(|facts| facts.modified()).expect("a time");
    fs::write(&word, "archived").expect("writes the same again");
    export(&tree, &exported);
    let new = fs::metadata(exported.join("src/word")).and_then(|facts| facts.modified()).expect("a time");
    assert_eq!(new, old);
}

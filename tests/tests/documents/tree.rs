//! Reading the tree and its documents: files, tables, fenced blocks. Knows nothing about what they should say.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The workspace.
pub(crate) fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    root.expect("the crate lies in the workspace").to_owned()
}

/// Every text file of the tree with its path from the root; what is built or generated is left out.
pub(crate) fn tree() -> Vec<(String, String)> {
    let mut files = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("reads a folder").flatten() {
            let path = entry.path();
            let name = path.strip_prefix(root()).expect("in the tree").to_string_lossy().into_owned();
            let built = ["target", ".git", "fuzz/target", "fuzz/corpus", "fuzz/artifacts"];
            if built.contains(&name.as_str()) {
                continue;
            }
            if entry.file_type().expect("a file's type").is_dir() {
                folders.push(path);
            } else if let Ok(text) = std::fs::read_to_string(&path) {
                files.push((name, text));
            }
        }
    }
    files.sort();
    files
}

/// Every Markdown document.
pub(crate) fn documents() -> Vec<(String, String)> {
    tree().into_iter().filter(|(name, _)| name.ends_with(".md")).collect()
}

/// The text of a file.
pub(crate) fn read(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Fails with a list of what was found, unless nothing was.
#[track_caller]
pub(crate) fn none_of(what: &str, found: &[String]) {
    assert!(found.is_empty(), "{what}:\n{}", found.join("\n"));
}

/// The pieces between single backticks.
pub(crate) fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The cells of a Markdown table row; a `\|` inside a cell is no border.
pub(crate) fn cells(line: &str) -> Vec<String> {
    let row = line.trim().trim_start_matches('|').trim_end_matches('|').replace("\\|", "\u{1}");
    row.split('|').map(|cell| cell.trim().replace('\u{1}', "|")).collect()
}

/// The rows of every table whose header's cells are `header`.
pub(crate) fn rows(document: &str, header: &[&str]) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut inside = false;
    for line in document.lines() {
        if !line.starts_with('|') {
            inside = false;
        } else if cells(line) == header {
            inside = true;
        } else if inside && !line.starts_with("|---") {
            found.push(cells(line));
        }
    }
    found
}

/// The fenced blocks of a document: what stands behind the fence, and the text.
pub(crate) fn fences(document: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut open: Option<(String, String)> = None;
    for line in document.lines() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(kind), None) => open = Some((kind.to_owned(), String::new())),
            (Some(_), Some(_)) => found.extend(open.take()),
            (None, Some((_, text))) => text.extend([line, "\n"]),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a fence is not closed");
    found
}

/// The Rust files that belong to a crate: those that a `mod` leads to, from a root that cargo finds.
pub(crate) fn compiled() -> BTreeMap<String, String> {
    let all: BTreeMap<_, _> = tree().into_iter().filter(|(name, _)| name.ends_with(".rs")).collect();
    let mut found = BTreeSet::new();
    let mut ahead: Vec<String> = all.keys().filter(|name| is_root(name)).cloned().collect();
    while let Some(name) = ahead.pop() {
        if let Some(text) = all.get(&name).filter(|_| !found.contains(&name)) {
            ahead.extend(modules(&name, text));
            found.insert(name);
        }
    }
    all.into_iter().filter(|(name, _)| found.contains(name)).collect()
}

fn is_root(name: &str) -> bool {
    let (folder, file) = name.rsplit_once('/').unwrap_or(("", name));
    let parts: Vec<_> = folder.split('/').collect();
    match parts.as_slice() {
        [_, "src"] => ["lib.rs", "main.rs"].contains(&file),
        [_, "src", "bin"] | [_, "tests" | "benches" | "examples"] | ["fuzz", _] => true,
        [_, "tests" | "benches", _] => file == "main.rs",
        _ => file == "build.rs",
    }
}

/// The files that the `mod NAME;` lines of a file mean.
fn modules(name: &str, text: &str) -> Vec<String> {
    let folder = Path::new(name).parent().unwrap_or(Path::new(""));
    let stem = Path::new(name).file_stem().unwrap_or_default();
    let inside = if is_root(name) || stem == "mod" { folder.to_owned() } else { folder.join(stem) };
    let mut path = None;
    let mut found = Vec::new();
    for line in text.lines().map(str::trim) {
        if let Some(value) = line.strip_prefix("#[path = \"").and_then(|rest| rest.strip_suffix("\"]")) {
            path = Some(folder.join(value));
        } else if let Some(module) = line.strip_suffix(';').and_then(|line| line.rsplit_once("mod ")) {
            let file = path.take().unwrap_or_else(|| inside.join(format!("{}.rs", module.1)));
            found.push(file.to_string_lossy().into_owned());
        }
    }
    found
}

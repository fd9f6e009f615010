//! The documents are true of the tree: what they name exists, what exists is named, and their numbers are the code's.
//!
//! Reads files and runs `--help`; starts nothing else but `ssh-keygen`. What a document shows as an example is parsed
//! and decided by the crate that it describes.
#![allow(clippy::expect_used, reason = "a step that fails ends the test with that sentence")]

#[path = "documents/audit_format.rs"]
mod audit_format;
#[path = "documents/format.rs"]
mod format;
#[path = "documents/tree.rs"]
mod tree;
#[path = "documents/troubleshooting.rs"]
mod troubleshooting;
#[path = "documents/trust.rs"]
mod trust;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use e2e::artefacts;
use e2e::process::{clean, run};

use crate::tree::{compiled, documents, fences, none_of, quoted, read, root, rows, tree};

/// The names of all test functions that cargo runs.
fn tests() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for text in compiled().values() {
        let mut marked = false;
        for line in text.lines().map(str::trim) {
            if line.starts_with("#[test]") {
                marked = true;
            } else if let Some(rest) = line.strip_prefix("fn ").filter(|_| marked) {
                found.extend(rest.split('(').next().map(str::to_owned));
                marked = false;
            }
        }
    }
    found
}

/// This file says the words that it looks for.
const OWN: &str = "tests/tests/documents.rs";

const THREATS: [&str; 4] = ["threat", "what stops it", "where", "tests"];

#[test]
fn every_threat_names_a_test_that_exists() {
    let tests = tests();
    let rows = rows(&read("docs/threats.md"), &THREATS);
    let mut wrong = Vec::new();
    for row in &rows {
        let named: Vec<_> = quoted(&row[3]).collect();
        if row.len() != 4 || named.is_empty() {
            wrong.push(format!("no test: {}", row[0]));
        }
        wrong.extend(
            named.iter().filter(|name| !tests.contains(**name)).map(|name| format!("{name}: {}", row[0])),
        );
    }
    none_of("rows of docs/threats.md", &wrong);
}

/// What has to be refused, in the words of the table's first column.
const REFUSED: [&str; 38] = [
    "another host",
    "another account",
    "another source address",
    "another key",
    "expired certificate",
    "window not yet open",
    "revoked in the KRL",
    "on the revoked list",
    "another CA",
    "host certificate",
    "no grant",
    "two grants",
    "altered bytes",
    "too few approvals",
    "approval by the requester",
    "approver who has ended",
    "without touch",
    "unknown version",
    "forwarding without permission",
    "another forward target",
    "terminal without permission",
    "agent without permission",
    "`ssh -N` with a refused grant",
    "stolen CA key, for root",
    "stolen CA key, for an administrator",
    "stolen CA key, without approvals",
    "replay from another authority",
    "password",
    "keyboard-interactive",
    "plain key",
    "su, login, cron",
    "limit that nothing keeps",
    "panic",
    "missing module",
    "missing KRL",
    "broken or empty file",
    "writable by others",
    "control characters",
];

#[test]
fn every_refusal_has_a_row_among_the_threats() {
    let rows = rows(&read("docs/threats.md"), &THREATS);
    let missing = REFUSED.iter().filter(|threat| !rows.iter().any(|row| row[0].contains(**threat)));
    none_of(
        "without a row in docs/threats.md",
        &missing.map(|threat| (*threat).to_owned()).collect::<Vec<_>>(),
    );
}

/// GitHub's anchor of a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

#[test]
fn every_link_leads_somewhere() {
    let documents: BTreeMap<_, _> = documents().into_iter().collect();
    let mut wrong = Vec::new();
    for (name, text) in &documents {
        let mut fenced = false;
        for line in text.lines() {
            fenced ^= line.starts_with("```");
            if fenced {
                continue;
            }
            for target in line.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
                if target.contains("://") {
                    continue;
                }
                let (file, heading) =
                    target.split_once('#').map_or((target, None), |(file, to)| (file, Some(to)));
                let folder = Path::new(name).parent().unwrap_or(Path::new(""));
                let path = if file.is_empty() { PathBuf::from(name) } else { folder.join(file) };
                if !root().join(&path).exists() {
                    wrong.push(format!("{name}: {target}"));
                }
                let headings = std::fs::read_to_string(root().join(&path)).unwrap_or_default();
                let mut anchors = headings
                    .lines()
                    .filter(|l| l.starts_with('#'))
                    .map(|l| anchor(l.trim_start_matches('#')));
                if heading.is_some_and(|wanted| !anchors.any(|anchor| anchor == wanted)) {
                    wrong.push(format!("{name}: {target} (no such heading)"));
                }
            }
        }
    }
    none_of("links that lead nowhere", &wrong);
}

#[test]
fn every_file_that_a_document_names_exists() {
    let folders = [
        "grant",
        "audit",
        "hostfile",
        "ca",
        "pam_jit",
        "session",
        "tests",
        "docs",
        "packaging",
        "scripts",
        "systemd",
    ];
    let mut missing = Vec::new();
    for (name, text) in documents() {
        let paths = text.lines().flat_map(quoted).filter(|path| !path.contains([' ', '*', '<', '>']));
        let ours =
            paths.filter(|path| path.split_once('/').is_some_and(|(folder, _)| folders.contains(&folder)));
        missing.extend(ours.filter(|path| !root().join(path).exists()).map(|path| format!("{name}: {path}")));
    }
    none_of("files that do not exist", &missing);
}

#[test]
fn every_crate_stands_in_the_architecture() {
    let manifest = read("Cargo.toml");
    let line = manifest.lines().find(|line| line.starts_with("members")).expect("the line of members");
    let members: BTreeSet<_> = line.split('"').skip(1).step_by(2).map(str::to_owned).collect();
    let rows = rows(&read("ARCHITECTURE.md"), &["crate", "what it is", "imports of ours"]);
    let named: BTreeSet<_> =
        rows.iter().flat_map(|row| quoted(&row[0]).map(str::to_owned).collect::<Vec<_>>()).collect();
    assert_eq!(named, members);
    // And the table's third column is what the manifests say.
    for row in rows {
        let krate = quoted(&row[0]).next().expect("a crate's name").to_owned();
        let said: BTreeSet<_> = quoted(&row[2]).map(str::to_owned).collect();
        assert_eq!(siblings(&krate, &members), said, "what {krate} imports");
    }
}

/// The workspace's own crates that a crate depends on, dev-dependencies left out.
fn siblings(krate: &str, members: &BTreeSet<String>) -> BTreeSet<String> {
    let manifest = read(&format!("{krate}/Cargo.toml"));
    let sections = manifest
        .split("\n[")
        .filter(|section| section.starts_with("dependencies]") || section.starts_with("target"));
    let names = sections.flat_map(|section| section.lines().skip(1));
    let names = names.filter_map(|line| line.split(['.', ' ', '=']).next());
    names.filter(|name| members.contains(*name)).map(str::to_owned).collect()
}

#[test]
fn imports_go_one_way() {
    let members =
        ["grant", "audit", "hostfile", "ca", "pam_jit", "session", "tests"].map(str::to_owned).into();
    let allowed: [(&str, &[&str]); 6] = [
        ("grant", &[]),
        ("audit", &[]),
        ("hostfile", &["grant"]),
        ("ca", &["grant", "audit", "hostfile"]),
        ("pam_jit", &["grant", "audit", "hostfile"]),
        ("session", &["grant", "audit", "hostfile"]),
    ];
    for (krate, may) in allowed {
        for sibling in siblings(krate, &members) {
            assert!(may.contains(&sibling.as_str()), "{krate} imports {sibling}");
        }
    }
}

/// Code without its comments; good enough for finding a word.
fn code(line: &str) -> &str {
    line.split("//").next().unwrap_or_default()
}

#[test]
fn unsafe_stands_only_where_the_architecture_says() {
    let rows = rows(&read("ARCHITECTURE.md"), &["file", "what is unsafe in it"]);
    let listed: BTreeSet<_> =
        rows.iter().flat_map(|row| quoted(&row[0]).map(str::to_owned).collect::<Vec<_>>()).collect();
    let words = [
        "unsafe {",
        "unsafe fn",
        "unsafe impl",
        "unsafe extern",
        "unsafe trait",
        "#[unsafe(",
        "allow(unsafe_code",
    ];

    let found: BTreeSet<_> = compiled()
        .into_iter()
        .filter(|(name, text)| {
            name != OWN && text.lines().any(|line| words.iter().any(|word| code(line).contains(word)))
        })
        .map(|(name, _)| name)
        .collect();
    assert_eq!(found, listed);
    for pure in ["grant", "audit", "hostfile"] {
        assert!(read(&format!("{pure}/src/lib.rs")).contains("#![forbid(unsafe_code)]"), "{pure}");
    }
}

#[test]
fn nothing_needs_nightly_or_rustup() {
    let denied = ["never", "not ", "no ", "neither", "nothing", "without", "stable"];
    let mut wrong = Vec::new();
    for (name, text) in tree().iter().filter(|(name, _)| name != OWN && name != "Cargo.lock") {
        for line in text.lines().map(str::to_lowercase) {
            let said = line.contains("nightly") || line.contains("rustup");
            if line.contains("cargo +") || said && !denied.iter().any(|word| line.contains(word)) {
                wrong.push(format!("{name}: {line}"));
            }
        }
    }
    none_of("lines that need nightly or rustup", &wrong);
}

#[test]
fn every_target_that_a_document_names_is_in_the_makefile() {
    let makefile = read("Makefile");
    let targets: BTreeSet<_> =
        makefile.lines().filter_map(|line| line.split_once(':')).map(|(name, _)| name).collect();
    for (name, text) in documents() {
        let said = quoted(&text).chain(text.lines()).filter_map(|said| said.trim().strip_prefix("make "));
        for target in said
            .filter_map(|rest| rest.split([' ', ',', '.', '`']).next())
            .filter(|t| t.chars().all(|c| c.is_ascii_lowercase()))
        {
            let later = !targets.contains(target) && ["deb", "rpm"].contains(&target);
            assert!(later || targets.contains(target), "{name}: make {target}");
        }
    }
    let readme = read("README.md");
    for target in ["make demo", "make test", "make bench"] {
        assert!(readme.contains(target), "README.md does not name {target}");
    }
}

#[test]
fn every_command_that_the_readme_shows_exists() {
    let readme = read("README.md");
    let mut seen = 0;
    for (_, block) in fences(&readme).into_iter().filter(|(kind, _)| kind == "sh") {
        for line in block.replace("\\\n", " ").lines() {
            let line = line.trim_start_matches("sudo ").split(" #").next().unwrap_or_default();
            let mut words = line.split_whitespace().take_while(|word| !matches!(*word, "|" | ">" | "&&"));
            let program = match words.next() {
                Some("ca") => artefacts::ca(),
                Some("jit") => artefacts::jit(),
                _ => continue,
            };
            let words: Vec<_> = words.collect();
            let verb = |word: &&&str| word.chars().all(|c| c.is_ascii_lowercase());
            let depth = words.iter().take(2).take_while(verb).count();
            let commands = (1..=depth).rev().map(|depth| &words[..depth]);
            let help = commands.map(|verbs| {
                let mut command = clean(program);
                command.args(verbs).arg("--help");
                run(command)
            });
            let help = help
                .into_iter()
                .find(e2e::process::Outcome::succeeded)
                .unwrap_or_else(|| panic!("no such command: {line}"));
            for flag in words.iter().filter(|word| word.starts_with("--")) {
                assert!(help.stdout.contains(flag), "{flag} is not in the help of: {line}");
            }
            seen += 1;
        }
    }
    assert!(seen >= 10, "the README shows only {seen} commands");
}

#[test]
fn every_dependency_carries_its_reason() {
    let manifest = read("Cargo.toml");
    let section = manifest.split("[workspace.dependencies]\n").nth(1).expect("the section of dependencies");
    let lines = section.lines().take_while(|line| !line.starts_with('['));
    let bare = lines.filter(|line| line.contains('=') && !line.contains('#') && !line.contains("path = "));
    none_of("dependencies without a reason", &bare.map(str::to_owned).collect::<Vec<_>>());
}

/// Whether a text holds a private key, and not only the words around one.
fn holds_a_private_key(text: &str) -> bool {
    text.split("PRIVATE KEY-----").skip(1).any(|rest| {
        let body = rest.trim_start().lines().next().unwrap_or_default().trim();
        body.len() >= 60 && body.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/=".contains(&b))
    })
}

#[test]
fn no_private_key_lies_in_the_tree() {
    assert!(holds_a_private_key(&format!("-----BEGIN X PRIVATE KEY-----\n{}\n", "A".repeat(70))));
    let found = tree().into_iter().filter(|(_, text)| holds_a_private_key(text));
    none_of("private keys", &found.map(|(name, _)| name).collect::<Vec<_>>());
}

#[test]
fn the_licences_are_there() {
    assert!(read("LICENSE").contains("Apache-2.0 OR MIT"));
    assert!(
        read("LICENSE-APACHE").contains("Apache License") && read("LICENSE-APACHE").contains("Version 2.0")
    );
    assert!(read("LICENSE-MIT").contains("Permission is hereby granted, free of charge"));
}

#[test]
fn the_changelog_has_this_version() {
    let version = concat!("## [", env!("CARGO_PKG_VERSION"), "]");
    assert!(
        read("CHANGELOG.md").lines().any(|line| line.starts_with(version)),
        "CHANGELOG.md lacks {version}"
    );
}

//! The manual pages are sound, and name every key and argument that the parsers know, and no other. What they say of
//! flags is compared beside the command lines themselves (`docs/man/pages.rs`).

use std::collections::BTreeSet;
use std::path::Path;

use e2e::packages::root;
use e2e::process::{clean, program, run};

fn page(name: &str) -> String {
    std::fs::read_to_string(root().join("docs/man").join(name)).expect("reads a page")
}

#[test]
fn every_page_is_sound() {
    let mut seen = 0;
    for entry in std::fs::read_dir(root().join("docs/man")).expect("reads docs/man").flatten() {
        let path = entry.path();
        if path.extension().is_none_or(|section| section.to_string_lossy().parse::<u8>().is_err()) {
            continue;
        }
        seen += 1;
        let mut mandoc = clean(program("mandoc", "mandoc"));
        mandoc.args(["-T", "lint"]).arg(&path);
        let said = run(mandoc);
        // Which other pages this machine has is no matter of the page.
        let remarks: Vec<_> =
            said.stdout.lines().filter(|line| !line.contains("referenced manual not found")).collect();
        assert!(remarks.is_empty(), "{}", remarks.join("\n"));
        // The formatter that Debian's man uses has no remark either.
        let mut groff = clean(program("groff", "groff-base"));
        groff.args([if is_mdoc(&path) { "-mdoc" } else { "-man" }, "-ww", "-Tutf8"]).arg(&path);
        let said = run(groff).ok();
        assert_eq!(said.stderr, "", "{}", path.display());
    }
    assert_eq!(seen, 5, "ca.1, jit.1, pam_jit.8, host.toml.5, ca.toml.5");
}

fn is_mdoc(path: &Path) -> bool {
    std::fs::read_to_string(path).expect("reads a page").contains(".Dd ")
}

/// The keys that a page lists between two headings.
fn listed(page: &str, from: &str, to: &str) -> BTreeSet<String> {
    let after = page.split(from).nth(1).unwrap_or_else(|| panic!("the page has {from}"));
    let part = after.split(to).next().unwrap_or_default();
    part.lines()
        .filter_map(|line| line.strip_prefix(".It Ic ")?.split(' ').next())
        .map(str::to_owned)
        .collect()
}

/// The keys that a parser names when it meets one that it does not know.
fn known(message: &str) -> BTreeSet<String> {
    let (_, keys) = message.split_once("expected one of ").unwrap_or_else(|| panic!("{message}"));
    keys.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn the_page_of_host_toml_has_every_key_and_no_other() {
    let page = page("host.toml.5");
    let example =
        std::fs::read_to_string(root().join("packaging/host.toml.example")).expect("reads the example");
    let authority = format!("SHA256:{}", "A".repeat(43));
    let example = example.replace("SHA256:...", &authority);
    let keys = |table: &str| {
        let text = match table {
            "" => format!("unknown_key = 1\n{example}"),
            table => example.replace(&format!("[{table}]\n"), &format!("[{table}]\nunknown_key = 1\n")),
        };
        let parsed = hostfile::HostConfig::parse(Path::new("host.toml"), text.as_bytes());
        known(&parsed.expect_err("an unknown key").to_string())
    };
    let mut top = keys("");
    assert!(top.remove("log") && top.remove("recorder"), "the tables: {top:?}");
    assert_eq!(listed(&page, ".Sh DESCRIPTION", ".Ss "), top);
    assert_eq!(listed(&page, ".Ss [log]", ".Ss "), keys("log"));
    assert_eq!(listed(&page, ".Ss [recorder]", ".Sh "), keys("recorder"));
}

#[test]
fn the_page_of_ca_toml_has_every_key_and_no_other() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let file = folder.path().join("ca.toml");
    std::fs::write(&file, "unknown_key = 1\n").expect("writes a file");
    let error = ca::config::Config::load(&file).expect_err("an unknown key").to_string();
    assert_eq!(listed(&page("ca.toml.5"), ".Sh DESCRIPTION", ".Sh "), known(&error));
}

#[test]
fn the_page_of_pam_jit_has_every_argument_and_no_other() {
    let source = std::fs::read_to_string(root().join("pam_jit/src/arguments.rs")).expect("reads the parser");
    let parser = source.split("#[cfg(test)]").next().unwrap_or_default();
    let between = |before: &str, after: &str| -> BTreeSet<String> {
        let pieces = parser.split(before).skip(1);
        pieces.filter_map(|rest| rest.split(after).next()).map(str::to_owned).collect()
    };
    let keys = between("strip_prefix(\"", "\")");
    let stages: BTreeSet<_> = parser
        .lines()
        .filter_map(|line| line.trim().strip_prefix('"')?.split_once("\" => Stage::"))
        .map(|(word, _)| word.to_owned())
        .collect();
    assert!(keys.contains("stage=") && stages.contains("first"), "{keys:?} {stages:?}");
    let page = page("pam_jit.8");
    let options =
        page.split(".Sh OPTIONS").nth(1).and_then(|rest| rest.split(".Sh ").next()).expect("the options");
    let mut said = BTreeSet::new();
    let mut words = BTreeSet::new();
    for line in options.lines().filter_map(|line| line.strip_prefix(".It Cm ")) {
        let (key, word) = line.split_once('=').expect("an argument with a value");
        said.insert(format!("{key}="));
        words.extend((key == "stage").then(|| word.to_owned()));
    }
    assert_eq!((said, words), (keys, stages));
}

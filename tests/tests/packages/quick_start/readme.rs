//! The README's quick start, as text: its fenced blocks, and its lines one at a time.

const README: &str = include_str!("../../../../README.md");

/// A section of the README's quick start.
fn section(title: &str) -> &'static str {
    let heading = format!("\n### {title}\n");
    let (_, after) =
        README.split_once(&heading).unwrap_or_else(|| panic!("README.md has no section {title}"));
    let end = after.find("\n### ").into_iter().chain(after.find("\n## ")).min();
    &after[..end.unwrap_or(after.len())]
}

/// The lines of the blocks of a section that are of this kind, the word or words behind the three backticks.
pub(crate) fn lines(title: &str, kind: &str) -> Vec<&'static str> {
    let mut found = Vec::new();
    let mut inside = None;
    for line in section(title).lines() {
        match (line.strip_prefix("```"), inside) {
            (Some(kind), None) => inside = Some(kind),
            (Some(_), Some(_)) => inside = None,
            (None, Some(inside)) if inside == kind => found.push(line),
            _ => {}
        }
    }
    assert!(!found.is_empty(), "README.md, {title}: no block ```{kind}");
    found
}

/// The one line among these that begins so.
pub(crate) fn line<'a>(lines: &[&'a str], start: &str) -> &'a str {
    let mut found = lines.iter().filter(|line| line.starts_with(start));
    match (found.next(), found.next()) {
        (Some(line), None) => line,
        _ => panic!("README.md has not one line that begins with {start:?}: {lines:#?}"),
    }
}

/// A command that the README's running text names.
pub(crate) fn named(command: &'static str) -> &'static str {
    assert!(README.contains(&format!("`{command}`")), "README.md does not name {command}");
    command
}

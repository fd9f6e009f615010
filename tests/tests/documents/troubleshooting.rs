//! docs/troubleshooting.md against the code: every sentence that refuses somebody is in it, word for word.

use super::tree::{none_of, read};

/// The string literals of Rust text, without those of comments.
fn literals(text: &str) -> Vec<(String, String)> {
    let code: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let code = code.join("\n");
    let mut found = Vec::new();
    let mut rest = code.as_str();
    let mut before = String::new();
    while let Some(at) = rest.find('"') {
        before.push_str(&rest[..at]);
        let body = &rest[at + 1..];
        let Some(end) = body.match_indices('"').map(|(i, _)| i).find(|i| !body[..*i].ends_with('\\')) else {
            break;
        };
        found.push((before.trim_end().to_owned(), body[..end].to_owned()));
        rest = &body[end + 1..];
        before.clear();
    }
    found
}

/// A sentence of the code as the document writes it: `…` for whatever is put in.
fn written(sentence: &str) -> String {
    let mut text = String::new();
    let mut rest = sentence.strip_prefix("access refused: ").unwrap_or(sentence);
    while let Some((plain, more)) = rest.split_once('{') {
        text.push_str(plain);
        text.push('…');
        rest = more.split_once('}').map_or("", |(_, rest)| rest);
    }
    text + rest
}

/// The text between two marks.
fn between(path: &str, from: &str, to: &str) -> String {
    let text = read(path);
    let body = text.split_once(from).unwrap_or_else(|| panic!("{from} in {path}")).1;
    body.split_once(to).map_or(body, |(body, _)| body).to_owned()
}

#[test]
fn every_refusal_is_explained() {
    let document = read("docs/troubleshooting.md");
    let places = [
        between("grant/src/reason.rs", "fn sentence(&self)", "#[cfg(test)]"),
        between("pam_jit/src/refused.rs", "fn told(&self)", "/// The word that stands"),
        between(
            "session/src/recorder/opening.rs",
            "pub(super) fn refuse",
            "/// Puts a session into the loop",
        ),
    ];
    let mut missing = Vec::new();
    let mut sentences = 0;
    for (before, sentence) in places.iter().flat_map(|place| literals(place)) {
        // Words that never change, parts that are put into a sentence, and what stands for `…` in another.
        if !sentence.contains(' ') || sentence.starts_with(' ') || before.ends_with("broken(") {
            continue;
        }
        sentences += 1;
        if !document.contains(&written(&sentence)) {
            missing.push(written(&sentence));
        }
    }
    assert!(sentences > 40, "{sentences} sentences were found");
    none_of("refusals that docs/troubleshooting.md does not explain", &missing);
}

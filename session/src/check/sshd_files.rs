//! The files of sshd's configuration: which they are, and their `Match` lines.
//!
//! Only for finding connections worth asking about and files whose mode matters; what the
//! configuration means is asked of sshd. `Include` is followed as sshd does: relative names are in
//! /etc/ssh, and the last part of a name may hold `*` and `?`.

use std::fs;
use std::path::{Path, PathBuf};

/// sshd follows includes sixteen deep.
const DEEPEST: usize = 16;
/// No sshd_config is larger.
const LARGEST: u64 = 1024 * 1024;

/// What the files say.
#[derive(Debug, Default)]
pub(crate) struct SshdFiles {
    /// The files, in the order of reading.
    pub(crate) files: Vec<PathBuf>,
    /// What follows the word `Match`, of every such line.
    pub(crate) match_lines: Vec<String>,
}

/// Reads `config` and what it includes. Files that cannot be read are left out: sshd complains itself.
#[must_use]
pub(crate) fn read(config: &Path) -> SshdFiles {
    let mut found = SshdFiles::default();
    follow(config, DEEPEST, &mut found);
    found
}

fn follow(path: &Path, depth: usize, found: &mut SshdFiles) {
    let small = fs::metadata(path).is_ok_and(|m| m.is_file() && m.len() <= LARGEST);
    let (true, Ok(bytes)) = (small && !found.files.iter().any(|f| f == path), fs::read(path)) else { return };
    found.files.push(path.to_owned());
    for line in String::from_utf8_lossy(&bytes).lines() {
        let line = line.trim_start();
        let Some(end) = line.find([' ', '\t', '=']) else { continue };
        let (keyword, rest) = line.split_at(end);
        let rest = rest.trim_start_matches([' ', '\t', '=']).trim_end();
        if keyword.eq_ignore_ascii_case("match") {
            found.match_lines.push(rest.to_owned());
        } else if keyword.eq_ignore_ascii_case("include") && depth > 0 {
            for name in rest.split_whitespace() {
                for file in expand(&Path::new("/etc/ssh").join(name.trim_matches('"'))) {
                    follow(&file, depth - 1, found);
                }
            }
        }
    }
}

/// The files that a name with wildcards in its last part stands for, in order of name.
fn expand(pattern: &Path) -> Vec<PathBuf> {
    let (Some(directory), Some(name)) = (pattern.parent(), pattern.file_name().and_then(|n| n.to_str()))
    else {
        return Vec::new();
    };
    if !name.contains(['*', '?']) {
        return vec![pattern.to_owned()];
    }
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries
        .filter(|entry| entry.file_name().to_str().is_some_and(|n| !n.starts_with('.') && like(name, n)))
        .map(|entry| entry.path())
        .collect();
    files.sort();
    files
}

/// Whether `text` meets a pattern with `*` and `?`.
pub(crate) fn like(pattern: &str, text: &str) -> bool {
    let mut pattern_chars = pattern.chars();
    match pattern_chars.next() {
        None => text.is_empty(),
        Some('*') => {
            let rest = pattern_chars.as_str();
            text.char_indices().map(|(at, _)| at).chain([text.len()]).any(|at| like(rest, &text[at..]))
        }
        Some(c) => {
            let mut text_chars = text.chars();
            text_chars.next().is_some_and(|t| c == '?' || c == t)
                && like(pattern_chars.as_str(), text_chars.as_str())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_mean_what_they_mean_to_sshd() {
        assert!(like("*.conf", "50-jit.conf"));
        assert!(like("5?-*.conf", "50-jit.conf"));
        assert!(!like("*.conf", "50-jit.conf.bak"));
        assert!(like("*", ""));
    }

    #[test]
    fn match_lines_of_included_files_are_found() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::create_dir(at("d")).unwrap();
        fs::write(at("d/1.conf"), "match\tAddress 10.0.0.0/8\n").unwrap();
        fs::write(
            at("main"),
            format!(
                "Include {}/d/*.conf\nInclude {}\nMatch Group x\n",
                at("").display(),
                at("main").display()
            ),
        )
        .unwrap();
        assert_eq!(read(&at("main")).match_lines, ["Address 10.0.0.0/8", "Group x"]);
        assert_eq!(read(&at("main")).files.len(), 2);
    }
}

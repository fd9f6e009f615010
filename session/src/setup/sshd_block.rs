//! Where our Match block stands in sshd's configuration: a drop-in, or, where the folder of drop-ins is not included, a
//! marked block at the end of sshd_config.
//!
//! Only an `Include` before the first `Match` counts: inside a Match block it would hold for some only. A Match block in an
//! included file ends with that file; the one at the end of sshd_config is ended by `Match all`, so that a line that
//! somebody adds behind it holds for everybody, as before.

use std::path::Path;

use super::marked;
use super::place::{DROP_IN, Place};
use crate::check::sshd_files::like;

/// The drop-in's text.
pub(super) const BLOCK: &str = include_str!("../../../packaging/sshd/50-pam-jit.conf");
/// sshd takes relative names from here.
const SSH: &str = "/etc/ssh";

/// `bare`, the configuration without our block, with it; unchanged where the drop-in does it.
#[must_use]
pub(super) fn configuration(place: &Place, bare: &[u8]) -> (Vec<u8>, bool) {
    if place.drop_ins().is_dir() && includes(place, &String::from_utf8_lossy(bare)) {
        return (bare.to_owned(), true);
    }
    let start = BLOCK.find("\nMatch ").map_or(0, |at| at + 1);
    let lines = format!("{}# What follows holds for everybody again.\nMatch all\n", &BLOCK[start..]);
    (marked::append(bare, &lines), false)
}

/// Whether the drop-in is read for every login.
fn includes(place: &Place, text: &str) -> bool {
    for (keyword, arguments) in text.lines().filter_map(directive) {
        if keyword.eq_ignore_ascii_case("match") {
            return false;
        }
        let mut patterns = arguments.split_whitespace().take_while(|word| !word.starts_with('#'));
        let folder = place.drop_ins();
        if keyword.eq_ignore_ascii_case("include")
            && patterns.any(|pattern| {
                let pattern = Path::new(SSH).join(pattern.trim_matches('"'));
                pattern.parent() == Some(&folder)
                    && pattern.file_name().and_then(|n| n.to_str()).is_some_and(|name| like(name, DROP_IN))
            })
        {
            return true;
        }
    }
    false
}

/// A line's keyword and arguments.
fn directive(line: &str) -> Option<(&str, &str)> {
    let line = line.trim();
    let end = line.find([' ', '\t', '='])?;
    let (keyword, rest) = line.split_at(end);
    (!keyword.starts_with('#')).then(|| (keyword, rest.trim_start_matches([' ', '\t', '='])))
}

/// The same configuration, reading its drop-ins from another folder.
#[must_use]
pub(super) fn reading_from(place: &Place, text: &[u8], folder: &Path) -> Vec<u8> {
    let (from, to) = (place.drop_ins(), folder.display());
    let relative = from.strip_prefix(SSH).ok().map(|name| format!("{}/", name.display()));
    let mut out = String::new();
    for line in String::from_utf8_lossy(text).split_inclusive('\n') {
        match directive(line) {
            Some((keyword, arguments)) if keyword.eq_ignore_ascii_case("include") => {
                let names = arguments.split_whitespace().map(|word| {
                    let word = word.trim_matches('"');
                    let absolute = word.strip_prefix(&format!("{}/", from.display()));
                    match absolute.or_else(|| word.strip_prefix(relative.as_deref()?)) {
                        Some(name) => format!(" {to}/{name}"),
                        None => format!(" {word}"),
                    }
                });
                out.push_str("Include");
                out.extend(names);
                out.push('\n');
            }
            _ => out.push_str(line),
        }
    }
    out.into_bytes()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn place() -> Place {
        let sshd_config = PathBuf::from("/etc/ssh/sshd_config");
        Place { sshd: PathBuf::from("/usr/sbin/sshd"), sshd_config, sshd_pid: None }
    }

    #[test]
    fn an_include_counts_before_the_first_match_only() {
        let yes = [
            "Include /etc/ssh/sshd_config.d/*.conf\n",
            "Port 22\n\tinclude \"sshd_config.d/*.conf\" # all\n",
            "Include=/x/y.conf /etc/ssh/sshd_config.d/5*\n",
        ];
        let no = [
            "",
            "#Include /etc/ssh/sshd_config.d/*.conf\n",
            "Match User a\nInclude /etc/ssh/sshd_config.d/*.conf\n",
            "Include /etc/ssh/sshd_config.d/*.cnf\n",
            "Port 22 # Include /etc/ssh/sshd_config.d/*.conf\n",
        ];
        for text in yes {
            assert!(includes(&place(), text), "{text}");
        }
        for text in no {
            assert!(!includes(&place(), text), "{text}");
        }
    }

    #[test]
    fn the_stage_reads_its_own_drop_ins() {
        let text = b"Include /etc/ssh/sshd_config.d/*.conf sshd_config.d/a /x\nPort 22";
        let staged = reading_from(&place(), text, Path::new("/s"));
        assert_eq!(String::from_utf8(staged).unwrap(), "Include /s/*.conf /s/a /x\nPort 22");
    }

    #[test]
    fn the_block_at_the_end_is_the_shipped_one_and_ends() {
        let place = Place { sshd_config: PathBuf::from("/no/such/sshd_config"), ..place() };
        let (text, drop_in) = configuration(&place, b"Port 22\nMatch User a\n");
        let text = String::from_utf8(text).unwrap();
        assert!(
            !drop_in && text.contains("\nMatch Group jit-vendors\n") && text.contains("PermitUserRC no\n")
        );
        assert!(text.ends_with(&format!("\nMatch all\n{}\n", marked::END)));
    }
}

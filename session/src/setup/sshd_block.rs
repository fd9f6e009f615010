//! Where our Match block stands in sshd's configuration: a drop-in, or, where the folder of drop-ins is not included, a
//! marked block at the end of sshd_config.
//!
//! Only an `Include` before the first `Match` counts: inside a Match block it would hold for some only. A Match block in an
//! included file ends with that file; the one at the end of sshd_config is ended by `Match all`, so that a line that
//! somebody adds behind it holds for everybody, as before.

use std::path::{Path, PathBuf};

use super::marked;
use super::place::{DROP_IN, OURS, Place};
use crate::check::sshd_files::{self, like};

/// The drop-in's text, where sshd's PAM service has its usual name.
pub(super) const BLOCK: &str = include_str!("../../../packaging/sshd/50-pam-jit.conf");
/// sshd takes relative names from here.
const SSH: &str = "/etc/ssh";

/// What ends it at the end of sshd_config.
const AFTER: &str = "# What follows holds for everybody again.\nMatch all\n";
/// All that a block of ours says in sshd's configuration.
pub(super) const TEXTS: [&str; 2] = [BLOCK, AFTER];

/// The command by which sshd asks for principals, without its arguments.
const ASKS: &str = "jit principals";
/// The option by which it names sshd's PAM service, where that has another name than usual.
const SERVICE: &str = " --pam-service ";

/// The drop-in's text where sshd's PAM service is this one.
#[must_use]
pub(super) fn block(service: &str) -> String {
    let asks = if service == "sshd" { ASKS.to_owned() } else { format!("{ASKS}{SERVICE}{service}") };
    // Comments name the command in quotes.
    let named = |line: &str| if line.contains(" %u") { line.replace(ASKS, &asks) } else { line.to_owned() };
    BLOCK.split_inclusive('\n').map(named).collect()
}

/// A text of ours as if sshd's PAM service had its usual name.
#[must_use]
pub(super) fn as_usual(text: &str) -> String {
    let without = |line: &str| match line.split_once(SERVICE) {
        Some((asks, rest)) if asks.ends_with(ASKS) => {
            let arguments = rest.split_once(' ').map_or("", |(_, arguments)| arguments);
            format!("{asks} {arguments}")
        }
        _ => line.to_owned(),
    };
    text.split_inclusive('\n').map(without).collect()
}

/// `bare`, the configuration without our block, with it; unchanged where the drop-in does it.
#[must_use]
pub(super) fn configuration(place: &Place, bare: &[u8], service: &str) -> (Vec<u8>, bool) {
    if place.drop_ins().is_dir() && includes(place, &String::from_utf8_lossy(bare)) {
        return (bare.to_owned(), true);
    }
    let block = block(service);
    let start = block.find("\nMatch ").map_or(0, |at| at + 1);
    let lines = format!("{}{AFTER}", &block[start..]);
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

/// Whether a text of sshd's configuration lets certificates in by our files; the line's number if so.
#[must_use]
pub(super) fn lets_in(text: &[u8]) -> Option<usize> {
    let ours = |(keyword, arguments): (&str, &str)| {
        let is = |name: &str| keyword.eq_ignore_ascii_case(name);
        is("TrustedUserCAKeys") && arguments.contains(OURS)
            || is("AuthorizedPrincipalsCommand") && arguments.contains("jit principals")
    };
    String::from_utf8_lossy(text).lines().position(|line| directive(line).is_some_and(ours)).map(|at| at + 1)
}

/// The first place in all that sshd reads where certificates are let in by our files.
#[must_use]
pub(super) fn left(place: &Place) -> Option<String> {
    sshd_files::read(&place.sshd_config).files.into_iter().find_map(|file| {
        let line = lets_in(&std::fs::read(&file).ok()?)?;
        Some(format!("{}, line {line},", file.display()))
    })
}

/// A free name beside `path` that sshd's configuration does not include.
pub(super) fn aside(place: &Place, path: &Path) -> Option<PathBuf> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let patterns = patterns(place);
    let read = |candidate: &Path| {
        let name = candidate.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        patterns.iter().any(|pattern| {
            let wanted = pattern.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            // As glob(7) has it: a dot at the beginning is met by a dot only.
            let hidden = name.starts_with('.') && !wanted.starts_with('.');
            // What is not understood may be any.
            pattern.parent() == candidate.parent() && !hidden && (wanted.contains('[') || like(wanted, name))
        })
    };
    let numbers = (1..100).map(|n| if n == 1 { String::new() } else { format!("-{n}") });
    let names: Vec<String> = numbers.map(|n| format!("{name}.jit-kept{n}")).collect();
    let hidden: Vec<String> = names.iter().map(|name| format!(".{name}")).collect();
    let mut all = names.iter().chain(&hidden).map(|name| path.with_file_name(name));
    all.find(|candidate| candidate.symlink_metadata().is_err() && !read(candidate))
}

/// What is included, in every file that sshd reads.
fn patterns(place: &Place) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for file in sshd_files::read(&place.sshd_config).files {
        let text = std::fs::read(&file).unwrap_or_default();
        for (keyword, arguments) in String::from_utf8_lossy(&text).lines().filter_map(directive) {
            if keyword.eq_ignore_ascii_case("include") {
                let names = arguments.split_whitespace().take_while(|word| !word.starts_with('#'));
                found.extend(names.map(|name| Path::new(SSH).join(name.trim_matches('"'))));
            }
        }
    }
    found
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
    use super::*;

    fn place() -> Place {
        let sshd_config = PathBuf::from("/etc/ssh/sshd_config");
        Place { sshd: PathBuf::from("/usr/sbin/sshd"), sshd_config, sshd_pid: None }
    }

    #[test]
    fn the_block_names_a_service_of_another_name_and_is_known_again() {
        assert_eq!(block("sshd"), BLOCK);
        let other = block("sshd-vendors");
        assert!(other.contains(
            "AuthorizedPrincipalsCommand /usr/bin/jit principals --pam-service sshd-vendors %u %k\n"
        ));
        assert_eq!(other.matches("--pam-service").count(), 1);
        assert_eq!(as_usual(&other), BLOCK);
        assert_eq!(as_usual("x --pam-service y z\n"), "x --pam-service y z\n");
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
        let (text, drop_in) = configuration(&place, b"Port 22\nMatch User a\n", "sshd");
        let text = String::from_utf8(text).unwrap();
        assert!(
            !drop_in && text.contains("\nMatch Group jit-vendors\n") && text.contains("PermitUserRC no\n")
        );
        assert!(text.ends_with(&format!("\nMatch all\n{}\n", marked::END)));
    }

    #[test]
    fn the_shipped_block_is_known_wherever_somebody_copied_it_to() {
        assert!(lets_in(BLOCK.as_bytes()).is_some());
        for (text, line) in [
            ("Port 22\n\ttrustedusercakeys=\"/etc/jit/ca.pub\"\n", Some(2)),
            ("AuthorizedPrincipalsCommand /usr/bin/jit principals %u %k\n", Some(1)),
            ("#TrustedUserCAKeys /etc/jit/ca.pub\nTrustedUserCAKeys /etc/ssh/ca.pub\n", None),
        ] {
            assert_eq!(lets_in(text.as_bytes()), line, "{text}");
        }
    }

    #[test]
    fn a_file_that_is_kept_gets_a_name_that_sshd_does_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place { sshd_config: folder.path().join("sshd_config"), ..place() };
        let drop_in = place.drop_in();
        std::fs::create_dir(place.drop_ins()).unwrap();
        for (pattern, name) in [
            ("*.conf", "50-pam-jit.conf.jit-kept"),
            ("*", ".50-pam-jit.conf.jit-kept"),
            ("[5]0*", ".50-pam-jit.conf.jit-kept"),
        ] {
            let text = format!("Include {}\n", place.drop_ins().join(pattern).display());
            std::fs::write(&place.sshd_config, text).unwrap();
            assert_eq!(aside(&place, &drop_in), Some(drop_in.with_file_name(name)), "{pattern}");
        }
        std::fs::write(&place.sshd_config, "").unwrap();
        std::fs::write(drop_in.with_file_name("50-pam-jit.conf.jit-kept"), "").unwrap();
        assert_eq!(aside(&place, &drop_in), Some(drop_in.with_file_name("50-pam-jit.conf.jit-kept-2")));
    }
}

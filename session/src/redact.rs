//! Removes secrets from arguments before they are hashed and recorded, by simple rules.
//!
//! A name that says password, secret, token, key or credential, with its value after `=` or `:` or in
//! the next argument; a password inside a URL; an Authorization header. Rules can't know every secret,
//! and the manual says so; what they take out is replaced by `[redacted]`.

use std::sync::LazyLock;

use regex::bytes::{Captures, Regex};

const MARK: &[u8] = b"[redacted]";

/// Names of secrets, as part of a longer name.
const NAMES: &str =
    r"(?:pass(?:word|wd|phrase|code)|secret|token|api[-_]?key|access[-_]?key|private[-_]?key|credential)s?";

#[expect(clippy::expect_used, reason = "constant patterns, compiled by a test")]
fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a valid pattern")
}

/// `--db-password=VALUE`, `PGPASSWORD=VALUE`, `"token": "VALUE"`.
static ASSIGNED: LazyLock<Regex> =
    LazyLock::new(|| pattern(&format!(r#"(?i)([\w.-]*{NAMES}[\w.-]*["']?\s*[=:]\s*["']?)([^\s"'&;]+)"#)));
/// `Authorization: Bearer VALUE`.
static HEADER: LazyLock<Regex> = LazyLock::new(|| pattern(r#"(?i)(authorization\s*[:=]\s*)([^"'\r\n]+)"#));
/// `scheme://user:VALUE@host`.
static URL: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"([A-Za-z][A-Za-z0-9+.-]*://[^\s/:@]*:)([^\s/@]+)(@)"));
/// `--db-password` alone: the next argument is the value.
static FLAG: LazyLock<Regex> = LazyLock::new(|| pattern(&format!(r"(?i)^--?[\w-]*{NAMES}$")));
/// `--password VALUE` inside a command line in one argument.
static INNER_FLAG: LazyLock<Regex> =
    LazyLock::new(|| pattern(&format!(r#"(?i)((?:^|\s)--?[\w-]*{NAMES}\s+["']?)([^\s"'-][^\s"']*)"#)));

/// The arguments with secrets replaced.
#[must_use]
pub fn redact(argv: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut value_follows = false;
    let each = argv.iter().map(|argument| {
        if std::mem::replace(&mut value_follows, FLAG.is_match(argument)) && !argument.starts_with(b"-") {
            value_follows = false;
            return MARK.to_vec();
        }
        redact_one(argument)
    });
    each.collect()
}

fn redact_one(argument: &[u8]) -> Vec<u8> {
    // No rule takes so little.
    if argument.len() < 4 {
        return argument.to_vec();
    }
    let keep_ends = |found: &Captures<'_>| {
        [&found[1], MARK, found.get(3).map_or(&b""[..], |end| end.as_bytes())].concat()
    };
    let mut text = argument.to_vec();
    for rule in [&HEADER, &URL, &ASSIGNED, &INNER_FLAG] {
        if rule.is_match(&text) {
            text = rule.replace_all(&text, keep_ends).into_owned();
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redacted(argv: &[&str]) -> Vec<String> {
        let argv: Vec<_> = argv.iter().map(|a| a.as_bytes().to_vec()).collect();
        redact(&argv).into_iter().map(|a| String::from_utf8(a).unwrap()).collect()
    }

    #[test]
    fn a_password_on_a_command_line_is_not_recorded() {
        assert_eq!(
            redacted(&["mysql", "--password=hunter2", "db"]),
            ["mysql", "--password=[redacted]", "db"]
        );
        assert_eq!(
            redacted(&["tool", "--api-key", "hunter2", "x"]),
            ["tool", "--api-key", "[redacted]", "x"]
        );
        assert_eq!(redacted(&["tool", "--token", "--verbose"]), ["tool", "--token", "--verbose"]);
        assert_eq!(
            redacted(&["env", "PGPASSWORD=hunter2", "psql"]),
            ["env", "PGPASSWORD=[redacted]", "psql"]
        );
        assert_eq!(
            redacted(&["curl", "https://jo:hunter2@host/x"]),
            ["curl", "https://jo:[redacted]@host/x"]
        );
        assert_eq!(
            redacted(&["curl", "-H", "Authorization: Bearer hunter2"]),
            ["curl", "-H", "Authorization: [redacted]"]
        );
        assert_eq!(
            redacted(&["sh", "-c", "mysql --password hunter2 <x"]),
            ["sh", "-c", "mysql --password [redacted] <x"]
        );
        assert_eq!(
            redacted(&["sh", "-c", "export DB_SECRET='hunter2'; x"]),
            ["sh", "-c", "export DB_SECRET='[redacted]'; x"]
        );
    }

    #[test]
    fn ordinary_arguments_stay_as_they_are() {
        let argv = ["grep", "-r", "password", "/etc", "--key=value", "a:b@c", "passwd"];
        assert_eq!(redacted(&argv), argv);
        assert_eq!(redact(&[b"\xff=\xfe".to_vec()]), [b"\xff=\xfe".to_vec()]);
    }
}

//! Public key files: one line of an accepted kind, and a clear word for everything else.
//!
//! People give private keys, certificates, empty files and whole authorized_keys files; each is told apart,
//! so that the message says what the file is. Which kinds and strengths are accepted, `grant` decides.

use std::path::Path;

use grant::PublicKey;

use crate::Error;
use crate::durable;

/// Reads the one key of a `.pub` file; `-` is standard input.
///
/// # Errors
/// [`Error`] that says what the file holds instead.
pub fn read(path: &Path) -> Result<PublicKey, Error> {
    let text = durable::read_text(path, "public key", grant::limits::KEY_LINE)?;
    parse(&text, path)
}

/// Reads the one key in the text of a `.pub` file.
///
/// # Errors
/// [`Error`] that says what the text holds instead.
pub fn parse(text: &str, path: &Path) -> Result<PublicKey, Error> {
    let place = path.display().to_string();
    let content = |problem, hint: Option<&str>| {
        Err(Error::Content { place: place.clone(), problem, hint: hint.map(str::to_owned) })
    };
    if text.contains("PRIVATE KEY-----") {
        return content("is a private key, which stays with its owner", Some("give the .pub file beside it"));
    }
    let mut lines = (1..).zip(text.lines()).filter(|(_, line)| {
        let line = line.trim();
        !line.is_empty() && !line.starts_with('#')
    });
    let Some((number, line)) = lines.next() else {
        return content("is empty", Some("a public key is one line: ssh-ed25519 AAAA..."));
    };
    if lines.next().is_some() {
        return content(
            "holds more than one line",
            Some("give one key a file; --key can stand more than once"),
        );
    }
    let first = line.split_whitespace().next().unwrap_or_default();
    if first.ends_with("-cert-v01@openssh.com") {
        return content("is a certificate, not a public key", Some("give the .pub file without -cert"));
    }
    PublicKey::parse_line(line)
        .map_err(|source| Error::PublicKey { place: format!("{place} line {number}"), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> String {
        parse(text, Path::new("jo.pub")).unwrap_err().to_string()
    }

    #[test]
    fn what_is_not_one_public_key_is_named() {
        assert_eq!(problem(""), "jo.pub is empty");
        assert_eq!(problem("ssh-ed25519 AAAA\nssh-ed25519 AAAA\n"), "jo.pub holds more than one line");
        assert_eq!(
            problem("-----BEGIN OPENSSH PRIVATE KEY-----"),
            "jo.pub is a private key, which stays with its owner"
        );
        assert_eq!(
            problem("ssh-ed25519-cert-v01@openssh.com AAAA"),
            "jo.pub is a certificate, not a public key"
        );
        assert_eq!(problem("# mine\nhello\n"), "jo.pub line 2");
    }
}

//! What is wrong with a file that decides access: one sentence with the place and the cure.
//!
//! `Display` is complete in itself, because sshd's log and a person at a terminal both see only that
//! line; no variant has a `source()`. Text that came out of a file is escaped, so that no file can
//! forge a log line or turn the reading direction of a terminal.

use std::path::{Path, PathBuf};

use nix::errno::Errno;

/// Why a file that decides access is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HostfileError {
    /// Relative, empty, or with `..`: it would mean different files to different readers.
    #[error("{} is not an absolute path without ..: write the whole path", shown(.path))]
    NotAbsolute {
        /// The path as given.
        path: PathBuf,
    },
    /// The file, or a directory on the way to it, does not exist.
    #[error("{} does not exist", shown(.path))]
    Missing {
        /// The file or directory.
        path: PathBuf,
    },
    /// The system refused to open or to read it.
    #[error("{} cannot be {step}: {}", shown(.path), .errno.desc())]
    Unreadable {
        /// The file or directory.
        path: PathBuf,
        /// `opened`, `examined` or `read`.
        step: &'static str,
        /// The system's answer.
        errno: Errno,
    },
    /// A symbolic link, at the end or on the way.
    #[error("{0} is a symbolic link: put the file or directory itself at {0}", shown(.path))]
    SymbolicLink {
        /// The link.
        path: PathBuf,
    },
    /// Something other than a directory on the way.
    #[error("{} is not a directory", shown(.path))]
    NotDirectory {
        /// What stands there.
        path: PathBuf,
    },
    /// A directory, FIFO, device or socket where a file belongs.
    #[error("{} is {kind}, not a regular file: put a regular file there", shown(.path))]
    NotRegular {
        /// The path.
        path: PathBuf,
        /// What it is, with its article.
        kind: &'static str,
    },
    /// Owned by somebody other than root.
    #[error("{0} is owned by uid {uid}, not by root: chown root {0}", shown(.path))]
    NotRoots {
        /// The file or directory.
        path: PathBuf,
        /// Its owner.
        uid: u32,
    },
    /// Group or others may write to it.
    #[error("{0} is writable by {by} (mode {mode:04o}): chmod go-w {0}", shown(.path))]
    Writable {
        /// The file or directory.
        path: PathBuf,
        /// Its mode, permission bits only.
        mode: u32,
        /// `its group`, `others`, or both.
        by: &'static str,
    },
    /// Larger than the limit.
    #[error("{} is larger than {limit} bytes: nothing that belongs there is", shown(.path))]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit, in bytes.
        limit: usize,
    },
    /// Not UTF-8.
    #[error("{}, line {line}: not UTF-8 text", shown(.path))]
    NotText {
        /// The file.
        path: PathBuf,
        /// The line with the first bad byte, from 1.
        line: usize,
    },
    /// What it says is not acceptable.
    #[error("{}, line {line}{}: {problem}", shown(.path), Field(.field))]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The field, if the format has fields.
        field: Option<String>,
        /// What is wrong, escaped.
        problem: String,
    },
    /// What it says as a whole is not acceptable.
    #[error("{}: {problem}", shown(.path))]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong, escaped.
        problem: String,
    },
    /// NSS gave an error, or no answer that can be trusted.
    #[error("{what} `{}` cannot be looked up: {problem}", escaped(.name))]
    Lookup {
        /// `account` or `group`.
        what: &'static str,
        /// The name that was asked for.
        name: String,
        /// What is wrong.
        problem: String,
    },
}

/// `, field `x`` or nothing.
struct Field<'a>(&'a Option<String>);

impl std::fmt::Display for Field<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(name) => write!(f, ", field `{}`", escaped(name)),
            None => Ok(()),
        }
    }
}

/// A path fit for a log line and a terminal.
fn shown(path: &Path) -> String {
    path.to_str().map_or_else(|| path.to_string_lossy().escape_default().to_string(), escaped)
}

/// Printable ASCII as it is, everything else as `\u{...}`: nothing from a file reaches a terminal raw.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c == ' ' || c.is_ascii_graphic() { out.push(c) } else { out.extend(c.escape_default()) }
    }
    out
}

/// The line, from 1, that byte `offset` of `bytes` is in.
pub(crate) fn line_of(bytes: &[u8], offset: usize) -> usize {
    1 + bytes.iter().take(offset).filter(|b| **b == b'\n').count()
}

/// The text of a file, or the line where it stops being text.
pub(crate) fn text<'a>(path: &Path, bytes: &'a [u8]) -> Result<&'a str, HostfileError> {
    std::str::from_utf8(bytes)
        .map_err(|e| HostfileError::NotText { path: path.to_owned(), line: line_of(bytes, e.valid_up_to()) })
}

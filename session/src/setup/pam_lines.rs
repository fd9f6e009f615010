//! Where our lines stand in a PAM service, as marked blocks.
//!
//! The texts are those of `packaging/pam/`. Account lines stand before every other line of the file; the first session
//! lines right after pam_loginuid.so; the last ones at the file's end. No block is put behind a line that goes on in the
//! next. Whether the stack then does what it should, `jit check` is asked, on the stage.

use std::path::Path;

use super::error::{Result, SetupError};
use super::{marked, place};
use crate::check::pam_stack::{self, Kind};

const ACCOUNT: &str = include_str!("../../../packaging/pam/account.txt");
const FIRST: &str = include_str!("../../../packaging/pam/session-first.txt");
const LAST: &str = include_str!("../../../packaging/pam/session-last.txt");

/// All that a block of ours says in PAM's files.
pub(super) const TEXTS: [&str; 3] = [ACCOUNT, FIRST, LAST];

/// The service of sshd with our lines. `bare` is the file without them.
pub(super) fn sshd(path: &Path, bare: &[u8], service: &str) -> Result<Vec<u8>> {
    let with_first = insert_first(path, bare, service)?;
    if with_first.trim_ascii_end().ends_with(b"\\") {
        return Err(unusual(path, "its last line goes on, and there is no next")
            .hint("take the backslash at its end away"));
    }
    Ok(other(&marked::append(&with_first, LAST)))
}

/// Any other service with our account lines.
#[must_use]
pub(super) fn other(bare: &[u8]) -> Vec<u8> {
    marked::insert(bare, behind_heading(bare), ACCOUNT)
}

/// A file without our blocks; with lines of ours outside of a block nobody can say what is whose.
pub(super) fn bare(path: &Path, bytes: &[u8]) -> Result<Vec<u8>> {
    let bare = marked::strip(bytes).map_err(|_| {
        unusual(path, "a line `# BEGIN jit-host` or `# END jit-host` stands alone")
            .hint("put the missing line back, or take the lines between out by hand")
    })?;
    let ours = |line: &&[u8]| {
        let says = line.split(|byte| *byte == b'#').next().unwrap_or_default();
        says.windows(b"pam_jit.so".len()).any(|word| word == b"pam_jit.so")
    };
    if let Some(at) = bare.split(|byte| *byte == b'\n').position(|line| ours(&line)) {
        return Err(unusual(
            path,
            &format!("line {} is of pam_jit.so, and `jit setup` did not write it", at + 1),
        )
        .hint("take the lines of pam_jit that were put there by hand out, then run this again"));
    }
    Ok(bare)
}

fn unusual(path: &Path, what: &str) -> SetupError {
    SetupError::new(format!("{} is unusual: {what}", path.display()))
}

/// Behind the comment that heads the file.
fn behind_heading(bytes: &[u8]) -> usize {
    let lines = bytes.split_inclusive(|byte| *byte == b'\n');
    let heading = lines.take_while(|line| line.starts_with(b"#") && line.ends_with(b"\n") && !goes_on(line));
    heading.map(<[u8]>::len).sum()
}

fn goes_on(line: &[u8]) -> bool {
    line.trim_ascii_end().ends_with(b"\\")
}

fn insert_first(path: &Path, bare: &[u8], service: &str) -> Result<Vec<u8>> {
    let steps = pam_stack::stack(Path::new(place::PAM), service, Kind::Session)
        .map_err(|error| unusual(path, &error.to_string()).hint("put it in order, see pam.conf(5)"))?;
    // Lines are counted in the file as it is, with our blocks if it has some.
    let now = std::fs::read(path).map_err(|source| SetupError::file("read", path, source))?;
    let loginuid = steps.iter().find(|step| step.module.as_deref() == Some("pam_loginuid.so"));
    let Some(step) = loginuid.filter(|step| step.file == path) else {
        let place = loginuid.map_or_else(String::new, |step| format!("; one is in {}", step.place()));
        return Err(unusual(path, &format!("it has no session line of pam_loginuid.so itself{place}"))
            .hint("add `session required pam_loginuid.so` before the other session lines"));
    };
    let all: Vec<&[u8]> = now.split_inclusive(|byte| *byte == b'\n').collect();
    let behind = (step.line - 1..all.len()).find(|at| !goes_on(all[*at])).unwrap_or(all.len());
    let end: usize = all.iter().take(behind + 1).map(|line| line.len()).sum();
    let before = marked::strip(&now[..end]);
    match before.map(|before| before.len()) {
        Ok(at) if at < bare.len() && bare[..at].ends_with(b"\n") => Ok(marked::insert(bare, at, FIRST)),
        _ => Err(unusual(path, "nothing stands behind pam_loginuid.so")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn account_lines_stand_behind_the_heading_and_before_every_line() {
        for (text, behind) in [
            ("#%PAM-1.0\n\naccount required a.so\n", "#%PAM-1.0\n"),
            ("auth required a.so\n", ""),
            ("# a \\\nauth required a.so\n", ""),
            ("# only this", ""),
        ] {
            let with = other(text.as_bytes());
            assert!(with.starts_with(format!("{behind}{}", marked::BEGIN).as_bytes()), "{text}");
            assert_eq!(bare(Path::new("x"), &with).unwrap(), text.as_bytes());
        }
    }

    #[test]
    fn lines_of_ours_that_somebody_else_wrote_are_not_touched() {
        assert!(bare(Path::new("x"), b"account requisite pam_jit.so\n").is_err());
        assert!(bare(Path::new("x"), b"# account requisite pam_jit.so\n").is_ok());
    }
}

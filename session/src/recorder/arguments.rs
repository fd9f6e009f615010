//! The arguments of an exec, in as few bytes as its record and the comparison with the kernel's copy need.
//!
//! The kernel can hold an exec back for a long time (a lease on the program's file, a slow disk), and a session may have
//! many of them. What each has shown stays in memory meanwhile: the beginning that a record has room for, and hashes.

use audit::command::MAX_ARGUMENTS;
use sha2::{Digest, Sha256};

use crate::redact::redact;

/// Bytes of text that are kept: a little more than a record holds, so that the record's own end is the one that is seen.
const KEPT: usize = MAX_ARGUMENTS + 16;
/// What one argument costs beside its bytes, in a record's quotes and comma.
const EACH: usize = 3;

/// Which arguments they are, before redaction: of the first, and of all behind it, because a script's interpreter takes
/// the first one's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    count: usize,
    first: [u8; 32],
    rest: [u8; 32],
}

impl Identity {
    /// Of these arguments.
    pub(crate) fn of(argv: &[Vec<u8>]) -> Self {
        let split = argv.len().min(1);
        Self { count: argv.len(), first: digest(&argv[..split]), rest: digest(&argv[split..]) }
    }

    /// Whether these stand behind the first argument, all of them and no other.
    pub(crate) fn has_rest(&self, argv: &[Vec<u8>]) -> bool {
        argv.len() == self.behind_the_first() && digest(argv) == self.rest
    }

    /// How many stand behind the first.
    pub(crate) fn behind_the_first(&self) -> usize {
        self.count.saturating_sub(1)
    }

    /// Whether there is none at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }
}

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Arguments {
    /// Before redaction.
    pub(crate) identity: Identity,
    /// How many there are.
    pub(crate) count: usize,
    /// SHA-256, in hex, of all of them after redaction, each followed by a NUL.
    pub(crate) sha256: String,
    /// Whether what is kept is not all.
    pub(crate) cut: bool,
    /// The beginning after redaction, each argument followed by a NUL: no argument holds one.
    kept: Vec<u8>,
}

impl Arguments {
    /// Of these, as shown or as run.
    pub(crate) fn of(argv: &[Vec<u8>]) -> Self {
        let redacted = redact(argv);
        let mut arguments = Self {
            identity: Identity::of(argv),
            count: redacted.len(),
            sha256: hex(digest(&redacted)),
            cut: false,
            kept: Vec::new(),
        };
        let mut room = KEPT;
        for argument in &redacted {
            if room == 0 {
                arguments.cut = true;
                break;
            }
            let (beginning, takes) = beginning(argument, room);
            arguments.cut |= beginning.len() < argument.len();
            arguments.keep(beginning);
            room = room.saturating_sub(takes + EACH);
        }
        arguments
    }

    /// Of an earlier recorder's note: what it kept, how many there were, their hash, and whether that is not all.
    pub(crate) fn noted(kept: &[Vec<u8>], count: usize, sha256: &str, cut: bool) -> Self {
        let mut arguments = Self {
            identity: Identity::of(kept),
            count,
            sha256: sha256.to_owned(),
            cut: cut || kept.len() < count,
            kept: Vec::new(),
        };
        kept.iter().for_each(|argument| arguments.keep(argument));
        arguments
    }

    fn keep(&mut self, argument: &[u8]) {
        self.kept.extend(argument.iter().filter(|byte| **byte != 0));
        self.kept.push(0);
    }

    /// What is kept, argument by argument.
    pub(crate) fn kept(&self) -> Vec<Vec<u8>> {
        self.kept
            .strip_suffix(&[0])
            .map_or_else(Vec::new, |all| all.split(|b| *b == 0).map(<[u8]>::to_vec).collect())
    }

    /// Bytes in memory, about.
    pub(crate) fn weight(&self) -> usize {
        self.kept.len() + size_of::<Self>() + self.sha256.len()
    }
}

/// As much of an argument as is written in `room` bytes of text (`audit::command::text`), and how many of them it takes.
fn beginning(argument: &[u8], room: usize) -> (&[u8], usize) {
    let (mut bytes, mut takes) = (0, 0);
    for chunk in argument.utf8_chunks() {
        let valid = chunk.valid().chars().map(|c| (c.len_utf8(), c.len_utf8() + usize::from(c == '\\')));
        for (length, text) in valid.chain(chunk.invalid().iter().map(|_| (1, 4))) {
            if takes + text > room {
                return (&argument[..bytes], takes);
            }
            (bytes, takes) = (bytes + length, takes + text);
        }
    }
    (argument, takes)
}

/// SHA-256 of arguments, each followed by a NUL.
fn digest(argv: &[Vec<u8>]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for argument in argv {
        hasher.update(argument);
        hasher.update([0]);
    }
    hasher.finalize().into()
}

fn hex(digest: [u8; 32]) -> String {
    digest.iter().fold(String::with_capacity(64), |mut hex, byte| {
        use std::fmt::Write as _;
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use audit::command;

    use super::*;

    fn argv(words: &[&str]) -> Vec<Vec<u8>> {
        words.iter().map(|word| word.as_bytes().to_vec()).collect()
    }

    #[test]
    fn few_are_kept_as_they_are() {
        for words in [&[][..], &[""], &["ls"], &["ls", "", "-l"], &["a", ""]] {
            let arguments = Arguments::of(&argv(words));
            assert_eq!(arguments.kept(), argv(words));
            assert_eq!((arguments.count, arguments.cut), (words.len(), false));
        }
        // printf 'ls\0-l\0' | sha256sum
        let known = "c4cda919c7c25a49afb34dd20298822f55d716b013a9ff65d3d43e4fd32dbac7";
        assert_eq!(Arguments::of(&argv(&["ls", "-l"])).sha256, known);
    }

    #[test]
    fn megabytes_weigh_no_more_than_a_record_holds() {
        let long = vec![vec![b'x'; 128 * 1024]; 40];
        let many = vec![Vec::new(); 200_000];
        let wide = vec![vec![0xff; 100_000]];
        let umlauts = vec!["\u{fc}".repeat(100_000).into_bytes()];
        for argv in [long, many, wide, umlauts] {
            let arguments = Arguments::of(&argv);
            assert!(arguments.weight() < 70 * 1024, "{}", arguments.weight());
            assert_eq!((arguments.count, arguments.cut), (argv.len(), true));
            // As much as a record can show, and nothing but the beginning.
            let text =
                |argv: &[Vec<u8>]| argv.iter().map(|a| command::text(a)).collect::<Vec<_>>().join("\0\0\0");
            let kept = text(&arguments.kept());
            assert!(kept.len() + EACH >= MAX_ARGUMENTS && text(&argv).starts_with(&kept), "{}", kept.len());
        }
    }

    #[test]
    fn they_are_told_apart_before_redaction() {
        let shown = Arguments::of(&argv(&["mysql", "--password=one"]));
        let ran = Arguments::of(&argv(&["mysql", "--password=two"]));
        assert_eq!(shown.sha256, ran.sha256);
        assert_ne!(shown.identity, ran.identity);
        assert!(shown.identity.has_rest(&argv(&["--password=one"])));
        assert!(!shown.identity.has_rest(&argv(&["--password=one", ""])));
        assert_ne!(Identity::of(&argv(&["a", "b"])), Identity::of(&argv(&["ab"])));
        assert_ne!(Identity::of(&argv(&[])), Identity::of(&argv(&[""])));
    }

    #[test]
    fn a_note_says_that_it_was_cut() {
        let whole = Arguments::of(&argv(&["a", "b"]));
        assert!(!Arguments::noted(&whole.kept(), 2, &whole.sha256, false).cut);
        let noted = Arguments::noted(&whole.kept(), 9, &whole.sha256, false);
        assert_eq!((noted.count, noted.cut, noted.kept()), (9, true, argv(&["a", "b"])));
    }
}

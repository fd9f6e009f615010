//! Marked blocks: what set-up puts into a file of somebody else, so that it can be taken out again byte for byte.
//!
//! A block is whole lines between [`BEGIN`] and [`END`]. Whatever else changed in the file meanwhile stays. The one case
//! that is not whole lines: a file without a newline at its end gets one before the block, and the block has none; so
//! that the end of the file says by itself what has to go.

/// The first line of a block.
pub const BEGIN: &str = "# BEGIN jit-host (`jit setup --remove` takes this block out)";
/// Its last line.
pub const END: &str = "# END jit-host";

const BEGINS: &[u8] = b"# BEGIN jit-host";

/// A block that does not end, or ends without a beginning: nobody can say what is ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unbalanced;

/// The block around `lines`, which end in a newline.
#[must_use]
pub(super) fn block(lines: &str) -> String {
    format!("{BEGIN}\n{lines}{END}\n")
}

/// `text` with a block before the byte `at`, which begins a line.
#[must_use]
pub(super) fn insert(text: &[u8], at: usize, lines: &str) -> Vec<u8> {
    let (before, after) = text.split_at(at.min(text.len()));
    [before, block(lines).as_bytes(), after].concat()
}

/// `text` with a block at its end.
#[must_use]
pub(super) fn append(text: &[u8], lines: &str) -> Vec<u8> {
    let block = block(lines);
    if text.is_empty() || text.ends_with(b"\n") {
        return [text, block.as_bytes()].concat();
    }
    [text, b"\n", block.trim_end_matches('\n').as_bytes()].concat()
}

/// `text` without any block.
pub(super) fn strip(text: &[u8]) -> Result<Vec<u8>, Unbalanced> {
    let mut kept = Vec::with_capacity(text.len());
    let mut inside = false;
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let begins = line.starts_with(BEGINS);
        let ends = line.trim_ascii_end() == END.as_bytes();
        match (inside, begins, ends) {
            (false, true, _) => inside = true,
            (false, false, false) => kept.extend_from_slice(line),
            (true, false, true) => {
                inside = false;
                if !line.ends_with(b"\n") && kept.ends_with(b"\n") {
                    kept.pop();
                }
            }
            (true, false, false) => {}
            (true, true, _) | (false, false, true) => return Err(Unbalanced),
        }
    }
    if inside { Err(Unbalanced) } else { Ok(kept) }
}

/// The lines inside of blocks that are none of `ours`: somebody put them there, and they go with the block.
#[must_use]
pub(super) fn lost(text: &[u8], ours: &[&str]) -> Vec<String> {
    let mut inside = false;
    let text = String::from_utf8_lossy(text);
    let mut found = Vec::new();
    for line in text.lines().map(str::trim) {
        if line.as_bytes().starts_with(BEGINS) {
            inside = true;
        } else if line == END {
            inside = false;
        } else if inside
            && !line.is_empty()
            && !ours.iter().any(|text| text.lines().any(|known| known.trim() == line))
        {
            found.push(line.to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXTS: [&[u8]; 6] = [b"", b"\n", b"a", b"a\n", b"a\n\xff\nb", b"a\n\nb\n"];

    #[test]
    fn what_was_put_in_comes_out_byte_for_byte() {
        for text in TEXTS {
            assert_eq!(strip(&append(text, "x\ny\n")).unwrap(), text);
            let starts = (0..=text.len()).filter(|at| *at == 0 || text[at - 1] == b'\n');
            for at in starts {
                let both = append(&insert(text, at, "x\n"), "y\n");
                assert_eq!(strip(&both).unwrap(), text, "{text:?} at {at}");
            }
        }
    }

    #[test]
    fn what_somebody_else_changed_meanwhile_stays() {
        let mut text = insert(b"a\nb\n", 2, "x\n");
        text.extend_from_slice(b"c\n");
        assert_eq!(strip(&text).unwrap(), b"a\nb\nc\n");
    }

    #[test]
    fn half_a_block_is_nobodys() {
        for text in ["# BEGIN jit-host\nx\n", "x\n# END jit-host\n", "# BEGIN jit-host\n# BEGIN jit-host\n"] {
            assert_eq!(strip(text.as_bytes()), Err(Unbalanced), "{text}");
        }
    }

    #[test]
    fn lines_that_somebody_put_into_a_block_are_named() {
        let text = "mine\n# BEGIN jit-host\nx\n  also mine # why\n\n# END jit-host\nmine\n";
        assert_eq!(lost(text.as_bytes(), &["x\ny\n"]), ["also mine # why"]);
        assert!(lost(&append(b"a\n", "x\n"), &["x\ny\n"]).is_empty());
    }
}

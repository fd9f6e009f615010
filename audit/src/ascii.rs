//! Text as printable ASCII: the JSON formatter that escapes all else, and the visible cut of what is too long.
//!
//! Control characters, DEL, and everything beyond ASCII (bidirectional overrides, line separators, look-alikes)
//! leave as `\uXXXX`. So a line ends only where the writer ends it, and a terminal shows what is there.

use std::borrow::Cow;
use std::io::{self, Write};

use serde_json::ser::{CharEscape, Formatter};

/// A compact JSON formatter whose output is printable ASCII.
#[derive(Debug, Default)]
pub(crate) struct AsciiFormatter;

impl Formatter for AsciiFormatter {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut units = [0u16; 2];
        for c in fragment.chars() {
            if is_plain(c) {
                writer.write_all(&[c as u8])?;
            } else {
                // RFC 8259 section 7: beyond the basic plane a pair of surrogates.
                for unit in c.encode_utf16(&mut units) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            }
        }
        Ok(())
    }

    fn write_char_escape<W: ?Sized + Write>(&mut self, writer: &mut W, escape: CharEscape) -> io::Result<()> {
        let two: &[u8; 2] = match escape {
            CharEscape::Quote => b"\\\"",
            CharEscape::ReverseSolidus => b"\\\\",
            CharEscape::Solidus => b"\\/",
            CharEscape::Backspace => b"\\b",
            CharEscape::FormFeed => b"\\f",
            CharEscape::LineFeed => b"\\n",
            CharEscape::CarriageReturn => b"\\r",
            CharEscape::Tab => b"\\t",
            CharEscape::AsciiControl(byte) => return write!(writer, "\\u{byte:04x}"),
        };
        writer.write_all(two)
    }
}

/// Printable ASCII, space included.
pub(crate) fn is_plain(c: char) -> bool {
    matches!(c, ' '..='~')
}

/// Bytes that `c` takes inside a JSON string as [`AsciiFormatter`] writes it.
pub(crate) fn escaped_len(c: char) -> usize {
    match c {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        c if is_plain(c) => 1,
        c => 6 * c.len_utf16(),
    }
}

/// Room for the mark of a cut: `...[N bytes cut]` with the largest N.
const CUT_MARK: usize = "...[18446744073709551615 bytes cut]".len();

/// `text`, or as much of its beginning as fits into `limit` escaped bytes with a mark that says what is missing.
///
/// Deterministic: the same text and limit give the same result on every machine. Limits are far above the mark.
pub(crate) fn clip(text: &str, limit: usize) -> Cow<'_, str> {
    let mut fits = 0; // where the beginning that leaves room for the mark ends
    let mut length = 0;
    for (at, c) in text.char_indices() {
        length += escaped_len(c);
        if length + CUT_MARK <= limit {
            fits = at + c.len_utf8();
        }
        if length > limit {
            return Cow::Owned(format!("{}...[{} bytes cut]", &text[..fits], text.len() - fits));
        }
    }
    Cow::Borrowed(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Serialize;

    use super::*;

    fn json(text: &str) -> String {
        let mut out = Vec::new();
        let mut serializer = serde_json::Serializer::with_formatter(&mut out, AsciiFormatter);
        text.serialize(&mut serializer).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_is_not_printable_ascii_is_escaped() {
        assert_eq!(json("a\nb\r\t\u{0}\u{1b}[31m"), r#""a\nb\r\t\u0000\u001b[31m""#);
        assert_eq!(json("\u{7f}\u{85}\u{2028}\u{202e}"), r#""\u007f\u0085\u2028\u202e""#);
        assert_eq!(json("é😀\u{fffd}"), r#""\u00e9\ud83d\ude00\ufffd""#);
        assert_eq!(json(r#"x","jit":{"#), r#""x\",\"jit\":{""#);
    }

    #[test]
    fn a_short_text_is_not_cut_and_a_long_one_says_so() {
        assert_eq!(clip("short", 64), "short");
        let full = "a".repeat(64);
        assert_eq!(clip(&full, 64), full);
        let long = "a".repeat(65);
        assert_eq!(clip(&long, 64), format!("{}...[36 bytes cut]", "a".repeat(29)));
    }

    proptest! {
        #[test]
        fn any_text_comes_back_and_only_printable_ascii_leaves(text in any::<String>()) {
            let line = json(&text);
            prop_assert!(line.chars().all(is_plain), "{line}");
            prop_assert_eq!(line.len(), 2 + text.chars().map(escaped_len).sum::<usize>());
            prop_assert_eq!(serde_json::from_str::<String>(&line).unwrap(), text);
        }

        #[test]
        fn a_cut_text_keeps_within_its_limit(text in "(?s).{0,400}", limit in 64usize..300) {
            let cut = clip(&text, limit);
            let length: usize = cut.chars().map(escaped_len).sum();
            prop_assert!(length <= limit);
            if text.chars().map(escaped_len).sum::<usize>() <= limit {
                prop_assert_eq!(&cut, &text);
            } else {
                prop_assert!(cut.ends_with(" bytes cut]"));
            }
        }
    }
}

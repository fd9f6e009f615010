//! What the person sees: one printable line.
//!
//! The line goes through sshd to the person's terminal. It is made of our own words and of names that a certificate
//! may have brought, so whatever could act on a terminal is replaced, and the length is bounded.

/// The longest line, in characters.
const MAX_LINE: usize = 500;

/// `text` as one line of printable ASCII.
pub(crate) fn line(text: &str) -> String {
    let printable = |c: char| if c == ' ' || c.is_ascii_graphic() { c } else { '?' };
    let mut line: String = text.chars().map(printable).take(MAX_LINE).collect();
    if text.chars().nth(MAX_LINE).is_some() {
        line.push_str("...");
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_acts_on_the_terminal() {
        assert_eq!(line("a\n\u{1b}[31mb\u{202e}\0é"), "a??[31mb???");
    }

    #[test]
    fn a_long_line_ends_visibly() {
        let shown = line(&"a".repeat(501));
        assert_eq!(shown.len(), 503);
        assert!(shown.ends_with("a..."));
        assert_eq!(line(&"a".repeat(500)).len(), 500);
    }
}

//! Text that shows otherwise than it is: refused, and shown escaped to whoever is told.

use grant::limits;

use crate::bad_documents::{said, said_of};
use crate::support::case::Case;
use crate::support::raw_certificate::text;
use crate::support::verdicts::refused;

#[test]
fn a_reason_shows_what_it_is_or_is_refused_with_the_character() {
    for (hostile, code) in [
        ('\u{202e}', "U+202E"),
        ('\u{2066}', "U+2066"),
        ('\u{200b}', "U+200B"),
        ('\u{200d}', "U+200D"),
        ('\u{ad}', "U+00AD"),
        ('\u{0}', "U+0000"),
        ('\u{1b}', "U+001B"),
        ('\u{9b}', "U+009B"),
        ('\t', "U+0009"),
        ('\u{85}', "U+0085"),
        ('\u{2028}', "U+2028"),
        ('\u{3000}', "U+3000"),
        ('\u{feff}', "U+FEFF"),
        ('\u{e0041}', "U+E0041"),
        ('\u{fe0f}', "U+FE0F"),
    ] {
        let told = format!(
            "line 17 of the grant document, `reason`: the reason holds the character {code} at position 9, which could show otherwise than it is"
        );
        assert_eq!(said("the billing", &format!("{hostile}the billing")), told);
    }
    assert_eq!(
        said("restore", &"ü".repeat(251)),
        "line 17 of the grant document, `reason`: the reason has 520 bytes, at most 500 fit"
    );
}

#[test]
fn hostile_text_in_any_line_is_shown_escaped() {
    let case = Case::allowed();
    let document = case.document();
    for hostile in [
        "\u{202e}",
        "\u{1b}[2J",
        "\u{7}",
        "\u{0}",
        "\r",
        "\u{200b}",
        "\u{2066}",
        "\u{feff}",
        "\u{9b}",
        "\u{ad}",
    ] {
        for line in document.lines() {
            let (key, value) = line.split_once(": ").unwrap_or((line, ""));
            for changed in [
                format!("{key}: {hostile}{value}"),
                format!("{key}: {value}{hostile}"),
                format!("{key}{hostile}: {value}"),
                format!("{hostile}{line}"),
            ] {
                let document = document.replacen(line, &changed, 1);
                said_of(document.as_bytes());
                // The person and the log are told of it in one line too.
                let mut certificate = case.certificate();
                *certificate.extension("grant@pam-jit") = text(&document);
                let verdict = case.verdict_on_certificate(&certificate);
                let of_a_version = document.starts_with("pam-jit grant ") && !document.contains('\r');
                let version_1 = document.starts_with("pam-jit grant 1\n");
                let code = if of_a_version && !version_1 { "unknown-version" } else { "document" };
                refused(verdict, code);
            }
        }
    }
}

#[test]
fn a_document_that_is_no_text_is_no_grant_in_a_certificate() {
    let case = Case::allowed();
    let mut certificate = case.certificate();
    *certificate.extension("grant@pam-jit") = text(b"pam-jit grant 1\n\xff");
    refused(case.verdict_on_certificate(&certificate), "certificate-unreadable");
    *certificate.extension("grant@pam-jit") = text(" ".repeat(limits::DOCUMENT + 1));
    refused(case.verdict_on_certificate(&certificate), "document");
    *certificate.extension("grant@pam-jit") = Vec::new();
    refused(case.verdict_on_certificate(&certificate), "document");
}

//! Time: the first second of a window and of a certificate counts, the last one does not.

use grant::{MaximumAge, UnixTime, Window, limits};
use proptest::prelude::*;

use crate::support::case::{Case, at};
use crate::support::verdicts::{allowed, refused, refused_and_told};

/// A case whose window is `length` seconds long, and whose certificate covers as much as it may from
/// `after` on.
fn case(opens: u64, length: u64, after: u64) -> Case {
    let (opens, closes) = (UnixTime::from_secs(opens), UnixTime::from_secs(opens + length));
    let mut case = Case::allowed();
    case.fields.window = Window::new(opens, closes).unwrap();
    case.valid_after = UnixTime::from_secs(after);
    case.valid_before = UnixTime::from_secs(after + limits::CERTIFICATE_LIFETIME).min(closes);
    case
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn the_edges_of_every_window_are_exact(
        opens in limits::CERTIFICATE_LIFETIME..limits::LAST_SECOND - limits::WINDOW,
        length in 1..=limits::WINDOW,
    ) {
        let mut early = case(opens, length, opens - limits::BACKDATE);
        early.now = UnixTime::from_secs(opens - 1);
        refused(early.verdict(), "not-yet-open");
        early.now = UnixTime::from_secs(opens);
        allowed(early.verdict());

        let mut late = case(opens, length, opens + length - limits::CERTIFICATE_LIFETIME);
        late.now = UnixTime::from_secs(opens + length - 1);
        allowed(late.verdict());
        late.now = UnixTime::from_secs(opens + length);
        refused(late.verdict(), "closed");
    }

    #[test]
    fn the_edges_of_every_certificate_are_exact(after in 0_u64..1_700, life in 1_u64..1_700) {
        let mut case = Case::allowed();
        let opens = case.fields.window.opens();
        let closes = case.fields.window.closes();
        case.valid_after = opens.plus(after.min(1_700));
        case.valid_before = case.valid_after.plus(life).min(closes);
        case.now = case.valid_after;
        allowed(case.verdict());
        case.now = case.valid_before.minus(1);
        allowed(case.verdict());
        if after > 0 {
            case.now = case.valid_after.minus(1);
            refused(case.verdict(), "certificate-not-yet-valid");
        }
        case.now = case.valid_before;
        refused(case.verdict(), if case.valid_before == closes { "closed" } else { "certificate-expired" });
    }

    #[test]
    fn no_moment_outside_the_window_is_inside(now in 0..limits::LAST_SECOND) {
        let mut case = Case::allowed();
        case.now = UnixTime::from_secs(now);
        let code = if case.now < case.fields.window.opens() { "not-yet-open" } else { "closed" };
        refused(case.verdict(), code);
    }
}

#[test]
fn a_certificate_that_is_not_yet_valid_is_refused() {
    let mut case = Case::allowed();
    case.now = at("2026-11-24T14:08:59Z");
    let told = "the certificate is valid from 14:09 UTC, in 1 second";
    refused_and_told(case.verdict(), "certificate-not-yet-valid", told);
    case.now = at("2026-11-24T14:09:00Z");
    allowed(case.verdict());
}

#[test]
fn an_expired_certificate_is_refused() {
    let mut case = Case::allowed();
    case.now = at("2026-11-24T14:13:59Z");
    allowed(case.verdict());
    case.now = at("2026-11-24T14:14:00Z");
    let told = "the certificate expired at 14:14 UTC, 0 seconds ago; ask for a new one";
    refused_and_told(case.verdict(), "certificate-expired", told);
    case.now = at("2026-11-24T14:29:59Z");
    let told = "the certificate expired at 14:14 UTC, 16 minutes ago; ask for a new one";
    refused_and_told(case.verdict(), "certificate-expired", told);
}

#[test]
fn a_certificate_lives_as_long_as_it_may_and_no_second_longer() {
    let told = "the certificate is valid for longer than a certificate may be";
    let mut case = Case::allowed();
    case.fields.window = crate::support::case::window("2026-11-24T14:00:00Z", "2026-11-24T18:00:00Z");
    case.valid_before = case.valid_after.plus(limits::CERTIFICATE_LIFETIME);
    allowed(case.verdict());
    case.valid_before = case.valid_before.plus(1);
    refused_and_told(case.verdict(), "certificate-lives-too-long", told);
    // `ssh-keygen` writes these for a certificate without end.
    let mut certificate = case.certificate();
    (certificate.valid_after, certificate.valid_before) = (0, u64::MAX);
    refused_and_told(case.verdict_on_certificate(&certificate), "certificate-lives-too-long", told);
    // One that ends before it begins is worth no more.
    (certificate.valid_after, certificate.valid_before) = (case.now.secs(), case.now.secs() - 1);
    refused_and_told(case.verdict_on_certificate(&certificate), "certificate-lives-too-long", told);
}

#[test]
fn a_certificate_that_is_valid_for_no_second_is_refused() {
    let mut case = Case::allowed();
    case.valid_after = case.now;
    case.valid_before = case.now;
    refused(case.verdict(), "certificate-expired");
}

#[test]
fn a_certificate_at_the_end_of_numbers_is_refused() {
    let case = Case::allowed();
    let mut certificate = case.certificate();
    (certificate.valid_after, certificate.valid_before) = (u64::MAX - 300, u64::MAX);
    refused(case.verdict_on_certificate(&certificate), "certificate-not-yet-valid");
}

#[test]
fn the_window_counts_even_while_the_certificate_is_valid() {
    // Backdated for skewed clocks, the certificate is valid before the window opens.
    let mut case = Case::allowed();
    case.valid_after = at("2026-11-24T13:59:00Z");
    case.now = at("2026-11-24T13:59:59Z");
    refused(case.verdict(), "not-yet-open");
    case.now = at("2026-11-24T14:00:00Z");
    allowed(case.verdict());
}

#[test]
fn a_trust_bundle_that_is_too_old_refuses_everybody() {
    let mut case = Case::allowed();
    let made = case.now.minus(3_600);
    case.trust.maximum_age = Some(MaximumAge { made: Some(made), seconds: 3_601 });
    allowed(case.verdict());
    case.trust.maximum_age = Some(MaximumAge { made: Some(made), seconds: 3_600 });
    refused_and_told(
        case.verdict(),
        "trust-too-old",
        "what this host knows of revocations is too old: from 13:10 UTC, 60 minutes ago; tell its administrator",
    );
    case.trust.maximum_age = Some(MaximumAge { made: None, seconds: 3_600 });
    refused_and_told(
        case.verdict(),
        "trust-too-old",
        "this host has no trust bundle to go by; tell its administrator",
    );
    // Made by a clock that is ahead: it is new.
    case.trust.maximum_age = Some(MaximumAge { made: Some(case.now.plus(60)), seconds: 1 });
    allowed(case.verdict());
}

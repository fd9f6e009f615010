//! What a verdict must look like, whatever it is.

use grant::{DocumentError, Reason, Refusal, Terms, Verdict};

/// The terms of a login that must be allowed.
#[track_caller]
pub(crate) fn allowed(verdict: Verdict) -> Terms {
    match verdict {
        Verdict::Allow(terms) => *terms,
        Verdict::Refuse(refusal) => {
            panic!("refused: {} ({})", refusal.reason.logged(), refusal.reason.code())
        }
    }
}

/// The refusal of a login that must be refused with this code; what is told and logged is sane.
#[track_caller]
pub(crate) fn refused(verdict: Verdict, code: &str) -> Refusal {
    match verdict {
        Verdict::Allow(terms) => panic!("allowed, not {code}: {terms:?}"),
        Verdict::Refuse(refusal) => {
            assert_eq!(refusal.reason.code(), code, "{}", refusal.reason.logged());
            sane(&refusal.reason);
            *refusal
        }
    }
}

/// Asserts what a refusal with this code tells the person, after `access refused: `.
#[track_caller]
pub(crate) fn refused_and_told(verdict: Verdict, code: &str, told: &str) {
    assert_eq!(refused(verdict, code).reason.told(), format!("access refused: {told}"));
}

/// One line that a terminal and a log can show, and the code that it has had from the beginning.
#[track_caller]
pub(crate) fn sane(reason: &Reason) {
    assert_eq!(reason.code(), code(reason));
    let told = reason.told();
    assert!(told.starts_with("access refused: "), "{told}");
    for text in [&told, &reason.logged()] {
        assert!(!text.chars().any(unprintable), "{text:?}");
        assert!(text.len() < 1_000, "{text}");
        assert!(!text.ends_with(['.', ' ']), "{text}");
    }
}

/// Characters that control a terminal, or show a text otherwise than it is.
pub(crate) fn unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}')
}

/// The codes as programs know them. A new reason does not compile before it has a line here, and a
/// test.
fn code(reason: &Reason) -> &'static str {
    match reason {
        Reason::AuthInfo => "auth-info",
        Reason::NoCertificate => "no-certificate",
        Reason::TwoCertificates => "two-certificates",
        Reason::CertificateTooLarge(_) => "certificate-too-large",
        Reason::CertificateUnreadable => "certificate-unreadable",
        Reason::CertificateNotCanonical => "certificate-not-canonical",
        Reason::UntrustedAuthority => "untrusted-authority",
        Reason::BadSignature => "bad-signature",
        Reason::NotAUserCertificate => "not-a-user-certificate",
        Reason::CertifiedKey(_) => "certified-key",
        Reason::CertificateLivesTooLong => "certificate-lives-too-long",
        Reason::CertificateNotYetValid { .. } => "certificate-not-yet-valid",
        Reason::CertificateExpired { .. } => "certificate-expired",
        Reason::TrustTooOld { .. } => "trust-too-old",
        Reason::NoGrant => "no-grant",
        Reason::Document(DocumentError::Version(_)) => "unknown-version",
        Reason::Document(_) => "document",
        Reason::OtherAuthority => "other-authority",
        Reason::KeyNotListed(_) => "key-not-listed",
        Reason::CertificateDiffers(_) => "certificate-differs",
        Reason::Approvals(_) => "approvals",
        Reason::BadApproval(_) => "bad-approval",
        Reason::TooFewApprovals { .. } => "too-few-approvals",
        Reason::OtherHost { .. } => "other-host",
        Reason::OtherAccount { .. } => "other-account",
        Reason::OtherSource { .. } => "other-source",
        Reason::NotEnforced { .. } => "not-enforced",
        Reason::NotYetOpen { .. } => "not-yet-open",
        Reason::Closed { .. } => "closed",
        Reason::Revoked { .. } => "revoked",
    }
}

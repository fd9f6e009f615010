//! What the fuzz targets share: one host, one login, the certificates that it allows, and what must
//! hold whatever comes in.
//!
//! All of it is public material made by the real `ssh-keygen` (grant/tests/vectors). A target states
//! an invariant; a panic is a finding.
#![forbid(unsafe_code)]

use std::sync::LazyLock;

use base64ct::{Base64, Encoding};
use grant::{
    Approval, Approvers, Enforced, Grant, Login, PublicKey, Reason, Revoked, Trust, UnixTime, Verdict, decide,
};

macro_rules! vector {
    ($name:literal) => {
        include_str!(concat!("../../grant/tests/vectors/", $name))
    };
}

/// The document that was approved.
pub const DOCUMENT: &str = vector!("grant.document");

/// The certificates of it that the host allows.
const ALLOWED: [&str; 8] = [
    vector!("certificate-by-an-ed25519-ca-cert.pub"),
    vector!("certificate-by-an-ecdsa-p256-ca-cert.pub"),
    vector!("certificate-by-an-rsa-3072-ca-cert.pub"),
    vector!("certificate-for-an-ecdsa-p256-key-cert.pub"),
    vector!("certificate-for-an-rsa-3072-key-cert.pub"),
    vector!("certificate-with-an-approval-by-ecdsa-p256-cert.pub"),
    vector!("certificate-with-an-approval-by-rsa-3072-cert.pub"),
    vector!("certificate-with-three-approvals-cert.pub"),
];

/// The approvals of it.
const APPROVALS: [&str; 3] = [
    vector!("approval-by-ed25519.sig"),
    vector!("approval-by-ecdsa-p256.sig"),
    vector!("approval-by-rsa-3072.sig"),
];

/// One host and one login, at a moment when the allowed certificates are allowed.
#[derive(Debug)]
pub struct Scene {
    /// What the host believes.
    pub trust: Trust,
    /// Who knocks.
    pub login: Login,
    /// When.
    pub now: UnixTime,
    allowed: Vec<Vec<u8>>,
    approvals: Vec<Approval>,
}

/// The scene; it checks itself, so that no target fuzzes a host that refuses everybody.
pub static SCENE: LazyLock<Scene> = LazyLock::new(|| {
    let key = |line: &str| PublicKey::parse_line(line).expect("a vector is a key");
    let blob = |line: &str| {
        let base64 = line.split(' ').nth(1).expect("a vector is a key line");
        Base64::decode_vec(base64.trim()).expect("a vector is base64")
    };
    let authority = key(vector!("trust-root.pub")).fingerprint();
    let scene = Scene {
        trust: Trust {
            authority,
            host: "db1.prod".parse().expect("a host"),
            roles: ["db".parse().expect("a role")].into(),
            ca_keys: [vector!("ca-ed25519.pub"), vector!("ca-ecdsa-p256.pub"), vector!("ca-rsa-3072.pub")]
                .map(key)
                .to_vec(),
            approvers: Approvers::parse(vector!("approvers")).expect("the vectors' approvers"),
            minimum_approvals: 1,
            revoked: Revoked::nothing(authority),
            enforced: Enforced::default(),
            maximum_age: None,
        },
        login: Login { account: "acme-support".to_owned(), source: [192, 0, 2, 7].into() },
        now: "2026-11-24T14:10:00Z".parse().expect("a time"),
        allowed: ALLOWED.map(blob).to_vec(),
        approvals: APPROVALS
            .map(|text| Approval::from_armored(text).expect("a vector is an approval"))
            .to_vec(),
    };
    assert!(scene.allowed.iter().all(|blob| matches!(scene.decide(blob), Verdict::Allow(_))));
    assert!(scene.approvals.iter().all(|approval| approval.verify(DOCUMENT.as_bytes()).is_ok()));
    scene
});

impl Scene {
    /// The verdict on these bytes.
    pub fn decide(&self, certificate: &[u8]) -> Verdict {
        decide(certificate, &self.trust, &self.login, self.now)
    }

    /// Whether these bytes are, to the last one, an allowed certificate.
    #[must_use]
    pub fn allows(&self, certificate: &[u8]) -> bool {
        self.allowed.iter().any(|allowed| allowed == certificate)
    }

    /// Whether this is, to the last byte, an approval that an approver made.
    #[must_use]
    pub fn made(&self, approval: &Approval) -> bool {
        self.approvals.iter().any(|made| made == approval)
    }
}

/// Asserts that a refusal can be shown: one line, nothing that controls a terminal.
pub fn assert_sane(reason: &Reason) {
    assert!(reason.told().starts_with("access refused: "));
    assert!(!reason.code().is_empty());
    assert_one_line(&reason.told());
}

/// Asserts that a message is one line without control and bidirectional characters.
pub fn assert_one_line(message: &str) {
    let hostile = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    assert!(!message.chars().any(hostile), "{message:?}");
    assert!(message.len() < 2_000, "{message}");
}

/// Asserts that what parses is exactly what it renders.
pub fn assert_canonical(document: &[u8], grant: &Grant) {
    assert_eq!(grant.render().as_bytes(), document);
    assert_eq!(Grant::parse(grant.render().as_bytes()).as_ref(), Ok(grant));
}

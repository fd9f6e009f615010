//! The vectors that the real `ssh-keygen` made (`tests/vectors/make-vectors`): each file is named for
//! what it proves.
//!
//! `refused-CODE...-cert.pub` must be refused with the reason of that code; the other certificates are
//! allowed. The same is asked of vectors that today's `ssh-keygen` makes.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64ct::{Base64, Encoding};
use grant::{Approval, Approvers, AuthInfo, Certificate, Grant, PublicKey, Revoked, Verdict};

use crate::support::case::Case;
use crate::support::verdicts::sane;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors")
}

/// The vectors in one folder, and the login that they are about.
struct Vectors {
    folder: PathBuf,
    case: Case,
}

impl Vectors {
    fn in_folder(folder: &Path) -> Self {
        let key = |name| PublicKey::parse_line(&fs::read_to_string(folder.join(name)).unwrap()).unwrap();
        let mut case = Case::allowed();
        case.trust.authority = key("trust-root.pub").fingerprint();
        case.trust.ca_keys = ["ca-ed25519.pub", "ca-ecdsa-p256.pub", "ca-rsa-3072.pub"].map(key).to_vec();
        case.trust.approvers =
            Approvers::parse(&fs::read_to_string(folder.join("approvers")).unwrap()).unwrap();
        case.trust.revoked = Revoked::nothing(case.trust.authority);
        Self { folder: folder.to_owned(), case }
    }

    fn names(&self, suffix: &str) -> Vec<String> {
        let names =
            fs::read_dir(&self.folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.filter_map(|n| n.strip_suffix(suffix).map(ToOwned::to_owned)).collect();
        names.sort();
        assert!(!names.is_empty(), "no *{suffix}");
        names
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.folder.join(name)).unwrap()
    }

    /// As sshd hands a certificate to PAM.
    fn blob(&self, certificate: &str) -> Vec<u8> {
        let line = self.text(&format!("{certificate}-cert.pub"));
        let words: Vec<_> = line.split_whitespace().take(2).collect();
        AuthInfo::parse(format!("publickey {}\n", words.join(" ")).as_bytes()).unwrap().certificate
    }

    fn check_certificates(&self) {
        for name in self.names("-cert.pub") {
            match (name.strip_prefix("refused-"), self.case.verdict_on(&self.blob(&name))) {
                (None, Verdict::Allow(terms)) => {
                    assert_eq!(terms.grant.render(), self.text("grant.document"))
                }
                (Some(why), Verdict::Refuse(refusal)) => {
                    sane(&refusal.reason);
                    let rest = why.strip_prefix(refusal.reason.code());
                    let fits = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'));
                    assert!(fits, "{name}: {}: {}", refusal.reason.code(), refusal.reason.logged());
                }
                (_, verdict) => panic!("{name}: {verdict:?}"),
            }
        }
    }

    fn check_approvals(&self) {
        let document = self.text("grant.document");
        for name in self.names(".sig") {
            let read = Approval::from_armored(&self.text(&format!("{name}.sig")));
            let holds = read.as_ref().is_ok_and(|approval| approval.verify(document.as_bytes()).is_ok());
            assert_eq!(holds, name.starts_with("approval-by-"), "{name}: {read:?}");
            if let Ok(approval) = read {
                assert_eq!(approval.to_armored(), self.text(&format!("{name}.sig")), "{name}");
            }
        }
    }

    fn check_keys(&self) {
        for name in self.names(".pub").iter().filter(|name| !name.ends_with("-cert")) {
            let key = PublicKey::parse_line(&self.text(&format!("{name}.pub")));
            assert_eq!(key.is_err(), name.starts_with("refused-"), "{name}: {key:?}");
        }
    }
}

#[test]
fn every_certificate_made_by_ssh_keygen_gets_the_verdict_in_its_name() {
    Vectors::in_folder(&folder()).check_certificates();
}

#[test]
fn every_approval_made_by_ssh_keygen_holds_or_not_as_its_name_says() {
    Vectors::in_folder(&folder()).check_approvals();
}

#[test]
fn every_key_made_by_ssh_keygen_is_accepted_or_not_as_its_name_says() {
    Vectors::in_folder(&folder()).check_keys();
}

#[test]
fn the_documents_that_were_signed_are_canonical() {
    let vectors = Vectors::in_folder(&folder());
    for name in ["grant", "another-grant"] {
        let document = vectors.text(&format!("{name}.document"));
        assert_eq!(Grant::parse(document.as_bytes()).unwrap().render(), document);
    }
    assert!(Grant::parse(vectors.text("version-2.document").as_bytes()).is_err());
}

#[test]
fn a_signature_that_is_refused_says_why() {
    let vectors = Vectors::in_folder(&folder());
    for (name, why) in [
        ("refused-approval-by-rsa-2048", "the rsa key has 2048 bits: 3072 to 4096 are accepted"),
        (
            "refused-approval-by-ecdsa-p384",
            "keys of the kind ecdsa-sha2-nistp384 are not accepted: use ed25519, ecdsa-p256, rsa of 3072 bits, sk-ed25519 or sk-ecdsa",
        ),
    ] {
        let error = Approval::from_armored(&vectors.text(&format!("{name}.sig"))).unwrap_err();
        assert_eq!(error.to_string(), "the signing key is not accepted");
        assert_eq!(std::error::Error::source(&error).unwrap().to_string(), why);
    }
    let error =
        Approval::from_armored(&vectors.text("refused-approval-for-another-namespace.sig")).unwrap_err();
    assert_eq!(error.to_string(), "the signature is for the namespace `file`, not `grant@pam-jit`");
}

#[test]
fn no_changed_byte_of_an_rsa_signature_is_allowed() {
    let vectors = Vectors::in_folder(&folder());
    let document = vectors.text("grant.document");
    let approval = Approval::from_armored(&vectors.text("approval-by-rsa-3072.sig")).unwrap();
    let mut blob = approval.as_blob().to_vec();
    let mut certificate = vectors.blob("certificate-by-an-rsa-3072-ca");
    for at in 0..blob.len() {
        blob[at] ^= 1 << (at % 8);
        let holds = Approval::from_blob(&blob).is_ok_and(|a| a.verify(document.as_bytes()).is_ok());
        assert!(!holds, "byte {at} of the approval");
        blob[at] ^= 1 << (at % 8);
    }
    for at in 0..certificate.len() {
        certificate[at] ^= 1 << (at % 8);
        assert!(matches!(vectors.case.verdict_on(&certificate), Verdict::Refuse(_)), "byte {at}");
        certificate[at] ^= 1 << (at % 8);
    }
}

#[test]
fn an_rsa_key_approves_a_login_like_any_other() {
    let mut vectors = Vectors::in_folder(&folder());
    vectors.case.trust.minimum_approvals = 3;
    let blob = vectors.blob("certificate-with-three-approvals");
    let Verdict::Allow(terms) = vectors.case.verdict_on(&blob) else { panic!("refused") };
    let names: BTreeSet<_> = terms.approved_by.iter().map(|name| name.as_str()).collect();
    assert_eq!(names, ["kim", "lee", "max"].into());
}

#[test]
fn a_certificate_made_by_ssh_keygen_is_read_byte_for_byte() {
    let vectors = Vectors::in_folder(&folder());
    for name in vectors.names("-cert.pub").iter().filter(|name| !name.contains("-unreadable")) {
        let line = vectors.text(&format!("{name}-cert.pub"));
        let blob = vectors.blob(name);
        let read = Certificate::read(&blob).unwrap_or_else(|reason| panic!("{name}: {}", reason.logged()));
        let base64 = Base64::encode_string(&read.unverified().to_bytes().unwrap());
        assert_eq!(line.split_whitespace().nth(1), Some(base64.as_str()), "{name}");
    }
}

#[test]
fn no_private_key_is_among_the_vectors() {
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        assert!(!text.contains("PRIVATE"), "{}", path.display());
    }
}

#[test]
fn the_ssh_keygen_of_this_machine_makes_vectors_of_the_same_names_and_meaning() {
    let scratch = tempfile::tempdir().unwrap();
    let fresh = scratch.path().join("vectors");
    let made = Command::new(folder().join("make-vectors")).arg(&fresh).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let names = |folder: &Path| {
        let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| name != "make-vectors").collect::<BTreeSet<_>>()
    };
    assert_eq!(names(&fresh), names(&folder()));
    let vectors = Vectors::in_folder(&fresh);
    vectors.check_certificates();
    vectors.check_approvals();
    vectors.check_keys();
}

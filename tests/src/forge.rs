//! The forger: somebody who holds the CA key, or more, and makes what `ca` would never make.
//!
//! A forgery starts as a sound grant and a sound certificate; the test changes one thing and signs again, so that
//! nothing but that one thing can be why it is refused.

use std::path::Path;

use grant::{Approval, Approvals, Grant, GrantFields, Issue, PublicKey, UnixTime, Window};
use ssh_key::PrivateKey;

use crate::authority::Authority;
use crate::clock;
use crate::identity::Identity;
use crate::raw_certificate::RawCertificate;

/// The extension that holds the document.
pub const GRANT: &str = "grant@pam-jit";

/// The extension that holds the approvals.
pub const APPROVALS: &str = "approvals@pam-jit";

/// What a thief of the CA key has.
#[derive(Debug)]
pub struct Forge {
    /// The CA key.
    pub ca_key: PrivateKey,
    /// The fingerprint of the trust root.
    pub authority: String,
}

impl Forge {
    /// Steals the CA key.
    #[must_use]
    pub fn of(authority: &Authority) -> Self {
        Self {
            ca_key: private_key(&authority.folder().join("ca_key")),
            authority: authority.fingerprint().to_owned(),
        }
    }

    /// An authority that was never set up: two keys in `folder`, named as `ca init` names them.
    #[must_use]
    pub fn alone(folder: &Path) -> Self {
        let (ca_key, root) = (Identity::make(folder, "ca_key"), Identity::make(folder, "trust_root"));
        Self { ca_key: private_key(&ca_key.key), authority: public_key(&root).fingerprint().to_string() }
    }

    /// The fields of a sound grant for `person`'s key, open now; `now` is 10 s into its window.
    ///
    /// # Panics
    /// Never: the literals are good.
    #[must_use]
    pub fn fields(&self, identity: &Identity) -> GrantFields {
        let mut random = [0; 6];
        getrandom::fill(&mut random).expect("random bytes");
        let now = clock::now();
        GrantFields {
            authority: self.authority.parse().expect("the authority's fingerprint"),
            id: grant::GrantId::from_random(&random),
            vendor: "acme".parse().expect("a vendor's name"),
            person: "acme/jo".parse().expect("a person's name"),
            keys: [public_key(identity).fingerprint()].into(),
            hosts: ["db1.prod".parse().expect("a host's name")].into(),
            roles: [].into(),
            accounts: ["acme-support".parse().expect("an account's name")].into(),
            sources: grant::Sources::any(),
            features: "pty,sftp".parse().expect("features"),
            window: window(now - 10, now + 1_800),
            extendable_to: None,
            uses: None,
            sessions: None,
            reason: "restore the billing index".parse().expect("a reason"),
            ticket: None,
            approvals: 1,
        }
    }

    /// The sound certificate of a grant for `identity`'s key, as fields.
    ///
    /// # Panics
    /// When the fields are not a grant.
    #[must_use]
    pub fn certificate(&self, grant: &Grant, approvals: &[Approval], identity: &Identity) -> RawCertificate {
        let mut nonce = [0; 32];
        getrandom::fill(&mut nonce).expect("random bytes");
        let now = clock::now();
        let issue = Issue {
            grant,
            approvals: &Approvals::new(approvals.iter().cloned()).expect("approvals"),
            key: &public_key(identity),
            serial: 1_000_000 + u64::from(nonce[0]),
            valid_after: UnixTime::from_secs(now - 60),
            valid_before: UnixTime::from_secs(now + 300),
            nonce,
        };
        let certificate = issue.sign(&self.ca_key).expect("signs a certificate");
        RawCertificate::read(&certificate.to_bytes().expect("encodes a certificate"))
    }

    /// The same, approved by `approvers`, each as a key pair.
    #[must_use]
    pub fn approved(&self, grant: &Grant, approvers: &[&Identity], identity: &Identity) -> RawCertificate {
        let document = grant.render();
        let approvals: Vec<Approval> =
            approvers.iter().map(|approver| approve(document.as_bytes(), approver)).collect();
        self.certificate(grant, &approvals, identity)
    }
}

/// The grant of these fields.
///
/// # Panics
/// When they don't hold together.
#[must_use]
pub fn grant(fields: GrantFields) -> Grant {
    Grant::new(fields).expect("a grant")
}

/// A window.
///
/// # Panics
/// When it closes before it opens.
#[must_use]
pub fn window(opens: u64, closes: u64) -> Window {
    Window::new(UnixTime::from_secs(opens), UnixTime::from_secs(closes)).expect("a window")
}

/// The approval of `document` by a key pair.
///
/// # Panics
/// When the key can't sign.
#[must_use]
pub fn approve(document: &[u8], approver: &Identity) -> Approval {
    let key = private_key(&approver.key);
    let signature =
        key.sign(grant::approval::NAMESPACE, ssh_key::HashAlg::Sha512, document).expect("signs an approval");
    Approval::from_armored(&signature.to_pem(ssh_key::LineEnding::LF).expect("armors")).expect("an approval")
}

/// The extension's text for these approvals.
///
/// # Panics
/// When there are too many.
#[must_use]
pub fn approvals_text(approvals: impl IntoIterator<Item = Approval>) -> String {
    Approvals::new(approvals).expect("approvals").to_string()
}

/// A key pair's public half as the product has it.
///
/// # Panics
/// When the product does not accept it.
#[must_use]
pub fn public_key(identity: &Identity) -> PublicKey {
    PublicKey::parse_line(&identity.public_line()).expect("a public key")
}

fn private_key(path: &Path) -> PrivateKey {
    PrivateKey::read_openssh_file(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

//! A login that is allowed. A test changes one thing and sees what becomes of it.
//!
//! The certificate is built here field by field from the specification, not by `Issue`; one test
//! proves that both make the same bytes.

use std::net::IpAddr;
use std::rc::Rc;

use grant::{
    Approvers, Enforced, Grant, GrantFields, Login, Revoked, Trust, UnixTime, Verdict, Window, decide,
};

use crate::support::raw_certificate::{RawCertificate, USER, text};
use crate::support::soft_key::{Ed25519, Key, ed25519};
use crate::support::sshsig::{approval, approvals_text};

/// The moment of the login, within the window.
pub(crate) const NOW: &str = "2026-11-24T14:10:00Z";

pub(crate) fn at(time: &str) -> UnixTime {
    time.parse().unwrap()
}

pub(crate) fn window(opens: &str, closes: &str) -> Window {
    Window::new(at(opens), at(closes)).unwrap()
}

/// The trust root of our authority; it signs nothing here.
pub(crate) fn trust_root() -> Ed25519 {
    ed25519(1)
}

/// The key of acme/jo that is certified.
pub(crate) fn jo() -> Ed25519 {
    ed25519(3)
}

/// Another enrolled key of acme/jo.
pub(crate) fn jo_at_home() -> Ed25519 {
    ed25519(4)
}

/// An approver.
pub(crate) fn kim() -> Ed25519 {
    ed25519(5)
}

/// Another approver.
pub(crate) fn lee() -> Ed25519 {
    ed25519(6)
}

/// All that a verdict depends on.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) ca: Rc<dyn Key>,
    pub(crate) key: Rc<dyn Key>,
    pub(crate) fields: GrantFields,
    /// Who approves the grant.
    pub(crate) approved_by: Vec<Rc<dyn Key>>,
    pub(crate) serial: u64,
    pub(crate) valid_after: UnixTime,
    pub(crate) valid_before: UnixTime,
    pub(crate) trust: Trust,
    pub(crate) login: Login,
    pub(crate) now: UnixTime,
}

/// Lines of an approvers file.
pub(crate) fn approvers(list: &[(&str, &str, &dyn Key)]) -> Approvers {
    let line = |(name, options, key): &(&str, &str, &dyn Key)| {
        format!("{name} namespaces=\"grant@pam-jit\"{options} {}\n", key.line())
    };
    Approvers::parse(&list.iter().map(line).collect::<String>()).unwrap()
}

fn fields() -> GrantFields {
    GrantFields {
        authority: trust_root().public().fingerprint(),
        id: "G-7F3K9Q".parse().unwrap(),
        vendor: "acme".parse().unwrap(),
        person: "acme/jo".parse().unwrap(),
        keys: [jo().public().fingerprint(), jo_at_home().public().fingerprint()].into(),
        hosts: ["db1.prod".parse().unwrap()].into(),
        roles: [].into(),
        accounts: ["acme-support".parse().unwrap()].into(),
        sources: "192.0.2.0/24,2001:db8::/32".parse().unwrap(),
        features: "pty,sftp".parse().unwrap(),
        window: window("2026-11-24T14:00:00Z", "2026-11-24T14:30:00Z"),
        extendable_to: None,
        uses: None,
        sessions: None,
        reason: "restore the billing index".parse().unwrap(),
        ticket: Some("OPS-1234".parse().unwrap()),
        approvals: 1,
    }
}

impl Case {
    /// acme/jo logs in to db1.prod as acme-support, approved by kim.
    pub(crate) fn allowed() -> Self {
        let authority = trust_root().public().fingerprint();
        let ca = Rc::new(ed25519(2));
        let trust = Trust {
            authority,
            host: "db1.prod".parse().unwrap(),
            roles: ["db".parse().unwrap()].into(),
            ca_keys: vec![ca.public()],
            approvers: approvers(&[("kim", "", &kim()), ("lee", "", &lee())]),
            minimum_approvals: 1,
            revoked: Revoked::nothing(authority),
            enforced: Enforced::default(),
            maximum_age: None,
        };
        Self {
            ca,
            key: Rc::new(jo()),
            fields: fields(),
            approved_by: vec![Rc::new(kim())],
            serial: 42,
            valid_after: at("2026-11-24T14:09:00Z"),
            valid_before: at("2026-11-24T14:14:00Z"),
            trust,
            login: Login { account: "acme-support".to_owned(), source: "192.0.2.7".parse().unwrap() },
            now: at(NOW),
        }
    }

    pub(crate) fn from(mut self, source: &str) -> Self {
        self.login.source = source.parse::<IpAddr>().unwrap();
        self
    }

    pub(crate) fn grant(&self) -> Grant {
        Grant::new(self.fields.clone()).unwrap()
    }

    pub(crate) fn document(&self) -> String {
        self.grant().render()
    }

    /// The approvals of the grant, by those who approve it.
    pub(crate) fn approvals(&self) -> Vec<Vec<u8>> {
        let document = self.document();
        self.approved_by.iter().map(|key| approval(&**key, &document)).collect()
    }

    /// What the CA makes of the grant, with the approvals given.
    pub(crate) fn certificate_with(&self, approvals: &[Vec<u8>]) -> RawCertificate {
        let fields = &self.fields;
        let mut principals = Vec::new();
        for account in &fields.accounts {
            principals.extend(fields.hosts.iter().map(|host| format!("{account}@{host}")));
            principals.extend(fields.roles.iter().map(|role| format!("{account}@role:{role}")));
        }
        let sources = fields.sources.to_string();
        let critical = (sources != "any").then(|| ("source-address".to_owned(), text(sources)));
        let mut certificate = RawCertificate {
            algorithm: RawCertificate::algorithm_of(&*self.key),
            nonce: vec![9; 32],
            key: self.key.fields(),
            serial: self.serial,
            kind: USER,
            key_id: format!("{} {}", fields.id, fields.person),
            principals,
            valid_after: self.valid_after.secs(),
            valid_before: self.valid_before.secs(),
            critical_options: critical.into_iter().collect(),
            extensions: vec![("grant@pam-jit".to_owned(), text(self.document()))],
            reserved: Vec::new(),
        };
        if !approvals.is_empty() {
            certificate.add_extension("approvals@pam-jit", text(approvals_text(approvals)));
        }
        for (on, name) in [
            (fields.features.agent, "permit-agent-forwarding"),
            (!fields.features.forward.is_empty(), "permit-port-forwarding"),
            (fields.features.pty, "permit-pty"),
        ] {
            if on {
                certificate.add_extension(name, Vec::new());
            }
        }
        certificate
    }

    /// The certificate before it is signed, to be changed by somebody who holds the CA key.
    pub(crate) fn certificate(&self) -> RawCertificate {
        self.certificate_with(&self.approvals())
    }

    pub(crate) fn blob(&self) -> Vec<u8> {
        self.certificate().signed_by(&*self.ca)
    }

    /// The verdict on a login with these bytes.
    pub(crate) fn verdict_on(&self, blob: &[u8]) -> Verdict {
        decide(blob, &self.trust, &self.login, self.now)
    }

    /// The verdict on a certificate that the CA key signs as it stands.
    pub(crate) fn verdict_on_certificate(&self, certificate: &RawCertificate) -> Verdict {
        self.verdict_on(&certificate.signed_by(&*self.ca))
    }

    pub(crate) fn verdict(&self) -> Verdict {
        self.verdict_on(&self.blob())
    }
}

//! The scripted double of `Login`, and a small world of keys, a grant and a certificate for it.
//!
//! What the phases read is set before; what they do (tell, keep, log) must come in the order of the script, and
//! [`Scripted::done`] asserts that all of the script was played. Keys are made from fixed seeds at run time.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use audit::Record;
use audit::handover::{Answer, Handover, Message};
use grant::ssh_key::PrivateKey;
use grant::ssh_key::private::{Ed25519Keypair, KeypairData};
use grant::{Approval, Approvals, Approvers, Enforced, Grant, Issue, PublicKey, Revoked, Trust, UnixTime};
use hostfile::{HostConfig, HostfileError, LogConfig, RecorderConfig};

use crate::clock::Moment;
use crate::login::{Admitted, Failed, Login};

/// The window of the grant is 14:00 to 14:30, the certificate lives from 14:09 to 14:14.
pub(crate) const NOW: &str = "2026-11-24T14:10:00Z";

/// What a phase is expected to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// Tell the person a line that contains this.
    Tell(&'static str),
    /// Keep a login, with a session id or without.
    Keep { opened: bool },
    /// Leave this limit for PID 1.
    Limit(u64),
    /// Install the gate and hand over.
    Begin,
    /// Tell the recorder a message that contains this.
    TellRecorder(&'static str),
    /// The same, and nobody answers.
    NoRecorder(&'static str),
    /// Log an event, with this reason.
    Log(&'static str, Option<&'static str>),
}

/// The refusal that nearly every test expects.
pub(crate) fn refusal(told: &'static str, code: &'static str) -> Vec<Step> {
    vec![Step::Tell(told), Step::Log("login.refuse", Some(code))]
}

/// A login whose every answer is set, and whose every effect is expected.
#[derive(Debug)]
pub(crate) struct Scripted {
    pub(crate) account: Option<Vec<u8>>,
    pub(crate) auth_info: Option<Vec<u8>>,
    pub(crate) ssh_connection: Option<Vec<u8>>,
    pub(crate) config: Result<HostConfig, HostfileError>,
    pub(crate) trust: Result<Trust, HostfileError>,
    pub(crate) vendor: Result<bool, HostfileError>,
    pub(crate) now: UnixTime,
    pub(crate) random: Result<[u8; 8], Failed>,
    pub(crate) keeps: Result<(), Failed>,
    pub(crate) kept: Option<Admitted>,
    pub(crate) may_sudo: bool,
    pub(crate) service: &'static str,
    pub(crate) limit_holds: Result<(), Failed>,
    pub(crate) reply: Result<Answer, Failed>,
    pub(crate) handed_over: Option<Handover>,
    pub(crate) logged: Vec<(LogConfig, Record)>,
    /// Files asked for as configuration, and groups asked about.
    pub(crate) asked: RefCell<Vec<(PathBuf, String)>>,
    config_asked: RefCell<PathBuf>,
    script: VecDeque<Step>,
}

impl Scripted {
    /// A vendor's good login, up to the certificate, and what the phases shall do with it.
    pub(crate) fn new(script: impl Into<VecDeque<Step>>) -> Self {
        Self {
            account: Some(b"acme-support".to_vec()),
            auth_info: Some(auth_info(&certificate(DOCUMENT))),
            ssh_connection: Some(b"192.0.2.7 50512 198.51.100.1 22".to_vec()),
            config: Ok(host_config()),
            trust: Ok(trust()),
            vendor: Ok(true),
            now: NOW.parse().unwrap(),
            random: Ok([0, 1, 2, 3, 4, 5, 29, 30]),
            keeps: Ok(()),
            kept: None,
            may_sudo: false,
            service: "sshd",
            limit_holds: Ok(()),
            reply: Ok(Answer::Open),
            handed_over: None,
            logged: Vec::new(),
            asked: RefCell::default(),
            config_asked: RefCell::default(),
            script: script.into(),
        }
    }

    /// Asserts that everything expected has happened.
    pub(crate) fn done(self) {
        assert!(self.script.is_empty(), "not played: {:?}", self.script);
    }

    /// The record logged last.
    pub(crate) fn last_record(&self) -> &Record {
        &self.logged.last().unwrap().1
    }

    fn play(&mut self, step: &str, fits: impl Fn(&Step) -> bool) {
        let expected = self.script.pop_front();
        assert!(expected.as_ref().is_some_and(fits), "expected {expected:?}, got {step}");
    }
}

impl Login for Scripted {
    fn service(&self) -> Option<String> {
        Some(self.service.to_owned())
    }

    fn account(&self) -> Option<Vec<u8>> {
        self.account.clone()
    }

    fn auth_info(&self) -> Option<Vec<u8>> {
        self.auth_info.clone()
    }

    fn ssh_connection(&self) -> Option<Vec<u8>> {
        self.ssh_connection.clone()
    }

    fn tell(&mut self, line: &str) {
        assert!(line.starts_with("access refused: "), "{line}");
        self.play(line, |step| matches!(step, Step::Tell(part) if line.contains(part)));
    }

    fn keep(&mut self, admitted: Admitted) -> Result<(), Failed> {
        let opened = admitted.session.is_some();
        self.play(&format!("Keep {{ opened: {opened} }}"), |step| *step == Step::Keep { opened });
        self.keeps.clone()?;
        self.kept = Some(admitted);
        Ok(())
    }

    fn kept(&self) -> Option<Admitted> {
        self.kept.clone()
    }

    fn host_config(&self, file: &Path) -> Result<HostConfig, HostfileError> {
        *self.config_asked.borrow_mut() = file.to_owned();
        self.config.clone()
    }

    fn trust(&self, _: &HostConfig) -> Result<Trust, HostfileError> {
        self.trust.clone()
    }

    fn is_vendor(&self, _: &str, group: &str) -> Result<bool, HostfileError> {
        self.asked.borrow_mut().push((self.config_asked.borrow().clone(), group.to_owned()));
        self.vendor.clone()
    }

    fn machine(&self) -> String {
        "machine".to_owned()
    }

    fn now(&self) -> Moment {
        Moment { millis: self.now.secs() * 1000 }
    }

    fn random(&self) -> Result<[u8; 8], Failed> {
        self.random.clone()
    }

    fn set_limit(&mut self, seconds: u64) -> Result<(), Failed> {
        self.play("Limit", |step| *step == Step::Limit(seconds));
        Ok(())
    }

    fn limit_holds(&self) -> Result<(), Failed> {
        self.limit_holds.clone()
    }

    fn may_sudo(&self, _: &RecorderConfig) -> bool {
        self.may_sudo
    }

    fn uid(&self, _: &str) -> Result<u32, Failed> {
        Ok(1001)
    }

    fn begin(&mut self, _: &RecorderConfig, handover: Handover) -> Result<Answer, Failed> {
        self.play("Begin", |step| *step == Step::Begin);
        self.handed_over = Some(handover);
        self.reply.clone()
    }

    fn tell_recorder(&mut self, _: &RecorderConfig, message: &Message) -> bool {
        let text = format!("{message:?}");
        let answers = !matches!(self.script.front(), Some(Step::NoRecorder(_)));
        self.play(
            &text,
            |step| matches!(step, Step::TellRecorder(part) | Step::NoRecorder(part) if text.contains(part)),
        );
        answers
    }

    fn log(&mut self, to: &LogConfig, record: &Record) {
        let (event, reason) = (record.event.name(), record.facts.reason.as_deref());
        let fits = |step: &Step| matches!(step, Step::Log(e, r) if (*e, *r) == (event, reason));
        self.play(&format!("{event} {reason:?}: {:?}", record.facts.reason_text), fits);
        self.logged.push((to.clone(), record.clone()));
    }
}

/// A file error of the host's, for answers that fail.
pub(crate) fn broken() -> HostfileError {
    HostfileError::Missing { path: "/etc/jit/broken".into() }
}

/// The host of the tests: db1.prod, with a group and a log of its own.
pub(crate) fn host_config() -> HostConfig {
    host_with("")
}

/// The same host with a recorder.
pub(crate) fn recorded_host() -> HostConfig {
    host_with("[recorder]\n")
}

fn host_with(table: &str) -> HostConfig {
    let text = format!(
        "host = \"db1.prod\"\nroles = [\"db\"]\nauthority = \"{}\"\nca_keys = \"/etc/jit/ca.pub\"\n\
         approvers = \"/etc/jit/approvers\"\nrevoked = \"/etc/jit/revoked\"\nvendor_group = \"suppliers\"\n\
         [log]\nsocket = \"/run/jit/log\"\nformat = \"rfc5424\"\n{table}",
        public(&ROOT).fingerprint()
    );
    HostConfig::parse(Path::new("/etc/jit/host.toml"), text.as_bytes()).unwrap()
}

const ROOT: [u8; 32] = [1; 32];
const CA: [u8; 32] = [2; 32];
const JO: [u8; 32] = [3; 32];
const KIM: [u8; 32] = [4; 32];

fn private(seed: &[u8; 32]) -> PrivateKey {
    PrivateKey::new(KeypairData::from(Ed25519Keypair::from_seed(seed)), "").unwrap()
}

fn public(seed: &[u8; 32]) -> PublicKey {
    PublicKey::from_ssh(private(seed).public_key().key_data().clone()).unwrap()
}

/// The trust of the host: one CA key, one approver, nothing revoked.
pub(crate) fn trust() -> Trust {
    let authority = public(&ROOT).fingerprint();
    let approvers = format!("kim namespaces=\"grant@pam-jit\" {}\n", public(&KIM).to_line());
    Trust {
        authority,
        host: "db1.prod".parse().unwrap(),
        roles: ["db".parse().unwrap()].into(),
        ca_keys: vec![public(&CA)],
        approvers: Approvers::parse(&approvers).unwrap(),
        minimum_approvals: 1,
        revoked: Revoked::nothing(authority),
        enforced: Enforced::default(),
        maximum_age: None,
    }
}

/// The grant of the tests; `AUTHORITY` and `KEY` are filled in.
pub(crate) const DOCUMENT: &str = "pam-jit grant 1
authority: AUTHORITY
grant: G-7F3K9Q
vendor: acme
person: acme/jo
keys: KEY
hosts: db1.prod
roles: -
accounts: acme-support
from: 192.0.2.0/24
features: pty
opens: 2026-11-24T14:00:00Z
closes: 2026-11-24T14:30:00Z
extendable-to: -
uses: unlimited
sessions: unlimited
reason: restore the billing index
ticket: OPS-1234
approvals: 1
";

/// A certificate for a document, approved by kim and signed by the CA, as a blob.
pub(crate) fn certificate(document: &str) -> Vec<u8> {
    let document = document
        .replace("AUTHORITY", &public(&ROOT).fingerprint().to_string())
        .replace("KEY", &public(&JO).fingerprint().to_string());
    let grant = Grant::parse(document.as_bytes()).unwrap();
    let armored = private(&KIM)
        .sign("grant@pam-jit", grant::ssh_key::HashAlg::Sha512, document.as_bytes())
        .unwrap()
        .to_pem(grant::ssh_key::LineEnding::LF)
        .unwrap();
    let approvals = Approvals::new([Approval::from_armored(&armored).unwrap()]).unwrap();
    let issue = Issue {
        grant: &grant,
        approvals: &approvals,
        key: &public(&JO),
        serial: 7,
        valid_after: "2026-11-24T14:09:00Z".parse().unwrap(),
        valid_before: "2026-11-24T14:14:00Z".parse().unwrap(),
        nonce: [9; 32],
    };
    issue.sign(&private(&CA)).unwrap().to_bytes().unwrap()
}

/// `SSH_AUTH_INFO_0` as sshd writes it for this certificate.
pub(crate) fn auth_info(certificate: &[u8]) -> Vec<u8> {
    let certificate = grant::ssh_key::Certificate::from_bytes(certificate).unwrap();
    format!("publickey {}\n", certificate.to_openssh().unwrap()).into_bytes()
}

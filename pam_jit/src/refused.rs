//! A refused login: why, in the words for the person, the word for programs and the sentence for the log, and what
//! was known when it was refused.
//!
//! The person learns nothing about the host's configuration and nothing of a grant that she has not proved to hold;
//! the log has the precise sentence.

use std::net::IpAddr;

use audit::Facts;
use grant::{Claim, Reason, Terms};

use crate::login::Failed;

/// Why the module refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Why {
    /// The rules of the grant say so.
    Grant(Reason),
    /// The host's files or its PAM lines can't be used; the sentence for the log.
    Configuration(String),
    /// A service in which no certificate can be shown.
    NotOverSsh,
    /// sudo in a session whose grant does not allow it.
    NoSudo,
    /// `SSH_CONNECTION` is missing or is not what sshd writes.
    Source,
    /// `PAM_USER` is another one at the last line than at the first.
    AccountChanged,
    /// The recorder can't be reached; the sentence for the log.
    Recorder(String),
    /// The recorder refuses the session.
    Refused {
        /// The stable word.
        code: String,
        /// The sentence for the person, without `access refused: `.
        told: String,
    },
    /// The module could not do its work; the sentence for the log.
    Failed(String),
}

impl Why {
    /// One line for the person.
    pub(crate) fn told(&self) -> String {
        match self {
            Self::Grant(reason) => reason.told(),
            Self::Configuration(_) => {
                "access refused: this host's access configuration is not usable; tell its administrator".to_owned()
            }
            Self::NotOverSsh => {
                "access refused: this account can be entered only with a grant, over ssh".to_owned()
            }
            Self::NoSudo => "access refused: the grant of this session does not allow sudo; ask for one that does".to_owned(),
            Self::Source => {
                "access refused: the address of this connection is not known here; tell the host's administrator"
                    .to_owned()
            }
            Self::AccountChanged => {
                "access refused: the account changed during the login; tell the host's administrator".to_owned()
            }
            Self::Recorder(_) => {
                "access refused: sessions can't be recorded on this host now; tell its administrator".to_owned()
            }
            Self::Refused { told, .. } => format!("access refused: {told}"),
            Self::Failed(_) => {
                "access refused: this host could not check the grant; tell its administrator".to_owned()
            }
        }
    }

    /// The word that stands for it in records; it never changes.
    pub(crate) fn code(&self) -> &str {
        match self {
            Self::Grant(reason) => reason.code(),
            Self::Configuration(_) => "configuration",
            Self::NotOverSsh => "not-over-ssh",
            Self::NoSudo => "no-sudo",
            Self::Source => "source-unknown",
            Self::AccountChanged => "account-changed",
            Self::Recorder(_) => "recorder",
            Self::Refused { code, .. } => code,
            Self::Failed(_) => "check-failed",
        }
    }

    /// The sentence for the log.
    pub(crate) fn logged(&self) -> String {
        match self {
            Self::Grant(reason) => reason.logged(),
            Self::Configuration(sentence) | Self::Recorder(sentence) | Self::Failed(sentence) => {
                sentence.clone()
            }
            Self::Refused { told, .. } => told.clone(),
            Self::NotOverSsh => "the service shows no certificate: SSH_AUTH_INFO_0 is not set".to_owned(),
            Self::NoSudo => "sudo in a session whose grant does not allow it, or in none".to_owned(),
            Self::Source => "SSH_CONNECTION is missing or is not what sshd writes".to_owned(),
            Self::AccountChanged => "PAM_USER changed between stage=first and stage=last".to_owned(),
        }
    }
}

/// A refusal with what was known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    /// Why.
    pub(crate) why: Why,
    /// Facts about the login so far, boxed: refusals travel through every `?`.
    pub(crate) facts: Box<Facts>,
}

impl Refused {
    /// A refusal of a connection from a known address.
    pub(crate) fn from(source: IpAddr, why: impl Into<Why>) -> Self {
        Self { why: why.into(), facts: Box::new(Facts { source: Some(source), ..Facts::default() }) }
    }

    /// The same with what a trusted CA's certificate claims.
    pub(crate) fn claiming(mut self, claim: Option<&Claim>) -> Self {
        if let Some(claim) = claim {
            self.facts.serial = Some(claim.serial);
            self.facts.key = Some(claim.key.to_string());
            if let Some(grant) = &claim.grant {
                self.facts.grant = Some(grant.id.to_string());
                self.facts.grant_digest = Some(grant.digest.to_string());
                self.facts.vendor = Some(grant.vendor.to_string());
                self.facts.person = Some(grant.person.to_string());
            }
        }
        self
    }
}

impl<W: Into<Why>> From<W> for Refused {
    fn from(why: W) -> Self {
        Self { why: why.into(), facts: Box::default() }
    }
}

impl From<Reason> for Why {
    fn from(reason: Reason) -> Self {
        Self::Grant(reason)
    }
}

impl From<hostfile::HostfileError> for Why {
    fn from(error: hostfile::HostfileError) -> Self {
        Self::Configuration(error.to_string())
    }
}

impl From<Failed> for Why {
    fn from(Failed(sentence): Failed) -> Self {
        Self::Failed(sentence)
    }
}

/// What the terms of an admitted login say, for records.
pub(crate) fn facts_of(terms: &Terms, source: IpAddr) -> Facts {
    Facts {
        grant: Some(terms.grant.id.to_string()),
        grant_digest: Some(terms.digest.to_string()),
        vendor: Some(terms.grant.vendor.to_string()),
        person: Some(terms.grant.person.to_string()),
        account: Some(terms.account.to_string()),
        source: Some(source),
        serial: Some(terms.serial),
        key: Some(terms.key.to_string()),
        approved_by: terms.approved_by.iter().map(ToString::to_string).collect(),
        closes: Some(terms.grant.window.closes().secs()),
        ..Facts::default()
    }
}

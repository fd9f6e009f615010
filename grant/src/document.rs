//! The grant document: what the approver signs, the certificate carries and the host checks.
//!
//! A [`Grant`] is [`GrantFields`] that hold together, so `Grant::parse` and `Grant::new` are the only
//! ways to one. The text form is strict: parsing accepts exactly what [`Grant::render`] produces.
//! docs/grant-format.md is the specification.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::num::NonZeroU32;
use std::ops::Deref;

use crate::features::Features;
use crate::fingerprint::{Digest, Fingerprint};
use crate::free_text::{ReasonText, Ticket};
use crate::grant_id::GrantId;
use crate::limits;
use crate::lines::Lines;
use crate::name::{AccountName, HostName, PersonName, RoleName, VendorName};
use crate::sources::Sources;
use crate::unix_time::UnixTime;
use crate::window::Window;

pub use crate::lines::DocumentError;

/// The first line of a version 1 document.
pub const VERSION_LINE: &str = "pam-jit grant 1";
/// What every version's first line begins with.
const VERSION_PREFIX: &str = "pam-jit grant ";

/// Everything that a version 1 document says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantFields {
    /// Fingerprint of the trust root, so that an approval is good for one authority only.
    pub authority: Fingerprint,
    /// The short name that people use.
    pub id: GrantId,
    /// The person's vendor.
    pub vendor: VendorName,
    /// Who may log in.
    pub person: PersonName,
    /// Every enrolled key of the person: a certificate is for one of these, and an approval by one
    /// of these never counts.
    pub keys: BTreeSet<Fingerprint>,
    /// Hosts by name.
    pub hosts: BTreeSet<HostName>,
    /// Hosts by role. At least one host or role is named.
    pub roles: BTreeSet<RoleName>,
    /// Unix accounts.
    pub accounts: BTreeSet<AccountName>,
    /// Where a login may come from.
    pub sources: Sources,
    /// What a session may use.
    pub features: Features,
    /// When.
    pub window: Window,
    /// The outer limit of an extension, after the window's end.
    pub extendable_to: Option<UnixTime>,
    /// Logins in all; counted per host, so such a grant names exactly one host and no role.
    pub uses: Option<NonZeroU32>,
    /// Sessions at one time; likewise.
    pub sessions: Option<NonZeroU32>,
    /// Why.
    pub reason: ReasonText,
    /// A tracker's number.
    pub ticket: Option<Ticket>,
    /// How many approvers must sign.
    pub approvals: u8,
}

/// A grant whose fields hold together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant(GrantFields);

impl Deref for Grant {
    type Target = GrantFields;

    fn deref(&self) -> &GrantFields {
        &self.0
    }
}

impl Grant {
    /// Checks that the fields hold together.
    ///
    /// # Errors
    /// [`DocumentError::Field`] names the field that does not.
    pub fn new(fields: GrantFields) -> Result<Self, DocumentError> {
        check(&fields)?;
        let grant = Self(fields);
        let length = grant.render().len();
        if length > limits::DOCUMENT { Err(DocumentError::TooLong(length)) } else { Ok(grant) }
    }

    /// Reads a document: exactly the bytes that [`Grant::render`] makes, or nothing.
    ///
    /// # Errors
    /// [`DocumentError`] names the first line that is wrong, and how.
    pub fn parse(document: &[u8]) -> Result<Self, DocumentError> {
        if document.len() > limits::DOCUMENT {
            return Err(DocumentError::TooLong(document.len()));
        }
        let text = std::str::from_utf8(document).map_err(|e| DocumentError::Encoding(e.valid_up_to()))?;
        if let Some(line) = text.split('\n').position(|line| line.contains('\r')) {
            return Err(DocumentError::NotCanonical(line + 1));
        }
        let mut lines = Lines::of(text);
        let first = lines.first()?;
        if first != VERSION_LINE {
            return Err(match first.strip_prefix(VERSION_PREFIX) {
                Some(version) => DocumentError::Version(version.chars().take(16).collect()),
                None => DocumentError::NotADocument,
            });
        }
        let fields = GrantFields {
            authority: lines.one("authority")?,
            id: lines.one("grant")?,
            vendor: lines.one("vendor")?,
            person: lines.one("person")?,
            keys: lines.set("keys")?,
            hosts: lines.set("hosts")?,
            roles: lines.set("roles")?,
            accounts: lines.set("accounts")?,
            sources: lines.one("from")?,
            features: lines.one("features")?,
            window: {
                let (opens, closes) = (lines.one("opens")?, lines.one("closes")?);
                Window::new(opens, closes).map_err(|e| lines.wrong("closes", &e))?
            },
            extendable_to: lines.optional("extendable-to", "-")?,
            uses: lines.optional("uses", "unlimited")?,
            sessions: lines.optional("sessions", "unlimited")?,
            reason: lines.one("reason")?,
            ticket: lines.optional("ticket", "-")?,
            approvals: lines.one("approvals")?,
        };
        lines.end()?;
        check(&fields)?;
        let grant = Self(fields);
        // The rule that makes the form canonical: whatever was read is exactly what would be written.
        let rendered = grant.render();
        if rendered == text {
            return Ok(grant);
        }
        let differs = rendered.lines().zip(text.lines()).position(|(ours, theirs)| ours != theirs);
        Err(DocumentError::NotCanonical(differs.map_or_else(|| text.lines().count(), |index| index + 1)))
    }

    /// The canonical text: what is signed, byte for byte.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = format!("{VERSION_LINE}\n");
        let mut line = |key: &str, value: &dyn std::fmt::Display| {
            // Writing to a String does not fail.
            let _ = writeln!(text, "{key}: {value}");
        };
        line("authority", &self.authority);
        line("grant", &self.id);
        line("vendor", &self.vendor);
        line("person", &self.person);
        line("keys", &list(&self.keys));
        line("hosts", &list(&self.hosts));
        line("roles", &list(&self.roles));
        line("accounts", &list(&self.accounts));
        line("from", &self.sources);
        line("features", &self.features);
        line("opens", &self.window.opens());
        line("closes", &self.window.closes());
        line("extendable-to", &optional(self.extendable_to.as_ref(), "-"));
        line("uses", &optional(self.uses.as_ref(), "unlimited"));
        line("sessions", &optional(self.sessions.as_ref(), "unlimited"));
        line("reason", &self.reason);
        line("ticket", &optional(self.ticket.as_ref(), "-"));
        line("approvals", &self.approvals);
        text
    }

    /// The SHA-256 of the canonical text.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(self.render().as_bytes())
    }

    /// The key id of every certificate of this grant: `G-7F3K9Q acme/jo`. sshd logs it, and a KRL can
    /// name it.
    #[must_use]
    pub fn key_id(&self) -> String {
        format!("{} {}", self.id, self.person)
    }

    /// The principals of every certificate of this grant: `account@host` and `account@role:NAME`,
    /// accounts in order, for each its hosts and then its roles.
    #[must_use]
    pub fn principals(&self) -> Vec<String> {
        let mut principals = Vec::new();
        for account in &self.accounts {
            principals.extend(self.hosts.iter().map(|host| format!("{account}@{host}")));
            principals.extend(self.roles.iter().map(|role| format!("{account}@role:{role}")));
        }
        principals
    }
}

/// What must hold between fields. Each field alone is checked by its type.
fn check(fields: &GrantFields) -> Result<(), DocumentError> {
    let wrong = |key: &'static str, why: &str| Err(DocumentError::Field { key, why: why.to_owned() });
    let bounded = |key: &'static str, count: usize, max: usize| match count {
        0 => Err(DocumentError::Field { key, why: "at least one is needed".to_owned() }),
        n if n > max => Err(DocumentError::Field { key, why: format!("at most {max} fit") }),
        _ => Ok(()),
    };
    if fields.person.vendor() != fields.vendor {
        return wrong("person", "the person is not of the vendor that the document names");
    }
    bounded("keys", fields.keys.len(), limits::KEYS)?;
    bounded("hosts", fields.hosts.len() + fields.roles.len(), limits::PLACES)?;
    bounded("accounts", fields.accounts.len(), limits::PLACES)?;
    if fields.accounts.len() * (fields.hosts.len() + fields.roles.len()) > limits::PRINCIPALS {
        return wrong(
            "accounts",
            "accounts times hosts and roles are more than the 256 principals that OpenSSH reads",
        );
    }
    if fields.extendable_to.is_some_and(|end| end <= fields.window.closes()) {
        return wrong("extendable-to", "it must be after the window closes");
    }
    if fields.extendable_to.is_some_and(|end| end.since(fields.window.opens()) > limits::WINDOW) {
        return wrong("extendable-to", "it is too long after the window opens");
    }
    for (key, count) in [("uses", fields.uses), ("sessions", fields.sessions)] {
        let Some(count) = count else { continue };
        if count.get() > limits::COUNT {
            return wrong(key, "the number is too large");
        }
        if fields.hosts.len() != 1 || !fields.roles.is_empty() {
            return wrong(key, "it is counted per host, so the grant must name exactly one host and no role");
        }
    }
    bounded("approvals", fields.approvals.into(), limits::APPROVALS)
}

fn list<T: ToString>(values: &BTreeSet<T>) -> String {
    if values.is_empty() {
        return "-".to_owned();
    }
    values.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

fn optional<T: ToString>(value: Option<&T>, none: &str) -> String {
    value.map_or_else(|| none.to_owned(), ToString::to_string)
}

//! The approvers file of a host: OpenSSH allowed_signers lines, read strictly.
//!
//! `NAME namespaces="grant@pam-jit"[,valid-after="TIME"][,valid-before="TIME"] ALGORITHM BASE64`
//! One name, one plain key a line; times in UTC as `YYYYMMDDHHMMSSZ`. Patterns, lists of names,
//! cert-authority, unknown options, or one key under two names make the whole file invalid: a line
//! that is read otherwise by `ssh-keygen -Y verify` than by us must not exist.

use std::collections::BTreeMap;

use crate::approval::NAMESPACE;
use crate::fingerprint::Fingerprint;
use crate::key::{KeyError, PublicKey};
use crate::limits;
use crate::name::{ApproverName, NameError};
use crate::unix_time::UnixTime;

/// One enrolled key of an approver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approver {
    /// Who.
    pub name: ApproverName,
    /// With which key.
    pub key: PublicKey,
    /// The first second at which approvals by this key count.
    pub valid_after: Option<UnixTime>,
    /// The first second at which they no longer count.
    pub valid_before: Option<UnixTime>,
}

/// The approvers that a host believes, by key.
#[derive(Debug, Clone, Default)]
pub struct Approvers(BTreeMap<Fingerprint, Approver>);

/// Where an approvers file is wrong, and how.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the approvers: {what}")]
pub struct ApproversError {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong.
    #[source]
    pub what: ApproverError,
}

/// What is wrong with one line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApproverError {
    /// The file is larger than [`limits::APPROVERS`].
    #[error("the file has more than {} bytes", limits::APPROVERS)]
    TooLong,
    /// A control character, such as a carriage return.
    #[error("a control character stands in it")]
    Control,
    /// Not four fields.
    #[error("not `NAME namespaces=\"grant@pam-jit\" ALGORITHM BASE64`")]
    Shape,
    /// Not an approver's name; patterns and lists are none.
    #[error(transparent)]
    Name(NameError),
    /// An option that is unknown, stands twice, or is not allowed here.
    #[error("the option `{}` is not one of namespaces, valid-after, valid-before, each once", .0.escape_debug())]
    Option(String),
    /// The key may sign other things, or not these.
    #[error("the option must be namespaces=\"{NAMESPACE}\"")]
    Namespaces,
    /// Not `YYYYMMDDHHMMSSZ`.
    #[error("the time `{}` is not written as YYYYMMDDHHMMSSZ, in UTC", .0.escape_debug())]
    Time(String),
    /// Not an acceptable key.
    #[error(transparent)]
    Key(KeyError),
    /// The same key stands twice.
    #[error("the key stands in the file already, as a key of {0}")]
    Twice(ApproverName),
}

impl Approver {
    /// Whether approvals by this key count at `now`.
    #[must_use]
    pub fn valid_at(&self, now: UnixTime) -> bool {
        self.valid_after.is_none_or(|from| from <= now) && self.valid_before.is_none_or(|end| now < end)
    }

    /// The allowed_signers line, without newline.
    #[must_use]
    pub fn to_line(&self) -> String {
        let mut options = format!("namespaces=\"{NAMESPACE}\"");
        for (name, time) in [("valid-after", self.valid_after), ("valid-before", self.valid_before)] {
            if let Some(time) = time {
                let compact: String =
                    time.to_string().chars().filter(|c| !matches!(c, '-' | ':' | 'T')).collect();
                options.push_str(&format!(",{name}=\"{compact}\""));
            }
        }
        format!("{} {options} {}", self.name, self.key)
    }

    fn parse(line: &str) -> Result<Self, ApproverError> {
        let mut fields = line.split_ascii_whitespace();
        let mut field = || fields.next().ok_or(ApproverError::Shape);
        let (name, options, algorithm, base64) = (field()?, field()?, field()?, field()?);
        let name = name.parse().map_err(ApproverError::Name)?;
        let (mut namespaces, mut valid_after, mut valid_before) = (None, None, None);
        for option in options.split(',') {
            let fail = || ApproverError::Option(option.chars().take(64).collect());
            let (key, value) = option.split_once('=').ok_or_else(fail)?;
            let value = value.strip_prefix('"').and_then(|v| v.strip_suffix('"')).ok_or_else(fail)?;
            let twice = match key {
                "namespaces" => namespaces.replace(value).is_some(),
                "valid-after" => valid_after.replace(compact_time(value)?).is_some(),
                "valid-before" => valid_before.replace(compact_time(value)?).is_some(),
                _ => return Err(fail()),
            };
            if twice {
                return Err(fail());
            }
        }
        if namespaces != Some(NAMESPACE) {
            return Err(ApproverError::Namespaces);
        }
        let key = PublicKey::parse_line(&format!("{algorithm} {base64}")).map_err(ApproverError::Key)?;
        Ok(Self { name, key, valid_after, valid_before })
    }
}

fn compact_time(text: &str) -> Result<UnixTime, ApproverError> {
    let fail = || ApproverError::Time(text.chars().take(64).collect());
    let digits = text
        .strip_suffix('Z')
        .filter(|d| d.len() == 14 && d.bytes().all(|b| b.is_ascii_digit()))
        .ok_or_else(fail)?;
    let (date, time) = digits.split_at(8);
    format!("{}-{}-{}T{}:{}:{}Z", &date[..4], &date[4..6], &date[6..], &time[..2], &time[2..4], &time[4..])
        .parse()
        .map_err(|_| fail())
}

impl Approvers {
    /// Reads an approvers file; blank lines and lines that begin with `#` are comments.
    ///
    /// # Errors
    /// [`ApproversError`] names the first line that is wrong. An empty file is no error: it approves
    /// nothing.
    pub fn parse(text: &str) -> Result<Self, ApproversError> {
        if text.len() > limits::APPROVERS {
            return Err(ApproversError { line: 1, what: ApproverError::TooLong });
        }
        let mut approvers = BTreeMap::<Fingerprint, Approver>::new();
        for (index, line) in text.split('\n').enumerate() {
            let at = |what| ApproversError { line: index + 1, what };
            if line.chars().any(|c| c.is_control() && c != '\t') {
                return Err(at(ApproverError::Control));
            }
            if line.trim_ascii().is_empty() || line.starts_with('#') {
                continue;
            }
            let approver = Approver::parse(line).map_err(at)?;
            if let Some(before) = approvers.get(&approver.key.fingerprint()) {
                return Err(at(ApproverError::Twice(before.name.clone())));
            }
            approvers.insert(approver.key.fingerprint(), approver);
        }
        Ok(Self(approvers))
    }

    /// The approver whose key this is.
    #[must_use]
    pub fn by_key(&self, key: &PublicKey) -> Option<&Approver> {
        self.0.get(&key.fingerprint())
    }

    /// All enrolled keys, by fingerprint.
    pub fn iter(&self) -> impl Iterator<Item = &Approver> {
        self.0.values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDuCkDr8uvsbuvbxLVqRxPz2vCjoVlXXwMQbaBKWJHG5";

    #[test]
    fn a_line_round_trips() {
        let line = format!(
            "kim namespaces=\"grant@pam-jit\",valid-after=\"20261124140000Z\",valid-before=\"20271124140000Z\" {KEY}"
        );
        let approvers = Approvers::parse(&format!("# ours\n\n{line}\n")).unwrap();
        let kim = approvers.iter().next().unwrap();
        assert_eq!(kim.to_line(), line);
        assert!(!kim.valid_at("2026-11-24T13:59:59Z".parse().unwrap()));
        assert!(kim.valid_at("2026-11-24T14:00:00Z".parse().unwrap()));
        assert!(kim.valid_at("2027-11-24T13:59:59Z".parse().unwrap()));
        assert!(!kim.valid_at("2027-11-24T14:00:00Z".parse().unwrap()));
    }

    #[test]
    fn whatever_ssh_keygen_could_read_otherwise_makes_the_file_invalid() {
        let ok = "namespaces=\"grant@pam-jit\"";
        for bad in [
            format!("* {ok} {KEY}"),
            format!("kim,lee {ok} {KEY}"),
            format!("kim cert-authority,{ok} {KEY}"),
            format!("kim {KEY}"),
            format!("kim namespaces=\"*\" {KEY}"),
            format!("kim namespaces=\"grant@pam-jit,file\" {KEY}"),
            format!("kim {ok},{ok} {KEY}"),
            format!("kim {ok},valid-after=\"20261124\" {KEY}"),
            format!("kim {ok} ssh-ed25519"),
            format!("kim {ok} {KEY}\r"),
            format!("kim {ok} {KEY}\nlee {ok} {KEY}"),
            format!("\u{202e}kim {ok} {KEY}"),
            "kim".to_owned(),
        ] {
            assert!(Approvers::parse(&bad).is_err(), "{bad}");
        }
    }
}

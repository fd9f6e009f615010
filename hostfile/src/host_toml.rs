//! `host.toml`: what this host is called, and where the files are that decide access.
//!
//! Strict: unknown and repeated keys are errors, every value is checked here, and an error names the
//! file, the line and the field. Nothing is read but the file itself; what it points to is read by
//! [`HostConfig::trust`].

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use grant::{Fingerprint, HostName, RoleName};
use serde::Deserialize;
use toml::Spanned;

use crate::error::{HostfileError, escaped, line_of, text};
use crate::{limits, secure};

/// The configuration of a host, complete and checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostConfig {
    /// The file that it came from, for messages.
    pub path: PathBuf,
    /// The name by which grants name this host.
    pub host: HostName,
    /// The roles by which grants may name it too.
    pub roles: BTreeSet<RoleName>,
    /// The trust root whose grants count here.
    pub authority: Fingerprint,
    /// The file of CA public keys.
    pub ca_keys: PathBuf,
    /// The file of approvers (allowed_signers lines).
    pub approvers: PathBuf,
    /// The revoked list.
    pub revoked: PathBuf,
    /// Approvals that this host demands, 1 to [`grant::limits::APPROVALS`], whatever the grant says.
    pub minimum_approvals: u8,
    /// The group whose members are the vendor accounts.
    pub vendor_group: String,
    /// Where and how events are logged.
    pub log: LogConfig,
}

/// The table `[log]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogConfig {
    /// The syslog socket.
    pub socket: PathBuf,
    /// What that socket understands.
    pub format: LogFormat,
}

/// The framing of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// RFC 3164 with `@cee:` JSON, for a plain `/dev/log`.
    Cee,
    /// RFC 5424, for a socket set up for it.
    Rfc5424,
}

/// The file as TOML sees it; every field is checked afterwards.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    host: Spanned<String>,
    #[serde(default)]
    roles: Vec<Spanned<String>>,
    authority: Spanned<String>,
    ca_keys: Spanned<String>,
    approvers: Spanned<String>,
    revoked: Spanned<String>,
    minimum_approvals: Option<Spanned<i64>>,
    vendor_group: Option<Spanned<String>>,
    #[serde(default)]
    log: RawLog,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct RawLog {
    socket: Option<Spanned<String>>,
    format: Option<LogFormat>,
}

impl HostConfig {
    /// Reads and checks the configuration at `path`, which must be root's alone.
    ///
    /// # Errors
    /// [`HostfileError`] if the file is refused (see [`secure::read`]) or says something wrong.
    pub fn load(path: &Path) -> Result<Self, HostfileError> {
        Self::parse(path, &secure::read(path, limits::HOST_TOML)?)
    }

    /// Checks the bytes of a configuration; `path` is for messages only.
    ///
    /// # Errors
    /// [`HostfileError`] with the line and the field.
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Self, HostfileError> {
        if bytes.len() > limits::HOST_TOML {
            return Err(HostfileError::TooLarge { path: path.to_owned(), limit: limits::HOST_TOML });
        }
        let source = Source { path, text: text(path, bytes)? };
        let raw: Raw = toml::from_str(source.text).map_err(|e| source.toml_error(&e))?;

        let mut roles = BTreeSet::new();
        for role in &raw.roles {
            if !roles.insert(source.parsed("roles", role)?) {
                return Err(source.error("roles", role, "named twice"));
            }
        }
        if let Some(last) = raw.roles.get(limits::ROLES) {
            return Err(source.error("roles", last, &format!("more than {} roles", limits::ROLES)));
        }
        Ok(Self {
            path: path.to_owned(),
            host: source.parsed("host", &raw.host)?,
            roles,
            authority: source.parsed("authority", &raw.authority)?,
            ca_keys: source.absolute("ca_keys", &raw.ca_keys)?,
            approvers: source.absolute("approvers", &raw.approvers)?,
            revoked: source.absolute("revoked", &raw.revoked)?,
            minimum_approvals: match &raw.minimum_approvals {
                None => 1,
                Some(number) => source.approvals(number)?,
            },
            vendor_group: match &raw.vendor_group {
                None => DEFAULT_GROUP.to_owned(),
                Some(name) => source.group(name)?,
            },
            log: LogConfig {
                socket: match &raw.log.socket {
                    None => PathBuf::from(DEFAULT_SOCKET),
                    Some(path) => source.absolute("log.socket", path)?,
                },
                format: raw.log.format.unwrap_or(LogFormat::Cee),
            },
        })
    }

    /// The principals by which this host lets `account` in: `account@host`, then `account@role:NAME`
    /// for each role. These are the words that stock sshd compares with the certificate's.
    #[must_use]
    pub fn principals(&self, account: &grant::AccountName) -> Vec<String> {
        let host = std::iter::once(format!("{account}@{}", self.host));
        host.chain(self.roles.iter().map(|role| format!("{account}@role:{role}"))).collect()
    }
}

/// The vendor group unless the file names another.
pub const DEFAULT_GROUP: &str = "jit-vendors";
const DEFAULT_SOCKET: &str = "/dev/log";

/// The text being checked, for messages that say where.
struct Source<'a> {
    path: &'a Path,
    text: &'a str,
}

impl Source<'_> {
    fn line_error(&self, offset: usize, field: Option<String>, problem: &str) -> HostfileError {
        HostfileError::Line {
            path: self.path.to_owned(),
            line: line_of(self.text.as_bytes(), offset),
            field,
            problem: escaped(problem),
        }
    }

    fn error<T>(&self, field: &str, value: &Spanned<T>, problem: &str) -> HostfileError {
        self.line_error(value.span().start, Some(field.to_owned()), problem)
    }

    /// What TOML or serde said: on its line, with the key that stands there.
    fn toml_error(&self, error: &toml::de::Error) -> HostfileError {
        // serde's messages list what they expected on one line; TOML's may have more lines.
        let problem = error.message().lines().collect::<Vec<_>>().join(" ");
        // A missing field is nowhere; its span is the whole table, and the message names it.
        let Some(span) = error.span().filter(|_| !problem.starts_with("missing field")) else {
            return HostfileError::Content { path: self.path.to_owned(), problem: escaped(&problem) };
        };
        let start = self.text.get(..span.start).map_or(0, |before| before.rfind('\n').map_or(0, |i| i + 1));
        let line = self.text.get(start..).unwrap_or_default().lines().next().unwrap_or_default();
        let key = line.split_once('=').map(|(key, _)| key.trim().to_owned());
        let field =
            key.filter(|key| !key.is_empty() && key.len() <= 64 && !problem.contains(&format!("`{key}`")));
        self.line_error(span.start, field, &problem)
    }

    fn parsed<T: FromStr<Err: fmt::Display>>(
        &self,
        field: &str,
        value: &Spanned<String>,
    ) -> Result<T, HostfileError> {
        value.get_ref().parse().map_err(|e: T::Err| self.error(field, value, &e.to_string()))
    }

    fn absolute(&self, field: &str, value: &Spanned<String>) -> Result<PathBuf, HostfileError> {
        let path = value.get_ref();
        let plain = path.starts_with('/') && !path.split('/').any(|part| part == "..");
        if plain && path.len() <= limits::PATH && !path.chars().any(char::is_control) {
            Ok(PathBuf::from(path))
        } else {
            Err(self.error(field, value, "must be an absolute path without `..`"))
        }
    }

    fn approvals(&self, value: &Spanned<i64>) -> Result<u8, HostfileError> {
        let most = grant::limits::APPROVALS;
        u8::try_from(*value.get_ref())
            .ok()
            .filter(|n| *n >= 1 && usize::from(*n) <= most)
            .ok_or_else(|| self.error("minimum_approvals", value, &format!("must be 1 to {most}")))
    }

    fn group(&self, value: &Spanned<String>) -> Result<String, HostfileError> {
        let name = value.get_ref();
        let first = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        let rest = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
        if first && rest && name.len() <= limits::GROUP {
            Ok(name.clone())
        } else {
            let rule = "must be a group name: letters, digits, - _ and ., beginning with a letter or _";
            Err(self.error("vendor_group", value, rule))
        }
    }
}

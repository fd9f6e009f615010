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
use toml::Spanned;

use crate::error::{HostfileError, escaped, line_of, text};
use crate::fields::Fields;
use crate::recorder_toml::{RawRecorder, RecorderConfig};
use crate::{limits, secure, trust_age};

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
    /// The age in seconds at which the trust bundle no longer counts and vendors are refused, if there is one.
    pub trust_max_age: Option<u64>,
    /// The group whose members are the vendor accounts.
    pub vendor_group: String,
    /// Where and how events are logged.
    pub log: LogConfig,
    /// The recorder that every session of a vendor needs, if this host has one.
    pub recorder: Option<RecorderConfig>,
}

/// The table `[log]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogConfig {
    /// The syslog socket.
    pub socket: PathBuf,
    /// What that socket understands.
    pub format: LogFormat,
    /// A TCP receiver (`host:port`) that the recorder ships to instead of the socket.
    pub tcp: Option<String>,
    /// The private enterprise number in structured data (RFC 5424, section 7.2.2).
    pub enterprise: u32,
}

impl LogConfig {
    /// A log at a socket of this machine, the rest as if the file said nothing.
    #[must_use]
    pub fn local(socket: impl Into<PathBuf>, format: LogFormat) -> Self {
        Self { socket: socket.into(), format, tcp: None, enterprise: DOCUMENTATION_ENTERPRISE }
    }
}

/// The framing of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// RFC 3164 with `@cee:` JSON, for a plain `/dev/log`.
    Cee,
    /// RFC 5424, for a socket set up for it.
    Rfc5424,
}

/// The file as TOML sees it; every field is checked afterwards.
struct Raw {
    host: Spanned<String>,
    roles: Vec<Spanned<String>>,
    authority: Spanned<String>,
    ca_keys: Spanned<String>,
    approvers: Spanned<String>,
    revoked: Spanned<String>,
    minimum_approvals: Option<Spanned<i64>>,
    trust_max_age: Option<Spanned<String>>,
    vendor_group: Option<Spanned<String>>,
    log: RawLog,
    recorder: Option<RawRecorder>,
}

#[derive(Default)]
struct RawLog {
    socket: Option<Spanned<String>>,
    format: Option<LogFormat>,
    tcp: Option<Spanned<String>>,
    enterprise: Option<Spanned<i64>>,
}

impl Raw {
    fn read(mut fields: Fields<'_>) -> Result<Self, HostfileError> {
        let raw = Self {
            host: fields.required("host")?,
            roles: fields.texts("roles")?,
            authority: fields.required("authority")?,
            ca_keys: fields.required("ca_keys")?,
            approvers: fields.required("approvers")?,
            revoked: fields.required("revoked")?,
            minimum_approvals: fields.number("minimum_approvals")?,
            trust_max_age: fields.text("trust_max_age")?,
            vendor_group: fields.text("vendor_group")?,
            log: fields.table("log")?.map(RawLog::read).transpose()?.unwrap_or_default(),
            recorder: fields.table("recorder")?.map(RawRecorder::read).transpose()?,
        };
        fields.end().map(|()| raw)
    }
}

impl RawLog {
    fn read(mut fields: Fields<'_>) -> Result<Self, HostfileError> {
        let format = fields.word("format", &["cee", "rfc5424"])?;
        let raw = Self {
            socket: fields.text("socket")?,
            format: format.map(|index| if index == 0 { LogFormat::Cee } else { LogFormat::Rfc5424 }),
            tcp: fields.text("tcp")?,
            enterprise: fields.number("enterprise")?,
        };
        fields.end().map(|()| raw)
    }
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
        let raw = Raw::read(Fields::of(&source)?)?;

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
            trust_max_age: raw.trust_max_age.as_ref().map(|span| source.age(span)).transpose()?,
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
                tcp: raw.log.tcp.as_ref().map(|address| source.address("log.tcp", address)).transpose()?,
                enterprise: match &raw.log.enterprise {
                    None => DOCUMENTATION_ENTERPRISE,
                    Some(number) => u32::try_from(*number.get_ref())
                        .map_err(|_| source.error("log.enterprise", number, "must be 0 to 4294967295"))?,
                },
            },
            recorder: raw.recorder.as_ref().map(|recorder| recorder.check(&source)).transpose()?,
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
/// The private enterprise number for documentation (RFC 5612), unless a company sets its own.
pub const DOCUMENTATION_ENTERPRISE: u32 = 32_473;
const DEFAULT_SOCKET: &str = "/dev/log";

/// The text being checked, for messages that say where.
pub(crate) struct Source<'a> {
    path: &'a Path,
    pub(crate) text: &'a str,
}

impl Source<'_> {
    pub(crate) fn line_error(&self, offset: usize, field: Option<String>, problem: &str) -> HostfileError {
        HostfileError::Line {
            path: self.path.to_owned(),
            line: line_of(self.text.as_bytes(), offset),
            field,
            problem: escaped(problem),
        }
    }

    pub(crate) fn error<T>(&self, field: &str, value: &Spanned<T>, problem: &str) -> HostfileError {
        self.line_error(value.span().start, Some(field.to_owned()), problem)
    }

    /// What TOML or serde said: on its line, with the key that stands there.
    pub(crate) fn toml_error(&self, error: &toml::de::Error) -> HostfileError {
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

    pub(crate) fn absolute(&self, field: &str, value: &Spanned<String>) -> Result<PathBuf, HostfileError> {
        let path = value.get_ref();
        let plain = path.starts_with('/') && !path.split('/').any(|part| part == "..");
        if plain && path.len() <= limits::PATH && !path.chars().any(char::is_control) {
            Ok(PathBuf::from(path))
        } else {
            Err(self.error(field, value, "must be an absolute path without `..`"))
        }
    }

    fn address(&self, field: &str, value: &Spanned<String>) -> Result<String, HostfileError> {
        let text = value.get_ref();
        let port = text.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
        if port.is_some_and(|port| port != 0) && text.bytes().all(|b| b.is_ascii_graphic()) {
            Ok(text.clone())
        } else {
            Err(self.error(field, value, "must be an address and a port, like 192.0.2.9:601"))
        }
    }

    fn approvals(&self, value: &Spanned<i64>) -> Result<u8, HostfileError> {
        let most = grant::limits::APPROVALS;
        u8::try_from(*value.get_ref())
            .ok()
            .filter(|n| *n >= 1 && usize::from(*n) <= most)
            .ok_or_else(|| self.error("minimum_approvals", value, &format!("must be 1 to {most}")))
    }

    fn age(&self, value: &Spanned<String>) -> Result<u64, HostfileError> {
        trust_age::seconds(value.get_ref())
            .ok_or_else(|| self.error("trust_max_age", value, "must be a span like 24h or 7d, at most 366d"))
    }

    pub(crate) fn missing(&self, field: &str) -> HostfileError {
        HostfileError::Content { path: self.path.to_owned(), problem: format!("missing field `{field}`") }
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

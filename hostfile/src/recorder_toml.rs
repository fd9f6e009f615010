//! The table `[recorder]` of `host.toml`: that this host records sessions, where, and within which limits.
//!
//! With the table, a vendor's login needs the recorder: without one that answers, nobody gets in and
//! nothing runs. Without it the host only checks grants at login.

use std::path::PathBuf;

use toml::Spanned;

use crate::error::HostfileError;
use crate::fields::Fields;
use crate::host_toml::Source;

/// The table `[recorder]`, complete and checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecorderConfig {
    /// The recorder's socket.
    pub socket: PathBuf,
    /// Runtime files.
    pub runtime: PathBuf,
    /// Durable files: open sessions, uses, and the spool in `spool`.
    pub state: PathBuf,
    /// Whether an exec that can't be recorded fails; otherwise it runs, and is counted.
    pub stop_on_audit_failure: bool,
    /// Where the kernel's own copy of what ran comes from.
    pub kernel_copy: KernelCopySource,
    /// Whether sessions need the kernel's own copy of what runs.
    pub require_kernel_copy: bool,
    /// Whether a session must have a scope of its own that PID 1 ends at the outer limit.
    pub require_scope: bool,
    /// The longest that a session may be open, in seconds.
    pub maximum_session: u64,
    /// Bytes of one spool segment.
    pub segment: u64,
    /// Bytes of the whole spool.
    pub total: u64,
    /// Bytes that one session may take of it.
    pub session: u64,
    /// Whether sessions of different grants may be open under one account at one time.
    pub shared_accounts: bool,
}

/// Where the kernel's own copy of what ran comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KernelCopySource {
    /// BPF; else audit, where an audit daemon runs.
    Auto,
    /// BPF alone.
    Bpf,
    /// Audit alone, also where no audit daemon runs.
    Audit,
    /// Nowhere: records show what callers show.
    None,
}

pub(crate) struct RawRecorder {
    socket: Option<Spanned<String>>,
    runtime: Option<Spanned<String>>,
    state: Option<Spanned<String>>,
    stop_on_audit_failure: bool,
    kernel_copy: KernelCopySource,
    require_kernel_copy: bool,
    require_scope: Option<bool>,
    maximum_session_minutes: Option<Spanned<i64>>,
    segment_kib: Option<Spanned<i64>>,
    total_kib: Option<Spanned<i64>>,
    session_kib: Option<Spanned<i64>>,
    shared_accounts: bool,
}

impl RawRecorder {
    pub(crate) fn read(mut fields: Fields<'_>) -> Result<Self, HostfileError> {
        let raw = Self {
            socket: fields.text("socket")?,
            runtime: fields.text("runtime")?,
            state: fields.text("state")?,
            stop_on_audit_failure: fields.word("on_audit_failure", &["stop", "continue"])? != Some(1),
            kernel_copy: match fields.word("kernel_copy", &["auto", "bpf", "audit", "none"])? {
                Some(1) => KernelCopySource::Bpf,
                Some(2) => KernelCopySource::Audit,
                Some(3) => KernelCopySource::None,
                _ => KernelCopySource::Auto,
            },
            require_kernel_copy: fields.flag("require_kernel_copy")?.unwrap_or(false),
            require_scope: fields.flag("require_scope")?,
            maximum_session_minutes: fields.number("maximum_session_minutes")?,
            segment_kib: fields.number("segment_kib")?,
            total_kib: fields.number("total_kib")?,
            session_kib: fields.number("session_kib")?,
            shared_accounts: fields.flag("shared_accounts")?.unwrap_or(false),
        };
        fields.end().map(|()| raw)
    }

    pub(crate) fn check(&self, source: &Source<'_>) -> Result<RecorderConfig, HostfileError> {
        let path = |field: &str, value: &Option<Spanned<String>>, default: &str| match value {
            None => Ok(PathBuf::from(default)),
            Some(value) => source.absolute(&format!("recorder.{field}"), value),
        };
        let number = |field: &str, value: &Option<Spanned<i64>>, (least, most): (i64, i64), default: i64| {
            let number = value.as_ref().map_or(default, |value| *value.get_ref());
            match value {
                Some(value) if !(least..=most).contains(&number) => Err(source.error(
                    &format!("recorder.{field}"),
                    value,
                    &format!("must be {least} to {most}"),
                )),
                _ => Ok(u64::try_from(number).unwrap_or(0)),
            }
        };
        let gib = 1024 * 1024;
        let segment = 1024 * number("segment_kib", &self.segment_kib, (64, gib), 16 * 1024)?;
        let total = 1024 * number("total_kib", &self.total_kib, (256, 1024 * gib), gib)?;
        if let Some(value) = self.total_kib.as_ref().or(self.segment_kib.as_ref())
            && total < 4 * segment
        {
            // One segment that is written, one that is shipped, and room to begin the next.
            return Err(source.error("recorder.total_kib", value, "must be at least four times segment_kib"));
        }
        Ok(RecorderConfig {
            socket: path("socket", &self.socket, "/run/jit/recorder.sock")?,
            runtime: path("runtime", &self.runtime, "/run/jit")?,
            state: path("state", &self.state, "/var/lib/jit")?,
            stop_on_audit_failure: self.stop_on_audit_failure,
            kernel_copy: self.kernel_copy,
            require_kernel_copy: self.require_kernel_copy,
            require_scope: self.require_scope.unwrap_or(true),
            maximum_session: 60
                * number(
                    "maximum_session_minutes",
                    &self.maximum_session_minutes,
                    (1, 31 * 24 * 60),
                    24 * 60,
                )?,
            segment,
            total,
            session: 1024 * number("session_kib", &self.session_kib, (64, 1024 * gib), 256 * 1024)?,
            shared_accounts: self.shared_accounts,
        })
    }
}

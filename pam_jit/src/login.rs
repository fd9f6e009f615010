//! The trait `Login`: one attempt to get in, as PAM and the host show it to the phases.
//!
//! The phases see nothing else, so every branch of them can be played by a scripted double. `PamLogin` is the real
//! one. Methods that read have no effects; `tell` and `log` never fail, because nothing may depend on them.

use std::net::IpAddr;
use std::path::Path;

use audit::Record;
use audit::handover::{Answer, Handover, Message};
use grant::{Terms, Trust};
use hostfile::{HostConfig, HostfileError, LogConfig, RecorderConfig};

use crate::clock::Moment;

/// A login that `stage=first` let in, kept for `stage=last` and for the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Admitted {
    /// On what terms.
    pub(crate) terms: Terms,
    /// Where the connection comes from.
    pub(crate) source: IpAddr,
    /// The session's id, once `stage=last` has opened it.
    pub(crate) session: Option<String>,
}

/// PAM or the kernel refused a service that must not fail; the text says which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failed(pub(crate) String);

/// One attempt to get in.
pub(crate) trait Login {
    /// `PAM_SERVICE`.
    fn service(&self) -> Option<String>;
    /// `PAM_USER`, the bytes as they are.
    fn account(&self) -> Option<Vec<u8>>;
    /// `SSH_AUTH_INFO_0`: absent outside sshd, empty before sshd has completed a method.
    fn auth_info(&self) -> Option<Vec<u8>>;
    /// `SSH_CONNECTION`.
    fn ssh_connection(&self) -> Option<Vec<u8>>;
    /// Shows one line to the person.
    fn tell(&mut self, line: &str);
    /// Keeps a login for the later hooks of the same PAM handle, replacing what was kept.
    fn keep(&mut self, admitted: Admitted) -> Result<(), Failed>;
    /// What was kept.
    fn kept(&self) -> Option<Admitted>;

    /// Reads the host's configuration.
    fn host_config(&self, file: &Path) -> Result<HostConfig, HostfileError>;
    /// Reads what the configuration points to.
    fn trust(&self, host: &HostConfig) -> Result<Trust, HostfileError>;
    /// Whether the account is a vendor account.
    fn is_vendor(&self, account: &str, group: &str) -> Result<bool, HostfileError>;
    /// The machine's own name, for records when the configuration can't be read.
    fn machine(&self) -> String;
    /// The time.
    fn now(&self) -> Moment;
    /// Random bytes from the kernel.
    fn random(&self) -> Result<[u8; 8], Failed>;
    /// Leaves PID 1's limit on the session for pam_systemd, in seconds from now.
    fn set_limit(&mut self, seconds: u64) -> Result<(), Failed>;
    /// Whether the limit is really on a scope of this login's own.
    fn limit_holds(&self) -> Result<(), Failed>;
    /// Whether the recorder says that the grant of this process's session allows sudo.
    fn may_sudo(&self, recorder: &RecorderConfig) -> bool;
    /// The account's user id.
    fn uid(&self, account: &str) -> Result<u32, Failed>;
    /// Installs the gate on this process and hands the session over to the recorder.
    fn begin(&mut self, recorder: &RecorderConfig, handover: Handover) -> Result<Answer, Failed>;
    /// Tells the recorder something, within a bounded time; gives whether it was done.
    fn tell_recorder(&mut self, recorder: &RecorderConfig, message: &Message) -> bool;
    /// Sends a record to the log.
    fn log(&mut self, to: &LogConfig, record: &Record);
}

//! The real `Login`: PAM's handle on one side, the host's files, names, clock and log on the other.
//!
//! No decisions here, only fetching and carrying.

use std::os::fd::AsFd;
use std::path::Path;

use audit::Record;
use audit::handover::{Answer, Handover, Message};
use grant::Trust;
use hostfile::{HostConfig, HostfileError, LogConfig, RecorderConfig, vendor_group};
use pam::constants::{PAM_ERROR_MSG, PAM_SILENT, PamFlag};
use pam::conv::Conv;
use pam::items::{Service, User};
use pam::module::PamHandle;

use crate::clock::{self, Moment};
use crate::login::{Admitted, Failed, Login};
use crate::{gate_ffi, limit, log, pam_ffi, recorder, tell};

/// A login as libpam shows it.
pub(crate) struct PamLogin<'h> {
    pamh: &'h mut PamHandle,
    silent: bool,
}

impl<'h> PamLogin<'h> {
    /// The login of one hook call.
    pub(crate) fn new(pamh: &'h mut PamHandle, flags: PamFlag) -> Self {
        Self { pamh, silent: flags & PAM_SILENT != 0 }
    }
}

impl Login for PamLogin<'_> {
    fn service(&self) -> Option<String> {
        let service = self.pamh.get_item::<Service<'_>>().ok().flatten()?;
        Some(service.to_string_lossy().into_owned())
    }

    fn account(&self) -> Option<Vec<u8>> {
        // The item, not pam_get_user(3): that one would ask the person for a name.
        let user = self.pamh.get_item::<User<'_>>().ok().flatten()?;
        Some(user.to_bytes().to_vec())
    }

    fn auth_info(&self) -> Option<Vec<u8>> {
        pam_ffi::getenv(self.pamh, c"SSH_AUTH_INFO_0")
    }

    fn ssh_connection(&self) -> Option<Vec<u8>> {
        pam_ffi::getenv(self.pamh, c"SSH_CONNECTION")
    }

    fn tell(&mut self, text: &str) {
        if self.silent {
            return;
        }
        if let Ok(Some(conversation)) = self.pamh.get_item::<Conv<'_>>() {
            // The refusal stands whether the person can be reached or not.
            let _ = conversation.send(PAM_ERROR_MSG, &tell::line(text));
        }
    }

    fn keep(&mut self, admitted: Admitted) -> Result<(), Failed> {
        pam_ffi::keep(self.pamh, admitted)
            .map_err(|code| Failed(format!("pam_set_data failed with code {code}")))
    }

    fn kept(&self) -> Option<Admitted> {
        pam_ffi::kept(self.pamh)
    }

    fn host_config(&self, file: &Path) -> Result<HostConfig, HostfileError> {
        HostConfig::load(file)
    }

    fn trust(&self, host: &HostConfig) -> Result<Trust, HostfileError> {
        host.trust()
    }

    fn is_vendor(&self, account: &str, group: &str) -> Result<bool, HostfileError> {
        vendor_group::is_vendor(account, group)
    }

    fn machine(&self) -> String {
        nix::unistd::gethostname().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }

    fn now(&self) -> Moment {
        clock::now()
    }

    fn random(&self) -> Result<[u8; 8], Failed> {
        let mut bytes = [0; 8];
        getrandom::fill(&mut bytes).map_err(|error| Failed(format!("getrandom failed: {error}")))?;
        Ok(bytes)
    }

    fn set_limit(&mut self, seconds: u64) -> Result<(), Failed> {
        pam_ffi::set_text(self.pamh, limit::RUNTIME_MAX, &format!("{seconds}s"))
            .map_err(|code| Failed(format!("pam_set_data failed with code {code}")))
    }

    fn limit_holds(&self) -> Result<(), Failed> {
        limit::holds().map_err(Failed)
    }

    fn may_sudo(&self, recorder: &RecorderConfig) -> bool {
        // The recorder puts a file for each open session that may, named by its audit id, where only root can.
        let Ok(session) = std::fs::read_to_string("/proc/self/sessionid") else { return false };
        session.trim().parse::<u32>().is_ok_and(|session| {
            session != u32::MAX && recorder.runtime.join("sudo").join(session.to_string()).is_file()
        })
    }

    fn uid(&self, account: &str) -> Result<u32, Failed> {
        match nix::unistd::User::from_name(account) {
            Ok(Some(user)) => Ok(user.uid.as_raw()),
            Ok(None) => Err(Failed(format!("there is no account {account}"))),
            Err(error) => Err(Failed(format!("the account {account} can't be looked up: {error}"))),
        }
    }

    fn begin(&mut self, to: &RecorderConfig, handover: Handover) -> Result<Answer, Failed> {
        let failed = |what: &str, error: std::io::Error| Failed(format!("{what}: {error}"));
        let listener = gate_ffi::install().map_err(|error| failed("the gate can't be installed", error))?;
        let message = Message::Open(Box::new(handover));
        recorder::ask(&to.socket, &message, Some(listener.as_fd()), recorder::OPENING).map_err(|error| {
            failed(&format!("the recorder does not answer at {}", to.socket.display()), error)
        })
    }

    fn tell_recorder(&mut self, to: &RecorderConfig, message: &Message) -> bool {
        matches!(recorder::ask(&to.socket, message, None, recorder::TELLING), Ok(Answer::Open))
    }

    fn log(&mut self, to: &LogConfig, record: &Record) {
        // Never in the way of a login: what can't be sent in time is not sent.
        let _ = log::send(to, record);
    }
}

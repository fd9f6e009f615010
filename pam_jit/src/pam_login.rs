//! The real `Login`: PAM's handle on one side, the host's files, names, clock and log on the other.
//!
//! No decisions here, only fetching and carrying.

use std::path::Path;

use audit::Record;
use grant::Trust;
use hostfile::{HostConfig, HostfileError, LogConfig, vendor_group};
use pam::constants::{PAM_ERROR_MSG, PAM_SILENT, PamFlag};
use pam::conv::Conv;
use pam::items::{Service, User};
use pam::module::PamHandle;

use crate::clock::{self, Moment};
use crate::login::{Admitted, Failed, Login};
use crate::{log, pam_ffi, tell};

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

    fn log(&mut self, to: &LogConfig, record: &Record) {
        // Never in the way of a login: what can't be sent in time is not sent.
        let _ = log::send(to, record);
    }
}

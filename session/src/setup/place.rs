//! Where things are on the host that is set up.

use std::path::{Path, PathBuf};

/// PAM's services.
pub(super) const PAM: &str = "/etc/pam.d";
/// Our own files.
pub(super) const OURS: &str = "/etc/jit";
/// What outlives a kill and a restart: the state, and the previous bytes of files under change.
pub(super) const STATE: &str = "/var/lib/jit/setup";
/// The stage: the new files, before they are live. root's; others may look.
pub(super) const STAGE: &str = "/run/jit-setup";
/// The PAM service of a trial login; its file is there during the trial only.
pub(super) const TRIAL_SERVICE: &str = "sshd-jit-trial";
/// The group whose members are vendor accounts: the one that the shipped lines name.
pub(super) const GROUP: &str = hostfile::host_toml::DEFAULT_GROUP;
/// Our drop-in's name.
pub(super) const DROP_IN: &str = "50-pam-jit.conf";
/// Programs that ask PAM and can show no certificate: closed to vendors, sudo unless the session's grant has it.
pub(super) const OTHER_SERVICES: [&str; 8] =
    ["su", "su-l", "login", "cron", "crond", "atd", "sudo", "sudo-i"];

/// sshd of this host.
#[derive(Debug, Clone)]
pub struct Place {
    /// The program.
    pub sshd: PathBuf,
    /// Its configuration.
    pub sshd_config: PathBuf,
    /// The listening process, where no systemd knows it.
    pub sshd_pid: Option<i32>,
}

impl Place {
    /// The folder of drop-ins beside the configuration.
    #[must_use]
    pub(super) fn drop_ins(&self) -> PathBuf {
        let mut folder = self.sshd_config.clone().into_os_string();
        folder.push(".d");
        folder.into()
    }

    /// Our drop-in.
    #[must_use]
    pub(super) fn drop_in(&self) -> PathBuf {
        self.drop_ins().join(DROP_IN)
    }
}

/// Whether process 1 is systemd, as sd_booted(3) asks.
#[must_use]
pub(super) fn has_systemd() -> bool {
    Path::new("/run/systemd/system").is_dir()
}

/// A path on the stage.
#[must_use]
pub(super) fn stage(name: &str) -> PathBuf {
    Path::new(STAGE).join(name)
}

//! The stage: the host's PAM services and sshd's configuration as they would be, in a folder that nothing live reads.
//!
//! `sshd -t`, `jit check` and the trial login look at the stage before a byte outside of it changes. Only the trial needs
//! one file more, a PAM service of its own name, because libpam looks in /etc/pam.d alone; it is gone after the trial, and
//! after a kill at the next run.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use super::error::{Result, SetupError};
use super::place::{self, PAM, Place, STAGE, TRIAL_SERVICE, stage};
use super::plan::Plan;
use super::{reload, replace, sshd_block};
use crate::check::door::Severity;
use crate::check::sshd::Sshd;
use crate::check::{authentication, connection, forwarding, pam, recorder, sshd_files};

/// The stage; what is on it goes with it.
#[derive(Debug)]
pub(super) struct Stage {
    /// sshd's configuration on it.
    pub(super) sshd_config: PathBuf,
    /// The new text of sshd's PAM service.
    pub(super) service: Vec<u8>,
}

impl Stage {
    /// Sets it: everything as it is, and then as `plan` would have it.
    pub(super) fn set(place: &Place, plan: &Plan, service: &str) -> Result<Self> {
        clear();
        make(Path::new(STAGE))?;
        let pam = stage("pam.d");
        copy_folder(Path::new(PAM), &pam)?;
        let drop_ins = stage("sshd_config.d");
        copy_folder(&place.drop_ins(), &drop_ins)?;
        let mut config = fs::read(&place.sshd_config)
            .map_err(|source| SetupError::file("read", &place.sshd_config, source))?;
        for change in &plan.changes {
            let name = change.path.file_name().unwrap_or_default();
            let bytes = change.after.as_deref();
            if change.path == place.sshd_config {
                config = bytes.unwrap_or_default().to_owned();
            } else if change.path.parent() == Some(&place.drop_ins()) {
                put(&drop_ins.join(name), bytes)?;
            } else if change.path.starts_with(PAM) {
                put(&pam.join(name), bytes)?;
            }
        }
        let sshd_config = stage("sshd_config");
        // With the mode that it has: what others may not read there they do not read here.
        copy(&place.sshd_config, &sshd_config)?;
        put(&sshd_config, Some(&sshd_block::reading_from(place, &config, &drop_ins)))?;
        let path = pam.join(service);
        let service = fs::read(&path).map_err(|source| SetupError::file("read", &path, source))?;
        Ok(Self { sshd_config, service })
    }

    /// `sshd -t`, and what `jit check` says about the PAM services and about sshd for each vendor account: of the doors that
    /// a set-up closes none may be open.
    pub(super) fn look(&self, place: &Place, service: &str, vendors: &BTreeSet<String>) -> Result<()> {
        reload::test(place, &self.sshd_config)?;
        let mut findings = pam::look(&pam::Place {
            directory: &stage("pam.d"),
            service,
            group: place::GROUP,
            config: Path::new(hostfile::DEFAULT_CONFIG),
        });
        let host = hostfile::HostConfig::load(Path::new(hostfile::DEFAULT_CONFIG)).ok();
        if host.as_ref().is_none_or(|host| host.recorder.is_some()) {
            let table = host.as_ref().and_then(|host| host.recorder.as_ref());
            findings.extend(recorder::look_at_scope_makers(table, &stage("pam.d"), service));
        }
        let sshd = Sshd { program: place.sshd.clone(), config: self.sshd_config.clone() };
        let files = sshd_files::read(&self.sshd_config);
        let (connections, _) = connection::worth_asking(files.match_lines.iter().map(String::as_str));
        for account in vendors {
            // A connection that was made up, and that sshd can't be asked about, is named by `jit check`.
            for answer in connections.iter().filter_map(|from| sshd.effective(account, from).ok()) {
                let found = [authentication::look(&answer), forwarding::look(&answer)].concat();
                findings.extend(found.into_iter().map(|finding| finding.about(account)));
            }
        }
        let Some(open) = findings.into_iter().find(|finding| finding.door.severity == Severity::Error) else {
            return Ok(());
        };
        let said = open.detail.replace(&format!("{STAGE}/"), "/etc/");
        let about = open.accounts.first().map_or_else(String::new, |account| format!(" for {account}"));
        let number = open.door.number;
        Err(SetupError::new(format!("a door would be open{about} ({number}): {}: {said}", open.door.title))
            .hint(open.door.mend))
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        clear();
    }
}

/// Takes away the stage, and the trial's PAM service, also those that a kill left.
pub(super) fn clear() {
    drop(fs::remove_dir_all(STAGE));
    let trial = Path::new(PAM).join(TRIAL_SERVICE);
    drop(fs::remove_file(replace::beside(&trial)));
    drop(fs::remove_file(trial));
}

fn make(folder: &Path) -> Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o755)
        .create(folder)
        // Whatever the umask: a trial login reads its key's file as the administrator's account.
        .and_then(|()| fs::set_permissions(folder, Permissions::from_mode(0o755)))
        .map_err(|source| SetupError::file("make", folder, source))
}

/// The plain files of a folder, with their modes. A link inside of it stays one; what others lead to is copied.
fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    make(to)?;
    for entry in fs::read_dir(from).into_iter().flatten().flatten() {
        let (path, copy) = (entry.path(), to.join(entry.file_name()));
        if !path.is_file() {
            continue;
        }
        let real = fs::canonicalize(&path).unwrap_or_default();
        let inside = path.is_symlink() && real.parent() == Some(from);
        let copied = match real.file_name().filter(|_| inside) {
            Some(name) => symlink(name, copy),
            None => fs::copy(&path, copy).map(drop),
        };
        copied.map_err(|source| SetupError::file("copy", &path, source))?;
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to).map(drop).map_err(|source| SetupError::file("copy", from, source))
}

fn put(path: &Path, bytes: Option<&[u8]>) -> Result<()> {
    let done = match bytes {
        Some(bytes) => fs::write(path, bytes),
        None => fs::remove_file(path),
    };
    done.map_err(|source| SetupError::file("write", path, source))
}

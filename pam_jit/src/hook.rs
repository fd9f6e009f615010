//! What every deciding hook does around its phase: find out whom it concerns, then tell and log a refusal.
//!
//! Membership comes first, before anything else that could be wrong is looked at: to whom the module does not apply
//! it answers `PAM_IGNORE`. From there on every error is a refusal.

use std::ffi::CStr;

use audit::handover::Message;
use audit::{Event, Facts, Record};
use hostfile::{HostConfig, HostfileError, LogConfig, LogFormat, RecorderConfig};
use pam::constants::PamResultCode;

use crate::arguments::{Arguments, default_config};
use crate::login::Login;
use crate::refused::{Refused, Why};
use crate::source;

/// The vendor group where the configuration can't be read.
const DEFAULT_GROUP: &str = "jit-vendors";
/// The log socket where the configuration can't be read.
const DEFAULT_SOCKET: &str = "/dev/log";

/// A login to a vendor account on a host whose configuration can be read.
#[derive(Debug)]
pub(crate) struct Vendor {
    /// The account.
    pub(crate) account: String,
    /// The PAM line's arguments.
    pub(crate) arguments: Arguments,
    /// The host.
    pub(crate) host: HostConfig,
    /// Where records go.
    pub(crate) place: Place,
}

/// Where records go, and what they call this host.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    host: String,
    log: LogConfig,
    recorder: Option<RecorderConfig>,
}

/// Runs `phase` for a vendor account; a refusal is told, logged, and answered with `refusal`.
pub(crate) fn hook<L: Login>(
    login: &mut L,
    words: &[&CStr],
    refusal: PamResultCode,
    phase: impl FnOnce(&mut L, &Vendor) -> Result<PamResultCode, Refused>,
) -> PamResultCode {
    let arguments = Arguments::parse(words);
    let file = arguments.as_ref().map_or_else(|_| default_config(), |arguments| arguments.config.clone());
    let host = login.host_config(&file);
    let place = Place::of(login, &host);
    let recorder = host.as_ref().ok().and_then(|host| host.recorder.clone());
    let result = match concerned(login, &host) {
        Ok(None) => Ok(PamResultCode::PAM_IGNORE),
        Ok(Some(account)) => {
            probe();
            vendor(account, arguments.map_err(|e| Why::Configuration(e.to_string())), host, &place)
                .and_then(|vendor| phase(login, &vendor))
        }
        Err(refused) => Err(refused),
    };
    result.unwrap_or_else(|refused| {
        refuse(login, &place, refused);
        if refusal == PamResultCode::PAM_SESSION_ERR
            && let Some(recorder) = recorder
        {
            // sshd leaves a refused connection open where nothing was asked to run (`ssh -N`): the recorder ends it.
            let monitor = i32::try_from(std::process::id()).unwrap_or(0);
            let _ = login.tell_recorder(&recorder, &Message::Refused { monitor });
        }
        refusal
    })
}

/// The account, if it is a vendor account.
///
/// # Errors
/// If nobody can say: NSS fails, or the vendor group does not exist. The PAM lines in front of the module pass
/// everybody whom NSS does not show as a member, so refusing here keeps nobody else out.
fn concerned(
    login: &impl Login,
    host: &Result<HostConfig, HostfileError>,
) -> Result<Option<String>, Refused> {
    let Some(account) = login.account() else { return Ok(None) };
    let account = String::from_utf8(account)
        .map_err(|_| Why::Configuration("PAM_USER is not UTF-8: no account of a grant".to_owned()))?;
    let group = host.as_ref().map_or(DEFAULT_GROUP, |host| host.vendor_group.as_str());
    let member = login.is_vendor(&account, group).map_err(Why::from)?
        // The PAM lines may name the default group where host.toml names another: such a member is not let by.
        || (group != DEFAULT_GROUP && login.is_vendor(&account, DEFAULT_GROUP).unwrap_or(false));
    Ok(member.then_some(account))
}

fn vendor(
    account: String,
    arguments: Result<Arguments, Why>,
    host: Result<HostConfig, HostfileError>,
    place: &Place,
) -> Result<Vendor, Refused> {
    Ok(Vendor { account, arguments: arguments?, host: host.map_err(Why::from)?, place: place.clone() })
}

/// Panics in a build with the feature `panic-probe`, which tests alone make.
pub(crate) fn probe() {
    if cfg!(feature = "panic-probe") {
        panic!("the feature panic-probe is on");
    }
}

fn refuse(login: &mut impl Login, place: &Place, refused: Refused) {
    let Refused { why, mut facts } = refused;
    if facts.source.is_none() {
        // Refused before the address was looked at; an alert wants to say who tried.
        facts.source = login.ssh_connection().and_then(|connection| source::address(&connection));
    }
    login.tell(&why.told());
    let facts = Facts { reason: Some(why.code().to_owned()), reason_text: Some(why.logged()), ..*facts };
    place.log(login, Event::LoginRefuse, facts);
}

impl Place {
    /// As the configuration says; a plain `/dev/log` and the machine's name where it can't be read.
    pub(crate) fn of(login: &impl Login, host: &Result<HostConfig, HostfileError>) -> Self {
        match host {
            Ok(host) => {
                Self { host: host.host.to_string(), log: host.log.clone(), recorder: host.recorder.clone() }
            }
            Err(_) => Self {
                host: login.machine(),
                log: LogConfig::local(DEFAULT_SOCKET, LogFormat::Cee),
                recorder: None,
            },
        }
    }

    /// Logs an event of this login.
    pub(crate) fn log(&self, login: &mut impl Login, event: Event, facts: Facts) {
        let account = || login.account().map(|account| String::from_utf8_lossy(&account).into_owned());
        let facts = Facts {
            account: facts.account.or_else(account),
            service: login.service(),
            pid: Some(std::process::id()),
            ..facts
        };
        let time = i64::try_from(login.now().millis).unwrap_or(i64::MAX);
        let record = Record { time, event, host: self.host.clone(), facts };
        // Through the recorder it is durable and leaves the host at least once; without one it goes straight to the log.
        let kept = self
            .recorder
            .as_ref()
            .is_some_and(|recorder| login.tell_recorder(recorder, &Message::Record { line: record.json() }));
        if !kept {
            login.log(&self.log, &record);
        }
    }
}

#[cfg(test)]
#[path = "hook_tests.rs"]
mod tests;

//! The session phase, twice: `stage=first` makes the verdict and keeps its terms, `stage=last` confirms them and
//! opens the session.
//!
//! Between the two stands everything that acts for the person, so the last line looks again at what can have
//! changed meanwhile: the account, the clock, the revoked list. Without the first line's terms it refuses.

use std::net::IpAddr;

use audit::Event;
use audit::handover::{Answer, Handover, VERSION};
use grant::{Reason, Terms, Trust, UnixTime, WindowState};
use hostfile::RecorderConfig;
use pam::constants::PamResultCode;

use crate::arguments::Stage;
use crate::hook::Vendor;
use crate::limit::MARGIN;
use crate::login::{Admitted, Failed, Login};
use crate::refused::{Refused, Why, facts_of};
use crate::verdict::verdict;

/// Characters of a session id; the alphabet of grant ids, made to be read aloud.
const ALPHABET: &[u8; 30] = b"23456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The session phase for a vendor account.
pub(crate) fn open(login: &mut impl Login, vendor: &Vendor) -> Result<PamResultCode, Refused> {
    match vendor.arguments.stage {
        Some(Stage::First) => first(login, vendor),
        Some(Stage::Last) => last(login, vendor),
        None => Err(configuration("the session line of PAM says neither stage=first nor stage=last")),
    }
}

fn first(login: &mut impl Login, vendor: &Vendor) -> Result<PamResultCode, Refused> {
    let info = login.auth_info().ok_or(Why::NotOverSsh)?;
    let (terms, source) = verdict(login, vendor, &info)?;
    if vendor.host.recorder.is_some() {
        login.set_limit(seconds_left(&terms, vendor, login.now().unix_time()))?;
    }
    login.keep(Admitted { terms, source, session: None })?;
    Ok(PamResultCode::PAM_SUCCESS)
}

fn last(login: &mut impl Login, vendor: &Vendor) -> Result<PamResultCode, Refused> {
    let Some(admitted) = login.kept() else {
        return Err(configuration("the session line of PAM with stage=first is missing or was jumped over"));
    };
    let Admitted { terms, source, session } = admitted;
    let refused = |why: Why| Refused { why, facts: Box::new(facts_of(&terms, source)) };
    if session.is_some() {
        return Err(refused(Why::Configuration("PAM has stage=last twice".to_owned())));
    }
    if vendor.account != terms.account.as_str() {
        return Err(refused(Why::AccountChanged));
    }
    let trust = login.trust(&vendor.host).map_err(|error| refused(error.into()))?;
    still_holds(&terms, &trust, login.now().unix_time()).map_err(|reason| refused(reason.into()))?;

    let session = session_id(login.random().map_err(|failed| refused(failed.into()))?);
    let facts = audit::Facts { session: Some(session.clone()), ..facts_of(&terms, source) };
    let opened = Admitted { terms: terms.clone(), source, session: Some(session.clone()) };
    match &vendor.host.recorder {
        // The recorder writes session.open, and the session may begin when that is durable.
        Some(recorder) => {
            hand_over(login, vendor, recorder, &terms, source, session).map_err(refused)?;
            login.keep(opened).map_err(|failed| refused(failed.into()))?;
        }
        None => {
            login.keep(opened).map_err(|failed| refused(failed.into()))?;
            vendor.place.log(login, Event::SessionOpen, facts);
        }
    }
    Ok(PamResultCode::PAM_SUCCESS)
}

/// Seconds until the outer limit of the session: the extension's end, the window's, or the host's maximum.
fn seconds_left(terms: &Terms, vendor: &Vendor, now: UnixTime) -> u64 {
    let end = terms.grant.extendable_to.unwrap_or_else(|| terms.grant.window.closes());
    let maximum = vendor.host.recorder.as_ref().map_or(u64::MAX, |recorder| recorder.maximum_session);
    end.since(now).min(maximum) + MARGIN
}

/// Puts the gate on this process and gives the session to the recorder.
fn hand_over(
    login: &mut impl Login,
    vendor: &Vendor,
    recorder: &RecorderConfig,
    terms: &Terms,
    source: IpAddr,
    session: String,
) -> Result<(), Why> {
    if recorder.require_scope {
        login.limit_holds().map_err(|Failed(why)| Why::Configuration(why))?;
    }
    let handover = Handover {
        version: VERSION,
        session,
        document: terms.grant.render(),
        account: vendor.account.clone(),
        uid: login.uid(&vendor.account)?,
        source: source.to_string(),
        serial: terms.serial,
        key: terms.key.to_string(),
        approved_by: terms.approved_by.iter().map(ToString::to_string).collect(),
        monitor: i32::try_from(std::process::id()).unwrap_or(0),
        service: login.service().unwrap_or_default(),
        host: vendor.host.host.to_string(),
        now: login.now().unix_time().secs(),
    };
    match login.begin(recorder, handover).map_err(|Failed(why)| Why::Recorder(why))? {
        Answer::Open => Ok(()),
        Answer::Refuse { code, told } => Err(Why::Refused { code, told }),
    }
}

/// What can have changed since the verdict: the time, and what is revoked or too old to say.
fn still_holds(terms: &Terms, trust: &Trust, now: UnixTime) -> Result<(), Reason> {
    let grant = &terms.grant;
    let id = grant.id.clone();
    match grant.window.state(now) {
        WindowState::Open => {}
        WindowState::NotYetOpen => {
            return Err(Reason::NotYetOpen { grant: id, opens: grant.window.opens(), now });
        }
        WindowState::Closed => return Err(Reason::Closed { grant: id, closed: grant.window.closes(), now }),
    }
    if now >= terms.valid_before {
        return Err(Reason::CertificateExpired { at: terms.valid_before, now });
    }
    trust.check_age(now)?;
    match trust.revoked.meets(&terms.digest, terms.serial, &grant.person) {
        Some(by) => Err(Reason::Revoked { grant: id, by }),
        None => Ok(()),
    }
}

fn configuration(sentence: &str) -> Refused {
    Why::Configuration(sentence.to_owned()).into()
}

/// `S-` and eight characters. The small bias of the remainder does not matter: an id is no secret.
fn session_id(random: [u8; 8]) -> String {
    let body = random.iter().map(|byte| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()]));
    "S-".chars().chain(body).collect()
}

#[cfg(test)]
#[path = "open_tests.rs"]
mod tests;

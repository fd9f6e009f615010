//! An extension: a session goes on under a new grant of the same scope, without a reconnect, up to the outer limit that the
//! first grant named.
//!
//! The new grant is judged as at a login: approved, in its window, not revoked, with a use and a place left. Each moves the
//! end on, or it is refused; so the last one carries the deadline. A revocation of any of them ends the session.

use audit::handover::{Answer, Reply};
use audit::{Event, Notice};
use base64ct::{Base64, Encoding};
use grant::{Digest, Login, Terms, UnixTime, Verdict};
use hostfile::HostConfig;

use super::clock::{Boottime, wall_millis};
use super::live::Live;
use super::opening::{enough, refuse};
use super::state::Extension;
use super::{Recorder, terminal};

impl Live {
    /// Whether it was let in under this grant, or goes on under it.
    pub(super) fn is_under(&self, digest: &Digest) -> bool {
        let extended = |extension: &Extension| extension.digest.parse() == Ok(*digest);
        self.grant.digest() == *digest || self.state.extensions.iter().any(extended)
    }
}

/// The wall clock, in milliseconds.
fn wall() -> u64 {
    u64::try_from(wall_millis()).unwrap_or(0)
}

impl Recorder {
    /// Lets a session go on under a new grant of the same scope.
    pub(super) fn extend(&mut self, session: &str, certificate: &str) -> Reply {
        let key = self.sessions.iter().find(|(_, live)| live.id() == session).map(|(key, _)| *key);
        let extended = key
            .ok_or_else(|| refuse("no-session", format!("there is no open session {session}")))
            .and_then(|key| self.judge_extension(key, certificate).map(|(terms, until)| (key, terms, until)))
            .and_then(|(key, terms, until)| self.extend_until(key, &terms, until));
        match extended {
            Ok(until) => Reply::Extended { until: until.secs() },
            Err(Answer::Refuse { code, told }) => Reply::Refuse { code, told },
            // An error is never a yes.
            Err(Answer::Open) => Reply::Refuse { code: "state".to_owned(), told: String::new() },
        }
    }

    /// Whether this certificate extends this session, and until when. Nothing is changed yet.
    fn judge_extension(&self, key: u32, certificate: &str) -> Result<(Box<Terms>, Boottime), Answer> {
        let gone = || refuse("no-session", "the session is over");
        let live = self.sessions.get(&key).filter(|live| live.over.is_none()).ok_or_else(gone)?;
        if let Some(ending) = &live.ending {
            let told = format!("session {} is being ended: {}", live.id(), ending.reason.told());
            return Err(refuse("ending", told));
        }
        let trust = HostConfig::load(&self.settings.config).and_then(|host| host.trust());
        let trust = trust.map_err(|error| refuse("configuration", error.to_string()))?;
        let (Ok(blob), Ok(source)) = (Base64::decode_vec(certificate), live.state.handover.source.parse())
        else {
            return Err(refuse("certificate-unreadable", "the certificate is not readable"));
        };
        let login = Login { account: live.state.handover.account.clone(), source };
        let (now, wall) = (Boottime::now(), wall());
        let terms = match grant::decide(&blob, &trust, &login, UnixTime::from_secs(wall / 1000)) {
            Verdict::Allow(terms) => terms,
            Verdict::Refuse(refusal) => return Err(refuse(refusal.reason.code(), refusal.reason.logged())),
        };
        let (old, new) = (&live.grant, &terms.grant);
        let same = old.person == new.person
            && (&old.hosts, &old.roles, &old.accounts) == (&new.hosts, &new.roles, &new.accounts)
            && (&old.sources, &old.features) == (&new.sources, &new.features);
        if !same {
            let told = format!("grant {} has another scope than the session's grant {}", new.id, old.id);
            return Err(refuse("other-scope", told));
        }
        if live.is_under(&terms.digest) {
            let told = format!("the session is under grant {} already; an extension needs a new one", new.id);
            return Err(refuse("same-grant", told));
        }
        let closes = new.window.closes();
        let left = (closes.secs() * 1000).saturating_sub(wall);
        let deadline = now.plus_millis(left);
        // Both were made from a wall clock in whole milliseconds, at different moments: a second more is the same time.
        if deadline > live.state.outer.plus_secs(1) {
            let told = format!("grant {} lasts past the outer limit that grant {} named", new.id, old.id);
            return Err(refuse("outer-limit", told));
        }
        let deadline = deadline.min(live.state.outer);
        if deadline <= live.state.deadline.plus_secs(1) {
            let ends = (wall + live.state.deadline.millis_since(now) + 500) / 1000;
            let told = format!(
                "grant {} closes at {closes}, and the session goes on until {} as it is",
                new.id,
                UnixTime::from_secs(ends)
            );
            return Err(refuse("not-later", told));
        }
        let under = self.sessions.values().filter(|live| live.is_under(&terms.digest)).count();
        enough(new, u32::try_from(under).unwrap_or(u32::MAX))?;
        Ok((terms, deadline))
    }

    /// Counts the use, durably, then moves the session's end, durably.
    fn extend_until(&mut self, key: u32, terms: &Terms, deadline: Boottime) -> Result<UnixTime, Answer> {
        self.take_use(&terms.grant)?;
        let (grant, until) = (terms.grant.id.to_string(), terms.grant.window.closes());
        let Some(live) = self.sessions.get_mut(&key) else {
            return Err(refuse("no-session", "the session is over"));
        };
        let mut state = live.state.clone();
        state.deadline = deadline;
        state.extensions.push(Extension {
            grant: grant.clone(),
            digest: terms.digest.to_string(),
            serial: terms.serial,
        });
        if let Err(error) = self.states.put(&state) {
            return Err(refuse("state", format!("the extension can't be made durable: {error}")));
        }
        let line = format!("this session was extended by grant {grant}, until {until}");
        terminal::tell(state.audit_session, &line);
        let notice = Notice {
            time: wall_millis(),
            host: self.settings.host.clone(),
            event: Event::SessionExtend,
            session: Some(live.id().to_owned()),
            message: format!("the session was extended by grant {grant}, until {until}"),
        };
        (live.state, live.warned) = (state, 0);
        self.backlog.push(notice.extended(&grant, until.secs()));
        Ok(until)
    }
}

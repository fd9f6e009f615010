//! An extension: a session goes on under a new grant of the same scope, without a reconnect, up to the outer limit that the
//! first grant named.

use audit::Event;
use audit::handover::Reply;
use base64ct::{Base64, Encoding};
use grant::{Login, UnixTime, Verdict};
use hostfile::HostConfig;

use super::clock::{Boottime, wall_millis};
use super::state::Extension;
use super::{Recorder, terminal};

impl Recorder {
    /// Lets a session go on under a new grant of the same scope.
    pub(super) fn extend(&mut self, session: &str, certificate: &str) -> Reply {
        let refuse = |code: &str, told: String| Reply::Refuse { code: code.to_owned(), told };
        let Some((key, live)) = self.sessions.iter().find(|(_, live)| live.id() == session) else {
            return refuse("no-session", format!("there is no open session {session}"));
        };
        let trust = match HostConfig::load(&self.settings.config).and_then(|host| host.trust()) {
            Ok(trust) => trust,
            Err(error) => return refuse("configuration", error.to_string()),
        };
        let (Ok(blob), Ok(source)) = (Base64::decode_vec(certificate), live.state.handover.source.parse())
        else {
            return refuse("certificate-unreadable", "the certificate is not readable".to_owned());
        };
        let login = Login { account: live.state.handover.account.clone(), source };
        let wall = u64::try_from(wall_millis()).unwrap_or(0);
        let terms = match grant::decide(&blob, &trust, &login, UnixTime::from_secs(wall / 1000)) {
            Verdict::Allow(terms) => terms,
            Verdict::Refuse(refusal) => return refuse(refusal.reason.code(), refusal.reason.logged()),
        };
        let (old, new) = (&live.grant, &terms.grant);
        let same = old.person == new.person
            && (&old.hosts, &old.roles, &old.accounts) == (&new.hosts, &new.roles, &new.accounts)
            && (&old.sources, &old.features) == (&new.sources, &new.features);
        if !same {
            return refuse(
                "other-scope",
                format!("grant {} has another scope than the session's grant {}", new.id, old.id),
            );
        }
        let left = (new.window.closes().secs() * 1000).saturating_sub(wall);
        let deadline = Boottime(Boottime::now().0.saturating_add(left.saturating_mul(1_000_000)));
        // Both were made from a wall clock in whole milliseconds, at different moments: a second more is the same time.
        if deadline > live.state.outer.plus_secs(1) {
            return refuse(
                "outer-limit",
                format!("grant {} lasts past the outer limit that grant {} named", new.id, old.id),
            );
        }
        let (key, id) = (*key, new.id.to_string());
        let mut state = live.state.clone();
        state.deadline = deadline.min(state.outer).max(state.deadline);
        state.extension =
            Some(Extension { grant: id.clone(), digest: terms.digest.to_string(), serial: terms.serial });
        if let Err(error) = self.states.put(&state) {
            return refuse("state", format!("the extension can't be made durable: {error}"));
        }
        let session = session.to_owned();
        if let Some(live) = self.sessions.get_mut(&key) {
            terminal::tell(state.audit_session, &format!("this session was extended by grant {id}"));
            (live.state, live.warned) = (state, 0);
        }
        self.notice(Event::SessionExtend, Some(session), &format!("the session was extended by grant {id}"));
        Reply::Done { sessions: 1 }
    }
}

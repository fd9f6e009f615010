//! Opening a session: whether it may begin, and what is durable before it does.

use std::collections::HashMap;
use std::os::fd::{AsFd, OwnedFd};

use audit::handover::{Answer, Handover, OpenSession, Reply, VERSION};
use audit::{Event, Facts, Record};
use grant::Grant;
use hostfile::HostConfig;

use super::clock::{Boottime, wall_millis};
use super::live::Live;
use super::reception::json;
use super::state::SessionState;
use super::unserved::Counts;
use super::{Recorder, Token, notify_ffi};
use crate::ending::{Pidfd, own_audit_session, own_cgroup, session_scope, start_and_state};

pub(super) fn refuse(code: &str, told: impl Into<String>) -> Answer {
    Answer::Refuse { code: code.to_owned(), told: told.into() }
}

/// Whether the grant allows one more session beside so many.
pub(super) fn enough(grant: &Grant, open: u32) -> Result<(), Answer> {
    match grant.sessions {
        Some(limit) if open >= limit.get() => Err(refuse(
            "sessions",
            format!("grant {} allows {limit} session(s) at one time, and as many are open", grant.id),
        )),
        _ => Ok(()),
    }
}

fn in_use(account: &str) -> Answer {
    refuse(
        "account-in-use",
        format!("account {account} is in use under another grant; try again when that session is over"),
    )
}

fn broken(what: &str) -> Answer {
    refuse("handover", format!("the host's recorder can't take the session: {what}; tell its administrator"))
}

impl Recorder {
    /// Takes a login over from the module. An error is the answer to it.
    pub(super) fn open(
        &mut self,
        connection: u32,
        peer: i32,
        handover: Handover,
        listener: Option<OwnedFd>,
    ) -> Result<(), Answer> {
        if handover.version != VERSION {
            return Err(broken("the module is of another version"));
        }
        let listener = listener.ok_or_else(|| broken("no listener came with it"))?;
        let grant =
            Grant::parse(handover.document.as_bytes()).map_err(|_| broken("its grant is not readable"))?;
        if handover.monitor != peer {
            return Err(broken("it comes from another process"));
        }
        // Not what the module says, but what the kernel says of the process that asks.
        let audit_session = own_audit_session(peer).ok_or_else(|| {
            refuse("no-audit-session", "the login has no audit session (is pam_loginuid in sshd's stack?); tell the host's administrator")
        })?;
        self.check_others(&grant, &handover, audit_session)?;
        let opened = self.open_watched(connection, handover, grant, audit_session, listener);
        if opened.is_err()
            && let Some(kernel) = &mut self.kernel
        {
            kernel.forget(audit_session);
        }
        opened
    }

    /// The rest, from the first thing that has to be taken back.
    fn open_watched(
        &mut self,
        connection: u32,
        handover: Handover,
        grant: Grant,
        audit_session: u32,
        listener: OwnedFd,
    ) -> Result<(), Answer> {
        self.kernel_watches(audit_session).map_err(|error| broken(&error.to_string()))?;
        if !self.kernel_tells_of(audit_session) && self.settings.require_kernel_copy {
            return Err(refuse(
                "no-kernel-copy",
                "this host demands the kernel's own copy of what runs, and can't have it now; tell its administrator",
            ));
        }
        let state = self.new_state(handover, &grant, audit_session)?;
        // Before the use is counted: a full disk must not cost one.
        if !self.spool.has_room(8_000) {
            return Err(refuse(
                "no-space",
                "sessions can't be recorded on this host now: no space is left; tell its administrator",
            ));
        }
        self.check_revoked(&state, &grant)?;
        if self.hung_up(connection) {
            // The module gave up, and with it the login; what /proc said of its number may be somebody else's.
            return Err(broken("the login is gone"));
        }
        self.take_use(&grant)?;
        self.begin(connection, state, grant, listener).map_err(|error| broken(&error.to_string()))
    }

    /// Sessions that are open already and forbid this one.
    fn check_others(&self, grant: &Grant, handover: &Handover, audit_session: u32) -> Result<(), Answer> {
        let digest = grant.digest();
        let mut same = 0;
        for live in self.sessions.values() {
            if live.state.audit_session == audit_session {
                return Err(refuse("session-open", "a session with this audit id is open already"));
            }
            if live.is_under(&digest) {
                same += 1;
            } else if live.state.handover.uid == handover.uid && !self.settings.shared_accounts {
                return Err(in_use(&handover.account));
            }
        }
        for unserved in self.unserved(&digest) {
            match unserved {
                Counts::SameGrant => same += 1,
                Counts::OtherGrant(uid) if uid == handover.uid && !self.settings.shared_accounts => {
                    return Err(in_use(&handover.account));
                }
                Counts::OtherGrant(_) => {}
                Counts::Unknown => {
                    return Err(refuse(
                        "session-file",
                        "the file of another session can't be read on this host; tell its administrator",
                    ));
                }
            }
        }
        enough(grant, same)
    }

    /// Revoked since the module looked? From here on a new list is noticed when it comes.
    fn check_revoked(&self, state: &SessionState, grant: &Grant) -> Result<(), Answer> {
        let trust = HostConfig::load(&self.settings.config).and_then(|host| host.trust());
        let trust = trust.map_err(|_| {
            refuse("configuration", "this host's access configuration is not usable; tell its administrator")
        })?;
        match trust.revoked.meets(&grant.digest(), state.handover.serial, &grant.person) {
            Some(_) => Err(refuse("revoked", format!("grant {} was revoked; ask who approved it", grant.id))),
            None => Ok(()),
        }
    }

    /// Counts the use, durably, before anything else is.
    pub(super) fn take_use(&self, grant: &Grant) -> Result<(), Answer> {
        let Some(limit) = grant.uses else { return Ok(()) };
        match self.uses.take(&grant.digest(), grant.window.closes(), limit.get()) {
            Ok(true) => Ok(()),
            Ok(false) => Err(refuse(
                "uses",
                format!(
                    "grant {} allowed {limit} login(s), and they are used up; ask for a new one",
                    grant.id
                ),
            )),
            Err(_) => {
                Err(refuse("uses", "the host can't count the use of the grant; tell its administrator"))
            }
        }
    }

    fn new_state(
        &self,
        handover: Handover,
        grant: &Grant,
        audit_session: u32,
    ) -> Result<SessionState, Answer> {
        let (now, wall) = (Boottime::now(), u64::try_from(wall_millis()).unwrap_or(0));
        let until = |time: grant::UnixTime| (time.secs() * 1000).saturating_sub(wall);
        let maximum = self.settings.maximum_session.saturating_mul(1000);
        let window = until(grant.window.closes());
        if window == 0 {
            return Err(refuse("closed", format!("grant {} has closed; ask for a new one", grant.id)));
        }
        let outer = grant.extendable_to.map_or(window, until).min(maximum);
        let after = |millis: u64| Boottime(now.0.saturating_add(millis.saturating_mul(1_000_000)));
        Ok(SessionState {
            boot_id: self.boot_id.clone(),
            audit_session,
            segment: self.spool.position().segment,
            opened: wall_millis(),
            began: Some(Boottime::now()),
            deadline: after(window.min(maximum)),
            outer: after(outer),
            limit: if maximum < window { "host_limit" } else { "window_closed" }.to_owned(),
            scope: session_scope(handover.monitor),
            monitor_start: start_and_state(handover.monitor).map_or(0, |(start, _)| start),
            recorded: false,
            logged_out: false,
            extensions: Vec::new(),
            unrecorded: 0,
            asked: Vec::new(),
            ending: None,
            handover,
        })
    }

    /// Keeps everything that a next recorder needs, then puts `session.open` into the spool's buffer.
    fn begin(
        &mut self,
        connection: u32,
        mut state: SessionState,
        grant: Grant,
        listener: OwnedFd,
    ) -> std::io::Result<()> {
        if state.scope.is_none() {
            state.scope = own_cgroup::make(&state.handover.session, state.handover.monitor);
        }
        let session = state.handover.session.clone();
        let kept = self.states.put(&state).and_then(|()| self.store.keep(&session, listener.as_fd()));
        notify_ffi::wake_quickly(listener.as_fd());
        let line = self.open_record(&state, &grant);
        let key = match kept.and_then(|()| self.adopt(state, grant, Some(listener))) {
            Ok(key) => key,
            Err(error) => {
                // The login is refused, so nothing of it stays.
                let _ = self.states.remove(&session);
                let _ = self.store.release(&session);
                return Err(error);
            }
        };
        self.spool.append(&line);
        self.opening.push((key, connection));
        Ok(())
    }

    /// Puts a session into the loop, which the kernel watches already.
    pub(super) fn adopt(
        &mut self,
        state: SessionState,
        grant: Grant,
        listener: Option<OwnedFd>,
    ) -> std::io::Result<u32> {
        let key = self.key();
        // The same process only if it started when the session did.
        let pid = state.handover.monitor;
        let monitor = Pidfd::open(pid)
            .ok()
            .filter(|_| start_and_state(pid).is_some_and(|(start, _)| start == state.monitor_start));
        if let Some(monitor) = &monitor {
            self.watch(monitor, Token::Monitor(key))?;
        }
        if grant.features.sudo {
            // pam_jit looks here from sudo's account stack.
            let folder = self.settings.runtime.join("sudo");
            std::fs::create_dir_all(&folder)?;
            // Whose it is, for the sweep.
            std::fs::write(folder.join(state.audit_session.to_string()), &state.handover.session)?;
        }
        // Last: systemd's store has the same file, so that epoll would go on with it after a failure.
        if let Some(listener) = &listener {
            self.watch(listener, Token::Listener(key))?;
        }
        let (logged_out, unrecorded) = (state.logged_out, state.unrecorded);
        let live = Live {
            state,
            grant,
            listener,
            monitor,
            seq: 0,
            bytes: 0,
            pending: HashMap::new(),
            differences: 0,
            unrecorded,
            cost: (Boottime(0), 0),
            last: None,
            first: None,
            logged_out,
            warned: 0,
            untold: None,
            told_full: None,
            over: None,
            ending: None,
        };
        self.sessions.insert(key, live);
        Ok(key)
    }

    /// After the commit: the login is confirmed, or everything of it is taken back.
    pub(super) fn opened(&mut self, key: u32, connection: u32, durable: bool) {
        let Some(live) = self.sessions.get_mut(&key) else { return };
        live.state.recorded = durable;
        let kept = durable && self.states.put(&live.state).is_ok();
        let reply = if kept {
            Answer::Open
        } else {
            refuse("spool", "the host can't record the session; tell its administrator")
        };
        if durable && !kept {
            // Whoever reads that it opened must read that it is over.
            self.never_began(key);
        } else if !kept {
            self.forget(key);
        }
        self.replies.push((connection, reply.to_string()));
    }

    fn open_record(&self, state: &SessionState, grant: &Grant) -> String {
        let handover = &state.handover;
        let facts = Facts {
            session: Some(handover.session.clone()),
            grant: Some(grant.id.to_string()),
            grant_digest: Some(grant.digest().to_string()),
            vendor: Some(grant.vendor.to_string()),
            person: Some(grant.person.to_string()),
            account: Some(handover.account.clone()),
            source: handover.source.parse().ok(),
            serial: Some(handover.serial),
            key: Some(handover.key.clone()),
            approved_by: handover.approved_by.clone(),
            closes: Some(grant.window.closes().secs()),
            pid: u32::try_from(handover.monitor).ok(),
            service: Some(handover.service.clone()),
            ..Facts::default()
        };
        Record { time: state.opened, event: Event::SessionOpen, host: handover.host.clone(), facts }.json()
    }

    /// The open sessions, for an administrator.
    pub(super) fn list(&mut self, connection: u32) {
        let now = Boottime::now();
        let mut sessions = 0;
        for live in self.sessions.values() {
            sessions += 1;
            let clip = |text: &String| text.chars().take(200).collect();
            let open = OpenSession {
                session: live.id().to_owned(),
                person: live.grant.person.to_string(),
                grant: live.grant.id.to_string(),
                account: live.state.handover.account.clone(),
                source: live.state.handover.source.clone(),
                opened: u64::try_from(live.state.opened / 1000).unwrap_or(0),
                left: live.state.deadline.millis_since(now) / 1000,
                commands: live.seq,
                last: live.last.as_ref().map(clip),
                detached: live.logged_out,
                audit_session: live.state.audit_session,
            };
            self.replies.push((connection, json(&Reply::Session(Box::new(open)))));
        }
        self.replies.push((connection, json(&Reply::Done { sessions })));
    }
}

//! Sessions that stand in the state folder and are not in the loop: one that could not be taken up, or whose file can't be
//! read. Nothing of them runs, and process 1 or the sweep ends them; but until then they are there, and count.

use audit::Event;
use audit::handover::Handover;
use grant::{Digest, Grant};

use super::Recorder;
use super::clock::Boottime;
use super::state::Unreadable;
use crate::ending::processes_of;

/// Such a session.
#[derive(Debug)]
pub(super) struct Unserved {
    session: String,
    /// What the module handed over, as far as that can be read.
    handover: Option<Handover>,
    /// Its deadline and its audit session id.
    ends: Option<(Boottime, u32)>,
}

/// What a session that is not served means for a login.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Counts {
    /// It is one more of this grant.
    SameGrant,
    /// It is under another grant in an account with this user id.
    OtherGrant(u32),
    /// Nobody knows whose it is.
    Unknown,
}

impl Unserved {
    fn counts(&self, digest: &Digest) -> Counts {
        let grant = |handover: &Handover| Grant::parse(handover.document.as_bytes()).ok();
        match self.handover.as_ref().map(|handover| (handover.uid, grant(handover))) {
            Some((_, Some(grant))) if grant.digest() == *digest => Counts::SameGrant,
            Some((uid, _)) => Counts::OtherGrant(uid),
            None => Counts::Unknown,
        }
    }
}

impl Recorder {
    /// Sessions that could not be taken up are kept in mind.
    pub(super) fn keep_in_mind(&mut self, handover: Handover, deadline: Boottime, audit_session: u32) {
        let session = handover.session.clone();
        let ends = Some((deadline, audit_session));
        self.unserved.push(Unserved { session, handover: Some(handover), ends });
    }

    /// So are those whose files can't be read, and that is said.
    pub(super) fn tell_unreadable(&mut self) -> std::io::Result<()> {
        for Unreadable { name, session, handover, boot_id } in self.states.unreadable()? {
            let over = boot_id.is_some_and(|boot| boot != self.boot_id);
            let what = match &handover {
                _ if session.is_empty() => "its name is no session's, and it counts for nothing",
                _ if over => "its session is over since the host was restarted",
                Some(_) => "its account is taken while it is there",
                None => "nobody enters while it is there",
            };
            let message = format!("the file of a session, {name}, can't be read: {what}");
            let about = Some(session.clone()).filter(|session| !session.is_empty());
            self.notice(Event::RecorderConfig, about, &message);
            if !over && !session.is_empty() {
                self.unserved.push(Unserved { session, handover, ends: None });
            }
        }
        Ok(())
    }

    /// What those that are still there mean for a login under this grant.
    pub(super) fn unserved(&self, digest: &Digest) -> Vec<Counts> {
        let there = |unserved: &&Unserved| {
            let runs = unserved.ends.is_none_or(|(deadline, audit_session)| {
                Boottime::now() < deadline || !processes_of(audit_session).is_empty()
            });
            runs && self.states.has(&unserved.session)
        };
        self.unserved.iter().filter(there).map(|unserved| unserved.counts(digest)).collect()
    }
}

//! What a record is about: the event's name, how loud it is, and how ECS and OCSF class it.
//!
//! The name is at once `event.action` in the JSON, the MSGID of the RFC 5424 frame and the word in the manual. It
//! is never renamed: alerts are written against it.

use std::fmt;

/// An event of the audit trail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Event {
    /// A login was refused.
    LoginRefuse,
    /// A login was admitted: a session begins.
    SessionOpen,
    /// A session's connection is over.
    SessionClose,
}

/// Severity as in RFC 5424 section 6.2.1; only those that we use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// 4: somebody should look.
    Warning,
    /// 6: as it should be.
    Informational,
}

impl Severity {
    /// The numerical code of RFC 5424.
    pub fn code(self) -> u8 {
        match self {
            Severity::Warning => 4,
            Severity::Informational => 6,
        }
    }
}

impl Event {
    /// Every event, for tables and tests.
    pub const ALL: [Event; 3] = [Event::LoginRefuse, Event::SessionOpen, Event::SessionClose];

    /// The stable name, such as `login.refuse`. At most 32 printable ASCII characters: it is a MSGID.
    pub fn name(self) -> &'static str {
        match self {
            Event::LoginRefuse => "login.refuse",
            Event::SessionOpen => "session.open",
            Event::SessionClose => "session.close",
        }
    }

    /// How loud the event is in syslog.
    pub fn severity(self) -> Severity {
        match self {
            Event::LoginRefuse => Severity::Warning,
            Event::SessionOpen | Event::SessionClose => Severity::Informational,
        }
    }

    /// ECS `event.category`.
    pub(crate) fn categories(self) -> &'static [&'static str] {
        match self {
            Event::LoginRefuse => &["authentication"],
            Event::SessionOpen => &["authentication", "session"],
            Event::SessionClose => &["session"],
        }
    }

    /// ECS `event.type`.
    pub(crate) fn types(self) -> &'static [&'static str] {
        match self {
            Event::LoginRefuse | Event::SessionOpen => &["start"],
            Event::SessionClose => &["end"],
        }
    }

    /// ECS `event.outcome`.
    pub(crate) fn outcome(self) -> &'static str {
        match self {
            Event::LoginRefuse => "failure",
            Event::SessionOpen | Event::SessionClose => "success",
        }
    }

    /// OCSF class: 3002 is Authentication.
    pub(crate) fn ocsf_class(self) -> u32 {
        match self {
            Event::LoginRefuse | Event::SessionOpen | Event::SessionClose => 3002,
        }
    }

    /// OCSF activity within the class: 1 is Logon, 2 is Logoff.
    pub(crate) fn ocsf_activity(self) -> u32 {
        match self {
            Event::LoginRefuse | Event::SessionOpen => 1,
            Event::SessionClose => 2,
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_a_message_id_of_rfc_5424() {
        for event in Event::ALL {
            let name = event.name();
            assert!((1..=32).contains(&name.len()), "{name}");
            assert!(name.bytes().all(|b| (33..=126).contains(&b)), "{name}");
        }
    }
}

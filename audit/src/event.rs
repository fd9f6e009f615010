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
    /// A program was started, or could not be, inside a session.
    SessionCommand,
    /// A session goes on under another grant.
    SessionExtend,
    /// A session is over: no process of it is left.
    SessionClose,
    /// A recorder started.
    RecorderStart,
    /// Something can't be recorded: no space is left.
    RecorderFull,
    /// A file of the host's configuration changed and can't be used.
    RecorderConfig,
    /// The sweep ended what should have been over.
    SweepEnd,
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
    pub const ALL: [Event; 9] = [
        Event::LoginRefuse,
        Event::SessionOpen,
        Event::SessionCommand,
        Event::SessionExtend,
        Event::SessionClose,
        Event::RecorderStart,
        Event::RecorderFull,
        Event::RecorderConfig,
        Event::SweepEnd,
    ];

    /// The event of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.name() == name)
    }

    /// The stable name, such as `login.refuse`. At most 32 printable ASCII characters: it is a MSGID.
    pub fn name(self) -> &'static str {
        match self {
            Event::LoginRefuse => "login.refuse",
            Event::SessionOpen => "session.open",
            Event::SessionCommand => "session.command",
            Event::SessionExtend => "session.extend",
            Event::SessionClose => "session.close",
            Event::RecorderStart => "recorder.start",
            Event::RecorderFull => "recorder.full",
            Event::RecorderConfig => "recorder.config",
            Event::SweepEnd => "sweep.end",
        }
    }

    /// How loud the event is in syslog.
    pub fn severity(self) -> Severity {
        match self {
            Event::LoginRefuse | Event::RecorderFull | Event::RecorderConfig | Event::SweepEnd => {
                Severity::Warning
            }
            Event::SessionOpen
            | Event::SessionCommand
            | Event::SessionExtend
            | Event::SessionClose
            | Event::RecorderStart => Severity::Informational,
        }
    }

    /// ECS `event.category`.
    pub(crate) fn categories(self) -> &'static [&'static str] {
        match self {
            Event::LoginRefuse => &["authentication"],
            Event::SessionOpen => &["authentication", "session"],
            Event::SessionExtend | Event::SessionClose => &["session"],
            Event::SessionCommand => &["process"],
            Event::RecorderStart | Event::RecorderFull | Event::RecorderConfig => &["host"],
            Event::SweepEnd => &["session", "process"],
        }
    }

    /// ECS `event.type`.
    pub(crate) fn types(self) -> &'static [&'static str] {
        match self {
            Event::LoginRefuse | Event::SessionOpen | Event::SessionCommand | Event::RecorderStart => {
                &["start"]
            }
            Event::SessionExtend => &["change"],
            Event::SessionClose | Event::SweepEnd => &["end"],
            Event::RecorderFull | Event::RecorderConfig => &["error"],
        }
    }

    /// ECS `event.outcome`.
    pub(crate) fn outcome(self) -> &'static str {
        match self {
            Event::LoginRefuse | Event::RecorderFull | Event::RecorderConfig => "failure",
            _ => "success",
        }
    }

    /// OCSF class: 3002 is Authentication, 1007 Process Activity, 0 Base Event.
    pub(crate) fn ocsf_class(self) -> u32 {
        match self {
            Event::LoginRefuse | Event::SessionOpen | Event::SessionExtend | Event::SessionClose => 3002,
            Event::SessionCommand | Event::SweepEnd => 1007,
            Event::RecorderStart | Event::RecorderFull | Event::RecorderConfig => 0,
        }
    }

    /// OCSF activity within the class: 1 is Logon or Launch, 2 is Logoff or Terminate, 99 another.
    pub(crate) fn ocsf_activity(self) -> u32 {
        match self {
            Event::LoginRefuse | Event::SessionOpen | Event::SessionCommand => 1,
            Event::SessionClose | Event::SweepEnd => 2,
            Event::SessionExtend | Event::RecorderStart | Event::RecorderFull | Event::RecorderConfig => 99,
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

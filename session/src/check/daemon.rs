//! Doors 801-809: whether sshd could be asked at all, and about everything.

use std::fs;
use std::path::Path;

use super::connection::{self, Connection};
use super::door::{Door, Finding};
use super::sshd::SshdError;

static NO_ANSWER: Door = Door::error(
    801,
    "sshd does not say what holds",
    "the doors that it keeps could not be looked at",
    "let `sshd -t` succeed; it needs its host keys, /run/sshd, and root",
);
static NOT_ALL: Door = Door::warning(
    802,
    "sshd's configuration tells more connections apart than were asked about",
    "a door that is open for some addresses only may be missed",
    "use fewer Match blocks on addresses",
);
static NOT_ASKED: Door = Door::warning(
    803,
    "a Match block could not be asked about",
    "a door that is open for some addresses only may be missed",
    "look at it by hand with `sshd -T -C user=ACCOUNT,host=HOST,addr=ADDRESS`",
);
static OPTIONS: Door = Door::warning(
    804,
    "sshd is started with options",
    "options on its command line beat its configuration, and were not looked at",
    "move them into sshd_config",
);

/// The doors of this area.
pub(super) static DOORS: [&Door; 4] = [&NO_ANSWER, &NOT_ALL, &NOT_ASKED, &OPTIONS];

/// sshd's own default.
const DEFAULT_CONFIG: &str = "/etc/ssh/sshd_config";
/// Where distributions keep the options of the service.
const OPTION_FILES: [(&str, &str); 2] =
    [("/etc/default/ssh", "SSHD_OPTS="), ("/etc/sysconfig/sshd", "OPTIONS=")];

/// Looks at what was left out, and at how the system's own sshd is started.
pub(super) fn look(config: &Path, cut: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    if cut {
        findings.push(NOT_ALL.open(format!("more than {}", connection::MOST)));
    }
    if config == Path::new(DEFAULT_CONFIG) {
        for (file, name) in OPTION_FILES {
            let text = fs::read_to_string(file).unwrap_or_default();
            let options = text.lines().filter_map(|line| line.trim().strip_prefix(name));
            let options =
                options.map(|value| value.trim_matches(['"', '\''])).filter(|value| !value.is_empty());
            findings.extend(options.map(|value| OPTIONS.open(format!("{value} in {file}"))));
        }
    }
    findings
}

/// sshd's refusal to answer about an ordinary connection, or about one that was made up for a `Match`.
pub(super) fn no_answer(error: &SshdError, connection: &Connection) -> Finding {
    let said = match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    };
    if connection::ordinary().contains(connection) {
        NO_ANSWER.open(said)
    } else {
        NOT_ASKED.open(format!("{connection}: {said}"))
    }
}

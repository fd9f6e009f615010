//! `jit check`: every door of this host that a vendor must not have, looked at one area after another.
//!
//! sshd is asked about every vendor account from every kind of address that its configuration tells
//! apart; the other areas read the files that decide. Nothing is changed. This file is the order;
//! each area keeps its own doors.

use std::collections::BTreeMap;
use std::path::PathBuf;

pub(crate) mod accounts;
pub(crate) mod authentication;
mod certificates;
mod clock;
pub mod connection;
mod daemon;
pub mod door;
mod files;
pub(crate) mod forwarding;
mod kernel_clock_ffi;
pub mod kernel_gate_ffi;
pub(crate) mod pam;
pub mod pam_flow;
pub mod pam_guard;
pub mod pam_stack;
pub(crate) mod recorder;
pub mod report;
pub mod sshd;
pub(crate) mod sshd_files;
mod trust;

use certificates::Ours;
use connection::Connection;
use door::{Door, Finding};
use grant::UnixTime;
use report::Report;
use sshd::{Effective, Sshd};

use crate::trust::Place;

/// What to check, and where.
#[derive(Debug, Clone)]
pub struct Request {
    /// The host configuration.
    pub config: PathBuf,
    /// sshd and its configuration.
    pub sshd: Sshd,
    /// The directory of PAM services.
    pub pam_directory: PathBuf,
    /// The time.
    pub now: UnixTime,
}

/// Every door that is looked at.
pub fn doors() -> impl Iterator<Item = &'static Door> {
    let areas: [&[&'static Door]; 10] = [
        &files::DOORS,
        &trust::DOORS,
        &accounts::DOORS,
        &authentication::DOORS,
        &certificates::DOORS,
        &forwarding::DOORS,
        &pam::DOORS,
        &clock::DOORS,
        &daemon::DOORS,
        &recorder::DOORS,
    ];
    areas.into_iter().flatten().copied()
}

/// Looks at every door.
#[must_use]
pub fn check(request: &Request) -> Report {
    let (read, mut findings) = files::look(&request.config);
    let ours = Ours {
        path: &request.config,
        config: read.config.as_ref(),
        ca_keys: read.ca_keys.as_deref(),
        sshd: &request.sshd,
    };
    let group =
        read.config.as_ref().map_or(hostfile::host_toml::DEFAULT_GROUP, |config| &config.vendor_group);
    let (accounts, found) = accounts::look(group);
    findings.extend(found);

    let sshd_files = sshd_files::read(&request.sshd.config);
    let (connections, cut) = connection::worth_asking(sshd_files.match_lines.iter().map(String::as_str));
    findings.extend(daemon::look(&request.sshd.config, cut));

    let mut asked = Asked { sshd: &request.sshd, connections: &connections, findings: &mut findings };
    let mut inside = None;
    for account in &accounts.vendors {
        inside = asked.about_vendor(account, ours).or(inside);
    }
    let mut outside = None;
    for account in &accounts.outsiders {
        outside = asked.about_outsider(account, inside.as_ref(), ours).or(outside);
    }

    let service = inside.or(outside).map_or_else(|| "sshd".to_owned(), |any| request.sshd.pam_service(&any));
    findings.extend(pam::look(&pam::Place {
        directory: &request.pam_directory,
        service: &service,
        group,
        config: &request.config,
    }));
    let services =
        [service.as_str(), "common-account", "common-session", "su", "su-l", "login", "cron", "sudo"];
    findings.extend(files::look_at_others(&sshd_files.files, &request.pam_directory, &services));
    findings.extend(clock::look());
    let mut source = None;
    if let Some(host) = &read.config {
        findings.extend(trust::look(host, &Place::of(&request.config), request.now));
        let (found, told_by) = recorder::look(host);
        findings.extend(found);
        source = told_by;
        if let Some(table) = &host.recorder {
            findings.extend(recorder::look_at_accounts(&accounts.vendors));
            findings.extend(recorder::look_at_scopes(table));
            findings.extend(recorder::look_at_scope_makers(Some(table), &request.pam_directory, &service));
        }
    }
    Report::new(read.config.map(|config| config.host.to_string()), accounts.vendors, findings)
        .with_source(source)
}

/// sshd's answers so far.
struct Asked<'a> {
    sshd: &'a Sshd,
    connections: &'a [Connection],
    findings: &'a mut Vec<Finding>,
}

impl Asked<'_> {
    /// Asks about a vendor account from everywhere; gives one of the answers.
    fn about_vendor(&mut self, account: &str, ours: Ours<'_>) -> Option<Effective> {
        // The same answer has the same findings, and most connections have the same answer.
        let mut answers = BTreeMap::<Effective, Vec<&Connection>>::new();
        for connection in self.connections {
            if let Some(answer) = self.ask(account, connection) {
                answers.entry(answer).or_default().push(connection);
            }
        }
        let everywhere = answers.len() == 1;
        for (answer, from) in &answers {
            let mut found = authentication::look(answer);
            found.extend(certificates::look(answer, ours));
            found.extend(forwarding::look(answer));
            found.extend(pam::look_at_sshd(answer));
            for mut finding in found {
                if !everywhere && let Some(connection) = from.first() {
                    finding.detail.push_str(&format!(" ({connection})"));
                }
                self.findings.push(finding.about(account));
            }
        }
        answers.into_keys().next()
    }

    /// Asks about an account outside the vendor group; gives one of the answers.
    fn about_outsider(
        &mut self,
        account: &str,
        inside: Option<&Effective>,
        ours: Ours<'_>,
    ) -> Option<Effective> {
        let mut one = None;
        for connection in self.connections {
            let answer = self.ask(account, connection)?;
            let found = certificates::look_outside(account, &answer, inside, ours);
            one = Some(answer);
            if !found.is_empty() {
                self.findings.extend(found);
                break;
            }
        }
        one
    }

    fn ask(&mut self, account: &str, connection: &Connection) -> Option<Effective> {
        match self.sshd.effective(account, connection) {
            Ok(answer) => Some(answer),
            Err(error) => {
                self.findings.push(daemon::no_answer(&error, connection));
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_door_has_a_number_of_its_own() {
        let numbers: BTreeSet<u16> = doors().map(|door| door.number).collect();
        assert_eq!(numbers.len(), doors().count());
    }

    #[test]
    fn what_a_door_says_is_a_phrase_without_a_period() {
        for door in doors() {
            for text in [door.title, door.meaning, door.mend] {
                assert!(
                    !text.is_empty() && !text.ends_with('.') && text.is_ascii(),
                    "{}: {text}",
                    door.number
                );
            }
        }
    }
}

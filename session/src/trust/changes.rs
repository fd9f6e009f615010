//! What a bundle changes, in lines that a person reads before and after.

use std::collections::BTreeSet;

use grant::{Bundle, Revoked};
use hostfile::host_trust;

use super::known::{HostToml, Known};

/// One line for each change; none when only version and time differ.
#[must_use]
pub fn changes(known: &Known, bundle: &Bundle) -> Vec<String> {
    let mut lines = Vec::new();
    let config = match &known.host_toml {
        HostToml::Pinned { config, .. } => Some(&**config),
        HostToml::Unpinned(_) => {
            lines.push(format!("authority: {}", bundle.authority));
            lines.push(format!("host: {}", bundle.host));
            None
        }
    };
    let old = |read: Option<BTreeSet<String>>| read.unwrap_or_default();
    let roles = config.map(|config| config.roles.iter().map(ToString::to_string).collect());
    compare(&mut lines, "role", &old(roles), &bundle.roles.iter().map(ToString::to_string).collect());

    let fingerprint = |key: &grant::PublicKey| key.fingerprint().to_string();
    let ca_keys = config.and_then(|config| host_trust::ca_keys(&config.ca_keys).ok());
    let ca_keys = ca_keys.map(|keys| keys.iter().map(fingerprint).collect());
    compare(&mut lines, "CA key", &old(ca_keys), &bundle.ca_keys.iter().map(fingerprint).collect());

    let named = |approver: &grant::Approver| format!("{} {}", approver.name, approver.key.fingerprint());
    let approvers = config.and_then(|config| host_trust::approvers(&config.approvers).ok());
    let approvers = approvers.map(|approvers| approvers.iter().map(named).collect());
    compare(&mut lines, "approver", &old(approvers), &bundle.approvers.iter().map(named).collect());

    let revoked = config.and_then(|config| host_trust::revoked(&config.revoked).ok());
    let revoked = revoked.map(|revoked| entries(&revoked));
    compare(&mut lines, "revoked", &old(revoked), &entries(&bundle.revoked));
    lines
}

fn entries(revoked: &Revoked) -> BTreeSet<String> {
    let grants = revoked.grants.iter().map(|digest| format!("grant {digest}"));
    let serials = revoked.serials.iter().map(|serial| format!("certificate {serial}"));
    let persons = revoked.persons.iter().map(ToString::to_string);
    grants.chain(serials).chain(persons).chain(revoked.vendors.iter().map(ToString::to_string)).collect()
}

fn compare(lines: &mut Vec<String>, what: &str, old: &BTreeSet<String>, new: &BTreeSet<String>) {
    lines.extend(new.difference(old).map(|value| format!("{what}: + {value}")));
    lines.extend(old.difference(new).map(|value| format!("{what}: - {value}")));
}

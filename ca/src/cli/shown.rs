//! A grant as people and programs see it; shared by `grant`, `list`, `approve`, `inspect`.
//!
//! People read words and their local zone. Programs read every field of the document under its own name,
//! times in UTC, absent values as null.

use ca::ledger::certificate::StoredCertificate;
use ca::ledger::grant_record::Standing;
use ca::moment::{Local, span};
use grant::{Grant, UnixTime};
use serde_json::{Value, json};

/// Texts joined by commas, or `-`.
pub(crate) fn joined<T: ToString>(values: impl IntoIterator<Item = T>) -> String {
    let values: Vec<_> = values.into_iter().map(|v| v.to_string()).collect();
    if values.is_empty() { "-".to_owned() } else { values.join(", ") }
}

/// Hosts by name and by role.
pub(crate) fn places(grant: &Grant) -> String {
    let hosts = grant.hosts.iter().map(ToString::to_string);
    let roles = grant.roles.iter().map(|role| format!("every host with role {role}"));
    joined(hosts.chain(roles))
}

/// What in a grant only a host with a recorder enforces; other hosts refuse such a grant.
pub(crate) fn needs_recorder(grant: &Grant) -> Option<String> {
    let limits = [
        ("uses", grant.uses.is_some()),
        ("sessions", grant.sessions.is_some()),
        ("extendable-to", grant.extendable_to.is_some()),
        ("sudo", grant.features.sudo),
    ];
    let used: Vec<_> = limits.into_iter().filter_map(|(name, used)| used.then_some(name)).collect();
    (!used.is_empty()).then(|| used.join(", "))
}

/// What a grant says, as lines of a name and a value.
pub(crate) fn pairs(grant: &Grant) -> Vec<(&'static str, String)> {
    let mut pairs = vec![
        ("who", grant.person.to_string()),
        ("keys", joined(&grant.keys)),
        ("where", places(grant)),
        ("as", joined(&grant.accounts)),
        ("from", grant.sources.to_string().replace(',', ", ")),
        (
            "may use",
            match grant.features.to_string().as_str() {
                "-" => "commands only".to_owned(),
                features => features.replace(',', ", "),
            },
        ),
        ("opens", Local(grant.window.opens()).to_string()),
        ("closes", Local(grant.window.closes()).to_string()),
    ];
    pairs.extend(grant.extendable_to.map(|to| ("extendable to", Local(to).to_string())));
    pairs.extend(grant.uses.map(|n| ("logins", format!("{n} at most"))));
    pairs.extend(grant.sessions.map(|n| ("sessions", format!("{n} at a time"))));
    pairs.push(("why", grant.reason.to_string()));
    pairs.extend(grant.ticket.as_ref().map(|ticket| ("ticket", ticket.to_string())));
    pairs.push(("approvals", format!("{} needed", grant.approvals)));
    pairs
}

/// What a grant says, for programs.
pub(crate) fn grant_json(grant: &Grant) -> Value {
    let texts = |values: Vec<String>| Value::from(values);
    json!({
        "id": grant.id.as_str(),
        "digest": grant.digest().to_string(),
        "authority": grant.authority.to_string(),
        "vendor": grant.vendor.as_str(),
        "person": grant.person.as_str(),
        "keys": texts(grant.keys.iter().map(ToString::to_string).collect()),
        "hosts": texts(grant.hosts.iter().map(ToString::to_string).collect()),
        "roles": texts(grant.roles.iter().map(ToString::to_string).collect()),
        "accounts": texts(grant.accounts.iter().map(ToString::to_string).collect()),
        "from": grant.sources.to_string().split(',').collect::<Vec<_>>(),
        "features": grant.features.to_string().split(',').filter(|f| *f != "-").collect::<Vec<_>>(),
        "opens": grant.window.opens().to_string(),
        "closes": grant.window.closes().to_string(),
        "extendable_to": grant.extendable_to.map(|t| t.to_string()),
        "uses": grant.uses,
        "sessions": grant.sessions,
        "reason": grant.reason.as_str(),
        "ticket": grant.ticket.as_ref().map(|t| t.as_str()),
        "approvals_needed": grant.approvals,
    })
}

/// A grant and where it stands, for programs.
pub(crate) fn standing_json(standing: &Standing, now: UnixTime) -> Value {
    let mut value = grant_json(&standing.record.grant);
    value["state"] = standing.state(now).word().into();
    value["created_at"] = standing.record.created_at.to_string().into();
    let approvals = standing.approvals.iter().map(|approval| {
        json!({
            "approver": approval.approver.as_str(),
            "fingerprint": approval.fingerprint.to_string(),
            "approved_at": approval.approved_at.to_string(),
            "counts": approval.counts,
        })
    });
    value["approvals"] = approvals.collect::<Vec<_>>().into();
    value["denied"] = standing.denial.as_ref().map_or(Value::Null, |denial| {
        json!({
            "approver": denial.approver,
            "reason": denial.reason,
            "denied_at": denial.denied_at.to_string(),
        })
    });
    value["revoked"] = standing.revocation.as_ref().map_or(Value::Null, |revocation| {
        json!({
            "what": revocation.target.to_string(),
            "reason": revocation.reason,
            "revoked_at": revocation.revoked_at.to_string(),
        })
    });
    value
}

/// Where a grant stands, as lines of a name and a value.
pub(crate) fn standing_pairs(standing: &Standing, now: UnixTime) -> Vec<(&'static str, String)> {
    let grant = &standing.record.grant;
    let mut pairs = vec![("grant", grant.id.to_string()), ("state", state(standing, now))];
    pairs.extend(self::pairs(grant));
    for approval in &standing.approvals {
        let ended = if approval.counts { "" } else { ", does not count: the approver or the key has ended" };
        pairs.push((
            "approved by",
            format!(
                "{} on {} with {}{ended}",
                approval.approver,
                Local(approval.approved_at),
                approval.fingerprint
            ),
        ));
    }
    if let Some(denial) = &standing.denial {
        pairs.push((
            "denied by",
            format!("{} on {}: {}", denial.approver, Local(denial.denied_at), denial.reason),
        ));
    }
    if let Some(revoked) = &standing.revocation {
        pairs.push((
            "revoked",
            format!("{} on {}: {}", revoked.target, Local(revoked.revoked_at), revoked.reason),
        ));
    }
    pairs
}

/// The state with what to expect of it.
fn state(standing: &Standing, now: UnixTime) -> String {
    use ca::ledger::grant_record::State;
    let (grant, state) = (&standing.record.grant, standing.state(now));
    let (opens, closes) = (grant.window.opens(), grant.window.closes());
    match state {
        State::Pending => {
            let counted = standing.counted();
            format!(
                "pending, {counted} of {} approvals, lapses in {}",
                grant.approvals,
                span(closes.since(now))
            )
        }
        State::Approved => format!("approved, opens in {}", span(opens.since(now))),
        State::Open => format!("open for another {}", span(closes.since(now))),
        State::Closed | State::Lapsed => format!("{} {} ago", state.word(), span(now.since(closes))),
        State::Denied | State::Revoked => state.word().to_owned(),
    }
}

/// A certificate for programs.
pub(crate) fn certificate_json(certificate: &StoredCertificate) -> Value {
    json!({
        "serial": certificate.serial,
        "fingerprint": certificate.fingerprint.to_string(),
        "issued_at": certificate.issued_at.to_string(),
        "valid_after": certificate.valid_after.to_string(),
        "valid_before": certificate.valid_before.to_string(),
    })
}

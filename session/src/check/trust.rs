//! Doors 121-129: the trust bundle that this host goes by. Only where there is one, or where host.toml asks for one.

use grant::{MaximumAge, SignedBundle, UnixTime};
use hostfile::{HostConfig, host_trust};

use super::door::{Door, Finding};
use crate::trust::known::{HostToml, Known};
use crate::trust::{Place, TrustError};

static HALF: Door = Door::error(
    121,
    "a trust bundle is half applied",
    "the files of this host are a mixture of two bundles, which lets in less than either",
    "finish it: jit trust --drop /var/lib/jit/trust/incoming (jit-trust.service does so at boot)",
);
static OLD: Door = Door::warning(
    122,
    "the trust bundle is old",
    "what was revoked since then has not reached this host",
    "apply a new one: ca host bundle HOST -o FILE, and on this host jit trust FILE",
);
static TOO_OLD: Door = Door::error(
    123,
    "the trust bundle is older than host.toml allows, or there is none",
    "no vendor can log in",
    "apply a new one: ca host bundle HOST -o FILE, and on this host jit trust FILE",
);
static DAMAGED: Door = Door::error(
    124,
    "a bundle that this host keeps is damaged",
    "versions can't be compared, so `jit trust` refuses every bundle",
    "remove it and apply a new bundle",
);
static DIFFERS: Door = Door::warning(
    125,
    "what this host believes is not what its trust bundle says",
    "somebody changed it by other means, and the next bundle overwrites it",
    "apply a new bundle from the authority",
);

/// The doors of this area.
pub(super) static DOORS: [&Door; 5] = [&HALF, &OLD, &TOO_OLD, &DAMAGED, &DIFFERS];

/// Without `trust_max_age`, the age at which somebody should look, in seconds: a week.
const A_WHILE: u64 = 7 * 86_400;

/// Looks at the bundle of a host whose host.toml can be read.
pub(super) fn look(host: &HostConfig, place: &Place, now: UnixTime) -> Vec<Finding> {
    let known = match Known::read(place) {
        Ok(known) => known,
        Err(error @ TrustError::Kept { .. }) => return vec![DAMAGED.open(error.to_string())],
        // A file that others can write, say; what host.toml itself lacks, other doors tell.
        Err(error) => return vec![DAMAGED.open(error.to_string())],
    };
    let mut findings = Vec::new();
    if let Some(pending) = &known.pending {
        findings.push(HALF.open(format!("version {}", pending.bundle().version)));
    }
    findings.extend(age(host, known.applied.as_ref(), now));
    if let (Some(applied), None, HostToml::Pinned { config, .. }) =
        (&known.applied, &known.pending, &known.host_toml)
    {
        findings.extend(differs(config, applied).map(|what| DIFFERS.open(what)));
    }
    findings
}

fn age(host: &HostConfig, applied: Option<&SignedBundle>, now: UnixTime) -> Option<Finding> {
    let made = applied.map(|signed| signed.bundle().made);
    let seen = match made {
        Some(made) => format!("it was made at {made}, and it is {now}"),
        None => "none was applied".to_owned(),
    };
    let limit = MaximumAge { made, seconds: host.trust_max_age.unwrap_or(u64::MAX) };
    let aged = |seconds| made.is_some_and(|made| now.since(made) >= seconds);
    match host.trust_max_age {
        Some(seconds) if limit.made.is_none() || aged(seconds) => Some(TOO_OLD.open(seen)),
        // The last quarter: time to look why no newer one came.
        Some(seconds) if aged(seconds - seconds / 4) => Some(OLD.open(seen)),
        None if aged(A_WHILE) => Some(OLD.open(seen)),
        _ => None,
    }
}

/// What differs, the first thing of it.
fn differs(config: &HostConfig, applied: &SignedBundle) -> Option<String> {
    let bundle = applied.bundle();
    let trust = config.trust().ok()?;
    let ca_keys = trust.ca_keys.len() == bundle.ca_keys.len()
        && trust.ca_keys.iter().all(|key| bundle.ca_keys.contains(key));
    let approvers = trust.approvers.iter().eq(bundle.approvers.iter());
    let revoked = host_trust::revoked(&config.revoked).is_ok_and(|list| list == bundle.revoked);
    let parts = [
        ("host", config.host == bundle.host),
        ("authority", config.authority == bundle.authority),
        ("roles", config.roles == bundle.roles),
        ("CA keys", ca_keys),
        ("approvers", approvers),
        ("revoked list", revoked),
    ];
    let other: Vec<_> = parts.iter().filter(|(_, same)| !same).map(|(what, _)| *what).collect();
    (!other.is_empty())
        .then(|| format!("the {} differ from version {}", other.join(" and the "), bundle.version))
}

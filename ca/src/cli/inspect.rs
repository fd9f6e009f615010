//! `ca inspect`.
//!
//! Prints claims as claims, and the verdict last. A certificate that can be read is described with exit
//! code 0, whatever the verdict; one that cannot be read is an error.

use std::net::IpAddr;
use std::path::PathBuf;

use ca::inspect::{self, Inspection, Try};
use ca::moment::{Local, span};
use clap::Args;
use grant::{AccountName, HostName, UnixTime, Verdict};
use serde_json::{Value, json};

use super::Context;
use super::shown::{self, joined};
use crate::printer::Failure;

/// Say in words what a certificate is, and whether a host would accept it now
///
/// The verdict is the one that the host's module makes, with what this ledger knows: the approvers, the
/// revocations, the host's roles. Any certificate can be read, also a foreign or an altered one.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ca inspect jo-cert.pub
  ca sign G-7F3K9Q -o - | ca inspect -
  ca inspect jo-cert.pub --host db2.prod --from 192.0.2.7")]
pub(crate) struct Inspect {
    /// The certificate file; - is standard input
    certificate: PathBuf,
    /// As if at this host; the first host of the grant unless given
    #[arg(long, value_name = "HOST")]
    host: Option<HostName>,
    /// As if logging in to this account; the first account of the grant unless given
    #[arg(long, value_name = "ACCOUNT")]
    account: Option<AccountName>,
    /// As if coming from this address; one that the grant allows unless given
    #[arg(long, value_name = "ADDRESS")]
    from: Option<IpAddr>,
}

impl Inspect {
    pub(crate) fn run(self, context: &Context) -> Result<(), Failure> {
        let authority = context.authority()?;
        let blob = inspect::read(&self.certificate)?;
        let place = self.certificate.display().to_string();
        let wanted =
            Try { host: self.host, account: self.account.map(|name| name.to_string()), source: self.from };
        let now = context.now();
        let found = inspect::inspect(&authority, &blob, &place, &wanted, now)?;
        if context.out.json {
            return context.out.json(&to_json(&found));
        }
        context.out.pairs(&pairs(&found, now))?;
        context.out.line(verdict_text(&found))
    }
}

fn moment(seconds: u64) -> String {
    if seconds == u64::MAX { "for ever".to_owned() } else { Local(UnixTime::from_secs(seconds)).to_string() }
}

fn validity(found: &Inspection, now: UnixTime) -> String {
    let (after, before) = (found.claims.valid_after(), found.claims.valid_before());
    let when = if now.secs() < after {
        format!("begins in {}", span(after - now.secs()))
    } else if now.secs() < before {
        if before == u64::MAX {
            "never ends".to_owned()
        } else {
            format!("another {}", span(before - now.secs()))
        }
    } else {
        format!("expired {} ago", span(now.secs() - before))
    };
    format!("from {} until {} ({when})", moment(after), moment(before))
}

fn pairs(found: &Inspection, now: UnixTime) -> Vec<(&'static str, String)> {
    let claims = &found.claims;
    let kind = if claims.cert_type().is_user() { "user" } else { "host" };
    let mut pairs = vec![
        ("certificate", format!("serial {}, {kind}, key id \"{}\"", claims.serial(), claims.key_id())),
        ("valid", validity(found, now)),
        ("key", found.key.clone()),
        (
            "signed by",
            format!(
                "{} ({})",
                found.signed_by,
                if found.ours { "this authority" } else { "not this authority" }
            ),
        ),
        (
            "ledger",
            if found.in_ledger { "has exactly this certificate" } else { "does not have this certificate" }
                .to_owned(),
        ),
    ];
    match &found.grant {
        Ok(grant) => {
            pairs.push(("grant", grant.id.to_string()));
            pairs.extend(shown::pairs(grant));
            let limits = shown::needs_recorder(grant);
            pairs.extend(limits.map(|limits| ("needs", format!("a host with a recorder, for {limits}"))));
        }
        Err(reason) => {
            pairs.push(("grant", reason.logged()));
            pairs.push(("principals", joined(claims.valid_principals())));
        }
    }
    for approval in &found.approvals {
        let who = approval
            .approver
            .as_ref()
            .map_or("nobody who is an approver now".to_owned(), ToString::to_string);
        let holds = if approval.holds { "" } else { ", a signature that does not hold" };
        pairs.push(("approved by", format!("{who} with {}{holds}", approval.fingerprint)));
    }
    pairs
}

fn verdict_text(found: &Inspection) -> String {
    let (Some((host, account, source)), Some(verdict)) = (&found.tried, &found.verdict) else {
        return "accepted now: not known, because no host is; name one with --host".to_owned();
    };
    let account = if account.is_empty() { "any account" } else { account };
    let login = format!("at {host} as {account} from {source}");
    match verdict {
        Verdict::Allow(terms) => format!("accepted now: yes, {login}, until {}", Local(terms.valid_before)),
        Verdict::Refuse(refusal) => {
            let told = refusal.reason.told();
            format!("accepted now: no, {login}: {}", told.trim_start_matches("access refused: "))
        }
    }
}

fn to_json(found: &Inspection) -> Value {
    let claims = &found.claims;
    let time = |seconds: u64| (seconds != u64::MAX).then(|| UnixTime::from_secs(seconds).to_string());
    let options = |map: &ssh_key::certificate::OptionsMap| -> Value {
        map.iter()
            .map(|(name, data)| (name.clone(), Value::from(data.clone())))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    let verdict = match (&found.tried, &found.verdict) {
        (Some((host, account, source)), Some(verdict)) => {
            let (accepted, reason, told) = match verdict {
                Verdict::Allow(_) => (true, None, None),
                Verdict::Refuse(refusal) => (false, Some(refusal.reason.code()), Some(refusal.reason.told())),
            };
            json!({
                "accepted": accepted,
                "reason": reason,
                "told": told,
                "host": host.as_str(),
                "account": account,
                "from": source.to_string(),
            })
        }
        _ => Value::Null,
    };
    json!({
        "serial": claims.serial(),
        "type": if claims.cert_type().is_user() { "user" } else { "host" },
        "key_id": claims.key_id(),
        "fingerprint": found.key,
        "signed_by": found.signed_by,
        "signed_by_this_authority": found.ours,
        "in_ledger": found.in_ledger,
        "valid_after": time(claims.valid_after()),
        "valid_before": time(claims.valid_before()),
        "principals": claims.valid_principals(),
        "critical_options": options(claims.critical_options()),
        "extensions": options(claims.extensions()),
        "grant": found.grant.as_ref().map_or(Value::Null, shown::grant_json),
        "approvals": found.approvals.iter().map(|approval| json!({
            "fingerprint": approval.fingerprint.to_string(),
            "approver": approval.approver.as_ref().map(ToString::to_string),
            "holds": approval.holds,
        })).collect::<Vec<_>>(),
        "verdict": verdict,
    })
}

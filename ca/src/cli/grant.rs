//! `ca grant`: create, show.
//!
//! Creating prints what was written down and, alone on the last line, the id. `show --document` prints the
//! exact bytes to sign and nothing else, so that ssh-keygen is enough to approve. The rules are in `ca::request`.

use std::num::NonZeroU32;

use ca::ledger::{certificate, grant_record};
use ca::limits;
use ca::moment::Local;
use ca::request::{self, Wish};
use clap::{ArgGroup, Args, Subcommand};
use grant::{
    AccountName, Features, GrantId, HostName, PersonName, ReasonText, RoleName, Sources, Ticket, UnixTime,
    Window,
};

use super::shown::{certificate_json, needs_recorder, standing_json, standing_pairs};
use super::{Context, span, time};
use crate::printer::{Failure, hint};

#[derive(Debug, Subcommand)]
pub(crate) enum Grant {
    Create(Box<Create>),
    Show(Show),
}

/// Ask for access: writes a request that approvers sign
///
/// The window opens now unless --opens says otherwise; a late approval does not move it. Everything that
/// --allow does not name is off. The last line is the grant's id.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ca grant create --person acme/jo --host db1.prod \\
      --account acme-support --for 30m --allow pty \\
      --reason 'restore the billing index' --ticket OPS-1234
  ca grant create --person acme/jo --role db \\
      --account acme-support --opens '2026-11-24 14:00' --for 1h30m \\
      --from 192.0.2.0/24 --allow pty,sftp,forward=db.internal:5432 \\
      --reason 'monthly maintenance' --approvals 2

Times: 14:00 (today), 2026-11-24, '2026-11-24 14:00' (local),
2026-11-24T14:00:00Z")]
#[command(group(ArgGroup::new("where").args(["hosts", "roles"]).required(true).multiple(true)))]
pub(crate) struct Create {
    /// Who, written vendor/name
    #[arg(long, value_name = "PERSON")]
    person: PersonName,
    /// On this host; can stand more than once
    #[arg(long = "host", value_name = "HOST")]
    hosts: Vec<HostName>,
    /// On every host with this role; can stand more than once
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<RoleName>,
    /// As this Unix account; can stand more than once
    #[arg(long = "account", value_name = "ACCOUNT", required = true)]
    accounts: Vec<AccountName>,
    /// For how long, for example 30m or 1h30m
    #[arg(long = "for", value_name = "DURATION")]
    lasts: String,
    /// From when; now unless given
    #[arg(long, value_name = "TIME")]
    opens: Option<String>,
    /// Only from this network; can stand more than once; from anywhere unless given
    #[arg(long = "from", value_name = "CIDR")]
    sources: Vec<String>,
    /// What else than commands: pty, sftp, forward=HOST:PORT, agent, sudo, joined by commas
    #[arg(long, value_name = "FEATURES")]
    allow: Option<Features>,
    /// At most so many logins
    #[arg(long, value_name = "N")]
    uses: Option<NonZeroU32>,
    /// At most so many sessions at a time
    #[arg(long, value_name = "N")]
    sessions: Option<NonZeroU32>,
    /// The window may be extended up to this time
    #[arg(long, value_name = "TIME")]
    extendable_to: Option<String>,
    /// Why, in one line
    #[arg(long, value_name = "TEXT")]
    reason: ReasonText,
    /// The tracker's number
    #[arg(long, value_name = "TICKET")]
    ticket: Option<Ticket>,
    /// How many approvers must sign; ca.toml says how many unless given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=8))]
    approvals: Option<u8>,
}

/// Show a grant, its approvals and its newest certificates
///
/// With --document: exactly the bytes that approvers sign, so that ssh-keygen alone is enough.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ca grant show G-7F3K9Q
  ca grant show G-7F3K9Q --document > grant
  ssh-keygen -Y sign -f ~/.ssh/id_ed25519 -n grant@pam-jit grant
  ca approve G-7F3K9Q --as kim --signature grant.sig")]
pub(crate) struct Show {
    /// The grant's id
    #[arg(value_parser = super::grant_id)]
    grant: GrantId,
    /// Print the exact document, and nothing else
    #[arg(long, conflicts_with = "json")]
    document: bool,
}

impl Grant {
    pub(crate) fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Create(command) => command.run(context),
            Self::Show(command) => command.run(context),
        }
    }
}

impl Create {
    fn run(self, context: &Context) -> Result<(), Failure> {
        let mut authority = context.authority()?;
        let now = context.now();
        let approvals = self.approvals.unwrap_or(authority.config().approvals);
        let wish = self.wish(approvals, now)?;
        let root = authority.config().authority;
        let change = authority.change(now)?;
        let grant = request::create(&change, root, wish)?;
        change.commit()?;
        let record = grant_record::find(authority.ledger(), &grant.id)?;
        let standing = grant_record::standing(authority.ledger(), record)?;
        if let Some(limits) = needs_recorder(&grant) {
            hint(&format!("only hosts with a recorder enforce {limits}; others refuse the grant"));
        }
        if context.out.json {
            return context.out.json(&standing_json(&standing, now));
        }
        let pairs = standing_pairs(&standing, now);
        context.out.pairs(pairs.get(1..).unwrap_or_default())?;
        context.out.line(&grant.id)
    }

    fn wish(self, approvals: u8, now: UnixTime) -> Result<Wish, Failure> {
        let lasts = span("--for <DURATION>", &self.lasts)?;
        let opens = self.opens.as_deref().map_or(Ok(now), |text| time("--opens <TIME>", text, now))?;
        let window = Window::new(opens, opens.plus(lasts)).map_err(|e| {
            Failure::usage(format!("invalid value '{}' for '--for <DURATION>': {e}", self.lasts))
        })?;
        let extendable_to =
            self.extendable_to.as_deref().map(|text| time("--extendable-to <TIME>", text, now));
        let sources = if self.sources.is_empty() {
            Sources::any()
        } else {
            let text = self.sources.join(",");
            text.parse()
                .map_err(|e| Failure::usage(format!("invalid value '{text}' for '--from <CIDR>': {e}")))?
        };
        Ok(Wish {
            person: self.person,
            hosts: self.hosts.into_iter().collect(),
            roles: self.roles.into_iter().collect(),
            accounts: self.accounts.into_iter().collect(),
            sources,
            features: self.allow.unwrap_or_default(),
            window,
            extendable_to: extendable_to.transpose()?,
            uses: self.uses,
            sessions: self.sessions,
            reason: self.reason,
            ticket: self.ticket,
            approvals,
        })
    }
}

impl Show {
    fn run(self, context: &Context) -> Result<(), Failure> {
        let authority = context.authority()?;
        let (ledger, now) = (authority.ledger(), context.now());
        let record = grant_record::find(ledger, &self.grant)?;
        if self.document {
            return context.out.raw(record.grant.render().as_bytes());
        }
        let standing = grant_record::standing(ledger, record)?;
        let number = standing.record.number;
        let (certificates, more) = certificate::newest_of(ledger, number, limits::SHOWN_CERTIFICATES)?;
        if context.out.json {
            let mut value = standing_json(&standing, now);
            value["document"] = standing.record.grant.render().into();
            value["certificates"] = certificates.iter().map(certificate_json).collect::<Vec<_>>().into();
            value["more_certificates"] = more.into();
            return context.out.json(&value);
        }
        let mut pairs = standing_pairs(&standing, now);
        pairs.push(("digest", standing.record.digest.to_string()));
        for certificate in &certificates {
            pairs.push((
                "certificate",
                format!(
                    "{} for {} until {}",
                    certificate.serial,
                    certificate.fingerprint,
                    Local(certificate.valid_before)
                ),
            ));
        }
        context.out.pairs(&pairs)?;
        if more {
            hint(&format!(
                "only the {} newest certificates are shown; `ca log --all` has all",
                certificates.len()
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::cli::shown::grant_json;

    #[test]
    fn json_says_everything_that_the_document_says() {
        let document = "pam-jit grant 1\nauthority: SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU\n\
            grant: G-7F3K9Q\nvendor: acme\nperson: acme/jo\n\
            keys: SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU\nhosts: db1.prod\nroles: -\n\
            accounts: acme-support\nfrom: any\nfeatures: pty,sftp\nopens: 2026-11-24T14:00:00Z\n\
            closes: 2026-11-24T14:30:00Z\nextendable-to: -\nuses: unlimited\nsessions: unlimited\n\
            reason: restore the billing index\nticket: OPS-1234\napprovals: 1\n";
        let value = grant_json(&grant::Grant::parse(document.as_bytes()).unwrap());
        for line in document.lines().skip(1) {
            let (key, text) = line.split_once(": ").unwrap();
            let key = match key {
                "grant" => "id",
                "approvals" => "approvals_needed",
                other => &other.replace('-', "_"),
            };
            let shown = &value[key];
            assert!(
                shown.is_null() == (text == "-" && key != "roles" || text == "unlimited"),
                "{key}: {shown}"
            );
            assert!(key != "opens" || shown == text);
        }
    }
}

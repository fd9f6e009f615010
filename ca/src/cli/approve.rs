//! `ca approve` and `ca deny`.
//!
//! What is signed is shown before the key is asked for, and verified again when it is written down. The
//! rules are in `ca::approve`.

use std::path::{Path, PathBuf};

use ca::agent::Agent;
use ca::ledger::grant_record;
use ca::{Authority, approve, durable, keys};
use clap::Args;
use grant::{Approval, ApproverName, GrantId, ReasonText};
use serde_json::json;

use super::shown::{self, standing_json};
use super::{Context, passphrase};
use crate::printer::{Failure, hint};

/// Approve a grant by signing its exact document
///
/// The signature is made with a private key file, by the ssh-agent (FIDO keys too), or elsewhere with
/// ssh-keygen, and is verified before it is written down.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ca approve G-7F3K9Q --as kim --key ~/.ssh/id_ed25519
  ca approve G-7F3K9Q --as kim --agent

With nothing but OpenSSH, where the key is:
  ca grant show G-7F3K9Q --document > grant
  ssh-keygen -Y sign -n grant@pam-jit -f ~/.ssh/id_sk grant
  ca approve G-7F3K9Q --as kim --signature grant.sig")]
pub(crate) struct Approve {
    /// The grant's id
    #[arg(value_parser = super::grant_id)]
    grant: GrantId,
    /// The approver who signs
    #[arg(long = "as", value_name = "APPROVER")]
    approver: ApproverName,
    #[command(flatten)]
    with: With,
}

/// What makes the signature.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct With {
    /// Sign with this private key file
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Sign with the approver's key in the ssh-agent
    #[arg(long)]
    agent: bool,
    /// Take this signature, made with ssh-keygen -Y sign -n grant@pam-jit
    #[arg(long, value_name = "FILE.sig")]
    signature: Option<PathBuf>,
}

/// Deny a request, for good
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  ca deny G-7F3K9Q --as kim --reason 'not during the freeze'")]
pub(crate) struct Deny {
    /// The grant's id
    #[arg(value_parser = super::grant_id)]
    grant: GrantId,
    /// The approver who denies
    #[arg(long = "as", value_name = "APPROVER")]
    approver: ApproverName,
    /// Why, in one line
    #[arg(long, value_name = "TEXT")]
    reason: ReasonText,
}

impl Approve {
    pub(crate) fn run(self, context: &Context) -> Result<(), Failure> {
        let mut authority = context.authority()?;
        let ledger = authority.ledger();
        let before = grant_record::standing(ledger, grant_record::find(ledger, &self.grant)?)?;
        approve::expect_may_approve(ledger, &before, &self.approver, context.now())?;
        if !context.out.json {
            // What is signed is shown first, whatever the key then asks for.
            context.out.pairs(&shown::pairs(&before.record.grant))?;
        }
        let document = before.record.grant.render();
        let approval = self.with.approval(context, &authority, &self.approver, document.as_bytes())?;
        let now = context.now();
        let change = authority.change(now)?;
        let standing = approve::approve(&change, &self.grant, &self.approver, &approval)?;
        change.commit()?;
        if context.out.json {
            return context.out.json(&standing_json(&standing, now));
        }
        let (counted, needed) = (standing.counted(), standing.record.grant.approvals);
        context.out.line(format_args!(
            "{} approved grant {} with {}: {counted} of {needed} approvals",
            self.approver,
            self.grant,
            approval.key().fingerprint()
        ))?;
        if counted >= usize::from(needed) {
            hint(&format!("next: ca sign {} --key FILE.pub", self.grant));
        }
        Ok(())
    }
}

impl With {
    fn approval(
        &self,
        context: &Context,
        authority: &Authority,
        approver: &ApproverName,
        document: &[u8],
    ) -> Result<Approval, Failure> {
        if let Some(path) = &self.key {
            let key = keys::open(path, &mut |name| passphrase::ask(context, name))?;
            return Ok(approve::with_key(&key, document)?);
        }
        if let Some(path) = &self.signature {
            return read_signature(path);
        }
        let mut agent = Agent::from_environment()?;
        Ok(approve::with_agent(authority.ledger(), approver, &mut agent, document)?)
    }
}

fn read_signature(path: &Path) -> Result<Approval, Failure> {
    let text = durable::read_text(path, "signature", grant::limits::ARMORED_SIGNATURE)?;
    let place = path.display().to_string();
    Approval::from_armored(&text).map_err(|source| ca::Error::Approval { place, source }.into())
}

impl Deny {
    pub(crate) fn run(self, context: &Context) -> Result<(), Failure> {
        let mut authority = context.authority()?;
        let change = authority.change(context.now())?;
        approve::deny(&change, &self.grant, &self.approver, &self.reason)?;
        change.commit()?;
        let value = json!({
            "id": self.grant.as_str(),
            "state": "denied",
            "approver": self.approver.as_str(),
            "reason": self.reason.as_str(),
        });
        context.out.either(format_args!("grant {} denied by {}", self.grant, self.approver), &value)
    }
}

//! `ca revoke`, and the two lists that carry revocations to hosts: `ca krl` and `ca revoked`.
//!
//! Both lists are replaced whole or not at all: sshd refuses everybody when its list is missing or broken.
//! What stands in them is in `ca::ledger::revocation`.

use std::path::PathBuf;

use ca::ledger::revocation::{self, Target};
use clap::Args;
use grant::{GrantId, PersonName, ReasonText, VendorName};
use serde_json::json;

use super::Context;
use crate::printer::{Failure, hint};

/// Revoke a grant, a certificate, a person or a vendor, for good
///
/// No certificate is signed for it any more. Hosts refuse those that were signed once they have the new
/// lists: `ca host bundle` brings both, or `ca krl` for sshd and `ca revoked` for the module.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ca revoke G-7F3K9Q --reason 'the work is done'
  ca revoke --serial 17 --reason 'the certificate was copied'
  ca revoke --person acme/jo --reason 'laptop stolen'
  ca revoke --vendor acme --reason 'contract broken'")]
pub(crate) struct Revoke {
    #[command(flatten)]
    what: What,
    /// Why, in one line
    #[arg(long, value_name = "TEXT")]
    reason: ReasonText,
}

/// What to revoke.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct What {
    /// This grant, with all its certificates
    #[arg(value_parser = super::grant_id)]
    grant: Option<GrantId>,
    /// Only the certificate with this serial
    #[arg(long, value_name = "N")]
    serial: Option<u64>,
    /// This person, with all grants
    #[arg(long, value_name = "PERSON")]
    person: Option<PersonName>,
    /// This vendor, with all persons
    #[arg(long, value_name = "VENDOR")]
    vendor: Option<VendorName>,
}

/// Write the key revocation list that stock sshd reads (RevokedKeys) and ssh-keygen -Q tests
///
/// It holds the serials of revoked certificates that have not expired, and the key ids of revoked grants
/// that are not over. sshd refuses everybody when the file is missing: replace it, never remove it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ca krl -o krl
  ssh-keygen -Q -f krl jo-cert.pub

Hosts without a trust bundle read it as /etc/jit/krl.")]
pub(crate) struct KrlFile {
    /// Where to write it; - is standard output
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

/// Write the revoked list that our module reads: grants, serials, persons, vendors
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ca revoked -o revoked

Hosts without a trust bundle read it as /etc/jit/revoked.")]
pub(crate) struct RevokedFile {
    /// Where to write it; - is standard output
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

impl What {
    fn target(self) -> Result<Target, Failure> {
        // clap lets exactly one through.
        match (self.grant, self.serial, self.person, self.vendor) {
            (Some(id), ..) => Ok(Target::Grant(id)),
            (_, Some(serial), ..) => Ok(Target::Serial(serial)),
            (_, _, Some(name), _) => Ok(Target::Person(name)),
            (.., Some(name)) => Ok(Target::Vendor(name)),
            _ => Err(Failure::usage("say what to revoke")),
        }
    }
}

impl Revoke {
    pub(crate) fn run(self, context: &Context) -> Result<(), Failure> {
        let target = self.what.target()?;
        let mut authority = context.authority()?;
        let now = context.now();
        let change = authority.change(now)?;
        revocation::add(&change, &target, &self.reason)?;
        change.commit()?;
        let value = json!({
            "revoked": target.to_string(),
            "reason": self.reason.as_str(),
            "revoked_at": now.to_string(),
        });
        context.out.either(format_args!("{target} revoked"), &value)?;
        if !context.out.json {
            hint("tell the hosts: ca host bundle HOST -o FILE for each");
        }
        Ok(())
    }
}

impl KrlFile {
    pub(crate) fn run(self, context: &Context) -> Result<(), Failure> {
        let mut authority = context.authority()?;
        let krl = authority.krl(context.now())?;
        context.out.file(&self.output, &krl.to_bytes())?;
        if self.output.as_os_str() == "-" {
            return Ok(());
        }
        let serials: usize = krl.certificates.iter().map(|of| of.serials.len()).sum();
        let key_ids: usize = krl.certificates.iter().map(|of| of.key_ids.len()).sum();
        let value = json!({
            "file": self.output.display().to_string(),
            "version": krl.version,
            "serials": serials,
            "key_ids": key_ids,
        });
        let text = format!(
            "{}: version {}, {serials} serials and {key_ids} key ids",
            self.output.display(),
            krl.version
        );
        context.out.either(text, &value)
    }
}

impl RevokedFile {
    pub(crate) fn run(self, context: &Context) -> Result<(), Failure> {
        let mut authority = context.authority()?;
        let list = authority.revoked(context.now())?;
        let text = list.render();
        // Hosts refuse a file beyond their limit: find out here.
        if text.len() > grant::limits::REVOKED {
            return Err(ca::Error::Content {
                place: "the revoked list".to_owned(),
                problem: "is larger than hosts read",
                hint: Some("revoke the vendor instead of its many grants".to_owned()),
            }
            .into());
        }
        context.out.file(&self.output, text.as_bytes())?;
        if self.output.as_os_str() == "-" {
            return Ok(());
        }
        let value = json!({
            "file": self.output.display().to_string(),
            "grants": list.grants.len(),
            "serials": list.serials.len(),
            "persons": list.persons.len(),
            "vendors": list.vendors.len(),
        });
        let text = format!(
            "{}: {} grants, {} serials, {} persons, {} vendors",
            self.output.display(),
            list.grants.len(),
            list.serials.len(),
            list.persons.len(),
            list.vendors.len()
        );
        context.out.either(text, &value)
    }
}

//! `ca sign`.
//!
//! The request and the place for the certificate are checked before a passphrase is asked for. The
//! certificate stands in the ledger before its bytes are written anywhere. The rules are in `ca::sign`.

use std::path::{Path, PathBuf};

use ca::config::lifetime;
use ca::durable;
use ca::moment::{Local, span};
use ca::{Issued, Request, public_key};
use clap::Args;
use grant::GrantId;
use serde_json::json;

use super::{Context, passphrase};
use crate::printer::Failure;

/// Sign a certificate of an approved grant
///
/// Only inside the window, only for a key that stands in the grant and is still enrolled. The certificate
/// is written beside the key, as FILE-cert.pub, where ssh finds it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ca sign G-7F3K9Q --key jo.pub        writes jo-cert.pub
  ca sign G-7F3K9Q --key jo.pub -o -   to standard output
  ca sign G-7F3K9Q -o jo-cert.pub      the grant is for one key only
  ca sign G-7F3K9Q --key jo.pub --lifetime 15m")]
pub(crate) struct Sign {
    /// The grant's id
    #[arg(value_parser = super::grant_id)]
    grant: GrantId,
    /// The person's public key; can be left out when the grant is for one key only
    #[arg(long, value_name = "FILE.pub")]
    key: Option<PathBuf>,
    /// Where to write the certificate; - is standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Life of the certificate, at most 1h; ca.toml says how long unless given
    #[arg(long, value_name = "DURATION")]
    lifetime: Option<String>,
}

impl Sign {
    pub(crate) fn run(self, context: &Context) -> Result<(), Failure> {
        let output = self.output()?;
        let asked = self.lifetime.as_deref().map(|text| {
            lifetime(text).map_err(|e| {
                Failure::usage(format!("invalid value '{text}' for '--lifetime <DURATION>': {e}"))
            })
        });
        let asked = asked.transpose()?;
        let key = self.key.as_deref().map(public_key::read).transpose()?;
        let mut authority = context.authority()?;
        let lifetime = asked.unwrap_or(authority.config().lifetime);
        let request = Request { grant: self.grant, key, lifetime };
        // Nobody is asked for a passphrase, nor the ledger locked, for what is refused anyway.
        authority.check(&request, context.now())?;
        // A certificate that cannot be put where it should go is better not made.
        durable::expect_writable(&output)?;
        authority.unlock(&mut |name| passphrase::ask(context, name))?;
        let issued = authority.sign(&request, context.now())?;
        print(context, &issued, &output)
    }

    /// Where the certificate goes: as told, or beside the key as `ssh-keygen -s` does.
    fn output(&self) -> Result<PathBuf, Failure> {
        if let Some(output) = &self.output {
            return Ok(output.clone());
        }
        let Some(key) = &self.key else {
            return Ok(PathBuf::from("-"));
        };
        let stem = key.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".pub"));
        match stem {
            Some(stem) => Ok(key.with_file_name(format!("{stem}-cert.pub"))),
            None => Err(Failure::usage_with(
                format!("{} does not end in .pub, so the certificate has no name beside it", key.display()),
                "say where it goes: -o FILE, or -o - for standard output",
            )),
        }
    }
}

fn print(context: &Context, issued: &Issued, output: &Path) -> Result<(), Failure> {
    let grant = &issued.record.grant;
    let mut certificate = issued.certificate.clone();
    certificate.set_comment(grant.person.as_str());
    let line = certificate.to_openssh().map_err(ca::Error::Sign)?;
    let to_stdout = output.as_os_str() == "-";
    if context.out.json {
        if !to_stdout {
            durable::replace(output, format!("{line}\n").as_bytes(), 0o644)?;
        }
        return context.out.json(&json!({
            "serial": issued.serial,
            "grant": grant.id.as_str(),
            "person": grant.person.as_str(),
            "fingerprint": issued.key.fingerprint().to_string(),
            "valid_after": issued.valid_after.to_string(),
            "valid_before": issued.valid_before.to_string(),
            "certificate": line,
            "file": (!to_stdout).then(|| output.display().to_string()),
        }));
    }
    context.out.file(output, format!("{line}\n").as_bytes())?;
    if to_stdout {
        return Ok(());
    }
    context.out.line(format_args!(
        "certificate {} for {}, valid until {} ({}), written to {}",
        issued.serial,
        grant.person,
        Local(issued.valid_before),
        span(issued.valid_before.since(context.now())),
        output.display()
    ))
}

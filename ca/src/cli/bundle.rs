//! `ca host bundle`.
//!
//! The one file that tells a host whom to believe. The trust root signs it here, in the ssh-agent, or on another
//! machine with ssh-keygen alone. The file is on the disk, under a name that nobody reads, before the bundle counts as made. The
//! rules are in `ca::bundle`.

use std::path::PathBuf;

use ca::bundle::{self, Root, RootKey, Wanted};
use ca::durable;
use clap::Args;
use grant::{Bundle, HostName, SignedBundle};
use serde_json::{Value, json};

use super::{Context, passphrase};
use crate::printer::{Failure, Pending, hint};

/// The highest version that can be jumped to: far below what the ledger holds, so that many more fit behind it.
const HIGHEST: u64 = 1 << 62;

/// Make the trust bundle of a host: CA keys, approvers, revocations, its name and roles, signed by the trust root
///
/// `jit trust FILE` on the host verifies and applies it. Each bundle has a higher version than the one before; hosts
/// refuse lower ones. Make one after each change that hosts should know of.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ca host bundle db1.prod -o db1.bundle
  ca host bundle db1.prod -o db1.bundle --key /media/stick/trust_root
  ca host bundle db1.prod -o db1.bundle --agent

The trust root that signs is the one in the authority's directory, in
that file, or in the ssh-agent (FIDO, PKCS#11, TPM).

With the trust root on a machine that nothing is connected to:
  ca host bundle db1.prod -o db1.text --unsigned
  ssh-keygen -Y sign -n trust@pam-jit -f trust_root db1.text   # there
  ca host bundle db1.prod -o db1.bundle --text db1.text \\
      --signature db1.text.sig")]
pub(crate) struct HostBundle {
    /// The host
    name: HostName,
    /// Where to write it; - is standard output
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    with: With,
    /// The text that --unsigned wrote, for --signature
    #[arg(long, value_name = "FILE", requires = "signature")]
    text: Option<PathBuf>,
    /// The host has applied this version already, of a ledger that is lost: make a higher one
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true,
          value_parser = clap::value_parser!(u64).range(0..=HIGHEST))]
    above: u64,
}

/// What makes the signature.
#[derive(Debug, Args)]
#[group(multiple = false)]
struct With {
    /// Sign with the trust root in this private key file
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Sign with the trust root in the ssh-agent
    #[arg(long)]
    agent: bool,
    /// Write the text alone, to be signed elsewhere
    #[arg(long)]
    unsigned: bool,
    /// Take this signature over --text, made with ssh-keygen -Y sign -n trust@pam-jit
    #[arg(long, value_name = "FILE.sig", requires = "text")]
    signature: Option<PathBuf>,
}

impl HostBundle {
    pub(crate) fn run(self, context: &Context) -> Result<(), Failure> {
        let mut authority = context.authority()?;
        // Nobody signs, and no version is used up, for a file that can't be written.
        durable::expect_writable(&self.output)?;
        if let (Some(text), Some(signature)) = (&self.text, &self.with.signature) {
            let text = durable::read(text, "bundle", grant::limits::BUNDLE)?;
            let armored = durable::read_text(signature, "signature", grant::limits::ARMORED_SIGNATURE)?;
            let signed = bundle::put_together(&authority, &self.name, &text, &armored)?;
            let file = context.out.prepare(&self.output, signed.to_file().as_bytes())?;
            return self.signed(context, &signed, file);
        }
        let wanted = Wanted { host: &self.name, above: self.above };
        bundle::check(&authority, wanted, context.now())?;
        if self.with.unsigned {
            let put = |made: &Bundle| Ok(context.out.prepare(&self.output, made.render().as_bytes())?);
            let (made, file) = bundle::make_unsigned(&mut authority, wanted, context.now(), put)?;
            self.publish(context, &made, file, false)?;
            if !context.out.json && self.output.as_os_str() != "-" {
                let file = self.output.display();
                hint(&format!("sign it: ssh-keygen -Y sign -n trust@pam-jit -f TRUST_ROOT {file}"));
            }
            return Ok(());
        }
        let root = match &self.with.key {
            Some(path) => Root::File(path),
            None if self.with.agent => Root::Agent,
            None => Root::Here,
        };
        let root = RootKey::open(&authority, &root, &mut |name| passphrase::ask(context, name))?;
        let put =
            |signed: &SignedBundle| Ok(context.out.prepare(&self.output, signed.to_file().as_bytes())?);
        let (signed, file) = bundle::make(&mut authority, wanted, &root, context.now(), put)?;
        self.signed(context, &signed, file)
    }

    fn signed(&self, context: &Context, signed: &SignedBundle, file: Pending) -> Result<(), Failure> {
        self.publish(context, signed.bundle(), file, true)?;
        if !context.out.json && self.output.as_os_str() != "-" {
            hint(&format!("on {}: jit trust {}", self.name, self.output.display()));
        }
        Ok(())
    }

    fn publish(
        &self,
        context: &Context,
        bundle: &Bundle,
        file: Pending,
        signed: bool,
    ) -> Result<(), Failure> {
        file.publish()?;
        if self.output.as_os_str() == "-" {
            return Ok(());
        }
        let revoked = &bundle.revoked;
        let revocations =
            revoked.grants.len() + revoked.serials.len() + revoked.persons.len() + revoked.vendors.len();
        let keys = bundle.approvers.iter().count();
        let text = format!(
            "{}: {}version {} for {}: {} of approvers, {revocations} revoked",
            self.output.display(),
            if signed { "" } else { "unsigned, " },
            bundle.version,
            bundle.host,
            if keys == 1 { "1 key".to_owned() } else { format!("{keys} keys") },
        );
        context.out.either(text, &self.to_json(bundle, signed))
    }

    fn to_json(&self, bundle: &Bundle, signed: bool) -> Value {
        json!({
            "file": self.output.display().to_string(),
            "signed": signed,
            "host": bundle.host.as_str(),
            "version": bundle.version,
            "made": bundle.made.to_string(),
            "authority": bundle.authority.to_string(),
            "roles": bundle.roles.iter().map(grant::RoleName::as_str).collect::<Vec<_>>(),
            "digest": bundle.digest().to_string(),
        })
    }
}

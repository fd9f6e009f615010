//! `ca init`.
//!
//! What could be in the way is looked at before anybody is asked for a passphrase. The order in which files
//! come to be is in `ca::init`.

use std::path::PathBuf;

use ca::authority::file;
use ca::{init, public_key};
use clap::Args;
use serde_json::json;

use super::{Context, passphrase};
use crate::printer::Failure;

/// Make an authority: the CA key, the trust root key, the ledger, ca.toml
///
/// Nothing is ever overwritten. The keys are Ed25519, encrypted with a passphrase that is asked for, read
/// from --passphrase-fd, or taken from the systemd credential `ca-passphrase`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ca init                                  asks for a passphrase
  ca init --no-passphrase --dir ./try      to try it out
  ca init --passphrase-fd 0 < passphrase   from a script
  ca init --ca-key-agent ca.pub            the CA key stays in the agent

An ssh-agent can have the key on hardware: FIDO, PKCS#11, TPM.")]
pub(crate) struct Init {
    /// Store the keys unencrypted
    #[arg(long, conflicts_with = "passphrase_fd")]
    no_passphrase: bool,
    /// The CA key is this one, and lives in the ssh-agent; only its public half is stored
    #[arg(long, value_name = "FILE.pub")]
    ca_key_agent: Option<PathBuf>,
    /// The trust root is this key, which is kept elsewhere; only its public half is stored
    #[arg(long, value_name = "FILE.pub")]
    trust_root: Option<PathBuf>,
}

impl Init {
    pub(crate) fn run(self, context: &Context) -> Result<(), Failure> {
        let dir = context.dir();
        init::expect_room(dir)?;
        let ca_key = self.ca_key_agent.as_deref().map(public_key::read).transpose()?;
        let trust_root = self.trust_root.as_deref().map(public_key::read).transpose()?;
        if let Some(key) = &ca_key {
            let held = ca::agent::Agent::from_environment()?.keys()?;
            if !held.contains(key.as_ssh()) {
                return Err(ca::agent::AgentError::NoSuchKey(key.fingerprint().to_string()).into());
            }
        }
        let any_private = ca_key.is_none() || trust_root.is_none();
        let passphrase = if any_private && !self.no_passphrase {
            Some(passphrase::choose(context, "the new keys")?)
        } else {
            None
        };
        let how =
            init::Init { passphrase: passphrase.as_ref().map(|text| text.as_str()), ca_key, trust_root };
        let made = init::init(dir, &how, context.now())?;
        let authority = made.config.authority.to_string();
        if context.out.json {
            return context.out.json(&json!({
                "dir": dir.display().to_string(),
                "authority": authority,
                "ca_key": made.ca_public.to_line(),
                "ca_key_fingerprint": made.ca_public.fingerprint().to_string(),
            }));
        }
        context.out.pairs(&[
            ("authority", authority.clone()),
            ("CA key", made.ca_public.fingerprint().to_string()),
            ("directory", dir.display().to_string()),
        ])?;
        context.out.line("Next:")?;
        let root = dir.join(file::TRUST_ROOT);
        if root.exists() {
            let root = root.display();
            context
                .out
                .line(format_args!("  keep {root} offline if you can: it appoints CA keys and approvers"))?;
        }
        context.out.line("  ca vendor add NAME --until DATE; ca person add VENDOR/NAME --key FILE.pub")?;
        context.out.line("  ca approver add NAME --key FILE.pub; ca host add NAME")?;
        context.out.line(format_args!(
            "  ca host bundle NAME -o FILE; on that host: jit trust FILE --root {authority}"
        ))
    }
}

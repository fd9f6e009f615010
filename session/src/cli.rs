//! The command line of `jit`: what can be asked, and its help. What it does is elsewhere.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use grant::UnixTime;

/// The host side of just-in-time access over SSH.
#[derive(Debug, Parser)]
#[command(
    name = "jit",
    version,
    about = "The host side of just-in-time access over SSH for vendors",
    after_help = "Examples:
  jit check                                   every door that is open to a vendor
  jit try jo-cert.pub --account acme-support --from 192.0.2.7
                                              would this certificate be let in?

Exit status: 0 yes, 1 no or failed, 2 wrong usage."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// The host configuration
    #[arg(long, global = true, value_name = "FILE", default_value = hostfile::DEFAULT_CONFIG)]
    pub config: PathBuf,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the principals of an account, for sshd's AuthorizedPrincipalsCommand
    #[command(after_help = "Example, in sshd_config:
  Match Group jit-vendors
      AuthorizedPrincipalsCommand /usr/bin/jit principals %u %k
      AuthorizedPrincipalsCommandUser nobody

Prints nothing and exits 1 on any doubt; --explain says which.")]
    Principals(Principals),
    /// Say whether a certificate would be let in, without logging in
    #[command(after_help = "Examples:
  jit try jo-cert.pub --account acme-support --from 192.0.2.7
  jit try - --account acme-support --from 2001:db8::7 --json < jo-cert.pub
  jit try jo-cert.pub --account acme-support --from 192.0.2.7 --at 2026-11-24T14:00:00Z

Exit status: 0 allowed, 1 refused or failed, 2 wrong usage.")]
    Try(Try),
    /// Look at every door that a vendor must not have, and name the open ones
    #[command(after_help = "Examples:
  jit check
  jit check --json
  jit check --sshd /usr/sbin/sshd --sshd-config /etc/ssh/sshd_config --pam-dir /etc/pam.d

Asks `sshd -T` about every vendor account, so it must run as root.
Exit status: 0 no error found (warnings may be), 1 an error found, 2 wrong usage.")]
    Check(Check),
}

/// Arguments of `jit principals`.
#[derive(Debug, Args)]
pub struct Principals {
    /// The account of the login (sshd's %u)
    pub user: String,
    /// The certificate in base64 (sshd's %k); without it all forwarding is forbidden
    pub key: Option<String>,
    /// Say on standard error why nothing is printed
    #[arg(long)]
    pub explain: bool,
}

/// Arguments of `jit try`.
#[derive(Debug, Args)]
pub struct Try {
    /// The certificate file, or - for standard input
    pub cert: PathBuf,
    /// The account to log in to
    #[arg(long)]
    pub account: String,
    /// The address that the login comes from
    #[arg(long, value_name = "ADDRESS")]
    pub from: IpAddr,
    /// The time of the login, in UTC like 2026-11-24T14:00:00Z [default: now]
    #[arg(long, value_name = "TIME")]
    pub at: Option<UnixTime>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `jit check`.
#[derive(Debug, Args)]
pub struct Check {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// The sshd that vendors reach
    #[arg(long, value_name = "PATH", default_value = "/usr/sbin/sshd")]
    pub sshd: PathBuf,
    /// Its configuration
    #[arg(long, value_name = "FILE", default_value = "/etc/ssh/sshd_config")]
    pub sshd_config: PathBuf,
    /// The directory of PAM services
    #[arg(long, value_name = "DIR", default_value = "/etc/pam.d")]
    pub pam_dir: PathBuf,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}

//! The command line of `jit`: what can be asked, and its help. What it does is elsewhere.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use grant::{Fingerprint, HostName, UnixTime};

use crate::check::pam_stack;

/// The host side of just-in-time access over SSH.
#[derive(Debug, Parser)]
#[command(
    name = "jit",
    version,
    about = "The host side of just-in-time access over SSH for vendors",
    after_help = "Examples:
  jit check                                   every door that is open to a vendor
  jit sessions                                who is in, and for how long
  jit end --person acme/jo --reason TEXT      over, with every process
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
    /// Make this a host that vendors log in to with grants only; can't lock an administrator out
    #[command(after_help = "Examples:
  jit setup --dry-run                         the diff of everything it would change
  jit setup --host db1.prod --authority SHA256:...
                                              try, change, and keep it when confirmed within a minute
  jit setup --confirm                         from a second terminal: keep it
  jit setup --yes                             for automation: the trial login is confirmation enough
  jit setup --remove                          logins as they were before

Writes the group jit-vendors, sshd's Match block, the PAM lines, a drop-in for the scopes of sessions and what is missing in
/etc/jit. Before anything is live: `sshd -t`, and real logins with the new files. Not confirmed, every byte is restored, also
when this process is killed.
Exit status: 0 done, 1 failed, and everything is as before, 2 wrong usage.")]
    Setup(Setup),
    /// Record every session of a vendor and end it in time; runs until it is stopped
    #[command(
        after_help = "Started by jit-recorder.service. In a container without systemd: run it in the foreground.

host.toml needs the table [recorder]; an empty one has good defaults."
    )]
    Recorder(Recorder),
    /// End what should be over and repair what a crash left
    #[command(after_help = "Examples:
  jit sweep                 once, as jit-sweep.timer does every 30 seconds
  jit sweep --every 30s     for ever, in a container without systemd")]
    Sweep(Sweep),
    /// List the open sessions
    #[command(after_help = "Examples:
  jit sessions
  jit sessions --watch
  jit sessions --json")]
    Sessions(Sessions),
    /// Show a session's records: who, why it ended, and each command
    #[command(after_help = "Examples:
  jit show S-7F3K9QAB
  jit show S-7F3K9QAB --json        one record a line")]
    Show(Show),
    /// End sessions now, with all their processes; returns when the kernel says that they are over
    #[command(after_help = "Examples:
  jit end S-7F3K9QAB --reason 'wrong database'
  jit end --vendor acme --reason 'contract ended'
  jit end --all --reason 'incident 12'")]
    End(End),
    /// Let a session go on under the certificate of a new grant of the same scope
    #[command(after_help = "Example:
  jit extend S-7F3K9QAB --cert jo-cert.pub

The first grant must have named an outer limit (`ca grant create --extendable-to`).")]
    Extend(Extend),
    /// Believe a trust bundle: CA keys, approvers, revocations, this host's name and roles
    #[command(after_help = "Examples:
  jit trust db1.bundle                        on first use it asks whether the trust root is the right one
  jit trust db1.bundle --root SHA256:...      from a script: as `ca init` printed it
  jit trust db1.bundle --dry-run              what it would change
  ssh ca ca host bundle db1.prod -o - | jit trust -

The authority makes bundles with `ca host bundle`. A bundle for another host, of another trust root, or with a lower
version than the last one is refused, and nothing is changed. Exit status: 0 applied or applied before, 1 refused.")]
    Trust(Trust),
}

/// Arguments of `jit trust`.
#[derive(Debug, Args)]
pub struct Trust {
    /// The bundle, or - for standard input
    #[arg(required_unless_present = "drop")]
    pub file: Option<PathBuf>,
    /// The trust root that the bundle must be signed by; on first use it is pinned
    #[arg(long, value_name = "FINGERPRINT")]
    pub root: Option<grant::Fingerprint>,
    /// On a terminal: do not ask whether to apply it (the root of a first use is asked for all the same)
    #[arg(long)]
    pub yes: bool,
    /// Say what it would change, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Apply every *.bundle in this folder, as jit-trust.service does; refused ones become *.refused, and those made in the future *.early, which later runs try again
    #[arg(long, value_name = "DIR", conflicts_with_all = ["file", "root", "yes", "dry_run"])]
    pub drop: Option<PathBuf>,
}

/// Arguments of `jit recorder`.
#[derive(Debug, Args)]
pub struct Recorder {
    /// Only say whether this host wants one: exit status 1 if host.toml is sound and has no table [recorder]
    #[arg(long)]
    pub wanted: bool,
}

/// Arguments of `jit sweep`.
#[derive(Debug, Args)]
pub struct Sweep {
    /// Sweep again and again, this far apart, like 30s
    #[arg(long, value_name = "SPAN", value_parser = seconds)]
    pub every: Option<std::time::Duration>,
}

/// The name of a PAM service: one of the folder's files.
fn service_name(text: &str) -> Result<String, String> {
    let is_name = !text.is_empty() && !text.starts_with('.') && !text.contains('/');
    is_name.then(|| text.to_owned()).ok_or_else(|| "a PAM service is the name of a file".to_owned())
}

fn seconds(text: &str) -> Result<std::time::Duration, String> {
    let digits = text.strip_suffix('s').unwrap_or(text);
    let seconds = digits.parse().ok().filter(|n| (1..=3600).contains(n));
    seconds.map(std::time::Duration::from_secs).ok_or_else(|| "write 1s to 3600s".to_owned())
}

/// Arguments of `jit sessions`.
#[derive(Debug, Args)]
pub struct Sessions {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Show it again every second until interrupted
    #[arg(long, conflicts_with = "json")]
    pub watch: bool,
}

/// Arguments of `jit show`.
#[derive(Debug, Args)]
pub struct Show {
    /// The session's id
    pub session: String,
    /// Print the records as they are, one a line
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `jit end`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("which").required(true).args(["session", "grant", "person", "vendor", "all"]))]
pub struct End {
    /// One session by its id
    pub session: Option<String>,
    /// All sessions of a grant
    #[arg(long, value_name = "GRANT")]
    pub grant: Option<String>,
    /// All sessions of a person
    #[arg(long, value_name = "PERSON")]
    pub person: Option<String>,
    /// All sessions of a vendor
    #[arg(long, value_name = "VENDOR")]
    pub vendor: Option<String>,
    /// Every open session
    #[arg(long)]
    pub all: bool,
    /// Why: recorded, and told to the person
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

/// Arguments of `jit extend`.
#[derive(Debug, Args)]
pub struct Extend {
    /// The session's id
    pub session: String,
    /// The new grant's certificate
    #[arg(long, value_name = "FILE")]
    pub cert: PathBuf,
}

/// Arguments of `jit principals`.
#[derive(Debug, Args)]
pub struct Principals {
    /// The account of the login (sshd's %u)
    pub user: String,
    /// The certificate in base64 (sshd's %k); without it all forwarding is forbidden
    pub key: Option<String>,
    /// sshd's PAM service, which must bring vendors to the module [default: sshd]
    #[arg(long, value_name = "NAME", default_value = "sshd", hide_default_value = true, value_parser = service_name)]
    pub pam_service: String,
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
    #[arg(long, value_name = "DIR", default_value = pam_stack::FOLDER)]
    pub pam_dir: PathBuf,
}

/// Arguments of `jit setup`.
#[derive(Debug, Args)]
pub struct Setup {
    /// Print the diff of everything that would change; change nothing
    #[arg(long, conflicts_with_all = ["confirm", "restore", "yes"])]
    pub dry_run: bool,
    /// Keep the change when the trial logins pass, without asking
    #[arg(long)]
    pub yes: bool,
    /// Keep the change that waits for it
    #[arg(long, conflicts_with_all = ["yes", "restore", "remove"])]
    pub confirm: bool,
    /// Take the change that waits for it back now
    #[arg(long, conflicts_with_all = ["yes", "remove"])]
    pub restore: bool,
    /// Take everything out again; /etc/jit stays
    #[arg(long)]
    pub remove: bool,
    /// With --remove: delete the files of /etc/jit too
    #[arg(long, requires = "remove")]
    pub purge: bool,
    /// This host's name in grants, for a new host.toml [default: what the system is called]
    #[arg(long, value_name = "NAME")]
    pub host: Option<HostName>,
    /// The trust root's fingerprint, as `ca init` prints it, for a new host.toml
    #[arg(long, value_name = "FINGERPRINT")]
    pub authority: Option<Fingerprint>,
    /// The account whose trial login must get in
    #[arg(long, value_name = "USER", default_value = "root")]
    pub admin: String,
    /// Seconds in which the change must be confirmed
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(5..=3600))]
    pub wait: u64,
    /// The sshd that vendors reach
    #[arg(long, value_name = "PATH", default_value = "/usr/sbin/sshd")]
    pub sshd: PathBuf,
    /// Its configuration
    #[arg(long, value_name = "FILE", default_value = "/etc/ssh/sshd_config")]
    pub sshd_config: PathBuf,
    /// Its listening process, where neither systemd nor its PidFile knows it
    #[arg(long, value_name = "PID", value_parser = clap::value_parser!(i32).range(2..))]
    pub sshd_pid: Option<i32>,
    /// Only this change: what the timer says
    #[arg(long, value_name = "ID", requires = "restore", hide = true)]
    pub change: Option<String>,
    /// Only then: what the child without systemd says
    #[arg(long, value_name = "SECONDS", requires = "change", hide = true)]
    pub after: Option<u64>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::pages::{self, Page};

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_manual_and_the_completions_of_jit_are_what_its_flags_are() {
        let page =
            Page { name: "host side of just-in-time access over SSH for vendors", sections: &SECTIONS };
        pages::are_what_the_flags_are(&Cli::command(), &page);
    }

    const SECTIONS: [(&str, &str); 2] = [
        (
            "FILES",
            ".TP\n.I /etc/jit/host.toml\nWho this host is and whom it believes:\n.BR host.toml (5).\n\
             .TP\n.I /run/jit/recorder.sock\nWhere the recorder listens; root's alone.\n\
             .TP\n.I /var/lib/jit/spool\nThe records: the original of which syslog has a copy.",
        ),
        ("SEE ALSO", ".BR ca (1),\n.BR host.toml (5),\n.BR pam_jit (8),\n.BR sshd_config (5)"),
    ];
}

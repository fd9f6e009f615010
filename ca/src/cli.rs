//! The command line: one file below for each noun, and what all of them share.
//!
//! A command opens the authority, does one thing in one change, prints it, and ends. Usage errors of clap and
//! our own read alike: one `error:` line, one `hint:` line, exit code 2. Nothing here decides about access.

mod approve;
mod approver;
mod backup;
mod bundle;
mod check;
mod descriptor_ffi;
mod grant;
mod host;
mod init;
mod inspect;
mod list;
mod log;
mod passphrase;
mod person;
mod revoke;
mod shown;
mod sign;
mod terminal;
mod vendor;

use std::fs::File;
use std::os::fd::RawFd;
use std::path::PathBuf;
use std::process::ExitCode;

use ::grant::{GrantId, NameError, UnixTime};
use ca::Authority;
use ca::moment::{self, MomentError};
use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand};
use nix::errno::Errno;

use crate::printer::{Failure, Printer, hint};

/// The authority of just-in-time SSH access for vendors: keeps who may enter where and when, and signs
/// the certificates of approved grants
#[derive(Debug, Parser)]
#[command(
    name = "ca",
    version,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "\
A first grant, from nothing to a certificate:
  ca init
  ca vendor add acme --until 2027-06-30
  ca person add acme/jo --key jo.pub
  ca approver add kim --key kim.pub
  ca host add db1.prod --role db
  ca grant create --person acme/jo --host db1.prod \\
      --account acme-support --for 30m --allow pty \\
      --reason 'restore the billing index'
  ca approve G-7F3K9Q --as kim --key ~/.ssh/id_ed25519
  ca sign G-7F3K9Q --key jo.pub

Exit codes: 0 done, 1 refused or failed, 2 written wrong.
Nothing is half done."
)]
struct Cli {
    #[command(flatten)]
    shared: Shared,
    #[command(subcommand)]
    command: Command,
}

/// Options of every command.
#[derive(Debug, Clone, Args)]
pub(crate) struct Shared {
    /// The authority's directory
    #[arg(long, global = true, env = "CA_DIR", default_value = "/var/lib/jit-ca", value_name = "DIR")]
    dir: PathBuf,
    /// Print JSON, with times in UTC
    #[arg(long, global = true)]
    json: bool,
    /// Read the passphrase from this file descriptor, up to the end of its first line
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(RawFd).range(0..))]
    passphrase_fd: Option<RawFd>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Init(init::Init),
    /// Vendors: the companies whose engineers log in
    #[command(subcommand, arg_required_else_help = true)]
    Vendor(vendor::Vendor),
    /// Persons: engineers of a vendor, with their public keys
    #[command(subcommand, arg_required_else_help = true)]
    Person(person::Person),
    /// Approvers: those of us who may approve, with their public keys
    #[command(subcommand, arg_required_else_help = true)]
    Approver(approver::Approver),
    /// Hosts: the machines that vendors log in to, with their roles
    #[command(subcommand, arg_required_else_help = true)]
    Host(host::Host),
    /// Grants: ask for access, show a grant or its exact document
    #[command(subcommand, arg_required_else_help = true)]
    Grant(grant::Grant),
    Approve(approve::Approve),
    Deny(approve::Deny),
    Sign(sign::Sign),
    Inspect(inspect::Inspect),
    Revoke(revoke::Revoke),
    Krl(revoke::KrlFile),
    Revoked(revoke::RevokedFile),
    List(list::List),
    Log(log::Log),
    Backup(backup::Backup),
    Check(check::Check),
}

/// What every command works with.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) shared: Shared,
    pub(crate) out: Printer,
    /// What `--passphrase-fd` names, or why it can't be read.
    passphrase: Option<Result<File, Errno>>,
    clock: fn() -> UnixTime,
}

impl Context {
    /// The time now. Read it after whatever waits for a person.
    pub(crate) fn now(&self) -> UnixTime {
        (self.clock)()
    }

    /// The authority's directory.
    pub(crate) fn dir(&self) -> &PathBuf {
        &self.shared.dir
    }

    /// Opens the authority.
    pub(crate) fn authority(&self) -> Result<Authority, Failure> {
        Ok(Authority::open(&self.shared.dir)?)
    }
}

/// Runs the command line of this process.
pub(crate) fn run(clock: fn() -> UnixTime) -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return report_usage(&error),
    };
    // Before anything else is opened, so that the number can't be that of a file of our own.
    let passphrase = cli.shared.passphrase_fd.map(descriptor_ffi::duplicate);
    let out = Printer { json: cli.shared.json };
    let context = Context { out, passphrase, shared: cli.shared, clock };
    let done = match cli.command {
        Command::Init(command) => command.run(&context),
        Command::Vendor(command) => command.run(&context),
        Command::Person(command) => command.run(&context),
        Command::Approver(command) => command.run(&context),
        Command::Host(command) => command.run(&context),
        Command::Grant(command) => command.run(&context),
        Command::Approve(command) => command.run(&context),
        Command::Deny(command) => command.run(&context),
        Command::Sign(command) => command.run(&context),
        Command::Inspect(command) => command.run(&context),
        Command::Revoke(command) => command.run(&context),
        Command::Krl(command) => command.run(&context),
        Command::Revoked(command) => command.run(&context),
        Command::List(command) => command.run(&context),
        Command::Log(command) => command.run(&context),
        Command::Backup(command) => command.run(&context),
        Command::Check(command) => command.run(&context),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Usage { problem, hint: None }) => Failure::usage_with(problem, see_help()).report(),
        Err(failure) => failure.report(),
    }
}

/// clap's errors in our form: one `error:` line and one `hint:` line.
fn report_usage(error: &clap::Error) -> ExitCode {
    let rendered = error.render().to_string();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let shown = Printer { json: false }.line(rendered.trim_end());
            return shown.map_or_else(Failure::report, |()| ExitCode::SUCCESS);
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand => {
            let (command, name) = command_of_line();
            let missing = format!("{name} needs a command");
            let names: Vec<_> = command.get_subcommands().map(clap::Command::get_name).collect();
            return Failure::usage_with(missing, format!("one of {}; see `{name} --help`", names.join(", ")))
                .report();
        }
        _ => {}
    }
    let first: Vec<_> = rendered.lines().take_while(|line| !line.is_empty()).map(str::trim).collect();
    let problem = first.join(" ");
    let problem = problem.strip_prefix("error: ").unwrap_or(&problem).trim_end_matches('.').to_owned();
    let tip = rendered.lines().find_map(|line| line.trim().strip_prefix("tip: "));
    Failure::usage_with(problem, tip.map_or_else(see_help, str::to_owned)).report()
}

fn see_help() -> String {
    format!("see `{} --help`", command_of_line().1)
}

/// The command of this process's command line, as far as it names one: `ca grant create`.
fn command_of_line() -> (clap::Command, String) {
    let mut command = Cli::command();
    let mut name = command.get_name().to_owned();
    for word in std::env::args_os().skip(1) {
        if let Some(found) = word.to_str().and_then(|word| command.find_subcommand(word)) {
            name = format!("{name} {}", found.get_name());
            command = found.clone();
        }
    }
    (command, name)
}

/// A time argument.
pub(crate) fn time(flag: &str, text: &str, now: UnixTime) -> Result<UnixTime, Failure> {
    argument(flag, text, moment::parse(text, now))
}

/// A duration argument, in seconds.
pub(crate) fn span(flag: &str, text: &str) -> Result<u64, Failure> {
    argument(flag, text, moment::parse_span(text))
}

/// An end date argument.
pub(crate) fn end_of_day(flag: &str, text: &str) -> Result<UnixTime, Failure> {
    argument(flag, text, moment::end_of_day(text))
}

/// A grant's id, as somebody types what was read aloud; written down it has capital letters alone.
pub(crate) fn grant_id(text: &str) -> Result<GrantId, NameError> {
    text.to_ascii_uppercase().parse().or_else(|_| text.parse())
}

fn argument<T>(flag: &str, text: &str, parsed: Result<T, MomentError>) -> Result<T, Failure> {
    parsed.map_err(|e| Failure::usage(format!("invalid value '{text}' for '{flag}': {e}")))
}

/// Tells people that a listing was cut.
pub(crate) fn hint_more(more: bool, shown: usize) {
    if more {
        hint(&format!("only {shown} are shown; --all shows the rest"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::{self, Page};

    #[test]
    fn the_manual_and_the_completions_of_ca_are_what_its_flags_are() {
        let page =
            Page { name: "authority of just-in-time access over SSH for vendors", sections: &SECTIONS };
        pages::are_what_the_flags_are(&Cli::command(), &page);
    }

    /// What stands as it is in a manual page 80 columns wide, behind its indent.
    const COLUMNS: usize = 72;

    #[test]
    fn examples_fit_a_terminal_and_a_manual_page() {
        fn lines(command: &clap::Command) -> Vec<String> {
            let shown = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let own = shown.lines().map(str::to_owned);
            own.chain(command.get_subcommands().flat_map(lines)).collect()
        }
        let wide: Vec<_> =
            lines(&Cli::command()).into_iter().filter(|line| line.chars().count() > COLUMNS).collect();
        assert_eq!(wide, [] as [String; 0]);
    }

    const SECTIONS: [(&str, &str); 3] = [
        (
            "ENVIRONMENT",
            ".TP\n.B CA_DIR\nThe authority's directory, as with\n.BR \\-\\-dir .\n\
             .TP\n.B SSH_AUTH_SOCK\nThe ssh-agent that holds the CA key, where ca.toml says so.",
        ),
        (
            "FILES",
            ".TP\n.I /var/lib/jit-ca\nThe authority's directory.\n\
             .TP\n.I ca.toml\nIn it: what an authority is,\n.BR ca.toml (5).",
        ),
        ("SEE ALSO", ".BR jit (1),\n.BR ca.toml (5),\n.BR ssh\\-keygen (1)"),
    ];
}

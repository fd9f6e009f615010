//! `jit`: reads its arguments and the clock, runs one command, prints the outcome.
//!
//! Exit status 0 yes, 1 no or failed, 2 wrong usage. Errors are one `error:` line with their causes,
//! and a `hint:` line where something can be done.

use std::borrow::Cow;
use std::io::{Read, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use audit::handover::Which;
use base64ct::{Base64, Encoding};
use clap::Parser;
use grant::UnixTime;
use hostfile::{HostConfig, HostfileError};
use session::administrate::AdministrateError;
use session::check::door::Severity;
use session::check::pam_stack;
use session::check::sshd::Sshd;
use session::cli::{Check, Cli, Command, End, Extend, Principals, Sessions, Setup, Show, Sweep, Trust, Try};
use session::principals::PamService;
use session::recorder::{Recorder, Settings};
use session::settings::{settings, shipper};
use session::shipper::Bell;
use session::{administrate, check, principals, setup, sweep, trial, trust};

/// The answer of a command: what to print, and whether it is a yes.
struct Answer {
    text: String,
    yes: bool,
}

fn main() -> ExitCode {
    let Cli { command, config } = Cli::parse();
    match command {
        Command::Principals(args) => list_principals(&args, &config),
        Command::Try(args) => end(attempt(&args, &config, now())),
        Command::Check(args) => end(look(&args, &config)),
        Command::Setup(args) => set_up(&args, &config),
        Command::Recorder(args) if args.wanted => end(wanted(&config)),
        Command::Recorder(_) => end(record(&config)),
        Command::Sweep(args) => end(sweep_up(&args, &config)),
        Command::Sessions(args) => end(open_sessions(&args, &config)),
        Command::Show(args) => end(show(&args, &config)),
        Command::End(args) => end(end_sessions(&args, &config)),
        Command::Extend(args) => end(extend(&args, &config)),
        Command::Trust(args) => end(believe(&args, &config)),
    }
}

fn yes(text: impl Into<String>) -> anyhow::Result<Answer> {
    Ok(Answer { text: text.into(), yes: true })
}

/// The configuration and the recorder's settings in it.
fn recorder_settings(config: &Path) -> anyhow::Result<(HostConfig, Settings)> {
    let host = HostConfig::load(config)?;
    let recorder =
        host.recorder.as_ref().with_context(|| format!("{} has no table [recorder]", config.display()));
    let recorder = recorder.map_err(|e| {
        e.context(Hint("write `[recorder]` at its end; an empty table has good defaults".into()))
    })?;
    let settings = settings(&host, recorder);
    Ok((host, settings))
}

/// For the units' ExecCondition: with no table they are still. With a file that is wrong they start, fail, and say why.
fn wanted(config: &Path) -> anyhow::Result<Answer> {
    let unwanted = HostConfig::load(config).is_ok_and(|host| host.recorder.is_none());
    let has = if unwanted { "has no table" } else { "may have the table" };
    Ok(Answer { text: format!("{} {has} [recorder]", config.display()), yes: !unwanted })
}

fn record(config: &Path) -> anyhow::Result<Answer> {
    let (host, settings) = recorder_settings(config)?;
    if !check::kernel_gate_ffi::is_there() {
        let hint = Hint(
            "run a kernel from Linux 5.19 on; without one no vendor can log in where sessions are recorded"
                .into(),
        );
        return Err(
            anyhow::anyhow!("this kernel can't hold programs back as the recorder needs").context(hint)
        );
    }
    let bell = Arc::new(Bell::default());
    let shipper = shipper(&host, &settings, Arc::clone(&bell));
    let recorder = Recorder::start(settings, Arc::clone(&bell))?;
    shipper.spawn().context("can't start the shipper")?;
    recorder.run()?;
    yes("stopped")
}

fn sweep_up(args: &Sweep, config: &Path) -> anyhow::Result<Answer> {
    let (_, settings) = recorder_settings(config)?;
    loop {
        let swept = sweep::sweep(&settings).context("can't sweep")?;
        let lines: Vec<String> = swept.ended.into_iter().chain(swept.repaired).collect();
        let Some(every) = args.every else {
            return yes(if lines.is_empty() { "nothing to sweep".to_owned() } else { lines.join("\n") });
        };
        for line in lines {
            print(&line, ExitCode::SUCCESS);
        }
        std::thread::sleep(every);
    }
}

fn open_sessions(args: &Sessions, config: &Path) -> anyhow::Result<Answer> {
    let (_, settings) = recorder_settings(config)?;
    loop {
        let open = administrate::sessions(&settings.socket)?;
        if args.json {
            return yes(serde_json::to_string_pretty(&open)?);
        }
        let table = administrate::table(&open);
        if !args.watch {
            return yes(table);
        }
        // Clear the screen, then the table (ECMA-48: ED, CUP).
        if print(&format!("\u{1b}[2J\u{1b}[H{table}"), ExitCode::SUCCESS) != ExitCode::SUCCESS {
            return yes("");
        }
        std::thread::sleep(Duration::from_secs(1));
    }
}

fn show(args: &Show, config: &Path) -> anyhow::Result<Answer> {
    let (_, settings) = recorder_settings(config)?;
    let records = administrate::records(&settings.spool, &args.session)?;
    if args.json {
        let lines: Vec<String> = records.iter().map(ToString::to_string).collect();
        return yes(lines.join("\n"));
    }
    yes(administrate::told(&records))
}

fn end_sessions(args: &End, config: &Path) -> anyhow::Result<Answer> {
    let (_, settings) = recorder_settings(config)?;
    let which = match args {
        End { session: Some(id), .. } => Which::Session(id.clone()),
        End { grant: Some(id), .. } => Which::Grant(id.clone()),
        End { person: Some(name), .. } => Which::Person(name.clone()),
        End { vendor: Some(name), .. } => Which::Vendor(name.clone()),
        _ => Which::All,
    };
    let whom = match &which {
        Which::Session(id) => format!("there is no open session {id}"),
        Which::Grant(id) => format!("no session of grant {id} is open"),
        Which::Person(name) => format!("no session of {name} is open"),
        Which::Vendor(name) => format!("no session of vendor {name} is open"),
        Which::All => String::new(),
    };
    let ended = administrate::end(&settings.socket, which, args.reason.clone(), administrator())?;
    if ended == 0 && !args.all {
        return Err(anyhow::anyhow!(whom).context(Hint("jit sessions lists what is open".into())));
    }
    Ok(Answer { text: format!("{ended} session{} ended", if ended == 1 { "" } else { "s" }), yes: true })
}

/// Who gives the order: the person behind sudo, else the user.
fn administrator() -> String {
    let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    variable("SUDO_USER").or_else(|| variable("USER")).unwrap_or_else(|| "root".to_owned())
}

fn extend(args: &Extend, config: &Path) -> anyhow::Result<Answer> {
    let (_, settings) = recorder_settings(config)?;
    let text = certificate_text(&args.cert)?;
    let blob = trial::certificate_blob(&text)
        .map_err(anyhow::Error::from)
        .map_err(|e| e.context(Hint("give the file that `ca sign` wrote, NAME-cert.pub".into())))?;
    let until = administrate::extend(&settings.socket, args.session.clone(), Base64::encode_string(&blob))?;
    yes(format!("session {} was extended until {until}", args.session))
}

fn believe(args: &Trust, config: &Path) -> anyhow::Result<Answer> {
    let place = trust::Place::of(config);
    match (&args.drop, &args.file) {
        (Some(folder), _) => believe_dropped(&place, folder, args.json),
        (None, Some(file)) => {
            let signed = trust::told::read(file).map_err(with_hint)?;
            let asked = trust::told::Asked { root: args.root, yes: args.yes, dry_run: args.dry_run };
            let text = trust::told::believe(&place, &signed, &asked, args.json, now).map_err(with_hint)?;
            yes(text)
        }
        // clap lets none through without either.
        (None, None) => anyhow::bail!("name a bundle"),
    }
}

fn believe_dropped(place: &trust::Place, folder: &Path, json: bool) -> anyhow::Result<Answer> {
    let finished = trust::Work::begin(place).map_err(with_hint)?.1;
    let dropped = trust::incoming::take(place, folder, now).map_err(with_hint)?;
    let text = trust::told::dropped(finished, &dropped, json)?;
    Ok(Answer { text, yes: dropped.iter().all(|dropped| dropped.result.is_ok()) })
}

fn with_hint(error: trust::TrustError) -> anyhow::Error {
    match error.hint() {
        Some(hint) => anyhow::Error::from(error).context(Hint(hint.into())),
        None => error.into(),
    }
}

fn now() -> UnixTime {
    #[allow(clippy::disallowed_methods, reason = "the one line where jit reads the clock")]
    let now = SystemTime::now();
    UnixTime::from_secs(now.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs())
}

/// sshd reads this one: either every line, or nothing at all.
fn list_principals(args: &Principals, config: &Path) -> ExitCode {
    let service = PamService { directory: Path::new(pam_stack::FOLDER), name: &args.pam_service };
    let listed = HostConfig::load(config)
        .map_err(principals::NoPrincipals::from)
        .and_then(|config| principals::principals(&config, service, &args.user, args.key.as_deref()));
    match listed {
        Ok(lines) => print(&lines.join("\n"), ExitCode::SUCCESS),
        Err(error) => {
            if args.explain {
                complain(&error.into());
            }
            ExitCode::FAILURE
        }
    }
}

fn attempt(args: &Try, config: &Path, now: UnixTime) -> anyhow::Result<Answer> {
    let text = certificate_text(&args.cert)?;
    let shown = args.cert.display();
    let blob = trial::certificate_blob(&text)
        .map_err(anyhow::Error::from)
        .map_err(|e| e.context(Hint("give the file that `ca sign` wrote, NAME-cert.pub".into())))
        .with_context(|| format!("{shown} is refused"))?;
    let config = HostConfig::load(config)?;
    let outcome = trial::attempt(&config, &blob, &args.account, args.from, args.at.unwrap_or(now))?;
    let text = if args.json { serde_json::to_string_pretty(&outcome)? } else { outcome.to_string() };
    Ok(Answer { text, yes: outcome.is_allowed() })
}

fn certificate_text(path: &Path) -> anyhow::Result<String> {
    let limit = u64::try_from(trial::FILE_LIMIT)?;
    let mut text = Vec::new();
    let read = if path == Path::new("-") {
        std::io::stdin().lock().take(limit + 1).read_to_end(&mut text)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(limit + 1).read_to_end(&mut text))
    };
    read.with_context(|| format!("cannot read {}", path.display()))?;
    anyhow::ensure!(text.len() <= trial::FILE_LIMIT, "{} is larger than any certificate", path.display());
    String::from_utf8(text).ok().with_context(|| format!("{} is not text", path.display()))
}

fn look(args: &Check, config: &Path) -> anyhow::Result<Answer> {
    let report = check::check(&check::Request {
        config: config.to_owned(),
        sshd: Sshd { program: args.sshd.clone(), config: args.sshd_config.clone() },
        pam_directory: args.pam_dir.clone(),
        now: now(),
    });
    let text = if args.json { report.to_json()? } else { report.to_string() };
    Ok(Answer { text, yes: report.count(Severity::Error) == 0 })
}

/// Progress is told as it happens; the exit status is the outcome.
fn set_up(args: &Setup, config: &Path) -> ExitCode {
    if config != Path::new(hostfile::DEFAULT_CONFIG) {
        let wrong = anyhow::anyhow!(
            "--config has no meaning here: the lines that are written read {}",
            hostfile::DEFAULT_CONFIG
        );
        complain(&wrong.context(Hint("leave it out".into())));
        return ExitCode::from(2);
    }
    // A reader that has gone away must not stop a change half way.
    let mut say = |line: &str| {
        let _ = print(&check::door::printable(line), ExitCode::SUCCESS);
    };
    let place = setup::Place {
        sshd: args.sshd.clone(),
        sshd_config: args.sshd_config.clone(),
        sshd_pid: args.sshd_pid,
    };
    let wanted = setup::Wanted { host: args.host.clone(), authority: args.authority };
    let done = match args {
        Setup { dry_run: true, remove, purge, .. } => {
            let diff = setup::dry_run(&place, &wanted, remove.then_some(*purge));
            match diff {
                Ok(diff) => return print(&diff, ExitCode::SUCCESS),
                Err(error) => Err(error),
            }
        }
        Setup { confirm: true, .. } => setup::confirm(&mut say),
        Setup { restore: true, change: Some(change), after: Some(after), .. } => {
            setup::restore_later(change, *after, &mut say)
        }
        Setup { restore: true, change, .. } => setup::restore(change.as_deref(), &mut say),
        Setup { remove: true, purge, .. } => {
            setup::remove(&place, *purge, &mut || end_for_removal(config), &mut say)
        }
        _ => {
            let (administrator, yes, wait) = (args.admin.clone(), args.yes, args.wait);
            setup::install(&setup::Request { place, wanted, administrator, yes, wait }, &mut say)
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let hint = error.what_to_do().map(str::to_owned);
            let error = anyhow::Error::from(error);
            complain(&match hint {
                Some(hint) => error.context(Hint(hint.into())),
                None => error,
            });
            ExitCode::FAILURE
        }
    }
}

/// Ends every open session before what guards them is taken out; what a person should know about it.
fn end_for_removal(config: &Path) -> Option<String> {
    // No recorder, no session that could be ended.
    let (_, settings) = recorder_settings(config).ok()?;
    if !settings.socket.exists() {
        return None;
    }
    let reason = "pam-jit is taken out of this host".to_owned();
    Some(match administrate::end(&settings.socket, Which::All, reason, administrator()) {
        Ok(ended) => format!("{ended} session{} ended", if ended == 1 { "" } else { "s" }),
        Err(error) => format!("sessions of vendors may still be open: {error}"),
    })
}

fn end(answer: anyhow::Result<Answer>) -> ExitCode {
    match answer {
        Ok(answer) => print(&answer.text, if answer.yes { ExitCode::SUCCESS } else { ExitCode::FAILURE }),
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

/// Prints and flushes; a reader that has gone away is a failure, not a panic.
fn print(text: &str, code: ExitCode) -> ExitCode {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Ok(()) => code,
        Err(_) => ExitCode::FAILURE,
    }
}

/// What can be done about an error; shown on its own line.
#[derive(Debug)]
struct Hint(Cow<'static, str>);

impl std::fmt::Display for Hint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// What helps with an error that any command may have.
fn usual_hint(error: &anyhow::Error) -> Option<String> {
    if let Some(AdministrateError::Recorder { source, .. }) = error.downcast_ref() {
        return Some(match source.kind() {
            std::io::ErrorKind::PermissionDenied => "run it as root: sudo jit ...".to_owned(),
            _ => "systemctl status jit-recorder.socket jit-recorder.service".to_owned(),
        });
    }
    match error.downcast_ref() {
        Some(HostfileError::Missing { .. }) => {
            Some("`jit trust FILE` writes it, from a bundle that `ca host bundle` makes for this host; then `jit setup`".into())
        }
        _ => None,
    }
}

fn complain(error: &anyhow::Error) {
    let hint = error.downcast_ref::<Hint>().map(ToString::to_string).or_else(|| usual_hint(error));
    let causes = error.chain().map(ToString::to_string).filter(|text| Some(text) != hint.as_ref());
    let text = causes.collect::<Vec<_>>().join(": ");
    let mut err = std::io::stderr().lock();
    // If standard error is gone, the exit status still says it.
    let _ = writeln!(err, "error: {}", check::door::printable(&text));
    if let Some(hint) = hint {
        let _ = writeln!(err, "hint: {hint}");
    }
}

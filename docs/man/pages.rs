//! The manual page and the completions of a program, made from its own command line (clap): `ca` and `jit` include this
//! file in their tests. The files lie in the tree, so that building needs no generator; a test compares them, so that
//! they are never anything else than the flags. `scripts/make-man` writes them anew.

use std::path::Path;

use clap::Command;
use clap_complete::{Shell, generate};
use clap_mangen::Man;

/// What a page says beyond its command line.
pub(crate) struct Page<'a> {
    /// One line behind the name.
    pub(crate) name: &'a str,
    /// Sections at the end: heading, and text in man(7).
    pub(crate) sections: &'a [(&'a str, &'a str)],
}

/// The page's date: that of the version's work, not of the day on which it was made.
const DATE: &str = "2026-11-24";

/// Compares the files of the tree with `command`; writes them when `WRITE_PAGES` is set.
///
/// # Panics
/// When a file is not what the command line says.
pub(crate) fn are_what_the_flags_are(command: &Command, page: &Page<'_>) {
    let name = command.get_name().to_owned();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut stale = Vec::new();
    let completions = |shell| {
        let mut text = Vec::new();
        generate(shell, &mut command.clone(), name.clone(), &mut text);
        String::from_utf8(text).unwrap_or_default()
    };
    for (file, text) in [
        (format!("docs/man/{name}.1"), manual(command, page)),
        (format!("packaging/completions/bash/{name}"), completions(Shell::Bash)),
        (format!("packaging/completions/zsh/_{name}"), completions(Shell::Zsh)),
        (format!("packaging/completions/fish/{name}.fish"), completions(Shell::Fish)),
    ] {
        let path = root.join(&file);
        if std::env::var_os("WRITE_PAGES").is_some() {
            std::fs::write(&path, &text).unwrap_or_else(|error| panic!("{file}: {error}"));
        }
        if std::fs::read_to_string(&path).unwrap_or_default() != text {
            stale.push(file);
        }
    }
    assert!(stale.is_empty(), "not what the flags are: {}; run scripts/make-man", stale.join(", "));
}

/// The page: every command in one, since whoever looks for one of them looks for its neighbours too.
fn manual(command: &Command, page: &Page<'_>) -> String {
    let name = command.get_name();
    let version = concat!("pam-jit ", env!("CARGO_PKG_VERSION"));
    let mut text = format!(
        ".\\\" Made by scripts/make-man from the program's own command line.\n\
         .TH {} 1 {DATE} \"{version}\" \"pam-jit\"\n.nh\n.ad l\n.SH NAME\n{name} \\- {}\n",
        name.to_uppercase(),
        page.name
    );
    let mut command = command.clone().disable_help_subcommand(true);
    command.build();
    let man = Man::new(command.clone());
    text += &format!(".SH SYNOPSIS\n{}\n", synopsis(&command));
    text += &rendered(|out| man.render_description_section(out));
    text += &rendered(|out| man.render_options_section(out));
    text += ".SH COMMANDS\n";
    for subcommand in command.get_subcommands() {
        text += &commands(subcommand);
    }
    if let Some(after) = command.get_after_help() {
        text += ".SH EXAMPLES\n";
        text += &as_it_stands(&after.to_string());
    }
    for (heading, body) in page.sections {
        text += &format!(".SH \"{heading}\"\n{body}\n");
    }
    tidy(&text)
}

/// One command and those below it, without the options that stand above for all of them.
fn commands(command: &Command) -> String {
    if command.has_subcommands() {
        return command.get_subcommands().map(commands).collect();
    }
    let name = command.get_bin_name().unwrap_or_default().to_owned();
    let everywhere = |arg: &clap::Arg| arg.is_global_set() || arg.get_id() == "help";
    let man = Man::new(command.clone().mut_args(|arg| if everywhere(&arg) { arg.hide(true) } else { arg }));
    let mut text = format!(".SS \"{name}\"\n");
    text += &format!("{}\n.PP\n", synopsis(command));
    text += &without_heading(&rendered(|out| man.render_description_section(out)));
    text += &without_heading(&rendered(|out| man.render_options_section(out)));
    if let Some(after) = command.get_after_help() {
        text += ".PP\n";
        text += &as_it_stands(&after.to_string());
    }
    text
}

/// How the command is written: what may be left out in brackets, each option with its value, what excludes each other
/// behind `|`.
fn synopsis(command: &Command) -> String {
    let mut command = command.clone();
    command.build();
    let shown = |arg: &&clap::Arg| !arg.is_hide_set() && arg.get_id() != "help" && arg.get_id() != "version";
    // Groups of options of which one, or at least one, is given.
    let mut groups = Vec::new();
    for group in command.get_groups() {
        let members: Vec<_> = group
            .get_args()
            .filter_map(|id| command.get_arguments().find(|arg| arg.get_id() == id))
            .collect();
        let one_alone = !group.clone().is_multiple();
        if members.len() > 1 && (one_alone || group.is_required_set()) {
            groups.push((group.is_required_set(), members));
        }
    }
    let grouped = |arg: &clap::Arg| {
        groups.iter().any(|(_, members)| members.iter().any(|one| one.get_id() == arg.get_id()))
    };
    let single = command.get_arguments().filter(shown).filter(|arg| !grouped(arg) && !arg.is_global_set());
    let mut parts: Vec<(bool, bool, String)> =
        single.map(|arg| (arg.is_positional(), arg.is_required_set(), written(arg))).collect();
    for (required, members) in &groups {
        let members: Vec<_> = members.iter().map(|arg| written(arg)).collect();
        let either = members.join(" | ");
        parts.push((false, *required, if *required { format!("{{{either}}}") } else { either }));
    }
    // What must be there, then what may; behind both what has no name.
    parts.sort_by_key(|(positional, required, _)| (*positional, !required));
    let mut text =
        format!("\\fB{}\\fR", command.get_bin_name().unwrap_or(command.get_name()).replace('-', "\\-"));
    if command.get_arguments().any(|arg| arg.is_global_set() && arg.get_id() != "help") {
        text += if command.has_subcommands() { " [\\fIOPTIONS\\fR]" } else { "" };
    }
    for (_, required, part) in parts {
        let (once, more) = part.strip_suffix("...").map_or((part.as_str(), ""), |once| (once, "..."));
        text += &if required { format!(" {once}{more}") } else { format!(" [{once}]{more}") };
    }
    if command.has_subcommands() {
        text += " \\fICOMMAND\\fR [\\fIARGUMENTS\\fR]";
    }
    text
}

/// An option with its value, or a value alone; unbreakable.
fn written(arg: &clap::Arg) -> String {
    let names = arg.get_value_names().unwrap_or_default().iter().map(|name| name.to_string());
    let value = match arg.get_action() {
        clap::ArgAction::Set | clap::ArgAction::Append => names.collect::<Vec<_>>().join("\\~"),
        _ => String::new(),
    };
    let value = if value.is_empty() { value } else { format!("\\fI{}\\fR", value.replace('-', "\\-")) };
    let name = match (arg.get_short(), arg.get_long()) {
        _ if arg.is_positional() => String::new(),
        (Some(short), _) if arg.get_long().is_none() => format!("\\fB\\-{short}\\fR"),
        (_, long) => format!("\\fB\\-\\-{}\\fR", long.unwrap_or_default().replace('-', "\\-")),
    };
    let between = if name.is_empty() || value.is_empty() { "" } else { "\\~" };
    let more = if matches!(arg.get_action(), clap::ArgAction::Append) { "..." } else { "" };
    format!("{name}{between}{value}{more}")
}

fn rendered(render: impl FnOnce(&mut dyn std::io::Write) -> std::io::Result<()>) -> String {
    let mut text = Vec::new();
    render(&mut text).unwrap_or_else(|error| panic!("renders into memory: {error}"));
    String::from_utf8(text).unwrap_or_default()
}

/// A section's text alone. The roff crate begins each piece with two lines about quotes.
fn without_heading(section: &str) -> String {
    section.lines().filter(|line| !line.starts_with(".SH")).map(|line| format!("{line}\n")).collect()
}

/// Examples, line by line as `--help` shows them.
fn as_it_stands(text: &str) -> String {
    let escaped = text.replace('\\', "\\e").replace('-', "\\-").replace('\'', "\\(aq").replace('`', "\\(ga");
    let lines = escaped.lines().map(|line| {
        let line = line.trim_end();
        if line.starts_with('.') { format!("\\&{line}\n") } else { format!("{line}\n") }
    });
    format!(".nf\n{}.fi\n", lines.collect::<String>())
}

/// Without the preamble that each rendered piece brings, without blanks at the ends of lines, and with short lines where
/// the page is filled anyway.
fn tidy(text: &str) -> String {
    let preamble = [".ie \\n(.g .ds Aq \\(aq", ".el .ds Aq '"];
    let mut filled = true;
    let mut tidied = String::new();
    for line in text.lines().filter(|line| !preamble.contains(line)) {
        let line = line.replace("\\*(Aq", "\\(aq");
        filled = (filled || line == ".fi") && line != ".nf";
        let mut width = 0;
        for word in line.trim_end().split(' ') {
            // A piece that begins with a dot would be a macro.
            let breaks =
                filled && !line.starts_with('.') && width + word.len() > 78 && !word.starts_with(['.', '\'']);
            tidied += if width == 0 {
                ""
            } else if breaks {
                "\n"
            } else {
                " "
            };
            width = if breaks { word.len() } else { width + 1 + word.len() };
            tidied += word;
        }
        tidied.push('\n');
    }
    tidied
}

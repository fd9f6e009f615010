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
         .TH {} 1 {DATE} \"{version}\" \"pam-jit\"\n.SH NAME\n{name} \\- {}\n",
        name.to_uppercase(),
        page.name
    );
    let mut command = command.clone().disable_help_subcommand(true);
    command.build();
    let man = Man::new(command.clone());
    text += &rendered(|out| man.render_synopsis_section(out));
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
    text += &without_heading(&rendered(|out| man.render_synopsis_section(out)));
    text += ".PP\n";
    text += &without_heading(&rendered(|out| man.render_description_section(out)));
    text += &without_heading(&rendered(|out| man.render_options_section(out)));
    if let Some(after) = command.get_after_help() {
        text += ".PP\n";
        text += &as_it_stands(&after.to_string());
    }
    text
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

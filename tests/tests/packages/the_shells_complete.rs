//! The completions, each loaded by its own shell: what is typed is completed.

use std::process::Command;

use e2e::packages::root;
use e2e::process::{clean, program, run};

/// What a shell says.
fn said(mut shell: Command, script: &str) -> String {
    shell.arg("-c").arg(script).current_dir(root().join("packaging/completions"));
    run(shell).ok().stdout
}

/// A command, the beginning of a word, and what it may become.
const WORDS: [(&str, &str, &[&str]); 3] =
    [("jit", "se", &["sessions", "setup"]), ("jit", "princ", &["principals"]), ("ca", "gra", &["grant"])];

#[track_caller]
fn complete(shell: &str, asks: impl Fn(&str, &str) -> String) {
    for (name, begun, wanted) in WORDS {
        let completed = asks(name, begun);
        let mut completed: Vec<_> =
            completed.lines().filter_map(|line| line.split_whitespace().next()).collect();
        completed.sort_unstable();
        assert_eq!(completed, wanted, "{shell}: {name} {begun}");
    }
}

#[test]
fn bash_completes_commands() {
    complete("bash", |name, begun| {
        let script = format!(
            "source bash/{name}; COMP_WORDS=({name} {begun}); COMP_CWORD=1; _{name} {name} {begun} {name}; printf '%s\\n' \"${{COMPREPLY[@]}}\""
        );
        said(clean(program("bash", "bash")), &script)
    });
}

#[test]
fn fish_completes_commands() {
    complete("fish", |name, begun| {
        let mut fish = clean(program("fish", "fish"));
        fish.arg("--no-config");
        said(fish, &format!("source fish/{name}.fish; complete -C '{name} {begun}'"))
    });
}

#[test]
fn zsh_loads_them_by_their_names() {
    for name in ["jit", "ca"] {
        let mut zsh = clean(program("zsh", "zsh"));
        zsh.arg("-f");
        let script = format!(
            "fpath=($PWD/zsh $fpath); autoload -U compinit; compinit -u -D; print $_comps[{name}]; autoload +X -Uz _{name} && print loaded"
        );
        assert_eq!(said(zsh, &script), format!("_{name}\nloaded\n"));
    }
}

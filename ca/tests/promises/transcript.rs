//! Golden tests: transcripts of a terminal, played again and compared line by line.
//!
//! A line `$ COMMAND` is run by sh; what follows up to the next one is its output, standard output first,
//! and `[N]` where its exit code is not 0. What differs each time is replaced: `G-XXXXXX`, `SHA256:...`, times.
//! `UPDATE_TRANSCRIPTS=1` writes the files anew; read the difference before you believe it.

use std::path::Path;

use crate::scene::Scene;

fn play(name: &str, scene: &Scene) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/promises/golden").join(name);
    let wanted = std::fs::read_to_string(&path).unwrap();
    let mut played = String::new();
    let mut id = String::from("G-222222");
    for line in wanted.lines() {
        if line.starts_with('#') || line.is_empty() {
            played.push_str(&format!("{line}\n"));
        }
        let Some(command) = line.strip_prefix("$ ") else { continue };
        let ran = scene.shell(&command.replace("G-XXXXXX", &id));
        let output = format!("{}{}", ran.out, ran.err);
        if command.contains("grant create") && ran.code == 0 {
            id = ran.out.lines().last().unwrap().to_owned();
        }
        played.push_str(&format!("{line}\n"));
        for shown in output.lines() {
            played.push_str(&format!("{}\n", steady(shown, scene)));
        }
        if ran.code != 0 {
            played.push_str(&format!("[{}]\n", ran.code));
        }
    }
    if std::env::var_os("UPDATE_TRANSCRIPTS").is_some() {
        std::fs::write(&path, &played).unwrap();
    }
    for (number, (is, should)) in (1..).zip(played.lines().zip(wanted.lines())) {
        assert_eq!(is, should, "{name} line {number}");
    }
    assert_eq!(played.lines().count(), wanted.lines().count(), "{name}:\n{played}");
}

/// Replaces what differs from run to run.
fn steady(line: &str, scene: &Scene) -> String {
    let line = line.replace(&scene.path("").display().to_string(), "DIR/");
    let mut out = String::new();
    let mut rest = line.as_str();
    while let Some(c) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("SHA256:") {
            out.push_str("SHA256:...");
            rest = after.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '+' || c == '/');
        } else if let Some(after) = rest.strip_prefix("G-").filter(|after| is_id(after)) {
            out.push_str("G-XXXXXX");
            rest = &after[6..];
        } else if let Some(length) = time_at(rest) {
            out.push_str("TIME");
            rest = &rest[length..];
        } else if rest.len() >= 64 && rest.bytes().take(64).all(|b| b.is_ascii_hexdigit()) {
            out.push_str("DIGEST");
            rest = &rest[64..];
        } else if rest.starts_with("   ") {
            // Columns are as wide as what was replaced.
            rest = &rest[1..];
        } else if let Some(length) = days_at(rest) {
            out.push_str("N days");
            rest = &rest[length..];
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    out
}

fn is_id(after: &str) -> bool {
    after.len() >= 6 && after.bytes().take(6).all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
}

/// The length of `123 days` if that begins here: the far ones are counted from today.
fn days_at(text: &str) -> Option<usize> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    (digits > 0 && text[digits..].starts_with(" days")).then_some(digits + " days".len())
}

/// The length of a time of this century's twenties that begins here; the far ones are the test's own.
fn time_at(text: &str) -> Option<usize> {
    let shape = |pattern: &str| {
        text.len() >= pattern.len()
            && text
                .bytes()
                .zip(pattern.bytes())
                .all(|(b, p)| if p == b'0' { b.is_ascii_digit() } else { b == p })
    };
    if !text.starts_with("202") {
        return None;
    }
    let forms = ["0000-00-00T00:00:00Z", "0000-00-00 00:00:00 UTC", "0000-00-00 00:00 UTC"];
    forms.into_iter().find(|form| shape(form)).map(str::len)
}

#[test]
fn the_first_day_reads_as_written() {
    let scene = Scene::empty();
    for name in ["jo", "kim"] {
        scene.make_key(name, "ed25519");
    }
    play("first_day.transcript", &scene);
}

#[test]
fn errors_read_as_written() {
    let scene = Scene::new();
    scene.make_key("al", "ed25519");
    scene.run("ssh-keygen", ["-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", "small"]).ok();
    play("errors.transcript", &scene);
    scene.expect_well();
}

#[test]
fn every_subcommand_has_help_with_examples() {
    let scene = Scene::empty();
    let commands = [
        "",
        "init",
        "vendor add",
        "vendor list",
        "vendor show",
        "vendor end",
        "person add",
        "person list",
        "person show",
        "person end",
        "approver add",
        "approver list",
        "approver end",
        "approver export",
        "host add",
        "host list",
        "host end",
        "host bundle",
        "grant create",
        "grant show",
        "approve",
        "deny",
        "sign",
        "inspect",
        "revoke",
        "krl",
        "revoked",
        "list",
        "log",
        "backup",
        "check",
    ];
    for command in commands {
        let words = command.split_whitespace().chain(["--help"]);
        let help = scene.ca(words).ok();
        assert!(help.contains(&format!("\n  ca {command}")), "{command}: {help}");
        assert!(help.contains("Examples:") || command.is_empty(), "{command}: {help}");
    }
}

//! Passphrases that a person types, on a real terminal: never shown, and what was typed too early counts for nothing.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use nix::pty::openpty;
use nix::sys::termios::{LocalFlags, tcgetattr};

use crate::scene::{CA, Scene};

/// How long anything may take.
const SOON: Duration = Duration::from_secs(60);
const PASSPHRASE: &str = "correct horse";

/// A terminal with a command on it, from the person's side.
struct Terminal {
    keyboard: File,
    screen: Receiver<Vec<u8>>,
    shown: String,
    child: Option<Child>,
}

impl Terminal {
    /// A terminal on which something was typed before anything runs there.
    fn typed_ahead(scene: &Scene, typed: &str, words: &[&str]) -> Self {
        let pair = openpty(None, None).unwrap();
        let mut keyboard = File::from(pair.master);
        keyboard.write_all(typed.as_bytes()).unwrap();
        let side = || Stdio::from(pair.slave.try_clone().unwrap());
        // Its standard input becomes its terminal, /dev/tty. Whoever runs the tests in the background ignores Ctrl-C, and what
        // is started from there would too.
        let mut command = scene.command("env");
        command.args(["--default-signal=INT", "setsid", "--ctty"]).args(words);
        let child = command.stdin(side()).stdout(side()).stderr(side()).spawn().unwrap();
        let (send, screen) = channel();
        let mut reader = keyboard.try_clone().unwrap();
        std::thread::spawn(move || {
            let mut bytes = [0; 256];
            // The last one to close the other side ends it with an error.
            while let Ok(count @ 1..) = reader.read(&mut bytes) {
                if send.send(bytes[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { keyboard, screen, shown: String::new(), child: Some(child) }
    }

    fn with(scene: &Scene, arguments: &[&str]) -> Self {
        Self::typed_ahead(scene, "", &[&[CA], arguments].concat())
    }

    fn look(&mut self) -> bool {
        let bytes = self.screen.recv_timeout(SOON);
        self.shown.push_str(&String::from_utf8_lossy(&bytes.clone().unwrap_or_default()));
        bytes.is_ok()
    }

    /// Waits for the first character of a question, and not for its last: whoever types at once types then.
    #[track_caller]
    fn wait_for(&mut self, part: &str) {
        while !self.shown.contains(part) {
            assert!(self.look(), "{part:?} is not in {:?}", self.shown);
        }
    }

    fn echoes(&self) -> bool {
        tcgetattr(&self.keyboard).unwrap().local_flags.contains(LocalFlags::ECHO)
    }

    fn types(&mut self, text: &str) {
        self.keyboard.write_all(text.as_bytes()).unwrap();
    }

    /// The exit code, -1 after a signal; and everything that was to be seen.
    fn ends(&mut self) -> (i32, String) {
        let code = self.child.take().unwrap().wait().unwrap().code().unwrap_or(-1);
        while self.look() {}
        (code, std::mem::take(&mut self.shown))
    }
}

/// An authority whose trust root has the passphrase.
fn locked() -> Scene {
    let scene = Scene::new();
    scene.run("ssh-keygen", ["-q", "-p", "-N", PASSPHRASE, "-f", "ca/trust_root"]).ok();
    scene
}

const BUNDLE: [&str; 5] = ["host", "bundle", "db1.prod", "-o", "b"];

#[test]
fn a_passphrase_that_is_typed_at_once_is_never_shown() {
    let scene = locked();
    for _round in 0..30 {
        let mut terminal = Terminal::with(&scene, &BUNDLE);
        terminal.wait_for("p");
        assert!(!terminal.echoes(), "it asks before the echo is off: {:?}", terminal.shown);
        terminal.types(&format!("{PASSPHRASE}\n"));
        let (code, shown) = terminal.ends();
        assert_eq!(code, 0, "{shown}");
        assert!(!shown.contains("horse"), "{shown}");
    }
}

#[test]
fn what_was_typed_before_the_question_is_not_part_of_the_answer() {
    let scene = locked();
    let mut terminal = Terminal::typed_ahead(&scene, "ls\nrm -r", &[&[CA], &BUNDLE[..]].concat());
    terminal.wait_for("passphrase of ");
    terminal.types(&format!("{PASSPHRASE}\n"));
    let (code, shown) = terminal.ends();
    assert_eq!(code, 0, "{shown}");
}

#[test]
fn new_keys_are_asked_for_twice_and_both_answers_may_come_at_once() {
    let scene = Scene::empty();
    let mut terminal = Terminal::with(&scene, &["init"]);
    terminal.wait_for("passphrase for ");
    // Erased, an arrow key, and a word taken back.
    terminal.types("correct x\u{7f}horse\u{1b}[D again\u{17}\u{7f}\ncorrect horse\n");
    let (code, shown) = terminal.ends();
    assert!(code == 0 && !shown.contains("horse"), "{shown}");
    scene.run("ssh-keygen", ["-y", "-P", PASSPHRASE, "-f", "ca/ca_key"]).ok();

    let scene = Scene::empty();
    let mut terminal = Terminal::with(&scene, &["init"]);
    terminal.wait_for("passphrase for ");
    terminal.types("correct horse\nanother horse\n");
    let (code, shown) = terminal.ends();
    assert!(code == 1 && shown.contains("error: the two passphrases differ"), "{shown}");
}

#[test]
fn a_short_passphrase_is_refused_before_it_is_typed_again() {
    let scene = Scene::empty();
    let mut terminal = Terminal::with(&scene, &["init"]);
    terminal.wait_for("passphrase for ");
    terminal.types("short\n");
    let (code, shown) = terminal.ends();
    assert!(code == 1 && !shown.contains("the same again"), "{shown}");
    assert!(
        shown.contains("error: the passphrase from the terminal is shorter than 8 characters"),
        "{shown}"
    );
}

#[test]
fn on_a_terminal_too_the_last_line_of_create_is_the_grants_id() {
    let scene = Scene::new();
    let create = "grant create --person acme/jo --host db1.prod --account acme-support --for 30m --uses 1 --reason work";
    let mut terminal = Terminal::with(&scene, &create.split(' ').collect::<Vec<_>>());
    let (code, shown) = terminal.ends();
    assert_eq!(code, 0, "{shown}");
    assert!(shown.contains("hint: only hosts with a recorder enforce uses"), "{shown}");
    let id = shown.trim_end().lines().last().unwrap();
    assert_eq!(scene.json(["grant", "show", id])["id"], id, "{shown}");
}

/// What runs after the command on the same terminal, as a shell does: how it ended, whether there is echo, what was left.
const AFTERWARDS: &str =
    r#""$@"; echo "[$?]"; stty -a | grep -ow -e '-\?echo'; stty -icanon min 0 time 0; cat"#;

#[test]
fn however_a_question_ends_the_terminal_is_as_before() {
    for (typed, ended) in [
        ("\u{3}", "[130]"),                                 // Ctrl-C: by the signal
        ("\u{4}", "[1]"),                                   // Ctrl-D
        ("wrong horse\n", "[1]"),                           // not the passphrase
        ("correct horse\nthe same again, pasted\n", "[0]"), // the rest is nobody's
        (&"x".repeat(1025), "[1]"),
    ] {
        let scene = locked();
        let mut terminal =
            Terminal::typed_ahead(&scene, "", &[&["sh", "-c", AFTERWARDS, "sh", CA], &BUNDLE[..]].concat());
        terminal.wait_for("passphrase of ");
        terminal.types(typed);
        let (_, shown) = terminal.ends();
        let lines: Vec<_> = shown.lines().collect();
        assert_eq!(lines[lines.len() - 2..], [ended, "echo"], "{typed:?}: {shown}");
        assert!(
            !shown.contains("horse") && !shown.contains("pasted") && !shown.contains("xx"),
            "{typed:?}: {shown}"
        );
    }
}

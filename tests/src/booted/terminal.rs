//! Root's shell on a terminal of a booted host, and the person in front of it: types a line, answers what is asked, reads
//! on until the next prompt.
//!
//! The shell is an interactive bash on a pseudoterminal of util-linux's `script`. Each of its prompts, and of the shells
//! started in it, is preceded by a line with the last exit status: so a line's end is seen, not guessed.

use std::time::Duration;

use tempfile::TempDir;

use crate::booted::client::OpenShell;
use crate::booted::host::Host;
use crate::deadline;

/// No line of a person's takes longer, on a busy machine.
const LIMIT: Duration = Duration::from_secs(90);

/// What precedes each prompt. The words as they are typed or echoed look otherwise.
const PROMPT: &str = "echo \"<status $?>\"";

/// A terminal.
#[derive(Debug)]
pub struct Terminal {
    shell: OpenShell,
    seen: usize,
    _folder: TempDir,
}

/// What a line did.
#[derive(Debug)]
pub struct Said {
    /// Its exit status.
    pub status: u32,
    /// What was on the screen: the echo of the line, questions, output.
    pub screen: String,
}

impl Terminal {
    /// Root's shell, in root's home.
    ///
    /// # Panics
    /// When no prompt comes.
    #[must_use]
    #[track_caller]
    pub fn of_root(host: &Host) -> Self {
        let folder = tempfile::Builder::new().prefix("jit-terminal-").tempdir().expect("a scratch folder");
        let mut command = host.command("/usr/bin/env");
        command.args(["-C", "/root", "HOME=/root", "USER=root", "SHELL=/bin/bash", "TERM=dumb"]);
        command.arg(format!("PROMPT_COMMAND={PROMPT}"));
        command.args(["script", "--quiet", "--return", "--command", "bash -i", "/dev/null"]);
        let shell = OpenShell::start(command, folder.path().join("screen"));
        let mut terminal = Self { shell, seen: 0, _folder: folder };
        drop(terminal.until_prompt(&mut |_| None));
        terminal
    }

    /// Types a line, waits for the next prompt, and gives what the screen showed meanwhile. As long as there is no prompt,
    /// `answer` is shown what came since the last answer, and may answer it.
    ///
    /// # Panics
    /// When no prompt comes.
    #[track_caller]
    pub fn line(&mut self, line: &str, answer: &mut dyn FnMut(&str) -> Option<String>) -> Said {
        self.shell.types(&format!("{line}\n"));
        self.until_prompt(answer)
    }

    #[track_caller]
    fn until_prompt(&mut self, answer: &mut dyn FnMut(&str) -> Option<String>) -> Said {
        let began = self.seen;
        let said = deadline::poll(LIMIT, || {
            let screen = self.shell.screen().replace('\r', "");
            if let Some((before, status, end)) = prompt(&screen[began..]) {
                self.seen = began + end;
                return Some(Said { status, screen: before.to_owned() });
            }
            if let Some(answer) = answer(&screen[self.seen..]) {
                self.seen = screen.len();
                self.shell.types(&format!("{answer}\n"));
            }
            assert!(!self.shell.has_ended(), "the shell has ended:\n{screen}");
            None
        });
        said.unwrap_or_else(|| panic!("no prompt within {LIMIT:?}:\n{}", &self.shell.screen()))
    }
}

/// What stands before the next prompt, the status, and where that ends.
fn prompt(text: &str) -> Option<(&str, u32, usize)> {
    let start = text.find("<status ")?;
    let number = text[start + 8..].find(">\n")?;
    let status = text[start + 8..start + 8 + number].parse().ok()?;
    Some((&text[..start], status, start + 8 + number + 2))
}

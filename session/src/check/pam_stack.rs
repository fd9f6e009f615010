//! The lines of a PAM service as libpam puts them together: `@include` and `include` put in place,
//! `substack` kept as one step, and the service `other` where a service has no line of a type.
//!
//! Written after pam.conf(5). It reads; what a stack does is in pam_flow.rs.

use std::fs;
use std::path::{Path, PathBuf};

/// Where libpam reads services.
pub const FOLDER: &str = "/etc/pam.d";

/// libpam's own limit is of this order; deeper is a loop.
const DEEPEST: usize = 16;
/// No PAM file is larger.
const LARGEST: u64 = 256 * 1024;

/// One of the four types of PAM lines; `auth` and `password` decide nothing for a certificate login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `account`.
    Account,
    /// `session`.
    Session,
}

impl Kind {
    /// The word in the file.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Session => "session",
        }
    }
}

/// What a module's answer makes libpam do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// The answer does not count.
    Ignore,
    /// It counts as good.
    Ok,
    /// It counts as good, and if all was good so far, the stack ends here.
    Done,
    /// It counts as bad; the stack goes on.
    Bad,
    /// It counts as bad, and the stack ends here.
    Die,
    /// The count so far is forgotten.
    Reset,
    /// That many next lines are jumped over.
    Jump(usize),
}

/// The control field: an action for answers by name, and one for the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Control {
    by_answer: Vec<(String, Action)>,
    default: Action,
}

/// One line, in place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The file it stands in.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// Its control field.
    pub control: Control,
    /// The module's file name without directories; `substack` lines have `None`.
    pub module: Option<String>,
    /// The module as written.
    pub path: String,
    /// Its arguments.
    pub args: Vec<String>,
}

/// A stack that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StackError {
    /// The service or an included file.
    #[error("{} cannot be read", .0.display())]
    Unreadable(PathBuf),
    /// A line that is not one of PAM's.
    #[error("{}, line {line}: not a PAM line", .file.display())]
    Line {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// Includes too deep.
    #[error("{} is included too deep", .0.display())]
    TooDeep(PathBuf),
}

impl Control {
    fn parse(text: &str) -> Option<Self> {
        let named = |pairs: &[(&str, Action)], default| Self {
            by_answer: pairs.iter().map(|(answer, action)| ((*answer).to_owned(), *action)).collect(),
            default,
        };
        let good = [("success", Action::Ok), ("new_authtok_reqd", Action::Ok)];
        let ends = [("success", Action::Done), ("new_authtok_reqd", Action::Done)];
        let demanded = [good[0], good[1], ("ignore", Action::Ignore)];
        match text.to_ascii_lowercase().as_str() {
            "required" => return Some(named(&demanded, Action::Bad)),
            "requisite" => return Some(named(&demanded, Action::Die)),
            "sufficient" => return Some(named(&ends, Action::Ignore)),
            "optional" => return Some(named(&good, Action::Ignore)),
            _ => {}
        }
        let inside = text.strip_prefix('[')?.strip_suffix(']')?;
        // libpam: an answer that is not named, with no default, counts as bad.
        let mut control = Self { by_answer: Vec::new(), default: Action::Bad };
        for pair in inside.split_whitespace() {
            let (answer, action) = pair.split_once('=')?;
            let action = match action.to_ascii_lowercase().as_str() {
                "ignore" => Action::Ignore,
                "ok" => Action::Ok,
                "done" => Action::Done,
                "bad" => Action::Bad,
                "die" => Action::Die,
                "reset" => Action::Reset,
                number => Action::Jump(number.parse().ok().filter(|n| *n > 0)?),
            };
            match answer.to_ascii_lowercase() {
                answer if answer == "default" => control.default = action,
                answer => control.by_answer.push((answer, action)),
            }
        }
        Some(control)
    }

    /// What follows `success`.
    #[must_use]
    pub fn on_success(&self) -> Action {
        self.on("success")
    }

    /// What follows one named answer.
    #[must_use]
    pub fn on(&self, answer: &str) -> Action {
        self.by_answer.iter().rev().find(|(a, _)| a == answer).map_or(self.default, |(_, action)| *action)
    }

    /// Everything that can follow an answer other than `success`. `new_authtok_reqd` is left out: it
    /// makes every program demand a new password, so it lets nobody in.
    pub fn on_failure(&self) -> impl Iterator<Item = Action> {
        let named = self.by_answer.iter().filter(|(a, _)| a != "success" && a != "new_authtok_reqd");
        named.map(|(_, action)| *action).chain([self.default])
    }
}

impl Step {
    /// Where it stands, for messages.
    #[must_use]
    pub fn place(&self) -> String {
        format!("{}, line {}", self.file.display(), self.line)
    }

    /// The value of the argument `name=value`.
    #[must_use]
    pub fn argument(&self, name: &str) -> Option<&str> {
        self.args.iter().find_map(|arg| arg.strip_prefix(name)?.strip_prefix('='))
    }
}

/// Whether the service has a file of its own.
#[must_use]
pub fn exists(directory: &Path, service: &str) -> bool {
    find(directory, service).is_file()
}

/// The file of a service or an include: a distribution's own files stand in /usr/lib/pam.d.
fn find(directory: &Path, name: &str) -> PathBuf {
    let own = directory.join(name);
    let shipped = Path::new("/usr/lib/pam.d").join(name);
    if !own.exists() && shipped.is_file() { shipped } else { own }
}

/// The steps of one type of a service.
///
/// # Errors
/// [`StackError`] if a file is missing or holds a line that is none.
pub fn stack(directory: &Path, service: &str, kind: Kind) -> Result<Vec<Step>, StackError> {
    let mut steps = Vec::new();
    read(directory, &find(directory, service), kind, 0, &mut steps)?;
    if steps.is_empty() && service != "other" && exists(directory, "other") {
        read(directory, &find(directory, "other"), kind, 0, &mut steps)?;
    }
    Ok(steps)
}

fn read(
    directory: &Path,
    path: &Path,
    kind: Kind,
    depth: usize,
    steps: &mut Vec<Step>,
) -> Result<(), StackError> {
    if depth > DEEPEST {
        return Err(StackError::TooDeep(path.to_owned()));
    }
    let unreadable = || StackError::Unreadable(path.to_owned());
    if fs::metadata(path).map_err(|_| unreadable())?.len() > LARGEST {
        return Err(unreadable());
    }
    let text = String::from_utf8_lossy(&fs::read(path).map_err(|_| unreadable())?).into_owned();
    for (line, content) in joined_lines(&text) {
        let fail = || StackError::Line { file: path.to_owned(), line };
        let words = words(&content);
        let mut words = words.iter().map(String::as_str);
        let Some(first) = words.next() else { continue };
        if first.eq_ignore_ascii_case("@include") {
            let name = words.next().ok_or_else(fail)?;
            read(directory, &find(directory, name), kind, depth + 1, steps)?;
            continue;
        }
        let (control, module) = (words.next().ok_or_else(fail)?, words.next().ok_or_else(fail)?);
        if !first.trim_start_matches('-').eq_ignore_ascii_case(kind.word()) {
            continue;
        }
        let args = words.map(str::to_owned).collect();
        match control.to_ascii_lowercase().as_str() {
            "include" => read(directory, &find(directory, module), kind, depth + 1, steps)?,
            "substack" => steps.push(Step {
                file: path.to_owned(),
                line,
                // Whatever happens inside, the stack goes on behind it, good or bad.
                control: Control {
                    by_answer: vec![("success".to_owned(), Action::Ok)],
                    default: Action::Bad,
                },
                module: None,
                path: module.to_owned(),
                args,
            }),
            _ => steps.push(Step {
                file: path.to_owned(),
                line,
                control: Control::parse(control).ok_or_else(fail)?,
                module: Path::new(module).file_name().map(|name| name.to_string_lossy().into_owned()),
                path: module.to_owned(),
                args,
            }),
        }
    }
    Ok(())
}

/// Lines without comments, with those that end in a backslash joined to the next; numbered by the first.
fn joined_lines(text: &str) -> Vec<(usize, String)> {
    let mut out: Vec<(usize, String)> = Vec::new();
    let mut goes_on = false;
    for (index, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default().trim_end();
        let (part, more) = line.strip_suffix('\\').map_or((line, false), |part| (part, true));
        match out.last_mut() {
            Some((_, last)) if goes_on => {
                last.push(' ');
                last.push_str(part);
            }
            _ => out.push((index + 1, part.to_owned())),
        }
        goes_on = more;
    }
    out
}

/// Words of a line; `[...]` is one word, its brackets kept for the control field.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = line.trim_start();
    while !rest.is_empty() {
        let end = if rest.starts_with('[') {
            rest.find(']').map_or(rest.len(), |at| at + 1)
        } else {
            rest.find(char::is_whitespace).unwrap_or(rest.len())
        };
        let (word, more) = rest.split_at(end);
        words.push(word.to_owned());
        rest = more.trim_start();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(files: &[(&str, &str)], kind: Kind) -> Result<Vec<String>, StackError> {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(directory.path().join(name), text).unwrap();
        }
        Ok(stack(directory.path(), "sshd", kind)?.into_iter().map(|step| step.path).collect())
    }

    #[test]
    fn included_lines_stand_where_the_include_stands() {
        let files = [
            (
                "sshd",
                "session required a.so\n@include common\nsession include more\n-session optional z.so # last\n",
            ),
            ("common", "auth required x.so\nsession \\\n  [success=1 default=ignore] b.so quiet\n"),
            ("more", "session substack sub\n"),
        ];
        assert_eq!(service(&files, Kind::Session).unwrap(), ["a.so", "b.so", "sub", "z.so"]);
    }

    #[test]
    fn a_service_without_lines_of_a_type_gets_those_of_other() {
        let files = [("sshd", "session required a.so\n"), ("other", "account required deny.so\n")];
        assert_eq!(service(&files, Kind::Account).unwrap(), ["deny.so"]);
    }

    #[test]
    fn an_include_that_never_ends_or_is_missing_is_an_error() {
        assert!(matches!(
            service(&[("sshd", "@include sshd\n")], Kind::Session),
            Err(StackError::TooDeep(_))
        ));
        assert!(matches!(
            service(&[("sshd", "@include gone\n")], Kind::Session),
            Err(StackError::Unreadable(_))
        ));
        assert!(matches!(
            service(&[("sshd", "session required\n")], Kind::Session),
            Err(StackError::Line { line: 1, .. })
        ));
        assert!(matches!(
            service(&[("sshd", "session [success=x] a.so\n")], Kind::Session),
            Err(StackError::Line { line: 1, .. })
        ));
    }

    #[test]
    fn controls_mean_what_pam_conf_says() {
        let control = Control::parse("[success=2 default=ignore]").unwrap();
        assert_eq!(control.on_success(), Action::Jump(2));
        assert_eq!(control.on_failure().collect::<Vec<_>>(), [Action::Ignore]);
        assert_eq!(Control::parse("sufficient").unwrap().on_success(), Action::Done);
        assert_eq!(Control::parse("requisite").unwrap().on("auth_err"), Action::Die);
        assert_eq!(Control::parse("[default=1]").unwrap().on_success(), Action::Jump(1));
        assert_eq!(Control::parse("nonsense"), None);
    }
}

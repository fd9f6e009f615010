//! The effective configuration of sshd for one connection, as sshd itself says it (`sshd -T -C`).
//!
//! Nothing here reads sshd_config: sshd's own parser is the only one that cannot disagree with sshd.
//! A keyword that this sshd was built without is absent.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::connection::Connection;

/// Which sshd to ask, and about which configuration.
#[derive(Debug, Clone)]
pub struct Sshd {
    /// The program.
    pub program: PathBuf,
    /// Its configuration file.
    pub config: PathBuf,
}

/// Why sshd did not answer.
#[derive(Debug, thiserror::Error)]
pub enum SshdError {
    /// It did not start.
    #[error("cannot run {}", .program.display())]
    Run {
        /// The program.
        program: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// It refused its configuration, or the question.
    #[error("{} -T says: {said}", .program.display())]
    Refused {
        /// The program.
        program: PathBuf,
        /// The first lines of its standard error.
        said: String,
    },
}

/// What holds for one connection: keyword, in lower case, to its values in order.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Effective(BTreeMap<String, Vec<String>>);

impl Sshd {
    /// What holds when `account` connects as `connection` says.
    ///
    /// # Errors
    /// [`SshdError`] if sshd does not run or does not accept its configuration.
    pub fn effective(&self, account: &str, connection: &Connection) -> Result<Effective, SshdError> {
        let mut command = Command::new(&self.program);
        command.arg("-T").arg("-f").arg(&self.config).arg("-C").arg(connection.question(account));
        command.env_clear().stdin(Stdio::null());
        let mut ask =
            || command.output().map_err(|source| SshdError::Run { program: self.program.clone(), source });
        let mut output = ask()?;
        if !output.status.success() && make_missing_folder(&String::from_utf8_lossy(&output.stderr)) {
            output = ask()?;
        }
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            let said = said.lines().take(3).collect::<Vec<_>>().join("; ");
            return Err(SshdError::Refused {
                program: self.program.clone(),
                said: super::door::printable(&said),
            });
        }
        Ok(Effective::parse(&String::from_utf8_lossy(&output.stdout)))
    }

    /// The PAM service that this sshd names itself: `PAMServiceName` since 9.8, before that the name of
    /// the program.
    #[must_use]
    pub fn pam_service(&self, effective: &Effective) -> String {
        effective.first("pamservicename").map(str::to_owned).unwrap_or_else(|| {
            self.program
                .file_name()
                .map_or_else(|| "sshd".to_owned(), |name| name.to_string_lossy().into_owned())
        })
    }
}

/// Makes the folder that sshd misses where no sshd runs, as its unit would: below /run it is there only while the unit is
/// active, which a socket starts with the first login. Says whether it did.
pub(crate) fn make_missing_folder(said: &str) -> bool {
    let Some(folder) = missing_folder(said) else { return false };
    fs::DirBuilder::new().mode(0o755).create(folder).is_ok()
        // Whatever the umask is.
        && fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).is_ok()
}

/// Only one right below /run is: others belong to sshd's package.
fn missing_folder(said: &str) -> Option<&Path> {
    let rest = said.split_once("Missing privilege separation directory: ")?.1;
    let folder = Path::new(rest.split([';', '\r', '\n']).next()?.trim());
    ["/run", "/var/run"].map(Path::new).contains(&folder.parent()?).then_some(folder)
}

impl Effective {
    /// Reads what `sshd -T` prints: a keyword and its value a line.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut map = BTreeMap::<String, Vec<String>>::new();
        for line in text.lines() {
            let (keyword, value) = line.split_once(' ').unwrap_or((line, ""));
            map.entry(keyword.to_ascii_lowercase()).or_default().push(value.trim().to_owned());
        }
        Self(map)
    }

    /// The first value of a keyword.
    #[must_use]
    pub fn first(&self, keyword: &str) -> Option<&str> {
        self.0.get(keyword)?.first().map(String::as_str)
    }

    /// All values of a keyword.
    pub fn all(&self, keyword: &str) -> impl Iterator<Item = &str> {
        self.0.get(keyword).into_iter().flatten().map(String::as_str)
    }

    /// Whether the keyword is there with a value other than those in `shut`; the value if so.
    /// A keyword that this sshd does not know opens nothing.
    #[must_use]
    pub fn other_than(&self, keyword: &str, shut: &[&str]) -> Option<&str> {
        self.first(keyword).filter(|value| !shut.iter().any(|s| s.eq_ignore_ascii_case(value)))
    }

    /// The path or command of a keyword, `None` for `none` and for an absent one.
    #[must_use]
    pub fn set(&self, keyword: &str) -> Option<&str> {
        self.other_than(keyword, &["none", ""])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_missing_folder_below_run_is_made() {
        let says = |folder: &str| format!("Missing privilege separation directory: {folder}\r\n");
        assert_eq!(missing_folder(&says("/run/sshd")), Some(Path::new("/run/sshd")));
        for said in [says("/usr/share/empty.sshd"), says("/run"), says(""), "no hostkeys".to_owned()] {
            assert_eq!(missing_folder(&said), None, "{said}");
        }
    }

    #[test]
    fn a_keyword_may_have_several_lines() {
        let effective = Effective::parse("port 22\nport 23\nforcecommand none\nacceptenv LANG LC_*\n");
        assert_eq!(effective.all("port").collect::<Vec<_>>(), ["22", "23"]);
        assert_eq!(effective.set("forcecommand"), None);
        assert_eq!(effective.set("acceptenv"), Some("LANG LC_*"));
        assert_eq!(effective.other_than("gssapiauthentication", &["no"]), None);
    }
}

//! A scratch host for the PAM tier: no sshd and no `ca`, only libpam, the module, and one program that plays sshd.

use base64ct::{Base64, Encoding};
use tempfile::TempDir;

use crate::forge::{self, Forge};
use crate::host::{Host, PAM_DRIVE};
use crate::identity::Identity;
use crate::process::Running;
use crate::raw_certificate::{RawCertificate, TYPE};
use crate::world::{ACCOUNT, host_toml};

/// The return code of success, `PAM_SUCCESS`.
pub const SUCCESS: i32 = 0;

/// What sshd puts into `SSH_CONNECTION`.
pub const CONNECTION: &str = "192.0.2.7 50512 192.0.2.1 22";

/// The cast of the PAM tier.
#[derive(Debug)]
pub struct PamHost {
    /// The host.
    pub host: Host,
    /// Its authority's keys.
    pub forge: Forge,
    /// The vendor's person.
    pub jo: Identity,
    /// The approver.
    pub kim: Identity,
    _folder: TempDir,
}

/// What one program got from PAM.
#[derive(Clone, Debug)]
pub struct Answer {
    lines: Vec<String>,
}

impl PamHost {
    /// A host with the module, its files, and the service `sshd`: each of the module's lines, and `pam_permit` after it,
    /// so that a module that has no opinion passes.
    ///
    /// # Panics
    /// When anything can't be made.
    #[must_use]
    pub fn new() -> Self {
        Self::new_on(Host::without_sshd())
    }

    /// The same on a host that is there already.
    ///
    /// # Panics
    /// When anything can't be made.
    #[must_use]
    pub fn new_on(host: Host) -> Self {
        let folder = tempfile::Builder::new().prefix("jit-keys-").tempdir().expect("a scratch folder");
        host.install_module();
        let forge = Forge::alone(folder.path());
        let (jo, kim) = (Identity::make(folder.path(), "jo"), Identity::make(folder.path(), "kim"));
        let ca_key = forge.ca_key.public_key().to_openssh().expect("a public key line");
        host.write("/etc/jit/ca.pub", ca_key + "\n");
        host.write("/etc/jit/host.toml", host_toml(&forge.authority));
        let approver = forge::public_key(&kim).to_line();
        host.write("/etc/jit/approvers", format!("kim namespaces=\"grant@pam-jit\" {approver}\n"));
        host.write(
            "/etc/jit/revoked",
            format!("pam-jit revoked 1\nauthority: {}\nend: 0\n", forge.authority),
        );
        let pam = Self { host, forge, jo, kim, _folder: folder };
        pam.service("sshd", "stage=first", "stage=last");
        pam
    }

    /// Writes `/etc/pam.d/NAME` with these arguments on the two session lines.
    pub fn service(&self, name: &str, first: &str, last: &str) {
        let stack = format!(
            "\
auth     required  pam_jit.so
auth     required  pam_permit.so
account  requisite pam_jit.so
account  required  pam_permit.so
password required  pam_jit.so
password required  pam_permit.so
session  requisite pam_jit.so {first}
session  required  pam_jit.so {last}
session  required  pam_permit.so
"
        );
        self.host.write(&format!("/etc/pam.d/{name}"), stack);
    }

    /// A sound certificate.
    #[must_use]
    pub fn certificate(&self) -> RawCertificate {
        self.forge.approved(&forge::grant(self.forge.fields(&self.jo)), &[&self.kim], &self.jo)
    }

    /// Plays the steps (see `pam-drive`) as this service and account.
    #[must_use]
    #[track_caller]
    pub fn drive(&self, service: &str, account: &str, steps: &str) -> Answer {
        let mut command = self.host.command(PAM_DRIVE);
        command.args(["/etc/pam.d", service, account]);
        let output = Running::start(command, steps.as_bytes()).finish().ok();
        Answer { lines: output.stdout.lines().map(str::to_owned).collect() }
    }

    /// Plays what sshd does for a login with this certificate: the connection, an empty account phase, both stands.
    #[must_use]
    #[track_caller]
    pub fn login(&self, certificate: &[u8]) -> Answer {
        self.drive("sshd", ACCOUNT, &format!("{}account\n{}open\n", connection(), shown(certificate)))
    }
}

impl Default for PamHost {
    fn default() -> Self {
        Self::new()
    }
}

/// The step that says where the connection comes from, and that no method is complete yet.
#[must_use]
pub fn connection() -> String {
    format!("env SSH_CONNECTION={CONNECTION}\nenv SSH_AUTH_INFO_0=\n")
}

/// The step that shows a certificate as sshd does.
#[must_use]
pub fn shown(certificate: &[u8]) -> String {
    format!("env SSH_AUTH_INFO_0=publickey {TYPE} {}\\n\n", Base64::encode_string(certificate))
}

impl Answer {
    /// The return codes of a step, in order.
    #[must_use]
    pub fn codes(&self, step: &str) -> Vec<i32> {
        let prefix = format!("{step} ");
        self.lines.iter().filter_map(|line| line.strip_prefix(&prefix)?.parse().ok()).collect()
    }

    /// The one return code of a step.
    ///
    /// # Panics
    /// When the step was not made once.
    #[must_use]
    #[track_caller]
    pub fn code(&self, step: &str) -> i32 {
        let codes = self.codes(step);
        assert_eq!(codes.len(), 1, "one `{step}` in {self:?}");
        codes[0]
    }

    /// True when a log line is about this program.
    #[must_use]
    pub fn is_in(&self, line: &str) -> bool {
        let pids = self.looked("pid ");
        pids.iter().any(|pid| line.contains(&format!("\"process\":{{\"pid\":{pid}}}")))
    }

    /// What the module told the person.
    #[must_use]
    pub fn told(&self) -> Vec<&str> {
        self.lines.iter().filter_map(|line| line.strip_prefix("told ")).collect()
    }

    /// Lines of `look` that begin with this word.
    #[must_use]
    pub fn looked(&self, word: &str) -> Vec<&str> {
        self.lines.iter().filter_map(|line| line.strip_prefix(word)).collect()
    }
}

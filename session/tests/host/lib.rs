//! A host in a folder: its accounts, its sshd and PAM configuration, its files of ours, all sound until
//! a test spoils one. `jit` and sshd run in a mount namespace in which these are the system's; the
//! machine itself is not touched. Keys are made by ssh-keygen when the test runs.
#![allow(dead_code, reason = "each test file uses a part")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use grant::{Approval, Approvals, Grant, Issue, PublicKey, UnixTime, ssh_key};

pub(crate) const JIT: &str = env!("CARGO_BIN_EXE_jit");
/// 2026-11-24T14:00:00Z, when the grants of these tests open.
pub(crate) const OPENS: u64 = 1_795_528_800;

/// Makes the folder's files the system's, then runs the rest of its arguments.
const ENTER: &str = r#"
set -e
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -m 755 /run/sshd
# A login that sshd lets in is written to wtmp, lastlog and btmp: not to the machine's.
mount -t tmpfs -o mode=755 tmpfs /var/log
for f in passwd group shadow; do mount --bind "$1/etc/$f" "/etc/$f"; done
mount --bind "$1/pam.d" /etc/pam.d
shift
exec "$@"
"#;

const SSHD_CONFIG: &str = "\
UsePAM yes
X11Forwarding yes
Subsystem sftp /usr/lib/openssh/sftp-server -l INFO
Match Group jit-vendors
    AuthenticationMethods publickey
    PubkeyAuthentication yes
    PasswordAuthentication no
    KbdInteractiveAuthentication no
    HostbasedAuthentication no
    AuthorizedKeysFile none
    TrustedUserCAKeys @/jit/ca.pub
    RevokedKeys @/jit/krl
    AuthorizedPrincipalsCommand @JIT --config @/jit/host.toml principals %u %k
    AuthorizedPrincipalsCommandUser nobody
    AllowTcpForwarding local
    PermitListen none
    AllowStreamLocalForwarding no
    AllowAgentForwarding yes
    X11Forwarding no
    PermitTunnel no
    PermitUserRC no
    GatewayPorts no
";

pub(crate) const PAM_ACCOUNT: &str = "\
account    [success=2 default=ignore]  pam_succeed_if.so quiet user notingroup jit-vendors
account    [success=1 default=ignore]  pam_succeed_if.so quiet uid < 1000
account    requisite                   @/pam_jit.so config=@/jit/host.toml
";
pub(crate) const PAM_FIRST: &str = "\
session    [success=2 default=ignore]  pam_succeed_if.so quiet user notingroup jit-vendors
session    [success=1 default=ignore]  pam_succeed_if.so quiet uid < 1000
session    requisite                   @/pam_jit.so stage=first config=@/jit/host.toml
";
pub(crate) const PAM_LAST: &str = "\
session    [success=2 default=ignore]  pam_succeed_if.so quiet user notingroup jit-vendors
session    [success=1 default=ignore]  pam_succeed_if.so quiet uid < 1000
session    required                    @/pam_jit.so stage=last config=@/jit/host.toml
";
const PAM_ACCOUNT_REST: &str = "account required pam_nologin.so\n@include common-account\n";
pub(crate) const PAM_LOGINUID: &str = "\
session [success=ok ignore=ignore module_unknown=ignore default=bad] pam_selinux.so close
session    required     pam_loginuid.so
";
pub(crate) const PAM_REST: &str = "\
session    optional     pam_keyinit.so force revoke
@include common-session
session    required     pam_limits.so
";

pub(crate) struct Host {
    folder: tempfile::TempDir,
    pub(crate) authority: String,
}

impl Host {
    pub(crate) fn new() -> Self {
        let mode_755 = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        // /tmp is writable by everybody, so nothing in it may decide; and sshd runs `jit principals` as nobody, who may
        // not pass the folder that this checkout lies in.
        let folder = tempfile::Builder::new()
            .prefix("jit-host-")
            .permissions(mode_755)
            .tempdir_in("/var/lib")
            .unwrap();
        let mut host = Self { folder, authority: String::new() };
        for directory in ["bin", "etc", "jit", "pam.d"] {
            fs::create_dir(host.at(directory)).unwrap();
        }
        // A copy, where nobody can start it too.
        fs::copy(JIT, host.at("bin/jit")).unwrap();
        for key in ["trust_root", "ca", "kim", "jo", "host_key"] {
            host.make_key(key);
        }
        host.authority = host.public("trust_root").fingerprint().to_string();
        host.write_accounts();
        host.write_ours();
        host.write_sshd_config(SSHD_CONFIG);
        host.write_pam();
        host
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file, mode 0644; `@/` stands for the folder, `@JIT` for the program.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let text =
            text.replace("@JIT", "@/bin/jit").replace("@/", &format!("{}/", self.folder.path().display()));
        fs::write(self.at(name), text).unwrap();
        self.chmod(name, if name.ends_with("shadow") { 0o600 } else { 0o644 });
    }

    pub(crate) fn chmod(&self, name: &str, mode: u32) {
        fs::set_permissions(self.at(name), std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    }

    /// Replaces a text in a file; it must be there.
    pub(crate) fn replace(&self, name: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.at(name)).unwrap();
        assert!(text.contains(from), "{name} does not hold {from:?}:\n{text}");
        self.write(name, &text.replace(from, to));
    }

    pub(crate) fn make_key(&self, name: &str) {
        let mut make = Command::new("ssh-keygen");
        let made = run(make.args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"]).arg(self.at(name)));
        assert!(made.0, "{}", made.1);
    }

    pub(crate) fn public(&self, name: &str) -> PublicKey {
        PublicKey::parse_line(&fs::read_to_string(self.at(&format!("{name}.pub"))).unwrap()).unwrap()
    }

    fn write_accounts(&self) {
        self.write(
            "etc/passwd",
            "root:x:0:0:root:/root:/bin/bash\n\
             sshd:x:100:65534::/run/sshd:/usr/sbin/nologin\n\
             nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n\
             ada:x:1500:1500::/:/bin/bash\n\
             acme-support:x:2001:2001::/:/bin/sh\n",
        );
        self.write(
            "etc/group",
            "root:x:0:\nsudo:x:27:ada\ndocker:x:28:\nnogroup:x:65534:\nada:x:1500:\njit-vendors:x:2000:acme-support\n\
             acme-support:x:2001:\n",
        );
        self.write("etc/shadow", "root:*:19000::::::\nada:$y$x:19000::::::\nacme-support:*:19000::::::\n");
    }

    fn write_ours(&self) {
        let line = |name: &str| self.public(name).to_line();
        self.write("jit/ca.pub", &format!("{}\n", line("ca")));
        self.write("jit/approvers", &format!("kim namespaces=\"grant@pam-jit\" {}\n", line("kim")));
        self.write("jit/revoked", &format!("pam-jit revoked 1\nauthority: {}\nend: 0\n", self.authority));
        self.write("pam_jit.so", "not really\n");
        let krl = Command::new("ssh-keygen")
            .args(["-q", "-k", "-f"])
            .arg(self.at("jit/krl"))
            .stdin(Stdio::null())
            .output();
        assert!(krl.unwrap().status.success());
        self.chmod("jit/krl", 0o644);
        self.write(
            "jit/host.toml",
            &format!(
                "host = \"db1.prod\"\nroles = [\"db\"]\nauthority = \"{}\"\nca_keys = \"@/jit/ca.pub\"\n\
                 approvers = \"@/jit/approvers\"\nrevoked = \"@/jit/revoked\"\n",
                self.authority
            ),
        );
    }

    /// Writes sshd's configuration, with a host key in front.
    pub(crate) fn write_sshd_config(&self, text: &str) {
        self.write("sshd_config", &format!("HostKey @/host_key\n{text}"));
    }

    fn write_pam(&self) {
        self.write(
            "pam.d/common-account",
            "account [success=1 new_authtok_reqd=done default=ignore] pam_unix.so\naccount requisite pam_deny.so\n\
             account required pam_permit.so\n",
        );
        self.write(
            "pam.d/common-session",
            "session [default=1] pam_permit.so\nsession requisite pam_deny.so\nsession required pam_permit.so\n\
             session required pam_unix.so\nsession optional pam_systemd.so\n",
        );
        self.write_sshd_pam(PAM_ACCOUNT, PAM_FIRST, PAM_LAST);
        for service in ["su", "login", "cron", "sudo"] {
            self.write(&format!("pam.d/{service}"), &format!("{PAM_ACCOUNT}@include common-account\n"));
        }
    }

    pub(crate) fn write_sshd_pam(&self, account: &str, first: &str, last: &str) {
        let text = format!("{account}{PAM_ACCOUNT_REST}{PAM_LOGINUID}{first}{PAM_REST}{last}");
        self.write("pam.d/sshd", &text);
    }

    /// Runs a program inside.
    pub(crate) fn inside(&self, program: &[&str]) -> Ran {
        self.inside_with(&["-m"], program)
    }

    pub(crate) fn inside_with(&self, namespaces: &[&str], program: &[&str]) -> Ran {
        let mut command = Command::new("unshare");
        command.args(namespaces).args(["--", "sh", "-c", ENTER, "sh"]).arg(self.folder.path()).args(program);
        Ran::of(&command.stdin(Stdio::null()).output().unwrap())
    }

    /// Runs `jit` inside.
    pub(crate) fn jit(&self, args: &[&str]) -> Ran {
        self.inside(&[&[JIT], args].concat())
    }

    pub(crate) fn config(&self) -> String {
        self.at("jit/host.toml").display().to_string()
    }

    pub(crate) fn check(&self, more: &[&str]) -> Ran {
        let (config, sshd_config, pam) = (self.config(), self.at("sshd_config"), self.at("pam.d"));
        let args = ["check", "--config", &config, "--sshd-config", sshd_config.to_str().unwrap()];
        self.jit(&[&args, ["--pam-dir", pam.to_str().unwrap()].as_slice(), more].concat())
    }

    /// The findings of a check, by number, without the machine's own clock and the recorder, which has
    /// tests of its own (`recorder_doors.rs`); and the whole answer.
    pub(crate) fn findings(&self) -> (BTreeSet<u64>, serde_json::Value) {
        let ran = self.check(&["--json"]);
        let json: serde_json::Value =
            serde_json::from_str(&ran.out).unwrap_or_else(|e| panic!("{e}: {ran:?}"));
        let findings = json["findings"].as_array().unwrap();
        let numbers = findings.iter().map(|finding| finding["number"].as_u64().unwrap());
        let numbers: BTreeSet<u64> = numbers.filter(|number| !matches!(number / 100, 7 | 9)).collect();
        assert_eq!(ran.code, i32::from(json["errors"].as_u64().unwrap() > 0), "{ran:?}");
        (numbers, json)
    }

    /// A certificate whose window is open now, for a real sshd, which reads the clock itself.
    pub(crate) fn certificate_now(&self, change: impl Fn(String) -> String) -> Certificate {
        #[allow(clippy::disallowed_methods, reason = "sshd, which is under test, reads the clock too")]
        let now = std::time::SystemTime::now();
        let now = now.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        self.certificate(|text| {
            let text = text.replace("opens: 2026-11-24T14:00:00Z", &format!("opens: {}", at(now)));
            change(text.replace("closes: 2026-11-24T14:30:00Z", &format!("closes: {}", at(now + 1800))))
        })
    }

    /// A certificate for a grant, approved by kim and signed by the CA, in a file; `change` edits the
    /// document before it is approved.
    pub(crate) fn certificate(&self, change: impl Fn(String) -> String) -> Certificate {
        let document = change(format!(
            "pam-jit grant 1\nauthority: {}\ngrant: G-7F3K9Q\nvendor: acme\nperson: acme/jo\nkeys: {}\nhosts: db1.prod\n\
             roles: -\naccounts: acme-support\nfrom: any\nfeatures: pty,sftp\nopens: 2026-11-24T14:00:00Z\n\
             closes: 2026-11-24T14:30:00Z\nextendable-to: -\nuses: unlimited\nsessions: unlimited\n\
             reason: restore the billing index\nticket: OPS-1234\napprovals: 1\n",
            self.authority,
            self.public("jo").fingerprint()
        ));
        let grant = Grant::parse(document.as_bytes()).unwrap();
        fs::write(self.at("document"), &document).unwrap();
        let _ = fs::remove_file(self.at("document.sig"));
        let mut sign = Command::new("ssh-keygen");
        let signed = run(sign
            .args(["-q", "-Y", "sign", "-n", "grant@pam-jit", "-f"])
            .arg(self.at("kim"))
            .arg(self.at("document")));
        assert!(signed.0, "{}", signed.1);
        let approval = Approval::from_armored(&fs::read_to_string(self.at("document.sig")).unwrap()).unwrap();
        let ca = ssh_key::PrivateKey::from_openssh(fs::read(self.at("ca")).unwrap()).unwrap();
        let issue = Issue {
            approvals: &Approvals::new([approval]).unwrap(),
            key: &self.public("jo"),
            serial: 7,
            valid_after: grant.window.opens().minus(60),
            valid_before: grant.window.opens().plus(300),
            nonce: [7; 32],
            grant: &grant,
        };
        let line = issue.sign(&ca).unwrap().to_openssh().unwrap();
        self.write("jo-cert.pub", &format!("{line}\n"));
        let base64 = line.split(' ').nth(1).unwrap().to_owned();
        Certificate { path: self.at("jo-cert.pub"), base64, digest: grant.digest().to_string() }
    }
}

pub(crate) struct Certificate {
    pub(crate) path: PathBuf,
    pub(crate) base64: String,
    pub(crate) digest: String,
}

impl Certificate {
    pub(crate) fn path(&self) -> &str {
        self.path.to_str().unwrap()
    }
}

/// What a program did.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    pub(crate) fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Self {
            code: output.status.code().unwrap_or(-1),
            out: text(&output.stdout),
            err: text(&output.stderr),
        }
    }
}

/// Runs `jit` on the machine as it is.
pub(crate) fn jit(args: &[&str]) -> Ran {
    Ran::of(&Command::new(JIT).args(args).stdin(Stdio::null()).output().unwrap())
}

fn run(command: &mut Command) -> (bool, String) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

pub(crate) fn at(secs: u64) -> String {
    UnixTime::from_secs(secs).to_string()
}

pub(crate) fn name(path: &Path) -> String {
    path.display().to_string()
}

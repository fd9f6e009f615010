//! An authority as its administrator runs it: the real `ca`, in a folder of its own.
//!
//! Nothing here writes into the folder itself; every change goes through the command line.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::artefacts;
use crate::identity::Identity;
use crate::process::{Outcome, clean, run};

/// A running authority: a folder with its keys and its ledger.
#[derive(Debug)]
pub struct Authority {
    folder: TempDir,
    fingerprint: String,
}

/// What a person asks for; [`Request::default`] is a grant for `acme-support` on `db1.prod` for 30 minutes.
#[derive(Clone, Debug)]
pub struct Request {
    /// Who.
    pub person: String,
    /// Where: flags `--host` or `--role` and their values.
    pub places: Vec<(&'static str, String)>,
    /// As whom.
    pub accounts: Vec<String>,
    /// How long.
    pub length: String,
    /// Further flags and their values.
    pub more: Vec<(&'static str, String)>,
}

impl Default for Request {
    fn default() -> Self {
        Self {
            person: "acme/jo".into(),
            places: vec![("--host", "db1.prod".into())],
            accounts: vec!["acme-support".into()],
            length: "30m".into(),
            more: vec![("--allow", "pty,sftp".into())],
        }
    }
}

impl Request {
    /// For these features instead of `pty,sftp`.
    #[must_use]
    pub fn allowing(mut self, features: &str) -> Self {
        self.more.retain(|(flag, _)| *flag != "--allow");
        if features != "-" {
            self.more.push(("--allow", features.to_owned()));
        }
        self
    }

    /// With one more flag.
    #[must_use]
    pub fn with(mut self, flag: &'static str, value: &str) -> Self {
        self.more.push((flag, value.to_owned()));
        self
    }

    /// For this host instead.
    #[must_use]
    pub fn at_host(mut self, host: &str) -> Self {
        self.places = vec![("--host", host.to_owned())];
        self
    }

    /// For hosts of this role instead.
    #[must_use]
    pub fn at_role(mut self, role: &str) -> Self {
        self.places = vec![("--role", role.to_owned())];
        self
    }

    /// For this account instead.
    #[must_use]
    pub fn as_account(mut self, account: &str) -> Self {
        self.accounts = vec![account.to_owned()];
        self
    }
}

impl Authority {
    /// `ca init --no-passphrase` in a new folder.
    ///
    /// # Panics
    /// When it fails.
    #[must_use]
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("jit-ca-").tempdir().expect("a scratch folder");
        let mut authority = Self { folder, fingerprint: String::new() };
        drop(authority.ca(["init", "--no-passphrase"]).ok());
        let root =
            std::fs::read_to_string(authority.folder().join("trust_root.pub")).expect("reads the trust root");
        authority.fingerprint =
            grant::PublicKey::parse_line(&root).expect("the trust root").fingerprint().to_string();
        authority
    }

    /// Its folder (`ca --dir`).
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.folder.path().join("ca")
    }

    /// The fingerprint of its trust root: its name in grants.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Runs `ca` with these words.
    #[must_use]
    pub fn ca<'a>(&self, words: impl IntoIterator<Item = &'a str>) -> Outcome {
        let mut command = clean(artefacts::ca());
        command.env("CA_DIR", self.folder()).env("TZ", "UTC").args(words);
        run(command)
    }

    /// Enrols a vendor's person with a key, and the vendor when it is new.
    #[track_caller]
    pub fn enrol(&self, person: &str, keys: &[&Identity]) {
        let vendor = person.split('/').next().unwrap_or_default();
        if !self.ca(["vendor", "show", vendor]).succeeded() {
            drop(self.ca(["vendor", "add", vendor, "--until", "2099-12-31"]).ok());
        }
        let keys: Vec<String> = keys.iter().map(|key| key.public().display().to_string()).collect();
        let words = ["person", "add", person].into_iter();
        drop(self.ca(words.chain(keys.iter().flat_map(|key| ["--key", key.as_str()]))).ok());
    }

    /// Enrols an approver.
    #[track_caller]
    pub fn appoint(&self, name: &str, public_key: &Path) {
        drop(self.ca(["approver", "add", name, "--key", &public_key.display().to_string()]).ok());
    }

    /// `ca grant create`: the grant's id.
    ///
    /// # Panics
    /// When it fails.
    #[must_use]
    #[track_caller]
    pub fn create(&self, request: &Request) -> String {
        let mut words = vec!["grant", "create", "--person", &request.person, "--for", &request.length];
        words.extend(request.places.iter().flat_map(|(flag, place)| [*flag, place.as_str()]));
        words.extend(request.accounts.iter().flat_map(|account| ["--account", account.as_str()]));
        words.extend(request.more.iter().flat_map(|(flag, value)| [*flag, value.as_str()]));
        words.extend(["--reason", "restore the billing index"]);
        let outcome = self.ca(words).ok();
        let id = outcome.stdout.lines().last().unwrap_or_default().trim().to_owned();
        assert!(id.starts_with("G-") && id.len() == 8, "the last line is the grant's id: {outcome:?}");
        id
    }

    /// `ca approve --key`.
    #[track_caller]
    pub fn approve(&self, grant: &str, name: &str, key: &Identity) {
        drop(self.ca(["approve", grant, "--as", name, "--key", &key.key.display().to_string()]).ok());
    }

    /// `ca sign`: the certificate's file.
    ///
    /// # Panics
    /// When it fails.
    #[must_use]
    #[track_caller]
    pub fn sign(&self, grant: &str, identity: &Identity) -> Identity {
        let certificate = identity.key.with_file_name(format!("{grant}-cert.pub"));
        let (key, path) = (identity.public().display().to_string(), certificate.display().to_string());
        drop(self.ca(["sign", grant, "--key", &key, "-o", &path]).ok());
        identity.with(certificate)
    }

    /// The approvers file for hosts.
    #[must_use]
    pub fn approvers(&self) -> String {
        self.ca(["approver", "export"]).ok().stdout
    }

    /// The revoked list for hosts.
    #[must_use]
    pub fn revoked(&self) -> Vec<u8> {
        self.written("revoked")
    }

    /// The KRL for sshd.
    #[must_use]
    pub fn krl(&self) -> Vec<u8> {
        self.written("krl")
    }

    /// The CA's public key, one line.
    ///
    /// # Panics
    /// When it can't be read.
    #[must_use]
    pub fn ca_key(&self) -> String {
        std::fs::read_to_string(self.folder().join("ca_key.pub")).expect("reads the CA's public key")
    }

    fn written(&self, what: &str) -> Vec<u8> {
        let out = tempfile::NamedTempFile::new().expect("a scratch file");
        // It is the command that makes the file.
        let path = out.into_temp_path();
        std::fs::remove_file(&path).expect("removes the scratch file");
        drop(self.ca([what, "-o", &path.display().to_string()]).ok());
        std::fs::read(&path).expect("reads what ca wrote")
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

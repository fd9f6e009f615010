//! A key pair as a person has one: a private key file, its public half, and maybe a certificate.

use std::path::{Path, PathBuf};

use crate::process::{clean, program, run};

/// A key on the client's side. Cheap to clone: it is paths.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The private key's file.
    pub key: PathBuf,
    /// The certificate's file, when one is to be shown.
    pub certificate: Option<PathBuf>,
}

impl Identity {
    /// Makes an ed25519 key `folder/name` with the real `ssh-keygen`.
    ///
    /// # Panics
    /// When `ssh-keygen` fails.
    #[must_use]
    pub fn make(folder: &Path, name: &str) -> Self {
        Self::make_kind(folder, name, "ed25519", "256")
    }

    /// The same with another key type and size, as `ssh-keygen -t` and `-b` name them.
    ///
    /// # Panics
    /// When `ssh-keygen` fails.
    #[must_use]
    pub fn make_kind(folder: &Path, name: &str, kind: &str, bits: &str) -> Self {
        let key = folder.join(name);
        let mut command = clean(program("ssh-keygen", "openssh-client"));
        command.args(["-q", "-t", kind, "-b", bits, "-N", "", "-C", name, "-f"]).arg(&key);
        drop(run(command).ok());
        Self { key, certificate: None }
    }

    /// The same key, showing this certificate.
    #[must_use]
    pub fn with(&self, certificate: impl Into<PathBuf>) -> Self {
        Self { key: self.key.clone(), certificate: Some(certificate.into()) }
    }

    /// The same key, showing certificate bytes that are not in a file yet.
    ///
    /// # Panics
    /// When the file can't be written.
    #[must_use]
    pub fn with_text(&self, name: &str, certificate: &str) -> Self {
        let path = self.key.with_file_name(format!("{name}-cert.pub"));
        std::fs::write(&path, certificate).expect("writes a certificate");
        self.with(path)
    }

    /// The public half's file.
    #[must_use]
    pub fn public(&self) -> PathBuf {
        let mut name = self.key.file_name().unwrap_or_default().to_owned();
        name.push(".pub");
        self.key.with_file_name(name)
    }

    /// The public half, one line.
    ///
    /// # Panics
    /// When the file can't be read.
    #[must_use]
    pub fn public_line(&self) -> String {
        std::fs::read_to_string(self.public()).expect("reads a public key").trim().to_owned()
    }
}

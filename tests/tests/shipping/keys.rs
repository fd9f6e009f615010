//! Certificates for TLS between two daemons, made at run time by `openssl`, as an administrator would; they go with the folder.

use std::path::{Path, PathBuf};

use e2e::process::{clean, program, run};
use tempfile::TempDir;

/// A certificate authority of one test.
pub(crate) struct Keys {
    folder: TempDir,
}

impl Keys {
    /// A fresh authority.
    pub(crate) fn make() -> Self {
        let keys =
            Self { folder: tempfile::Builder::new().prefix("jit-tls-").tempdir().expect("a scratch folder") };
        keys.openssl("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=test -keyout ca.key -out ca.pem");
        keys
    }

    /// A folder with `ca.pem`, and `cert.pem` and `key.pem` for this name.
    pub(crate) fn of(&self, name: &str) -> PathBuf {
        let folder = self.folder.path().join(name);
        std::fs::create_dir_all(&folder).expect("makes a folder");
        std::fs::write(folder.join("names"), format!("subjectAltName=DNS:{name}\n")).expect("writes a file");
        self.openssl(&format!(
            "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN={name} -keyout {name}/key.pem -out {name}/request"
        ));
        self.openssl(&format!(
            "x509 -req -in {name}/request -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile {name}/names -out {name}/cert.pem"
        ));
        std::fs::copy(self.folder.path().join("ca.pem"), folder.join("ca.pem")).expect("copies a file");
        folder
    }

    fn openssl(&self, words: &str) {
        let mut command = clean(program("openssl", "openssl"));
        command.current_dir(self.folder.path()).args(words.split(' '));
        drop(run(command).ok());
    }
}

/// A file of such a folder.
pub(crate) fn text(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).expect("reads a certificate")
}

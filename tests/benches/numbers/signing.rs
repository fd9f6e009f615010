//! `ca sign` as a whole process beside `ssh-keygen -s` as a whole process, with the same unencrypted key.
//!
//! `ssh-keygen` signs what it is told. `ca sign` also opens the ledger, verifies the approvals, and has the certificate
//! on the disk before its bytes leave the process.

use std::path::PathBuf;
use std::process::Command;

use e2e::artefacts;
use e2e::authority::{Authority, Request};
use e2e::identity::Identity;
use e2e::process::{clean, program};
use tempfile::TempDir;

use crate::measure::{in_turns, timed_program};
use crate::row::Row;

pub(crate) fn rows(runs: usize) -> Vec<Row> {
    let desk = Desk::new();
    let [ours, keygen] =
        in_turns(runs, [&mut || timed_program(desk.sign()), &mut || timed_program(desk.keygen_sign())]);
    vec![Row::ratio("`ca sign`, whole process", &ours, ("`ssh-keygen -s`", &keygen), 2.0)]
}

/// An authority with an approved grant that is open, and the person's key.
pub(crate) struct Desk {
    pub(crate) authority: Authority,
    pub(crate) folder: TempDir,
    pub(crate) jo: Identity,
    pub(crate) kim: Identity,
    grant: String,
}

impl Desk {
    pub(crate) fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("jit-keys-").tempdir().expect("a scratch folder");
        let (jo, kim) = (Identity::make(folder.path(), "jo"), Identity::make(folder.path(), "kim"));
        let authority = Authority::new();
        authority.enrol("acme/jo", &[&jo]);
        authority.appoint("kim", &kim.public());
        drop(authority.ca(["host", "add", "db1.prod", "--role", "db"]).ok());
        let mut desk = Self { authority, folder, jo, kim, grant: String::new() };
        desk.open_grant();
        desk
    }

    /// One more grant, approved and open for long enough to measure anything; later ones are signed from it.
    pub(crate) fn open_grant(&mut self) {
        let request = Request { length: "8h".into(), ..Request::default() };
        self.grant = self.authority.create(&request);
        self.authority.approve(&self.grant, "kim", &self.kim);
    }

    /// The id of the grant that [`Desk::sign`] signs from.
    pub(crate) fn grant(&self) -> &str {
        &self.grant
    }

    pub(crate) fn ca(&self, words: &[&str]) -> Command {
        let mut command = clean(artefacts::ca());
        command.env("CA_DIR", self.authority.folder()).env("TZ", "UTC").args(words);
        command
    }

    pub(crate) fn sign(&self) -> Command {
        let mut command = self.ca(&["sign", &self.grant]);
        command.arg("--key").arg(self.jo.public()).arg("-o").arg(self.certificate());
        command
    }

    fn keygen_sign(&self) -> Command {
        let mut command = clean(program("ssh-keygen", "openssh-client"));
        command.arg("-q").arg("-s").arg(self.authority.folder().join("ca_key"));
        command.args(["-I", "G-7F3K9Q acme/jo", "-n", "acme-support@db1.prod", "-z", "1", "-V", "-1m:+5m"]);
        command.args(["-O", "clear", "-O", "permit-pty"]).arg(self.jo.public());
        command
    }

    fn certificate(&self) -> PathBuf {
        self.folder.path().join("signed-by-ca-cert.pub")
    }
}

//! The usual cast around a booted host: its authority, two persons of a vendor, an approver, an administrator.

use tempfile::TempDir;

use crate::authority::{Authority, Request};
use crate::booted::client::Client;
use crate::booted::host::Host;
use crate::deadline::{self, SOON};
use crate::host::ADMIN;
use crate::identity::Identity;
use crate::world::{ACCOUNT, HOST, host_toml};

/// The cast.
#[derive(Debug)]
pub struct World {
    /// The host.
    pub host: Host,
    /// Its authority.
    pub authority: Authority,
    /// `acme/jo`'s enrolled key.
    pub jo: Identity,
    /// `acme/max`'s enrolled key.
    pub max: Identity,
    /// The approver kim.
    pub kim: Identity,
    /// The administrator's plain key.
    pub ada: Identity,
    /// A folder for more keys.
    pub folder: TempDir,
}

impl World {
    /// A world of one's own: booted, installed, published. Takes some seconds.
    ///
    /// # Panics
    /// When anything in it can't be made.
    #[must_use]
    pub fn new() -> Self {
        Self::configured("")
    }

    /// The same with more lines in the table `[recorder]` of `host.toml`.
    ///
    /// # Panics
    /// When anything in it can't be made.
    #[must_use]
    pub fn configured(recorder: &str) -> Self {
        Self::with(recorder, Host::install)
    }

    /// The same on a host on which `install` puts the product, and sets it up.
    ///
    /// # Panics
    /// When anything in it can't be made.
    #[must_use]
    pub fn with(recorder: &str, install: impl FnOnce(&Host)) -> Self {
        let world = Self::empty();
        let text = host_toml(world.authority.fingerprint());
        let table = if text.contains("[recorder]") { "" } else { "[recorder]\n" };
        world.host.put("/etc/jit/host.toml", format!("{text}{table}{recorder}"), 0o644);
        world.publish();
        install(&world.host);
        world
    }

    /// A host with the packages' files, and nothing set up.
    ///
    /// # Panics
    /// When anything in it can't be made.
    #[must_use]
    pub fn unpacked() -> Self {
        let world = Self::empty();
        world.host.unpack();
        world
    }

    /// A host without anything of the product, and the usual cast.
    ///
    /// # Panics
    /// When anything in it can't be made.
    #[must_use]
    pub fn empty() -> Self {
        let folder = tempfile::Builder::new().prefix("jit-keys-").tempdir().expect("a scratch folder");
        let key = |name| Identity::make(folder.path(), name);
        let (jo, max, kim, ada) = (key("jo"), key("max"), key("kim"), key("ada"));
        let authority = Authority::new();
        authority.enrol("acme/jo", &[&jo]);
        authority.enrol("acme/max", &[&max]);
        authority.appoint("kim", &kim.public());
        drop(authority.ca(["host", "add", HOST, "--role", "db"]).ok());
        let host = Host::boot();
        host.admit_admin(&ada.public_line());
        Self { host, authority, jo, max, kim, ada, folder }
    }

    /// Brings the authority's files to the host, each by a rename, as an administrator does after each change.
    pub fn publish(&self) {
        self.host.put("/etc/jit/ca.pub", self.authority.ca_key(), 0o644);
        self.host.put("/etc/jit/approvers", self.authority.approvers(), 0o644);
        self.host.put("/etc/jit/revoked", self.authority.revoked(), 0o644);
        self.host.put("/etc/jit/krl", self.authority.krl(), 0o644);
    }

    /// The key of `who` with a certificate for `request`: created, approved by kim, signed.
    #[must_use]
    #[track_caller]
    pub fn granted_to(&self, who: &Identity, request: &Request) -> Identity {
        let grant = self.authority.create(request);
        self.authority.approve(&grant, "kim", &self.kim);
        self.authority.sign(&grant, who)
    }

    /// Jo's key with a certificate for `request`.
    #[must_use]
    #[track_caller]
    pub fn granted(&self, request: &Request) -> Identity {
        self.granted_to(&self.jo, request)
    }

    /// A client for the usual account.
    #[must_use]
    pub fn client(&self, identity: &Identity) -> Client<'_> {
        Client::new(&self.host, ACCOUNT, identity)
    }

    /// The administrator gets in. A connection that sshd's own reload cuts off, between one listening socket and the next, is
    /// made once more.
    ///
    /// # Panics
    /// When she does not.
    #[track_caller]
    pub fn admin_enters(&self) {
        let admin = self.admin();
        let cut = |said: &str| said.contains("Connection refused") || said.contains("Connection reset");
        let mut entered = admin.exec("id -un");
        if cut(&entered.stderr) {
            deadline::poll(SOON, || {
                entered = admin.exec("id -un");
                (!cut(&entered.stderr)).then_some(())
            });
        }
        assert_eq!(entered.ok().stdout.trim(), ADMIN);
    }

    /// A client for the administrator's account with the plain key.
    #[must_use]
    pub fn admin(&self) -> Client<'_> {
        Client::new(&self.host, ADMIN, &self.ada)
    }
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

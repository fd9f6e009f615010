//! The usual cast: one host with the product installed, its authority, a vendor's person, two approvers, an administrator.
//!
//! Tests that only look share one world; a test that breaks something takes a fresh one.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use tempfile::TempDir;

use crate::authority::{Authority, Request};
use crate::client::Client;
use crate::forge::Forge;
use crate::host::{ADMIN, Host};
use crate::identity::Identity;
use crate::raw_certificate::RawCertificate;

/// The host's name in grants; its role is `db`.
pub const HOST: &str = "db1.prod";

/// Another host of the same authority; its role is `web`.
pub const OTHER_HOST: &str = "db2.prod";

/// The usual account.
pub const ACCOUNT: &str = "acme-support";

/// What sshd itself checks, in the world's Match block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sshd {
    /// As the documents say.
    AsDocumented,
    /// As somebody got it wrong: every principal of a certificate is accepted, forwarding goes everywhere and back, and
    /// no KRL is read. Only the module stands between a certificate of the CA and the account.
    AcceptsEveryPrincipal,
}

/// The cast.
#[derive(Debug)]
pub struct World {
    /// The host.
    pub host: Host,
    /// Its authority.
    pub authority: Authority,
    /// `acme/jo`'s enrolled key.
    pub jo: Identity,
    /// The approver kim.
    pub kim: Identity,
    /// The approver lee.
    pub lee: Identity,
    /// The administrator's plain key.
    pub ada: Identity,
    /// A folder for more keys.
    pub folder: TempDir,
}

impl World {
    /// A world of one's own.
    #[must_use]
    pub fn fresh() -> Self {
        Self::with(Sshd::AsDocumented)
    }

    /// A world of one's own with this sshd.
    ///
    /// # Panics
    /// When anything in it can't be made.
    #[must_use]
    pub fn with(sshd: Sshd) -> Self {
        Self::on(Host::bare(), sshd)
    }

    /// The same on this host.
    ///
    /// # Panics
    /// When anything in it can't be made.
    #[must_use]
    pub fn on(mut host: Host, sshd: Sshd) -> Self {
        let folder = tempfile::Builder::new().prefix("jit-keys-").tempdir().expect("a scratch folder");
        let key = |name| Identity::make(folder.path(), name);
        let (jo, kim, lee, ada) = (key("jo"), key("kim"), key("lee"), key("ada"));
        let authority = Authority::new();
        authority.enrol("acme/jo", &[&jo]);
        authority.appoint("kim", &kim.public());
        authority.appoint("lee", &lee.public());
        drop(authority.ca(["host", "add", HOST, "--role", "db"]).ok());
        drop(authority.ca(["host", "add", OTHER_HOST, "--role", "web"]).ok());
        host.admit_admin(&ada.public_line());
        host.install(sshd);
        let world = Self { host, authority, jo, kim, lee, ada, folder };
        world.publish();
        world
    }

    /// The world that tests share which only look.
    #[must_use]
    pub fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<World>> = Mutex::new(Weak::new());
        share(&SHARED, Sshd::AsDocumented)
    }

    /// The shared world in which only the module decides.
    #[must_use]
    pub fn shared_with_module_alone() -> Arc<Self> {
        static SHARED: Mutex<Weak<World>> = Mutex::new(Weak::new());
        share(&SHARED, Sshd::AcceptsEveryPrincipal)
    }

    /// Brings the authority's files to the host, as an administrator does after each change.
    pub fn publish(&self) {
        self.host.write("/etc/jit/host.toml", host_toml(self.authority.fingerprint()));
        self.host.write("/etc/jit/ca.pub", self.authority.ca_key());
        self.host.write("/etc/jit/approvers", self.authority.approvers());
        self.host.write("/etc/jit/revoked", self.authority.revoked());
        self.host.write("/etc/jit/krl", self.authority.krl());
    }

    /// Jo's key with a certificate for `request`: created, approved by kim, signed.
    #[must_use]
    #[track_caller]
    pub fn granted(&self, request: &Request) -> Identity {
        let grant = self.authority.create(request);
        self.authority.approve(&grant, "kim", &self.kim);
        self.authority.sign(&grant, &self.jo)
    }

    /// A client for the usual account.
    #[must_use]
    pub fn client(&self, identity: &Identity) -> Client {
        Client::new(&self.host, ACCOUNT, identity)
    }

    /// A client for the administrator's account with the plain key.
    #[must_use]
    pub fn admin(&self) -> Client {
        Client::new(&self.host, ADMIN, &self.ada)
    }

    /// A forger with the CA key of this world.
    #[must_use]
    pub fn forge(&self) -> Forge {
        Forge::of(&self.authority)
    }

    /// Jo's key with a forged certificate.
    #[must_use]
    pub fn forged(&self, name: &str, certificate: &RawCertificate) -> Identity {
        self.jo.with_text(name, &certificate.sign_line(&self.forge().ca_key))
    }
}

/// `/etc/jit/host.toml` as the documents show it; records go to the default `/dev/log`.
#[must_use]
pub fn host_toml(authority: &str) -> String {
    format!(
        "\
host = \"{HOST}\"
roles = [\"db\"]
authority = \"{authority}\"
ca_keys = \"/etc/jit/ca.pub\"
approvers = \"/etc/jit/approvers\"
revoked = \"/etc/jit/revoked\"
minimum_approvals = 1
vendor_group = \"jit-vendors\"
"
    )
}

fn share(place: &Mutex<Weak<World>>, sshd: Sshd) -> Arc<World> {
    // A test that failed while it made the world leaves nothing half-made behind.
    let mut shared = place.lock().unwrap_or_else(PoisonError::into_inner);
    shared.upgrade().unwrap_or_else(|| {
        let world = Arc::new(World::with(sshd));
        *shared = Arc::downgrade(&world);
        world
    })
}

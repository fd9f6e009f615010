//! Three machines that have only just been installed, in one network: the authority's, a host, a log host; the people, each with
//! a key; and what is on the way between them: files that are brought, and the log host's TLS.

use e2e::booted::client::Client;
use e2e::booted::host::Host;
use e2e::host::ADMIN;
use e2e::identity::Identity;
use e2e::packages::Debs;
use e2e::world::{ACCOUNT, HOST};
use tempfile::TempDir;

use crate::keys::{Keys, text};

const FORWARDER: &str = include_str!("../../../../packaging/rsyslog/10-pam-jit.conf");
const RECEIVER: &str = include_str!("../../../../packaging/rsyslog/receiver.conf.example");

/// The log host's name in its certificate, in the shipped text too.
const LOG_HOST: &str = "logs.example";

/// The machines and the people.
pub(crate) struct Machines {
    pub(crate) db1: Host,
    pub(crate) ca1: Host,
    pub(crate) log1: Host,
    pub(crate) jo: Identity,
    ada: Identity,
    /// Kim's machine: her home.
    pub(crate) home: TempDir,
}

impl Machines {
    /// Booted, each with the packages that belong there in root's home, and the keys where people sent them.
    pub(crate) fn boot() -> Self {
        let home = tempfile::Builder::new().prefix("jit-home-").tempdir().expect("a scratch folder");
        std::fs::create_dir(home.path().join(".ssh")).expect("makes a folder");
        let key = |name| Identity::make(home.path(), name);
        let (jo, kim, ada) = (key("jo"), key(".ssh/id_ed25519"), key("ada"));
        let db1 = Host::boot();
        let (ca1, log1) = std::thread::scope(|scope| {
            let ca1 = scope.spawn(|| db1.boot_beside("ca1", "10.217.0.3"));
            let log1 = db1.boot_beside("log1", "10.217.0.4");
            (ca1.join().expect("ca1 boots"), log1)
        });
        db1.admit_admin(&ada.public_line());
        for deb in Debs::current().files() {
            let name = deb.file_name().expect("a package's name").to_string_lossy();
            let to = if name.starts_with("jit-ca_") { &ca1 } else { &db1 };
            to.put(&format!("/root/{name}"), std::fs::read(deb).expect("reads a package"), 0o644);
        }
        ca1.put("/tmp/jo.pub", jo.public_line() + "\n", 0o644);
        ca1.put("/tmp/kim.pub", kim.public_line() + "\n", 0o644);
        Self { db1, ca1, log1, jo, ada, home }
    }

    /// Brings a file from one machine to another.
    pub(crate) fn bring(from: &Host, path: &str, to: &Host, into: &str) {
        let bytes = std::fs::read(from.path(path)).unwrap_or_else(|error| panic!("reads {path}: {error}"));
        to.put(into, bytes, 0o644);
    }

    /// The administrator gets into the host, as ever.
    #[track_caller]
    pub(crate) fn admin_enters(&self) {
        let admin = Client::new(&self.db1, ADMIN, &self.ada);
        assert_eq!(admin.exec("id -un").ok().stdout.trim(), ADMIN);
    }

    /// A client of jo's with the certificate that the authority wrote last beside the key.
    pub(crate) fn vendor(&self) -> Client<'_> {
        let jo = self.jo.with_text("jo", &self.ca1.read("/tmp/jo-cert.pub"));
        Client::new(&self.db1, ACCOUNT, &jo)
    }

    /// What the README leaves to the texts that it names: records go to the log host over TLS. The shipped texts as they are;
    /// the names in them are those of these machines.
    pub(crate) fn ship_records(&self) {
        let keys = Keys::make();
        for (machine, name, folder) in
            [(&self.db1, HOST, "/etc/jit/tls"), (&self.log1, LOG_HOST, "/etc/rsyslog.d/pam-jit")]
        {
            let own = keys.of(name);
            for file in ["ca.pem", "cert.pem", "key.pem"] {
                machine.put(&format!("{folder}/{file}"), text(&own, file), 0o600);
            }
        }
        self.log1.put("/etc/rsyslog.d/10-pam-jit-receiver.conf", RECEIVER, 0o644);
        drop(self.log1.run(["systemctl", "restart", "rsyslog.service"]).ok());
        self.db1.put("/etc/rsyslog.d/10-pam-jit.conf", FORWARDER, 0o644);
        let names = format!("{} {LOG_HOST}\n", self.log1.address());
        self.db1.put("/etc/hosts", self.db1.read("/etc/hosts") + &names, 0o644);
        let toml = self.db1.read("/etc/jit/host.toml");
        let (socket, format) = ("socket = \"/dev/log\" ", "format = \"cee\" ");
        assert!(toml.contains(socket) && toml.contains(format), "{toml}");
        let toml = toml.replace(socket, "socket = \"/run/jit/log.sock\" ");
        self.db1.put("/etc/jit/host.toml", toml.replace(format, "format = \"rfc5424\" "), 0o644);
        drop(self.db1.run(["systemctl", "restart", "rsyslog.service", "jit-recorder.service"]).ok());
    }

    /// The host's file on the log host.
    pub(crate) fn received(&self) -> String {
        std::fs::read_to_string(self.log1.path(&format!("/var/log/pam-jit/{HOST}.log"))).unwrap_or_default()
    }

    /// Whether the host reaches the authority's machine.
    pub(crate) fn host_reaches_authority(&self) -> bool {
        let knock = "timeout 2 bash -c \"</dev/tcp/$1/22\"";
        self.db1.script(knock, [self.ca1.address()]).succeeded()
    }
}

//! A scratch host: accounts, PAM stack, a private sshd on loopback, and a log reader, all inside one namespace.
//!
//! It starts as an ordinary Debian host that has never heard of the product; [`Host::install`] does what an
//! administrator does. Nothing outlives it.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::artefacts::{self, own_program};
use crate::deadline::{self, SOON};
use crate::log_socket::LogSocket;
use crate::namespace::Namespace;
use crate::process::{Outcome, Running, program, run};
use crate::world::Sshd;
use crate::{pam_stack, sshd_config};

/// The password of every account of a scratch host.
pub const PASSWORD: &str = "open-sesame";

/// The vendors' accounts, members of the group `jit-vendors`.
pub const VENDORS: [&str; 2] = ["acme-support", "acme-two"];

/// The administrator's account.
pub const ADMIN: &str = "ada";

/// Where a host has the program that drives PAM.
pub const PAM_DRIVE: &str = "/usr/local/sbin/pam-drive";

/// A running host.
#[derive(Debug)]
pub struct Host {
    log: LogSocket,
    namespace: Namespace,
    port: u16,
    host_key: String,
}

impl Host {
    /// An ordinary host with sshd running and none of the product on it.
    ///
    /// # Panics
    /// When sshd is missing or does not start.
    #[must_use]
    pub fn bare() -> Self {
        Self::bare_in(Namespace::new())
    }

    /// The same in this place.
    ///
    /// # Panics
    /// When sshd is missing or does not start.
    #[must_use]
    pub fn bare_in(namespace: Namespace) -> Self {
        let _present = program("sshd", "openssh-server");
        let mut host = Self::in_place(namespace);
        let keygen = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/etc/ssh/scratch_host_key"];
        drop(host.run(keygen).ok());
        host.host_key = host.read("/etc/ssh/scratch_host_key.pub");
        host.start_sshd("");
        host
    }

    /// The same without sshd: accounts, PAM files and a log reader.
    #[must_use]
    pub fn without_sshd() -> Self {
        Self::in_place(Namespace::new())
    }

    fn in_place(namespace: Namespace) -> Self {
        let log = LogSocket::bind(&namespace.path("/dev/log"));
        let host = Self { log, namespace, port: 0, host_key: String::new() };
        host.make_accounts();
        host.make_pam_stack(false);
        host
    }

    /// Puts the programs, the PAM lines and the Match block where the documents say, and starts sshd anew.
    /// The files of `/etc/jit` come from the authority.
    pub fn install(&mut self, sshd: Sshd) {
        self.put("/usr/bin/jit", artefacts::jit());
        self.install_module();
        self.make_pam_stack(true);
        self.put_text("/usr/local/sbin/every-principal", sshd_config::EVERY_PRINCIPAL);
        self.restart_sshd(&match sshd {
            Sshd::AsDocumented => sshd_config::MATCH_BLOCK.to_owned(),
            Sshd::AcceptsEveryPrincipal => sshd_config::accepting_every_principal(),
        });
    }

    /// Puts the module where PAM looks for it, and the program of these tests that drives PAM.
    pub fn install_module(&self) {
        self.put(&self.module(), artefacts::module());
        self.put(PAM_DRIVE, &own_program("pam-drive"));
    }

    /// Where the module's file lies on this host.
    #[must_use]
    pub fn module(&self) -> String {
        modules_folder().join("pam_jit.so").display().to_string()
    }

    /// The port that sshd listens on, at 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The `known_hosts` line of this host.
    #[must_use]
    pub fn known_hosts(&self) -> String {
        format!("[127.0.0.1]:{} {}", self.port, self.host_key)
    }

    /// Whether the process of this folder in `/proc` is this host's.
    #[must_use]
    pub fn holds(&self, process: &Path) -> bool {
        self.namespace.holds(process)
    }

    /// A command that runs on the host, as root.
    #[must_use]
    pub fn command(&self, program: &str) -> Command {
        self.namespace.command(program)
    }

    /// Runs a command on the host, as root, to its end.
    #[must_use]
    #[track_caller]
    pub fn run<const N: usize>(&self, words: [&str; N]) -> Outcome {
        let mut command = self.command(words[0]);
        command.args(&words[1..]);
        run(command)
    }

    /// Where the harness sees a path of the host.
    #[must_use]
    pub fn path(&self, inside: &str) -> PathBuf {
        self.namespace.path(inside)
    }

    /// True when the host has such a file.
    #[must_use]
    pub fn has(&self, inside: &str) -> bool {
        self.path(inside).exists()
    }

    /// The text of a file of the host.
    ///
    /// # Panics
    /// When it can't be read.
    #[must_use]
    #[track_caller]
    pub fn read(&self, inside: &str) -> String {
        std::fs::read_to_string(self.path(inside)).unwrap_or_else(|error| panic!("reads {inside}: {error}"))
    }

    /// Writes a file of the host, mode 0644, through a rename, and makes its folder.
    ///
    /// # Panics
    /// When it can't be written.
    #[track_caller]
    pub fn write(&self, inside: &str, bytes: impl AsRef<[u8]>) {
        self.write_mode(inside, bytes, 0o644);
    }

    /// The same with a mode of its own.
    ///
    /// # Panics
    /// When it can't be written.
    #[track_caller]
    pub fn write_mode(&self, inside: &str, bytes: impl AsRef<[u8]>, mode: u32) {
        let path = self.path(inside);
        let fresh = self.path(&format!("{inside}.new"));
        std::fs::create_dir_all(path.parent().expect("a path with a folder"))
            .expect("makes a folder on the host");
        std::fs::write(&fresh, bytes).unwrap_or_else(|error| panic!("writes {inside}: {error}"));
        self.set_mode(&format!("{inside}.new"), mode);
        std::fs::rename(&fresh, &path).unwrap_or_else(|error| panic!("renames {inside}: {error}"));
    }

    /// Sets the mode of a file or folder of the host.
    ///
    /// # Panics
    /// When it can't be set.
    #[track_caller]
    pub fn set_mode(&self, inside: &str, mode: u32) {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
        std::fs::set_permissions(self.path(inside), mode).unwrap_or_else(|error| panic!("{inside}: {error}"));
    }

    /// Removes a file of the host.
    ///
    /// # Panics
    /// When it can't be removed.
    #[track_caller]
    pub fn remove(&self, inside: &str) {
        std::fs::remove_file(self.path(inside)).unwrap_or_else(|error| panic!("removes {inside}: {error}"));
    }

    /// Copies a file onto the host, mode 0755.
    ///
    /// # Panics
    /// When it can't be copied.
    #[track_caller]
    pub fn put(&self, inside: &str, from: &Path) {
        self.write_mode(
            inside,
            std::fs::read(from).unwrap_or_else(|error| panic!("{}: {error}", from.display())),
            0o755,
        );
    }

    /// Lets `public_key` (one line) into the administrator's account.
    pub fn admit_admin(&self, public_key: &str) {
        let folder = format!("/home/{ADMIN}/.ssh");
        self.write_mode(&format!("{folder}/authorized_keys"), format!("{}\n", public_key.trim()), 0o600);
        drop(self.run(["chown", "-R", &format!("{ADMIN}:{ADMIN}"), &folder]).ok());
    }

    /// Writes a program's text onto the host, mode 0755.
    pub fn put_text(&self, inside: &str, text: &str) {
        self.write_mode(inside, text, 0o755);
    }

    /// What the log socket has taken so far.
    #[must_use]
    pub fn log_lines(&self) -> Vec<String> {
        self.log.lines()
    }

    /// As after the log daemon's crash: the socket's file is there, and nobody reads from it.
    pub fn replace_log_socket_by_a_dead_one(&self) {
        self.remove("/dev/log");
        drop(LogSocket::bind(&self.path("/dev/log")));
    }

    /// The first log line that `wanted` takes, at hand or soon.
    ///
    /// # Panics
    /// When none comes: with what is there, and sshd's own log.
    #[must_use]
    #[track_caller]
    pub fn wait_for_log(&self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        self.wait_for_log_after(0, what, wanted)
    }

    /// The same among the lines after the first `seen`.
    ///
    /// # Panics
    /// When none comes: with what is there, and sshd's own log.
    #[must_use]
    #[track_caller]
    pub fn wait_for_log_after(&self, seen: usize, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        self.log.wait_for(seen, SOON, wanted).unwrap_or_else(|| {
            let (log, sshd) = (self.log.lines().join("\n"), self.sshd_log());
            panic!("no log line within {SOON:?}: {what}\n--- log\n{log}\n--- sshd\n{sshd}")
        })
    }

    /// What sshd itself wrote.
    #[must_use]
    pub fn sshd_log(&self) -> String {
        std::fs::read(self.path("/run/sshd.log"))
            .map_or_else(|_| String::new(), |log| String::from_utf8_lossy(&log).into_owned())
    }

    /// Starts sshd anew with `more` after the ordinary configuration.
    pub fn restart_sshd(&mut self, more: &str) {
        self.stop_sshd();
        self.start_sshd(more);
    }

    /// Lets sshd's PAM service be with our lines or without, for comparison: `jit principals` looks at another one, which has
    /// them.
    pub fn compare_pam_stacks(&mut self) {
        self.write("/etc/pam.d/guard", pam_stack::sshd(true));
        self.restart_sshd(
            &sshd_config::MATCH_BLOCK.replace("jit principals", "jit principals --pam-service guard"),
        );
    }

    /// Debian's PAM files; with our lines when `ours`.
    pub fn make_pam_stack(&self, ours: bool) {
        for (path, text) in pam_stack::common() {
            self.write(&path, text);
        }
        self.write("/etc/pam.d/sshd", pam_stack::sshd(ours));
        for service in ["su", "su-l", "login", "cron"] {
            self.write(&format!("/etc/pam.d/{service}"), pam_stack::service(ours));
        }
    }

    /// Adds an account by its line in `/etc/passwd`, with a home folder and the usual password.
    pub fn add_account(&self, line: &str) {
        let account = line.split(':').next().unwrap_or_default();
        self.write("/etc/passwd", self.read("/etc/passwd") + line + "\n");
        self.write_mode(
            "/etc/shadow",
            self.read("/etc/shadow") + &format!("{account}:!:20000:0:99999:7:::\n"),
            0o640,
        );
        self.set_passwords(&[account]);
    }

    fn set_passwords(&self, accounts: &[&str]) {
        let lines: String = accounts.iter().map(|account| format!("{account}:{PASSWORD}\n")).collect();
        let mut chpasswd = self.command("chpasswd");
        chpasswd.args(["-c", "SHA512"]);
        drop(Running::start(chpasswd, lines.as_bytes()).finish().ok());
        for account in accounts {
            let home = format!("/home/{account}");
            drop(self.run(["install", "-d", "-m", "0750", "-o", account, &home]).ok());
        }
    }

    fn make_accounts(&self) {
        let mut passwd = without(&self.read("/etc/passwd"), ADMIN);
        let mut shadow = without(&self.read("/etc/shadow"), ADMIN);
        let mut group = without(&self.read("/etc/group"), ADMIN);
        for (number, account) in (60_001..).zip(VENDORS.into_iter().chain([ADMIN])) {
            passwd += &format!("{account}:x:{number}:{number}::/home/{account}:/bin/bash\n");
            shadow += &format!("{account}:!:20000:0:99999:7:::\n");
            group += &format!("{account}:x:{number}:\n");
        }
        group += &format!("jit-vendors:x:60100:{}\n", VENDORS.join(","));
        self.write("/etc/passwd", passwd);
        self.write_mode("/etc/shadow", shadow, 0o640);
        self.write("/etc/group", group);
        let accounts: Vec<&str> = VENDORS.into_iter().chain([ADMIN]).collect();
        self.set_passwords(&accounts);
    }

    fn start_sshd(&mut self, more: &str) {
        for _attempt in 0..5 {
            self.port = free_port();
            self.write("/etc/ssh/sshd_config", format!("{}{more}", sshd_config::ordinary(self.port)));
            let mut command = self.command("/usr/sbin/sshd");
            command.args(["-f", "/etc/ssh/sshd_config", "-E", "/run/sshd.log"]);
            // Without -D it returns when it listens: no waiting, and its parent is the namespace's first process.
            let started = run(command);
            let listens = format!("Server listening on 127.0.0.1 port {}.", self.port);
            if started.succeeded()
                && deadline::poll(SOON, || self.sshd_log().contains(&listens).then_some(())).is_some()
            {
                return;
            }
            // Another process took the port between the look and the bind: try the next one.
            assert!(
                self.sshd_log().contains("Address already in use"),
                "sshd does not start: {started:?}\n{}",
                self.sshd_log()
            );
            self.stop_sshd();
        }
        panic!("found no free port for sshd in five attempts");
    }

    /// Ends the listening sshd by its id; sessions that are open stay.
    pub fn stop_sshd(&self) {
        if let Ok(pid) = std::fs::read_to_string(self.path("/run/sshd.pid")) {
            drop(self.run(["kill", pid.trim()]));
            deadline::until("sshd ends", || !self.has("/run/sshd.pid"));
        }
    }
}

/// The folder that holds `pam_unix.so`: Debian's differs by architecture.
fn modules_folder() -> &'static Path {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    FOUND.get_or_init(|| {
        let libraries =
            std::fs::read_dir("/usr/lib").expect("reads /usr/lib").flatten().map(|entry| entry.path());
        let mut folders = libraries.map(|library| library.join("security"));
        folders
            .find(|folder| folder.join("pam_unix.so").exists())
            .expect("pam_unix.so: `apt install libpam-modules`")
    })
}

fn without(file: &str, account: &str) -> String {
    let others = file.lines().filter(|line| line.split(':').next() != Some(account));
    others.map(|line| format!("{line}\n")).collect()
}

/// A port of 127.0.0.1 that nobody listens on at this moment.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("binds a free port");
    listener.local_addr().expect("the address of a bound socket").port()
}

//! The README's quick start, typed as it stands, on machines that have only just been installed: to a vendor's recorded session
//! in the log host's file, through a cut cable and a reboot, to the last trace removed.

use std::io::Write;
use std::time::{Duration, Instant};

use e2e::booted::client::OpenShell;
use e2e::booted::terminal::Terminal;
use e2e::deadline::SOON;
use e2e::process::{clean, run};

use crate::a_confirmed_setup::doors;
use crate::quick_start::machines::Machines;
use crate::quick_start::readme::{line, lines, named};

/// rsyslog may wait for some time until it tries its log host again.
const SHIPPED: Duration = Duration::from_secs(60);
const PASSPHRASE: &str = "seven words that nobody else would guess";

/// One following of the quick start.
struct Follower {
    machines: Machines,
    began: Instant,
    /// On the authority, on the host.
    authority: Option<Terminal>,
    host: Option<Terminal>,
    /// The trust root, as `ca init` printed it.
    root: String,
    /// The grant and the session that stand for the README's.
    grant: String,
    session: String,
}

impl Follower {
    fn tell(&self, what: &str) {
        // To standard error itself: the test runner keeps what `eprintln!` says.
        let seconds = self.began.elapsed().as_secs();
        drop(writeln!(std::io::stderr(), "quick start: {seconds:>3} s  {what}"));
    }

    /// A line of the README with the names of this run in it, and a date that has not passed.
    fn here(&self, line: &str) -> String {
        let next_year = self.machines.ca1.run(["date", "--date=+1 year", "+%F"]).ok().stdout;
        line.replace("G-7F3K9Q", &self.grant)
            .replace("S-YYSPWJ45", &self.session)
            .replace("2027-06-30", next_year.trim())
    }

    /// Types a line on the authority, in whatever shell is open there.
    #[track_caller]
    fn on_authority(&mut self, line: &str) -> String {
        let line = self.here(line);
        let mut terminal = self.authority.take().unwrap_or_else(|| Terminal::of_root(&self.machines.ca1));
        let said = terminal.line(&line, &mut |asked| {
            let secret = asked.contains("passphrase") || asked.contains("the same again");
            (secret && asked.ends_with(": ")).then(|| PASSPHRASE.to_owned())
        });
        self.authority = Some(terminal);
        assert_eq!(said.status, 0, "{line}\n{}", said.screen);
        said.screen
    }

    /// Types a line as root on the host, and answers as a careful person does.
    #[track_caller]
    fn on_host(&mut self, line: &str) -> String {
        let line = self.here(line);
        let mut terminal = self.host.take().unwrap_or_else(|| Terminal::of_root(&self.machines.db1));
        let said = terminal.line(&line, &mut |asked| {
            if asked.ends_with("is it the same? Type yes to go on: ") {
                assert!(asked.contains(&self.root), "the bundle's trust root is another one:\n{asked}");
                return Some("yes".to_owned());
            }
            if asked.contains("Log in from another terminal now; if you get in, type yes here") {
                self.machines.admin_enters();
                return Some("yes".to_owned());
            }
            asked.ends_with("[Y/n] ").then(|| "y".to_owned())
        });
        self.host = Some(terminal);
        assert_eq!(said.status, 0, "{line}\n{}", said.screen);
        self.machines.admin_enters();
        said.screen
    }

    /// "The authority".
    fn authority(&mut self) {
        for line in lines("The authority", "sh authority") {
            let said = self.on_authority(line);
            if line.starts_with("ca init") {
                let mut words = said.split_whitespace();
                let found = words.find(|word| word.starts_with("SHA256:"));
                self.root = found.unwrap_or_else(|| panic!("`ca init` names the root:\n{said}")).to_owned();
            }
        }
        self.tell("the authority is there");
    }

    /// "A host".
    fn host(&mut self) {
        let Machines { ca1, db1, .. } = &self.machines;
        Machines::bring(ca1, "/var/lib/jit-ca/db1.bundle", db1, "/root/db1.bundle");
        for line in lines("A host", "sh host") {
            let said = self.on_host(line);
            if line.starts_with("jit check") {
                assert!(said.contains(" 0 errors"), "{said}");
            }
        }
        self.tell("the host is set up");
    }

    /// "A grant", up to the certificate in words.
    fn grant(&mut self) {
        // `exit` has left the shell of the authority's user.
        let all = lines("A grant", "sh");
        for start in ["runuser ", "cd "] {
            drop(self.on_authority(line(&all, start)));
        }
        let said = self.on_authority(line(&all, "ca grant create "));
        let last = said.trim_end().lines().last().unwrap_or_default();
        assert!(last.starts_with("G-"), "the last line of `create` is the grant's name:\n{said}");
        last.clone_into(&mut self.grant);
        drop(self.on_authority(line(&all, "ca grant show ")));

        // The approver's own machine.
        let (document, folder) = (format!("{}.txt", self.grant), "/var/lib/jit-ca");
        let home = self.machines.home.path();
        std::fs::write(home.join(&document), self.machines.ca1.read(&format!("{folder}/{document}")))
            .expect("writes the document");
        let words = self.here(lines("A grant", "")[0]);
        let mut sign = clean("/bin/sh");
        sign.current_dir(home).env("HOME", home).args(["-c", &words]);
        drop(run(sign).ok());
        let signature = std::fs::read(home.join(format!("{document}.sig"))).expect("reads the signature");
        self.machines.ca1.put(&format!("{folder}/{document}.sig"), signature, 0o644);

        drop(self.on_authority(line(&all, "ca approve ")));
        self.sign();
        let said = self.on_authority(line(&all, "ca inspect "));
        assert!(said.contains("acme/jo") && said.contains("kim"), "{said}");
        let Machines { ca1, db1, .. } = &self.machines;
        Machines::bring(ca1, "/tmp/jo-cert.pub", db1, "/root/jo-cert.pub");
        drop(self.on_host(line(&all, "sudo jit try ")));
        self.tell("the grant is approved");
    }

    /// A certificate, for the next five minutes.
    fn sign(&mut self) {
        drop(self.on_authority(line(&lines("A grant", "sh"), "ca sign ")));
    }

    /// Jo's shell, and the session that it is.
    fn enter(&self) -> (OpenShell, String) {
        let client = self.machines.vendor();
        let shell = client.open_shell(&[], "/bin/echo restored-$((40 + 2))\n");
        let db1 = &self.machines.db1;
        db1.wait(SOON, "the vendor's shell answers", || shell.screen().contains("restored-42"));
        let session = db1.session_of(&client);
        (shell, session)
    }

    /// "Who is in": a session is seen, read and ended.
    fn session(&mut self) {
        let all = lines("Who is in", "sh");
        let (mut shell, session) = self.enter();
        self.session.clone_from(&session);
        let said = self.on_host(line(&all, "sudo jit sessions"));
        assert!(said.contains(&session) && said.contains("acme/jo"), "{said}");
        let said = self.on_host(line(&all, "sudo jit show "));
        assert!(said.contains("/bin/echo restored-42"), "{said}");
        drop(self.on_host(line(&all, "sudo jit end S-")));
        let db1 = &self.machines.db1;
        db1.wait(SOON, "the vendor is out", || shell.has_ended());
        let close = db1.close_of(&session, SOON);
        assert_eq!((&close["jit"]["reason"], &close["jit"]["proved"]), (&"ended_by".into(), &true.into()));
        self.arrives(&session, &[" session.open ", "\"restored-42\"", "\"ended_by\""]);
        self.tell("a session was recorded, shown, ended, and is in the log host's file");
    }

    /// The authority's machine can't be reached, and nobody needs it: logins, records, ending.
    fn without_the_authority(&mut self) {
        self.sign();
        assert!(self.machines.host_reaches_authority());
        self.machines.ca1.pull_cable();
        assert!(!self.machines.host_reaches_authority(), "the cable is out");
        self.machines.admin_enters();
        let (mut shell, session) = self.enter();
        shell.types("exit\n");
        assert_eq!(self.machines.db1.close_of(&session, SOON)["jit"]["reason"], "logout");
        self.arrives(&session, &[" session.close "]);
        self.machines.ca1.plug_in();
        let db1 = &self.machines.db1;
        db1.wait(SOON, "the cable is in", || self.machines.host_reaches_authority());
        self.tell("logins went on while the authority was away");
    }

    /// The host restarts while a vendor is in.
    fn after_a_reboot(&mut self) {
        let (shell, open) = self.enter();
        self.host = None;
        self.machines.db1.crash();
        drop(shell);
        self.machines.admin_enters();
        let close = self.machines.db1.close_of(&open, SOON);
        assert_eq!(close["jit"]["reason"], "host_restarted", "{close}");
        self.sign();
        let (mut shell, session) = self.enter();
        shell.types("exit\n");
        drop(self.machines.db1.close_of(&session, SOON));
        self.arrives(&open, &["\"host_restarted\""]);
        self.arrives(&session, &[" session.close "]);
        self.tell("the host restarted, and vendors enter again");
    }

    /// "Over early?": the grant is revoked, and the bundle dropped in ends its session.
    fn revoked(&mut self) {
        self.sign();
        let (mut shell, session) = self.enter();
        let all = lines("A grant", "sh");
        for start in ["ca revoke ", "ca host bundle "] {
            drop(self.on_authority(line(&all, start)));
        }
        let Machines { ca1, db1, .. } = &self.machines;
        let incoming = "/var/lib/jit/trust/incoming/db1.bundle";
        Machines::bring(ca1, "/var/lib/jit-ca/db1.bundle", db1, incoming);
        db1.wait(SOON, "the vendor is out", || shell.has_ended());
        assert_eq!(db1.close_of(&session, SOON)["jit"]["reason"], "revoked");
        assert!(!self.machines.vendor().exec("true").succeeded(), "the certificate is no way in any more");
        self.machines.admin_enters();
        self.tell("a revoked grant's session has ended");
    }

    /// "To undo all of it".
    fn removed(&mut self, before: &str) {
        drop(self.on_host(named("apt purge jit-host libpam-jit")));
        let db1 = &self.machines.db1;
        assert_eq!(doors(db1), before, "every file that decides about logins is as before");
        assert_eq!(db1.script("ls -A /var/lib/jit", []).ok().stdout, "spool\n");
        assert!(!self.machines.vendor().exec("true").succeeded());
        self.tell("everything is removed");
    }

    /// Waits for records of a session in the log host's file.
    #[track_caller]
    fn arrives(&self, session: &str, words: &[&str]) {
        for word in words {
            let there = || {
                let received = self.machines.received();
                received.lines().any(|line| line.contains(session) && line.contains(word))
            };
            self.machines.db1.wait(SHIPPED, &format!("{word} of {session} on the log host"), there);
        }
    }
}

#[test]
fn a_person_who_types_the_readme_has_a_recorded_session_and_gets_rid_of_it_all() {
    let began = Instant::now();
    let machines = Machines::boot();
    let mut follower = Follower {
        machines,
        began,
        authority: None,
        host: None,
        root: String::new(),
        grant: "G-7F3K9Q".to_owned(),
        session: String::new(),
    };
    let before = doors(&follower.machines.db1);
    follower.tell("three machines are up");
    let quick = Instant::now();
    follower.authority();
    follower.host();
    follower.machines.ship_records();
    follower.grant();
    follower.session();
    follower.tell(&format!("the quick start itself took {} s", quick.elapsed().as_secs()));
    follower.without_the_authority();
    follower.after_a_reboot();
    follower.revoked();
    follower.removed(&before);
}

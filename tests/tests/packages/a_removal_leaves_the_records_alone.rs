//! Removing, purging, installing again: sessions end, lines go before the module, records stay, nothing else does.

use std::sync::atomic::{AtomicBool, Ordering};

use e2e::authority::Request;
use e2e::booted::records::Records;
use e2e::booted::world::World;
use e2e::deadline::SOON;
use e2e::host::VENDORS;
use e2e::packages::Debs;
use e2e::process::{Outcome, Running};

use crate::a_confirmed_setup::{Confirmed, Logins, doors, names};

/// apt's work, with administrators logging in all the while, and with a look at every moment for a line that names a module
/// that is gone.
#[track_caller]
fn apt(world: &World, words: &str) -> String {
    let host = &world.host;
    let module = host.module();
    let mut watch = host.command("sh");
    watch.args(["-c", "while [ ! -e /run/done ]; do if [ ! -e \"$1\" ] && grep -q '^[^#]*pam_jit' /etc/pam.d/*; then echo missing; fi; done", "watch", &module]);
    let watching = Running::start(watch, b"");
    let done = AtomicBool::new(false);
    let outcome: Outcome = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                world.admin_enters();
            }
        });
        let outcome = host.script(&format!("DEBIAN_FRONTEND=noninteractive apt-get -qq -y {words} 2>&1"), []);
        done.store(true, Ordering::Relaxed);
        outcome
    });
    host.put("/run/done", "", 0o644);
    assert_eq!(watching.finish().ok().stdout, "", "the module was gone before the lines that name it");
    drop(host.run(["rm", "/run/done"]).ok());
    world.admin_enters();
    outcome.ok().stdout
}

#[test]
fn a_removal_ends_sessions_and_a_purge_leaves_nothing_but_the_records() {
    let Confirmed { world, before: bare, files } = Confirmed::host();
    let host = &world.host;
    let jo = world.granted(&Request::default());
    let client = world.client(&jo);
    let mut shell = client.open_shell(&[], "/bin/echo in-$((40 + 1))\n");
    host.wait(SOON, "the shell answers", || shell.screen().contains("in-41"));
    let session = host.session_of(&client);
    assert!(host.read("/etc/pam.d/sshd").contains("pam_jit.so"));

    // The library alone takes its user with it.
    drop(apt(&world, "remove libpam-jit"));
    host.wait(SOON, "the vendor is out", || shell.has_ended());
    let close = host.close_of(&session, SOON);
    assert_eq!(close["jit"]["reason"], "ended_by", "{close}");
    assert_eq!(Logins::of(host), bare, "byte for byte as before the set-up");
    assert!(host.is_active("ssh.service"));
    assert!(!host.has(&host.module()));
    assert!(!world.client(&jo).exec("true").succeeded(), "vendors are out");
    for unit in ["jit-recorder.socket", "jit-recorder.service", "jit-sweep.timer"] {
        assert!(!host.is_active(unit), "{unit}");
    }
    assert!(host.has("/etc/jit/host.toml"), "removed, not purged: the configuration stays");

    // Purging.
    for account in VENDORS {
        drop(host.run(["userdel", "--remove", account]));
    }
    let records = Records::of(host).action("session.open").count();
    let said = apt(&world, "purge jit-host jit-ca libpam-jit");
    assert!(
        said.contains("jit-host: the records of vendors' sessions stay in /var/lib/jit/spool"),
        "it says where the records are: {said}"
    );
    let left = "getent group jit-vendors jit-ca; getent passwd jit-ca; ls -A /var/lib/jit; true";
    assert_eq!(host.script(left, []).ok().stdout, "spool\n");
    assert_eq!(Logins::of(host).files, bare.files);
    // What the accounts brought is the tests' own.
    let accounts =
        ["/etc/systemd/system/user@", "/etc/at.deny", "/etc/cron.deny", "/etc/subuid", "/etc/subgid"];
    let new: Vec<_> = names(host).into_iter().filter(|name| files.binary_search(name).is_err()).collect();
    let unexpected: Vec<_> = new
        .iter()
        .filter(|name| !name.starts_with("/var/lib/jit/spool/"))
        .filter(|name| !accounts.iter().any(|own| name.starts_with(own)))
        .collect();
    assert_eq!(unexpected, ["/var/lib/jit", "/var/lib/jit/spool"]);
    assert_eq!(Records::of(host).action("session.open").count(), records);

    // Again, as if for the first time, by hand; and the chain of records goes on where it was.
    let before = doors(host);
    Debs::current().install(host);
    assert_eq!(doors(host), before);
    let toml = e2e::world::host_toml(world.authority.fingerprint());
    let table = if toml.contains("[recorder]") { "" } else { "[recorder]\n" };
    host.put("/etc/jit/host.toml", format!("{toml}{table}"), 0o644);
    world.publish();
    host.set_up();
    let client = world.client(&jo);
    drop(client.exec("/bin/echo back").ok());
    drop(host.close_of(&host.session_of(&client), SOON));
    assert_eq!(Records::of(host).action("session.open").count(), records + 1);
    // What was written by hand between the marks goes like what `jit setup` wrote.
    drop(apt(&world, "purge jit-host libpam-jit"));
    assert_eq!(doors(host), before);
}

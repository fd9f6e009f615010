//! Removing, purging, installing again: sessions end, lines go before the module, records stay, nothing else does.

use e2e::authority::Request;
use e2e::booted::records::Records;
use e2e::deadline::SOON;
use e2e::host::VENDORS;
use e2e::packages::Debs;

use crate::a_host_without_configuration_is_left_alone::doors;
use crate::an_upgrade_keeps_open_sessions::packaged;

fn apt(words: &str) -> String {
    format!("DEBIAN_FRONTEND=noninteractive apt-get -qq -y {words} 2>&1")
}

#[test]
fn a_removal_ends_sessions_and_a_purge_leaves_nothing_but_the_records() {
    let world = packaged();
    let host = &world.host;
    let jo = world.granted(&Request::default());
    let client = world.client(&jo);
    let mut shell = client.open_shell(&[], "/bin/echo in-$((40 + 1))\n");
    host.wait(SOON, "the shell answers", || shell.screen().contains("in-41"));
    let session = host.session_of(&client);
    assert!(host.read("/etc/pam.d/sshd").contains("pam_jit.so"));

    // The library alone takes its user with it.
    drop(host.script(&apt("remove libpam-jit"), []).ok());
    host.wait(SOON, "the vendor is out", || shell.has_ended());
    let close = host.close_of(&session, SOON);
    assert_eq!(close["jit"]["reason"], "ended_by", "{close}");
    let named = host.script("grep -rl pam_jit /etc/pam.d", []);
    assert_eq!(named.stdout, "", "no PAM file names the module");
    assert!(!host.has(&host.module()));
    assert!(!host.has("/etc/ssh/sshd_config.d/50-pam-jit.conf"), "sshd's block went with the set-up");
    assert!(!world.client(&jo).exec("true").succeeded(), "vendors are out");
    drop(world.admin().exec("true").ok());
    for unit in ["jit-recorder.socket", "jit-recorder.service", "jit-sweep.timer"] {
        assert!(!host.is_active(unit), "{unit}");
    }
    assert!(host.has("/etc/jit/host.toml"), "removed, not purged: the configuration stays");

    // Purging.
    for account in VENDORS {
        drop(host.run(["userdel", account]).ok());
    }
    let records = Records::of(host).action("session.open").count();
    let said = host.script(&apt("purge jit-host jit-ca libpam-jit"), []).ok().stdout;
    assert!(said.contains("/var/lib/jit/spool"), "it says where the records are: {said}");
    let left = "find / -xdev -name '*jit*' ! -path '/proc/*' ! -path '/sys/*' ! -path '/root/packages*' ! -path '/var/log/*' ! -path '/tmp/*'; getent group jit-vendors jit-ca; getent passwd jit-ca; ls -A /var/lib/jit; true";
    assert_eq!(host.script(left, []).ok().stdout, "/var/lib/jit\nspool\n");
    assert_eq!(Records::of(host).action("session.open").count(), records);
    drop(world.admin().exec("true").ok());

    // Again, as if for the first time; and the chain of records goes on where it was.
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
}

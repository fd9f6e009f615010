//! `sudo systemd-run` has process 1 start a program, outside of the session and of the gate. It is found by the command
//! that asked, and ends with the session; what an administrator had started so goes on.

use e2e::authority::Request;
use e2e::booted::world::World;
use e2e::deadline::SOON;

/// Long enough to be there unless somebody ends it.
const SLEEP: &str = "/usr/bin/sleep";

#[test]
fn units_that_a_session_started_with_systemd_run_end_with_it() {
    let world = World::new();
    world.host.put("/etc/sudoers.d/vendors", "%jit-vendors ALL=(ALL) NOPASSWD: ALL\n", 0o440);
    drop(world.host.run(["systemd-run", "--unit=administrators", SLEEP, "3001"]).ok());
    let client = world.client(&world.granted(&Request::default().allowing("pty,sudo")));
    let asked = "sudo -n systemd-run --collect sleep 3002 && sudo -n systemd-run --unit=vendors -p Restart=always \
                 -p RestartSec=0 sh -c 'sleep 3003' && sudo -n systemd-run --on-active=3600 --unit=later sleep 3004";
    drop(client.exec(asked).ok());
    let session = world.host.session_of(&client);
    let close = world.host.close_of(&session, SOON);
    let removed: Vec<String> =
        serde_json::from_value(close["jit"]["removed"].clone()).expect("a list of names");
    for unit in ["vendors.service", "later.timer", "run-"] {
        assert!(removed.iter().any(|name| name.starts_with(unit)), "{unit}: {close}");
    }
    assert!(!close["jit"]["left"].to_string().contains("vendors"), "{close}");
    // `pgrep` finds nobody, so its exit code is 1; and process 1 starts none of them again.
    world.host.wait(SOON, "the session's units are gone", || {
        let units =
            world.host.run(["systemctl", "list-units", "--all", "--plain", "--no-legend"]).ok().stdout;
        removed.iter().all(|unit| !units.contains(unit.as_str()))
    });
    assert!(!world.host.run(["pgrep", "-f", "sleep 300[234]"]).succeeded());
    assert!(world.host.run(["pgrep", "-f", "sleep 3001"]).succeeded(), "the administrator's goes on");
    assert!(!removed.iter().any(|unit| unit.contains("administrators")), "{close}");
}

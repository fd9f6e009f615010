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

#[test]
fn without_a_recorder_the_sweep_ends_units_and_the_accounts_manager_too() {
    let world = World::new();
    let host = &world.host;
    host.put("/etc/sudoers.d/vendors", "%jit-vendors ALL=(ALL) NOPASSWD: ALL\n", 0o440);
    // As on a host where somebody forgot to mask it.
    let manager = "uid=$(id -u acme-support); rm /etc/systemd/system/user@$uid.service; systemctl daemon-reload; \
                   systemctl start user@$uid.service; echo user@$uid.service";
    let manager = host.script(manager, []).ok().stdout.trim().to_owned();
    drop(host.run(["systemd-run", "--unit=administrators", SLEEP, "3101"]).ok());
    let client = world.client(&world.granted(&Request::default().allowing("pty,sudo")));
    let mut shell = client.open_shell(
        &[],
        "sudo -n systemd-run --unit=vendors -p Restart=always -p RestartSec=0 sleep 3102; sleep 3103\n",
    );
    host.wait(SOON, "both run", || {
        host.run(["pgrep", "-f", "sleep 3102"]).succeeded()
            && host.run(["pgrep", "-f", "sleep 3103"]).succeeded()
    });
    host.wait(SOON, "the recorder knows of it", || {
        let states = host.script("cat /var/lib/jit/sessions/*.json", []).stdout;
        states.contains("--unit=vendors")
    });
    assert!(host.is_active(&manager));

    // Dead for good: the timer's second sweep takes it for that.
    drop(host.script("systemctl mask --runtime jit-recorder.service jit-recorder.socket; systemctl kill -s KILL jit-recorder.service", []));
    host.wait(std::time::Duration::from_secs(90), "the sweep ended it", || shell.has_ended());
    host.wait(SOON, "what process 1 ran for it is gone", || {
        !host.run(["pgrep", "-f", "sleep 310[23]"]).succeeded() && !host.is_active("vendors.service")
    });
    host.wait(SOON, "and so is the account's manager", || !host.is_active(&manager));
    assert!(host.run(["pgrep", "-f", "sleep 3101"]).succeeded(), "the administrator's goes on");
    let told = host.journal("jit-sweep.service");
    let records = e2e::booted::records::Records::of(host);
    let said =
        records.action("sweep.end").any(|record| record["message"].to_string().contains("vendors.service"));
    assert!(said, "the record names it: {told}");
}

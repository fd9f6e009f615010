//! A host set up as the documents say: the units are what systemd expects, nothing has failed, and no door is open.

use e2e::booted::world::World;

#[test]
fn the_units_are_sound_and_no_door_is_open() {
    let world = World::new();
    let units = "systemd-analyze verify --man=no /usr/lib/systemd/system/jit-*.service /usr/lib/systemd/system/jit-*.socket /usr/lib/systemd/system/jit-*.timer /usr/lib/systemd/system/jit-*.path";
    let verified = world.host.script(units, []).ok();
    assert_eq!(
        (verified.stdout.as_str(), verified.stderr.as_str()),
        ("", ""),
        "systemd-analyze has no remark"
    );

    drop(world.host.run(["systemctl", "start", "jit-sweep.service"]).ok());
    let failed =
        world.host.run(["systemctl", "list-units", "--failed", "--no-legend", "jit-*", "session-*"]).ok();
    assert_eq!(failed.stdout, "");
    let scope = world.admin().exec(
        "systemctl show --property=TimeoutStopUSec,CollectMode session-$(cat /proc/self/sessionid).scope",
    );
    assert_eq!(scope.ok().stdout, "TimeoutStopUSec=1s\nCollectMode=inactive-or-failed\n");

    let check = world.host.run(["jit", "check"]);
    assert!(check.succeeded(), "{check:?}");
    let su = world.host.script("su acme-support -c true", []);
    assert!(!su.succeeded(), "an account that is entered with a grant only: {su:?}");
    for (line, door) in [("at now", "at"), ("crontab -", "cron")] {
        let denied = world.host.script("echo true | runuser -u acme-support -- $1", [line]);
        assert!(!denied.succeeded(), "{door} is closed to vendors: {denied:?}");
    }
}

#[test]
fn a_host_without_the_drop_in_for_scopes_is_told_so() {
    let world = World::new();
    let folder = "/etc/systemd/system/session-.scope.d";
    let open = || {
        let said = world.host.run(["jit", "check", "--json"]).stdout;
        let report: serde_json::Value = serde_json::from_str(&said).expect("a report in JSON");
        report["findings"].as_array().into_iter().flatten().any(|finding| finding["number"] == 906)
    };
    assert!(!open());
    drop(world.host.run(["rm", "-r", folder]).ok());
    assert!(open());
    // What set-up would write is the same as what was there by hand.
    drop(world.host.run(["jit", "setup", "--yes"]));
    assert!(!open());
}

#[test]
fn an_account_that_may_leave_jobs_or_have_a_manager_of_its_own_is_named() {
    let world = World::new();
    let open = |number: u64| {
        let said = world.host.run(["jit", "check", "--json"]).stdout;
        let report: serde_json::Value = serde_json::from_str(&said).expect("a report in JSON");
        report["findings"].as_array().into_iter().flatten().any(|finding| finding["number"] == number)
    };
    assert!(!open(904) && !open(905));
    drop(world.host.script("sed -i /acme-support/d /etc/at.deny /etc/cron.deny", []).ok());
    assert!(open(904) && !open(905));
    drop(world.host.script("rm /etc/systemd/system/user@$(id -u acme-support).service", []).ok());
    assert!(open(905));
}

#[test]
fn a_host_without_pam_systemd_is_told_so_before_a_vendor_is_refused() {
    let world = World::new();
    drop(world.host.run(["sed", "-i", "/pam_systemd.so/d", "/etc/pam.d/common-session"]).ok());
    let said = world.host.run(["jit", "check", "--json"]).stdout;
    let report: serde_json::Value = serde_json::from_str(&said).expect("a report in JSON");
    let findings = report["findings"].as_array().cloned().unwrap_or_default();
    let found = findings.iter().find(|finding| finding["number"] == 907).unwrap_or_else(|| panic!("{said}"));
    assert_eq!(found["severity"], "error", "{found}");
    // Set-up would open the host to vendors who can't get in: it says so, and changes nothing.
    let setup = world.host.run(["jit", "setup", "--yes"]);
    assert!(!setup.succeeded() && setup.stderr.contains("907"), "{setup:?}");
}

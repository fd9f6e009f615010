//! Installing changes no login, and starts nothing that a host without a configuration has no use for.

use e2e::booted::host::Host;
use e2e::booted::world::World;
use e2e::deadline::SOON;
use e2e::packages::Debs;

use crate::a_confirmed_setup::doors;

const UNITS: [&str; 8] = [
    "jit-recorder.socket",
    "jit-recorder.service",
    "jit-sweep.timer",
    "jit-sweep.service",
    "jit-trust.path",
    "jit-trust.timer",
    "jit-trust.service",
    "jit-setup-restore.service",
];

/// What process 1 makes of an administrator's login.
fn scope(world: &World) -> String {
    let show = "systemctl show session-$(cat /proc/self/sessionid).scope | grep -E '^(DropInPaths|TimeoutStopUSec|RuntimeMaxUSec|CollectMode|KillMode|TasksMax|MemoryMax)='";
    world.admin().exec(show).ok().stdout
}

/// What each unit is doing, and whether anything of ours has failed.
fn states(host: &Host) -> Vec<String> {
    let state = |unit: &&str| {
        let shown = host.run(["systemctl", "show", "--value", "--property=ActiveState,Result", unit]).ok();
        format!("{unit} {}", shown.stdout.split_whitespace().collect::<Vec<_>>().join(" "))
    };
    UNITS.iter().map(state).collect()
}

fn still() -> Vec<String> {
    UNITS.iter().map(|unit| format!("{unit} success inactive")).collect()
}

#[test]
fn installing_changes_no_login_and_starts_nothing() {
    let world = World::empty();
    let host = &world.host;
    let before = (doors(host), scope(&world));
    Debs::current().install(host);
    assert_eq!((doors(host), scope(&world)), before, "nothing that decides about logins is touched");
    for unit in UNITS.iter().filter(|unit| **unit != "jit-sweep.service") {
        drop(host.run(["systemctl", "is-enabled", "--quiet", unit]).ok());
    }
    assert_eq!(states(host), still(), "nothing runs before the host is set up");
    drop(host.run(["systemctl", "is-system-running", "--quiet"]).ok());
    // The module is where libpam looks, the group is there and empty, the folders are root's alone.
    drop(host.script("ls \"$(dirname \"$(find /lib/*/security -name pam_unix.so)\")/pam_jit.so\"", []).ok());
    let made = host.script("getent group jit-vendors | cut -d: -f1,4; stat -c '%n %a %U' /etc/jit /var/lib/jit /run/jit /var/lib/jit-ca", []);
    assert_eq!(
        made.ok().stdout,
        "jit-vendors:\n/etc/jit 755 root\n/var/lib/jit 700 root\n/run/jit 700 root\n/var/lib/jit-ca 700 jit-ca\n"
    );
    // The authority works under its own user.
    let init = "runuser -u jit-ca -- ca init --no-passphrase && runuser -u jit-ca -- ca check";
    drop(host.script(init, []).ok());
}

#[test]
fn a_host_without_the_table_recorder_has_no_recorder_and_nothing_fails() {
    // host.toml with the table first, so that everything runs.
    let world = World::with("", |host| {
        Debs::current().install(host);
        host.set_up();
    });
    let host = &world.host;
    host.wait(SOON, "the sweep's timer runs", || host.is_active("jit-sweep.timer"));
    let text = host.read("/etc/jit/host.toml");
    let (without, _) = text.split_once("[recorder]").expect("a host.toml with the table");
    host.put("/etc/jit/host.toml", without, 0o644);
    let wanted = host.run(["jit", "recorder", "--wanted"]);
    assert_eq!((wanted.code, wanted.stderr.as_str()), (Some(1), ""), "{wanted:?}");

    drop(host.run(["systemctl", "restart", "jit-recorder.service"]));
    drop(host.run(["systemctl", "start", "jit-sweep.service"]));
    let shown = states(host);
    assert_eq!(
        shown[1],
        "jit-recorder.service exec-condition inactive",
        "{}",
        host.journal("jit-recorder.service")
    );
    assert_eq!(
        shown[3],
        "jit-sweep.service exec-condition inactive",
        "{}",
        host.journal("jit-sweep.service")
    );
    let failed = host.run(["systemctl", "list-units", "--failed", "--no-legend", "jit-*"]).ok();
    assert_eq!(failed.stdout, "");

    // A file that is wrong is another thing: the recorder tries, and says why.
    host.put("/etc/jit/host.toml", format!("{text}colour = 1\n"), 0o644);
    drop(host.run(["systemctl", "start", "--no-block", "jit-recorder.service"]).ok());
    host.wait(SOON, "the recorder says what is wrong with host.toml", || {
        host.journal("jit-recorder.service").contains("unknown field `colour`")
    });
    // And as soon as it is right, it runs.
    host.put("/etc/jit/host.toml", &text, 0o644);
    host.wait(SOON, "the recorder runs", || host.is_active("jit-recorder.service"));
}

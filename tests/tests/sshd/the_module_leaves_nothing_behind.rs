//! sshd's process is as it was: no descriptor, thread or variable of ours, and the module shows PAM's six hooks only.

use e2e::artefacts;
use e2e::authority::Request;
use e2e::client::Client;
use e2e::deadline;
use e2e::host::Host;
use e2e::process::{Running, clean, program, run};
use e2e::world::{ACCOUNT, World};

/// What one open session and its monitor look like.
#[derive(Debug, PartialEq, Eq)]
struct Monitor {
    descriptors: Vec<String>,
    threads: usize,
    variables: Vec<String>,
}

/// Opens a session, looks at `sshd: ACCOUNT [priv]`, and closes it.
fn monitor(host: &Host, client: &Client) -> Monitor {
    let mut running =
        Running::start(client.ssh(&[], &["env | cut -d= -f1 | sort; echo ready; exec sleep 60"]), b"");
    deadline::until("the session is open", || running.has_ended() || running.so_far().0.contains("ready\n"));
    let (said, errors) = running.so_far();
    let variables = said.strip_suffix("ready\n").unwrap_or_else(|| panic!("no session: {said}{errors}"));
    let proc = host.path(&format!("/proc/{}", monitor_id(host)));
    let mut descriptors: Vec<String> = std::fs::read_dir(proc.join("fd"))
        .expect("the monitor's descriptors")
        .flatten()
        .map(|entry| {
            std::fs::read_link(entry.path())
                .map_or_else(|_| "gone".into(), |link| kind(&link.display().to_string()))
        })
        .collect();
    descriptors.sort();
    let threads = std::fs::read_dir(proc.join("task")).expect("the monitor's threads").count();
    drop(running.kill());
    deadline::until("the session ends", || {
        !host.has(&format!("/proc/{}", proc.file_name().unwrap_or_default().display()))
    });
    Monitor { descriptors, threads, variables: variables.lines().map(str::to_owned).collect() }
}

/// The process id, on the host, of the one session's monitor: the oldest, for its child bears the same name at first.
fn monitor_id(host: &Host) -> String {
    let found = host.run(["pgrep", "-o", "-f", &format!("^sshd: {ACCOUNT} \\[priv\\]")]).ok().stdout;
    found.trim().to_owned()
}

/// `socket:[123]` without its number: one sshd's sockets are not another's.
fn kind(link: &str) -> String {
    link.split(":[").next().unwrap_or_default().to_owned()
}

#[test]
fn sshd_has_no_descriptor_thread_or_variable_of_ours() {
    let mut world = World::fresh();
    world.host.compare_pam_stacks();
    let with = monitor(&world.host, &world.client(&world.granted(&Request::default())));
    assert_eq!(with.threads, 1);
    // The same login on the same host without our lines in PAM.
    world.host.make_pam_stack(false);
    let without = monitor(&world.host, &world.client(&world.granted(&Request::default())));
    assert_eq!(with, without);
}

#[test]
fn a_refused_login_leaves_nothing_either() {
    let world = World::fresh();
    let identity = world.granted(&Request::default());
    let toml =
        world.host.read("/etc/jit/host.toml").replace("minimum_approvals = 1", "minimum_approvals = 2");
    world.host.write("/etc/jit/host.toml", toml);
    let client = world.client(&identity);
    let running = Running::start(client.ssh(&["-N"], &[]), b"");
    deadline::until("the module refuses", || {
        world.host.log_lines().iter().any(|line| line.contains("login.refuse"))
    });
    let proc = world.host.path(&format!("/proc/{}", monitor_id(&world.host)));
    assert_eq!(std::fs::read_dir(proc.join("task")).expect("its threads").count(), 1);
    let ours = std::fs::read_dir(proc.join("fd")).expect("its descriptors").flatten();
    for entry in ours {
        let link =
            std::fs::read_link(entry.path()).map(|link| link.display().to_string()).unwrap_or_default();
        assert!(!link.contains("/etc/jit"), "{link}");
    }
    drop(running.kill());
}

#[test]
fn the_module_shows_the_six_hooks_of_pam_and_nothing_else() {
    let mut command = clean(program("nm", "binutils"));
    command.args(["-D", "--defined-only", "--format=posix"]).arg(artefacts::module());
    let output = run(command).ok().stdout;
    let mut names: Vec<&str> = output.lines().filter_map(|line| line.split(' ').next()).collect();
    names.sort_unstable();
    let hooks = ["acct_mgmt", "authenticate", "chauthtok", "close_session", "open_session", "setcred"];
    let hooks: Vec<String> = hooks.iter().map(|hook| format!("pam_sm_{hook}")).collect();
    assert_eq!(names, hooks.iter().map(String::as_str).collect::<Vec<_>>());
}

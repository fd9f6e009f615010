//! A host that went down with open sessions closes them in the records when it is up again.

use e2e::authority::Request;
use e2e::booted::client::OpenShell;
use e2e::booted::records::Records;
use e2e::booted::world::World;
use e2e::deadline::{self, SOON};

/// An open shell that has run something; and its session.
fn open(world: &World) -> (OpenShell, String) {
    let client = world.client(&world.granted(&Request::default()));
    let shell = client.open_shell(&[], "/bin/echo ready-$((40 + 2))\n");
    let ready = deadline::poll(SOON, || shell.screen().contains("ready-42").then_some(()));
    assert!(ready.is_some(), "{}", shell.screen());
    (shell, world.host.session_of(&client))
}

#[test]
fn a_power_cut_and_a_reboot_close_each_session_once() {
    let mut world = World::new();

    let (shell, session) = open(&world);
    world.host.crash();
    drop(shell);
    let cut = world.host.close_of(&session, SOON);
    assert_eq!(cut["jit"]["reason"], "host_restarted", "{cut}");
    let recorded = Records::of(&world.host).commands(&session);
    assert!(recorded.iter().any(|command| command.argv == ["/bin/echo", "ready-42"]), "{recorded:#?}");

    // The host works as before.
    let (shell, session) = open(&world);
    world.host.reboot();
    drop(shell);
    let close = world.host.close_of(&session, SOON);
    let reason = close["jit"]["reason"].as_str().unwrap_or_default();
    assert!(["host_restarted", "logout"].contains(&reason), "{close}");
    let client = world.client(&world.granted(&Request::default()));
    drop(client.exec("/bin/echo again").ok());
    assert_eq!(world.host.close_of(&world.host.session_of(&client), SOON)["jit"]["reason"], "logout");
    let sessions = world.host.run(["jit", "sessions", "--json"]).ok().stdout;
    assert_eq!(sessions.trim(), "[]", "nothing of before is open");
    assert_eq!(cut["jit"]["commands"], recorded.len(), "the close counts what is recorded: {cut}");
}

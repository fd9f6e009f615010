//! An orderly stop, as an upgrade makes it: what was let run before it is recorded with what the kernel says ran, not with
//! the gate's word alone.

use e2e::authority::Request;
use e2e::booted::records::Records;
use e2e::booted::world::World;
use e2e::deadline::{self, SOON};
use e2e::process::Running;

use crate::a_killed_recorder_loses_nothing::lines;

const LOOPS: usize = 4;
const RESTARTS: usize = 10;
/// Records between two restarts.
const BETWEEN: usize = 100;

#[test]
fn ten_restarts_of_the_recorder_leave_no_command_with_the_gates_word_alone() {
    let world = World::new();
    let client = world.client(&world.granted(&Request::default()));
    // They run until the tenth restart is over, however long that takes.
    let script = format!(
        "for n in $(seq {LOOPS}); do (i=0; until test -e /tmp/enough; do /bin/true $n $((++i)) || echo failed: $?; done) & done; wait"
    );
    let loops = Running::start(client.ssh(&[], &[&script]), b"");
    let session = world.host.session_of(&client);
    for _ in 0..RESTARTS {
        let before = lines(&world, &session);
        world.host.wait(SOON, "programs run", || lines(&world, &session) >= before + BETWEEN);
        drop(world.host.run(["systemctl", "restart", "jit-recorder.service"]).ok());
    }
    let enough = world.host.script("touch /tmp/enough && ls -l /tmp/enough", []).ok();
    assert_eq!(loops.finish().ok().stdout, "", "no command failed: {enough:?}");

    let close = world.host.close_of(&session, SOON);
    let records = Records::of(&world.host);
    assert_eq!(records.action("recorder.start").count(), RESTARTS + 1);
    let commands = records.commands(&session);
    assert!(commands.len() > RESTARTS * BETWEEN, "{}", commands.len());
    assert_eq!(close["jit"]["commands"], commands.len(), "{close}");
    let by_the_gate: Vec<_> = commands
        .iter()
        .filter(|command| command.source != "kernel" || command.outcome == "unknown")
        .map(|command| &command.record)
        .collect();
    assert!(by_the_gate.is_empty(), "{} of {}: {by_the_gate:#?}", by_the_gate.len(), commands.len());
    assert_eq!(deadline::poll(SOON, || world.host.is_active("jit-recorder.service").then_some(())), Some(()));
}

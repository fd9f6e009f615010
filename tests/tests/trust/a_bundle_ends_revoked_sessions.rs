//! A bundle that revokes ends the sessions that it names, wherever it comes from.

use e2e::authority::Request;
use e2e::recording::Recording;
use e2e::world::HOST;

use crate::scene::bundle;

/// The longest that the end may take after the list is there.
const LATEST: u64 = 1_000;

#[test]
fn a_dropped_bundle_ends_the_sessions_that_it_revokes_within_a_second() {
    let recording = Recording::fresh();
    let world = &recording.world;
    let (grant, identity) = recording.grant(&Request::default(), &world.jo);
    let client = world.client(&identity);
    let (shell, session) =
        recording.shell(&client, &[], "setsid sleep 1001 &\n/bin/true started\n", "started");
    let audit_session = session.audit_session();
    drop(world.authority.ca(["revoke", &grant, "--reason", "over"]).ok());
    world.host.write("/var/lib/jit/trust/incoming/any-name.bundle", bundle(&world.authority, HOST));
    drop(recording.jit(["trust", "--drop", "/var/lib/jit/trust/incoming"]).ok());
    let close = session.close();
    assert_eq!(close["jit"]["reason"], "revoked", "{close}");
    assert!(close["jit"]["lateness_ms"].as_u64() <= Some(LATEST), "{close}");
    assert!(shell.finish().stdout.contains("*** this session is over: your grant was revoked"));
    assert_eq!(recording.processes_of(audit_session), []);
    assert!(!world.host.has("/var/lib/jit/trust/incoming/any-name.bundle"));
}

//! A refused login is recorded like all else: in the spool, from where it goes to syslog at least once; without a recorder
//! straight to the log.

use e2e::authority::Request;
use e2e::deadline::{self, SOON};
use e2e::recording::Recording;
use e2e::refusal::assert_module_refuses;

#[test]
fn a_refused_login_is_in_the_spool_and_without_a_recorder_in_the_log() {
    let mut recording = Recording::fresh();
    let identity = recording.world.granted(&Request::default().with("--uses", "1"));
    let first = recording.world.client(&identity);
    drop(first.exec("/bin/true").ok());
    let again = recording.world.client(&identity);
    assert!(!again.exec("/bin/true").succeeded());
    let refused = deadline::poll(SOON, || recording.records("login.refuse").pop());
    let refused = refused.unwrap_or_else(|| panic!("{}", recording.spool_text()));
    assert_eq!(refused["jit"]["reason"], "uses", "{refused}");
    assert_eq!(refused["source"]["ip"], again.source().to_string(), "{refused}");
    assert_eq!(refused["jit"]["person"], "acme/jo", "{refused}");

    recording.kill_recorder();
    let nobody = recording.client();
    let told = assert_module_refuses(&recording.world.host, &nobody, "recorder");
    assert!(told.contains("sessions can't be recorded on this host now"), "{told}");
    assert_eq!(recording.records("login.refuse").len(), 1, "nobody could write it there");
}

//! Every program that a session starts is recorded before it runs, with what really ran.

use e2e::recording::Recording;

#[test]
fn a_session_is_opened_recorded_and_closed() {
    let recording = Recording::fresh();
    let client = recording.client();
    let outcome = client.exec("/bin/echo one 'two three'; /bin/false; exit 7");
    assert_eq!(
        (outcome.code, outcome.stdout.as_str()),
        (Some(7), "one two three\n"),
        "{outcome:?} {}",
        recording.recorder_says()
    );
    let close = recording.closed(1);
    let commands = recording.commands();
    assert!(commands.iter().any(|line| line == "/bin/echo one two three"), "{commands:?}");
    assert!(commands.iter().any(|line| line == "/bin/false"), "{commands:?}");
    assert_eq!(close["jit"]["reason"], "logout", "{close}");
    assert_eq!(close["jit"]["commands"], commands.len(), "{close}");
    assert_eq!(close["jit"]["exit_status"], 7, "{close}");
    assert_eq!(close["jit"]["proved"], true, "{close}");
    let record = &recording.records("session.command")[1];
    assert_eq!(record["jit"]["argv_source"], "kernel", "{record}");
    assert_eq!(recording.counted().len(), 1);
}

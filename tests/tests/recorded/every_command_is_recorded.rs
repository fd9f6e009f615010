//! Every program that a session starts is recorded before it runs, from the first to the last, and the close counts them.

use e2e::recording::Recording;

#[test]
fn a_session_is_opened_recorded_and_closed() {
    let recording = Recording::fresh();
    let client = recording.client();
    let (outcome, session) = recording.exec(&client, "/bin/echo one 'two three'; /bin/false; exit 7");
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(7), "one two three\n"), "{outcome:?}");
    let close = session.close();
    let lines = session.lines();
    assert_eq!(lines[1..], ["/bin/echo one two three", "/bin/false"]);
    assert_eq!(close["jit"]["reason"], "logout", "{close}");
    assert_eq!(close["jit"]["commands"], 3, "{close}");
    assert_eq!(close["jit"]["exit_status"], 7, "{close}");
    assert_eq!(close["jit"]["proved"], true, "{close}");
    assert_eq!(close["jit"]["killed"], 0, "{close}");
    assert_eq!(close["source"]["ip"], client.source().to_string(), "{close}");
    for record in session.commands() {
        assert_eq!(record["jit"]["argv_source"], "kernel", "{record}");
        assert_eq!(record["jit"]["person"], "acme/jo", "{record}");
    }
    // Who started what: the shell its programs, sshd's process of the connection the shell.
    let pid = |record: &serde_json::Value| record["process"]["pid"].as_u64();
    let parent = |record: &serde_json::Value| record["process"]["parent"]["pid"].as_u64();
    let (shell, echo, no) = (&session.commands()[0], &session.commands()[1], &session.commands()[2]);
    assert!(pid(shell).is_some() && parent(shell).is_some() && parent(shell) != pid(shell), "{shell}");
    assert_eq!([parent(echo), parent(no)], [pid(shell); 2], "{echo}\n{no}");
    assert!(pid(echo) != pid(shell) && pid(echo) != pid(no), "{echo}\n{no}");
    let open = &session.parts("session.open")[0];
    assert_eq!(open["jit"]["grant"], close["jit"]["grant"], "{open}");
    assert_eq!(recording.counted().values().collect::<Vec<_>>(), [&3]);
}

//! How often, how many at a time, and who beside whom: limits that the recorder keeps, whatever happens to it.

use e2e::authority::Request;
use e2e::client::Client;
use e2e::deadline;
use e2e::recording::{Recording, TABLE};
use e2e::refusal::{assert_enters, assert_module_refuses};

#[track_caller]
fn assert_refused(recording: &Recording, client: &Client, code: &str, words: &str) {
    let told = assert_module_refuses(&recording.world.host, client, code);
    assert!(told.contains(words), "{told}");
}

#[test]
fn a_use_is_used_up_also_after_a_restart_of_the_recorder() {
    let mut recording = Recording::fresh();
    let client = recording.client_for(&Request::default().with("--uses", "2"));
    assert_enters(&recording.world.host, &client);
    drop(recording.closed(1));
    recording.restart_recorder();
    assert_enters(&recording.world.host, &client);
    drop(recording.closed(2));
    assert_refused(&recording, &client, "uses", "used up; ask for a new one");
    recording.restart_recorder();
    assert_refused(&recording, &client, "uses", "used up; ask for a new one");
    // Another grant has its own count.
    assert_enters(&recording.world.host, &recording.client_for(&Request::default().with("--uses", "1")));
}

#[test]
fn of_ten_logins_at_once_as_many_get_in_as_the_grant_allows() {
    let recording = Recording::fresh();
    let identity = recording.world.granted(&Request::default().with("--uses", "3"));
    let attempts: Vec<_> = (0..10)
        .map(|_| {
            let client = recording.world.client(&identity);
            let running = e2e::process::Running::start(client.ssh(&[], &["/bin/echo in"]), b"");
            (client, running)
        })
        .collect();
    let outcomes: Vec<_> = attempts.into_iter().map(|(_client, running)| running.finish()).collect();
    let entered = outcomes.iter().filter(|outcome| outcome.stdout == "in\n").count();
    let refused = outcomes.iter().filter(|outcome| outcome.refusals().len() == 1).count();
    assert_eq!((entered, refused), (3, 7), "{outcomes:#?}");
}

#[test]
fn one_session_at_a_time_is_one() {
    let recording = Recording::fresh();
    let client = recording.client_for(&Request::default().with("--sessions", "1"));
    let (running, session) = recording.start(&client, "exec sleep 1000", "sleep");
    assert_refused(&recording, &client, "sessions", "1 session(s) at one time");
    drop(recording.jit(["end", &session.id, "--reason", "the next one"]).ok());
    drop(running.finish());
    assert_enters(&recording.world.host, &client);
}

#[test]
fn of_ten_logins_at_once_as_many_stay_as_the_grant_allows_sessions() {
    let recording = Recording::fresh();
    let identity = recording.world.granted(&Request::default().with("--sessions", "3"));
    let attempts: Vec<_> = (0..10)
        .map(|_| {
            let client = recording.world.client(&identity);
            let running = e2e::process::Running::start(client.ssh(&[], &["echo in; exec sleep 1000"]), b"");
            (client, running)
        })
        .collect();
    deadline::until("each is in or out", || {
        attempts.iter().all(|(_, running)| !running.so_far().0.is_empty())
    });
    let said: Vec<String> = attempts.iter().map(|(_, running)| running.so_far().0).collect();
    assert_eq!(said.iter().filter(|said| said.ends_with("in\n")).count(), 3, "{said:#?}");
    assert_eq!(recording.open_sessions().len(), 3);
    drop(recording.jit(["end", "--all", "--reason", "seen"]).ok());
    let refused = attempts.into_iter().map(|(_client, running)| running.finish().refusals().len());
    assert_eq!(refused.sum::<usize>(), 7);
}

#[test]
fn two_persons_are_not_in_one_account_at_a_time() {
    let recording = Recording::fresh();
    let sam = recording.person("acme/sam");
    let of_sam = Request { person: "acme/sam".into(), ..Request::default() };
    let (_, sams) = recording.grant(&of_sam, &sam);
    let (_, sams_elsewhere) = recording.grant(&of_sam.clone().as_account("acme-two"), &sam);
    let client = recording.client();
    let (running, session) = recording.start(&client, "exec sleep 1000", "sleep");
    assert_refused(&recording, &recording.world.client(&sams), "account-in-use", "acme-support is in use");
    let elsewhere = Client::new(&recording.world.host, "acme-two", &sams_elsewhere);
    assert_enters(&recording.world.host, &elsewhere);
    // The same person under the same grant is no other person.
    assert_enters(&recording.world.host, &client);
    drop(recording.jit(["end", &session.id, "--reason", "the next one"]).ok());
    drop(running.finish());
    assert_enters(&recording.world.host, &recording.world.client(&sams));
}

#[test]
fn two_persons_share_an_account_where_the_host_says_so() {
    let recording = Recording::with(&format!("{TABLE}shared_accounts = true\n"));
    let sam = recording.person("acme/sam");
    let (_, sams) = recording.grant(&Request { person: "acme/sam".into(), ..Request::default() }, &sam);
    let (running, session) = recording.start(&recording.client(), "exec sleep 1000", "sleep");
    assert_enters(&recording.world.host, &recording.world.client(&sams));
    assert!(!session.is_closed(), "nobody ended the first session");
    drop(running);
}

#[test]
fn a_file_transfer_needs_the_feature_and_its_refusal_is_recorded() {
    let recording = Recording::fresh();
    let client = recording.client_for(&Request::default().allowing("pty"));
    let outcome = client.sftp("ls\n");
    assert!(!outcome.succeeded(), "{outcome:?}");
    let session = recording.session(&client);
    let record = session.the_command("sftp-server", |record| {
        record["jit"]["path"].as_str().is_some_and(|path| path.ends_with("/sftp-server"))
    });
    assert_eq!(
        (&record["event"]["outcome"], &record["jit"]["errno"]),
        (&"failure".into(), &1.into()),
        "{record}"
    );
    let close = session.close();
    assert_eq!(close["jit"]["commands"], session.lines().len(), "{close}");
    assert_eq!(recording.counted()[&session.id], session.lines().len() as u64);
    drop(recording.client().sftp("ls\n").ok());
}

#[test]
fn sudo_finds_a_session_that_may_only_where_the_grant_allows_it() {
    let recording = Recording::fresh();
    for (features, allowed) in [("pty,sudo", true), ("pty", false)] {
        let client = recording.client_for(&Request::default().allowing(features));
        let (running, session) = recording.start(&client, "exec sleep 1000", "sleep");
        let marker = format!("/run/jit/sudo/{}", session.audit_session());
        assert_eq!(recording.world.host.has(&marker), allowed, "{features}");
        drop(recording.jit(["end", &session.id, "--reason", "seen"]).ok());
        drop(running.finish());
        assert!(!recording.world.host.has(&marker), "{features}: the session is over");
    }
}

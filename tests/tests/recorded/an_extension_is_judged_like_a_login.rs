//! `jit extend` takes what a login would: a new approved grant with a use and a place left, that moves the session's end on.
//! And what it took can be revoked.

use e2e::authority::Request;
use e2e::deadline;
use e2e::identity::Identity;
use e2e::process::Outcome;
use e2e::recording::session::Session;
use e2e::recording::{Recording, TABLE};
use e2e::refusal::assert_module_refuses;

/// Shows the certificate to the recorder as the session's extension.
fn extend(session: &Session<'_>, identity: &Identity) -> Outcome {
    let world = &session.recording.world;
    let certificate = identity.certificate.as_ref().expect("a certificate");
    let file = format!("/tmp/{}-cert.pub", session.id);
    world.host.write(&file, std::fs::read(certificate).expect("reads the certificate"));
    session.recording.jit(["extend", &session.id, "--cert", &file])
}

fn left(session: &Session<'_>) -> u64 {
    session.shown().and_then(|open| open["left"].as_u64()).expect("an open session")
}

#[track_caller]
fn assert_refused(session: &Session<'_>, identity: &Identity, words: &str) {
    let before = left(session);
    let outcome = extend(session, identity);
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    assert!(outcome.stderr.starts_with("error: ") && outcome.stderr.contains(words), "{outcome:?}");
    assert!(left(session) <= before && session.parts("session.extend").is_empty(), "it changed nothing");
}

fn minutes(length: &str) -> Request {
    Request { length: length.into(), ..Request::default() }
}

/// A grant of five minutes that may be extended for an hour.
fn extendable() -> Request {
    let limit = grant::UnixTime::from_secs(e2e::clock::now() + 3_600).to_string();
    minutes("5m").with("--extendable-to", &limit)
}

#[test]
fn an_extension_is_a_new_grant_with_a_use_and_a_place_left_that_ends_later() {
    let recording = Recording::with(&format!("{TABLE}shared_accounts = true\n"));
    let world = &recording.world;
    let (own, of_own) = recording.grant(&extendable(), &world.jo);
    let (running, session) = recording.start(&world.client(&of_own), "exec sleep 1000", "sleep");
    assert_refused(&session, &of_own, &format!("is under grant {own} already"));
    // Another certificate of it is no other grant.
    assert_refused(&session, &world.authority.sign(&own, &world.jo), "already; an extension needs a new one");
    assert_refused(&session, &world.granted(&minutes("4m")), ", and the session goes on until 20");

    let (used, of_used) = recording.grant(&minutes("50m").with("--uses", "1"), &world.jo);
    drop(world.client(&of_used).exec("/bin/true").ok());
    assert_refused(&session, &of_used, &format!("grant {used} allowed 1 login(s), and they are used up"));
    let (one, of_one) = recording.grant(&minutes("50m").with("--sessions", "1"), &world.jo);
    let (beside, other) = recording.start(&world.client(&of_one), "exec sleep 1001", "sleep");
    assert_refused(&session, &of_one, &format!("grant {one} allows 1 session(s) at one time"));
    drop(recording.jit(["end", &other.id, "--reason", "its place is needed"]).ok());
    drop(beside.finish());

    // A place is taken, and so is a use.
    let (grant, of_grant) =
        recording.grant(&minutes("50m").with("--uses", "1").with("--sessions", "1"), &world.jo);
    let outcome = extend(&session, &of_grant).ok();
    assert!(left(&session) > 2_700, "{outcome:?}");
    let until = outcome.stdout.trim().rsplit(' ').next().unwrap_or_default().to_owned();
    let record = &session.parts("session.extend")[0];
    assert_eq!(record["jit"]["closes"], until, "{record}");
    assert_eq!(record["jit"]["grant"], grant, "{record}");
    assert_eq!(record["message"], format!("the session was extended by grant {grant}, until {until}"));
    drop(assert_module_refuses(&world.host, &world.client(&of_grant), "sessions"));
    drop(recording.jit(["end", "--all", "--reason", "seen"]).ok());
    drop(running.finish());
    drop(assert_module_refuses(&world.host, &world.client(&of_grant), "uses"));
}

#[test]
fn a_revocation_of_any_grant_that_extended_a_session_ends_it() {
    let recording = Recording::fresh();
    let world = &recording.world;
    let (running, session) =
        recording.start(&recording.client_for(&extendable()), "exec sleep 1000", "sleep");
    let grants = ["20m", "50m"].map(|length| {
        let (grant, identity) = recording.grant(&minutes(length), &world.jo);
        drop(extend(&session, &identity).ok());
        grant
    });
    assert!(left(&session) > 2_700);
    // Sessions of a grant are those that it extended too.
    drop(world.authority.ca(["revoke", &grants[0], "--reason", "over"]).ok());
    world.host.write("/etc/jit/revoked", world.authority.revoked());
    let close = session.close();
    assert_eq!(close["jit"]["reason"], "revoked", "{close}");
    drop(running.finish());

    let (running, session) =
        recording.start(&recording.client_for(&extendable()), "exec sleep 1000", "sleep");
    let (grant, identity) = recording.grant(&minutes("50m"), &world.jo);
    drop(extend(&session, &identity).ok());
    let ended = recording.jit(["end", "--grant", &grant, "--reason", "seen"]).ok();
    assert_eq!(ended.stdout, "1 session ended\n");
    deadline::until("it is closed", || session.is_closed());
    // What is over, or about to be, is not extended.
    let outcome = extend(&session, &world.granted(&minutes("55m")));
    assert!(outcome.code == Some(1) && outcome.stderr.contains("there is no open session"), "{outcome:?}");
    drop(running.finish());
}

//! `jit end` comes back when the sessions that it names are over, and no others; the record says who ended them and why,
//! and the person is told.

use std::time::{Duration, Instant};

use e2e::authority::Request;
use e2e::client::Client;
use e2e::recording::{Recording, TABLE};

/// The longest that the end of an order may take.
const LATEST: u64 = 1_000;

#[test]
fn one_session_is_over_when_the_command_comes_back() {
    let recording = Recording::fresh();
    let client = recording.client();
    let (shell, session) =
        recording.shell(&client, &[], "setsid sleep 1001 &\n/bin/true all-started\n", "all-started");
    let audit_session = session.audit_session();
    assert!(recording.processes_of(audit_session).len() >= 4);
    let ended = recording.jit(["end", &session.id, "--reason", "the index is restored"]).ok();
    // Not soon: now.
    assert_eq!(recording.processes_of(audit_session), []);
    assert_eq!(ended.stdout, "1 session ended\n");
    let close = session.close();
    assert_eq!(close["jit"]["reason"], "ended_by", "{close}");
    assert_eq!(close["jit"]["ended_by"], "ada", "{close}");
    assert_eq!(close["event"]["reason"], "ada ended it: the index is restored", "{close}");
    assert_eq!(close["jit"]["proved"], true, "{close}");
    assert!(close["jit"]["killed"].as_u64() >= Some(4), "{close}");
    assert!(close["jit"]["lateness_ms"].as_u64() <= Some(LATEST), "{close}");
    let said = shell.finish().stdout;
    assert!(said.contains("*** this session is over: ada ended it: the index is restored"), "{said:?}");
    assert_eq!(session.shown(), None);

    let nothing = recording.jit(["end", &session.id, "--reason", "again"]);
    assert_eq!(nothing.code, Some(1), "{nothing:?}");
    assert!(
        nothing.stderr.starts_with(&format!("error: there is no open session {}\n", session.id)),
        "{nothing:?}"
    );
    let usage = recording.jit(["end", "--all"]);
    assert_eq!(usage.code, Some(2), "a reason is asked for: {usage:?}");
    let usage = recording.jit(["end", "--reason", "which?"]);
    assert_eq!(usage.code, Some(2), "a session is asked for: {usage:?}");
}

#[test]
fn a_grant_a_person_a_vendor_or_all_are_ended_and_nobody_else() {
    let recording = Recording::with(&format!("{TABLE}shared_accounts = true\n"));
    let people = ["acme/jo", "acme/sam", "brix/lu"];
    let keys = people.map(|person| match person {
        "acme/jo" => recording.world.jo.clone(),
        _ => recording.person(person),
    });
    let request = |person: &str| Request { person: person.into(), ..Request::default() };
    let enter = |who: usize| {
        let (grant, identity) = recording.grant(&request(people[who]), &keys[who]);
        let client = recording.world.client(&identity);
        let (running, session) = recording.start(&client, "exec sleep 1000", "sleep");
        (grant, session.id, running)
    };
    let end = |words: [&str; 2]| {
        let began = Instant::now();
        let outcome = recording.jit(["end", words[0], words[1], "--reason", "over"]).ok();
        assert!(began.elapsed() < Duration::from_secs(15), "{words:?} took {:?}", began.elapsed());
        outcome.stdout
    };
    let open = || {
        let mut ids: Vec<String> = recording
            .open_sessions()
            .iter()
            .filter_map(|open| open["session"].as_str().map(str::to_owned))
            .collect();
        ids.sort();
        ids
    };
    let sorted = |sessions: &[&String]| {
        let mut ids: Vec<String> = sessions.iter().map(|id| (*id).clone()).collect();
        ids.sort();
        ids
    };
    let (first, second) = (enter(0), enter(0));
    let (sam, lu) = (enter(1), enter(2));
    assert_eq!(open(), sorted(&[&first.1, &second.1, &sam.1, &lu.1]));
    assert_eq!(end(["--grant", &first.0]), "1 session ended\n");
    assert_eq!(open(), sorted(&[&second.1, &sam.1, &lu.1]));
    assert_eq!(end(["--person", "acme/jo"]), "1 session ended\n");
    assert_eq!(open(), sorted(&[&sam.1, &lu.1]));
    assert_eq!(end(["--vendor", "brix"]), "1 session ended\n");
    assert_eq!(open(), sorted(&[&sam.1]));
    let third = enter(0);
    let outcome = recording.jit(["end", "--all", "--reason", "maintenance"]).ok();
    assert_eq!(outcome.stdout, "2 sessions ended\n");
    assert_eq!(open(), sorted(&[]));
    for (_, _, running) in [first, second, third, sam, lu] {
        drop(running.finish());
    }
}

#[test]
fn an_extension_needs_a_new_grant_of_the_same_scope_within_the_first_ones_limit() {
    let recording = Recording::fresh();
    let world = &recording.world;
    let at = |seconds: u64| grant::UnixTime::from_secs(seconds).to_string();
    let start = e2e::clock::now();
    let (start, limit) = (at(start), at(start + 3_600));
    let first = Request { length: "5m".into(), ..Request::default() }.with("--extendable-to", &limit);
    let client = recording.client_for(&first);
    let (shell, session) = recording.shell(&client, &[], "/bin/true started\n", "started");
    let left = || session.shown().and_then(|open| open["left"].as_u64()).expect("an open session");
    assert!(left() <= 300);

    let certificates = std::cell::Cell::new(0);
    let extend = |identity: &e2e::identity::Identity| {
        certificates.set(certificates.get() + 1);
        let file = format!("/tmp/new-{}-cert.pub", certificates.get());
        let text = std::fs::read(identity.certificate.as_ref().expect("a certificate"));
        world.host.write(&file, text.expect("reads the certificate"));
        recording.jit(["extend", &session.id, "--cert", &file])
    };
    let refused = |what: &str, request: &Request, words: &str| {
        let outcome = extend(&world.granted(request));
        assert_eq!(outcome.code, Some(1), "{what}: {outcome:?}");
        assert!(
            outcome.stderr.starts_with("error: ") && outcome.stderr.contains(words),
            "{what}: {outcome:?}"
        );
        assert!(left() <= 300, "{what}");
    };
    let hour = Request { length: "50m".into(), ..Request::default() };
    refused("past the limit", &Request { length: "2h".into(), ..Request::default() }, "past the outer limit");
    refused("other features", &hour.clone().allowing("pty"), "another scope");
    refused("another account", &hour.clone().as_account("acme-two"), "acme-two");
    refused("another host", &hour.clone().at_host(e2e::world::OTHER_HOST), "not for this host");
    let sam = recording.person("acme/sam");
    let (_, of_sam) = recording.grant(&Request { person: "acme/sam".into(), ..hour.clone() }, &sam);
    let outcome = extend(&of_sam);
    assert!(outcome.code == Some(1) && outcome.stderr.contains("another"), "another person: {outcome:?}");

    let (grant, new) = recording.grant(&hour, &world.jo);
    let outcome = extend(&new).ok();
    assert!(
        outcome.stdout.starts_with(&format!("session {} was extended until 20", session.id)),
        "{outcome:?}"
    );
    assert!((2_700..=3_000).contains(&left()), "{} seconds left", left());
    let record = &session.parts("session.extend")[0];
    assert!(record["message"].as_str().is_some_and(|text| text.contains(&grant)), "{record}");

    // Up to the very limit that the first grant named.
    let whole = Request { length: "1h".into(), ..Request::default() }.with("--opens", &start);
    let (last, identity) = recording.grant(&whole, &world.jo);
    let outcome = extend(&identity).ok();
    assert_eq!(outcome.stdout, format!("session {} was extended until {limit}\n", session.id));
    assert!((3_300..=3_600).contains(&left()), "{} seconds left", left());
    let again = extend(&world.granted(&whole));
    assert!(again.code == Some(1) && again.stderr.contains("goes on until"), "no later than now: {again:?}");

    // A revocation of the grant that it goes on under ends it.
    drop(world.authority.ca(["revoke", &last, "--reason", "over"]).ok());
    world.host.write("/etc/jit/revoked", world.authority.revoked());
    let said = shell.finish().stdout;
    assert!(said.contains(&format!("*** this session was extended by grant {grant}")), "{said:?}");
    assert!(said.contains("*** this session ends in five minutes, with all its processes"), "{said:?}");
    drop(session.close());

    // Without a limit in the first grant there is no later end.
    let client: Client = recording.client_for(&Request { length: "5m".into(), ..Request::default() });
    let (running, plain) = recording.start(&client, "exec sleep 1000", "sleep");
    world.host.write("/tmp/plain-cert.pub", {
        let identity = world.granted(&hour);
        std::fs::read(identity.certificate.expect("a certificate")).expect("reads the certificate")
    });
    let outcome = recording.jit(["extend", &plain.id, "--cert", "/tmp/plain-cert.pub"]);
    assert!(outcome.code == Some(1) && outcome.stderr.contains("past the outer limit"), "{outcome:?}");
    let nobody = recording.jit(["extend", "S-22222222", "--cert", "/tmp/plain-cert.pub"]);
    assert!(nobody.code == Some(1) && nobody.stderr.contains("no open session S-22222222"), "{nobody:?}");
    drop(running);
}

#[test]
fn a_revocation_ends_the_sessions_that_it_names_within_a_second() {
    let recording = Recording::fresh();
    let world = &recording.world;
    let (grant, identity) = recording.grant(&Request::default(), &world.jo);
    let client = world.client(&identity);
    let (shell, session) =
        recording.shell(&client, &[], "setsid sleep 1001 &\n/bin/true started\n", "started");
    let (_, elsewhere) = recording.grant(&Request::default().as_account("acme-two"), &world.jo);
    let other = Client::new(&world.host, "acme-two", &elsewhere);
    let (running, spared) = recording.start(&other, "exec sleep 1000", "sleep");

    drop(world.authority.ca(["revoke", &grant, "--reason", "over"]).ok());
    // What sshd reads concerns logins only.
    world.host.write("/etc/jit/krl", world.authority.krl());
    drop(recording.jit(["sessions"]).ok());
    assert!(!session.is_closed() && session.shown().is_some(), "the KRL ends nothing");

    let began = Instant::now();
    world.host.write("/etc/jit/revoked", world.authority.revoked());
    let close = session.close();
    let took = began.elapsed();
    assert_eq!(close["jit"]["reason"], "revoked", "{close}");
    assert!(close["jit"]["lateness_ms"].as_u64() <= Some(LATEST), "{close}");
    assert!(took < Duration::from_secs(3), "from the rename to the record: {took:?}");
    let said = shell.finish().stdout;
    assert!(said.contains("*** this session is over: your grant was revoked"), "{said:?}");
    assert!(spared.shown().is_some(), "another grant's session goes on");
    // A list that can't be used ends nobody, and is told.
    world.host.write("/etc/jit/revoked", "pam-jit revoked 1\n");
    e2e::deadline::until("the broken list is recorded", || !recording.records("recorder.config").is_empty());
    assert!(spared.shown().is_some());
    drop(running);
}

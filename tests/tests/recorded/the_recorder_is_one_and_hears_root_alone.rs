//! One recorder at a time, one socket that only root speaks to, and what it shows an administrator.

use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};

use e2e::authority::Request;
use e2e::process::run;
use e2e::recording::Recording;
use e2e::refusal::assert_enters;

#[test]
fn a_second_recorder_does_not_start() {
    let recording = Recording::fresh();
    let first = recording.recorder_pid();
    let second = recording.jit(["recorder"]);
    assert_eq!(second.code, Some(1), "{second:?}");
    assert_eq!(second.stderr, "error: another recorder runs already\n");
    assert_eq!(recording.recorder_pid(), first);
    assert_enters(&recording.world.host, &recording.client());
}

#[test]
fn its_files_are_roots_alone_and_nobody_else_is_heard() {
    let recording = Recording::fresh();
    let host = &recording.world.host;
    let facts =
        |path: &str| std::fs::metadata(host.path(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    let socket = facts("/run/jit/recorder.sock");
    assert!(socket.file_type().is_socket());
    assert_eq!(socket.mode() & 0o7777, 0o600);
    for file in ["/run/jit/recorder.lock", "/run/jit/slots"] {
        let facts = facts(file);
        assert_eq!((facts.mode() & 0o777, facts.uid()), (0o600, 0), "{file}");
    }
    for folder in ["/run/jit", "/var/lib/jit/sessions", "/var/lib/jit/uses"] {
        assert_eq!(facts(folder).mode() & 0o077, 0, "{folder}");
    }
    let spool = std::fs::read_dir(host.path("/var/lib/jit/spool")).expect("reads the spool");
    for segment in spool.flatten() {
        assert_eq!(segment.metadata().expect("its facts").mode() & 0o077, 0, "{:?}", segment.path());
    }

    let as_vendor = |words: &[&str]| {
        let mut command = host.command("setpriv");
        command.args(["--reuid=60001", "--regid=60001", "--clear-groups"]).args(words);
        run(command)
    };
    let refused = as_vendor(&["/usr/bin/jit", "sessions"]);
    assert!(
        refused.code == Some(1) && refused.stderr.contains("the recorder does not answer"),
        "{refused:?}"
    );
    // Whoever gets past the file's mode is not believed either: the kernel says who is there.
    for folder in ["/run/jit", "/var/lib/jit"] {
        host.set_mode(folder, 0o755);
    }
    let open = std::fs::Permissions::from_mode(0o666);
    std::fs::set_permissions(host.path("/run/jit/recorder.sock"), open)
        .expect("opens the socket to everybody");
    let (running, session) = recording.start(&recording.client(), "exec sleep 1000", "sleep");
    for words in [&["sessions"][..], &["end", "--all", "--reason", "mine"]] {
        let refused = as_vendor(&[&["/usr/bin/jit"], words].concat());
        assert!(refused.code == Some(1) && refused.stdout.is_empty(), "{refused:?}");
    }
    assert!(session.shown().is_some(), "nobody ended it");
    drop(running);
}

#[test]
fn an_administrator_sees_who_is_in_and_what_was_run() {
    let recording = Recording::fresh();
    assert_eq!(recording.jit(["sessions"]).ok().stdout, "no open sessions\n");
    assert_eq!(recording.open_sessions(), Vec::<serde_json::Value>::new());
    let (grant, identity) = recording.grant(&Request::default(), &recording.world.jo);
    let client = recording.world.client(&identity);
    let words = "/bin/echo 'it is' here; probe-that-is-missing; exec sleep 1000";
    let (running, session) = recording.start(&client, words, "sleep");
    let id = &session.id;

    let open = session.shown().expect("an open session");
    let source = client.source().to_string();
    for (field, value) in [
        ("person", "acme/jo"),
        ("grant", &grant),
        ("account", "acme-support"),
        ("source", &source),
        ("last", "sleep 1000"),
    ] {
        assert_eq!(open[field], value, "{field}: {open}");
    }
    assert_eq!((&open["commands"], &open["detached"]), (&3.into(), &false.into()), "{open}");
    assert!((1_700..=1_800).contains(&open["left"].as_u64().unwrap_or(0)), "{open}");

    let table = recording.jit(["sessions"]).ok().stdout;
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    let head =
        ["SESSION", "PERSON", "GRANT", "ACCOUNT", "FROM", "SINCE", "LEFT", "COMMANDS", "LAST", "COMMAND"];
    assert_eq!(rows[0], head);
    assert_eq!(rows[1][..5], [id, "acme/jo", &grant, "acme-support", &source]);
    assert_eq!(rows[1][7..], ["3", "sleep", "1000"]);
    assert_eq!(rows.len(), 2, "{table}");

    drop(recording.jit(["end", id, "--reason", "seen"]).ok());
    drop(running.finish());
    let shown = recording.jit(["show", id]).ok().stdout;
    let lines: Vec<&str> = shown.lines().collect();
    for (line, words) in [
        (1, "    1  bash -c "),
        (2, "    2  /bin/echo 'it is' here"),
        (3, "    3  sleep 1000"),
        (4, "session of acme/jo as acme-support closed: ada ended it: seen, after 3 commands"),
    ] {
        assert!(lines[line].contains(words), "{words}: {shown}");
    }
    assert_eq!(lines.len(), 5, "{shown}");
    let json = recording.jit(["show", id, "--json"]).ok().stdout;
    let records: Vec<serde_json::Value> =
        json.lines().map(|line| serde_json::from_str(line).expect("a record")).collect();
    let actions: Vec<_> = records.iter().filter_map(|record| record["event"]["action"].as_str()).collect();
    assert_eq!(
        actions,
        ["session.open", "session.command", "session.command", "session.command", "session.close"]
    );
    let nobody = recording.jit(["show", "S-22222222"]);
    assert_eq!(
        (nobody.code, nobody.stderr.as_str()),
        (Some(1), "error: the spool has no session S-22222222\n")
    );
}

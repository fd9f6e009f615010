//! However a program is started, there is one record of it, with what really ran: the arguments, the file, the outcome.

use serde_json::{Value, json};

use e2e::host::{ADMIN, PASSWORD};
use e2e::recording::Recording;
use e2e::recording::probe::{NARROW, PROBE};
use e2e::recording::session::{arguments_of, line_of};

/// A line for the shell, and the arguments of the program that it starts in the end.
const WAYS: [(&str, &[&str]); 18] = [
    ("/bin/true 'two words' \"it's\"", &["/bin/true", "two words", "it's"]),
    ("cd /tmp && test -d . && /bin/true after-builtins", &["/bin/true", "after-builtins"]),
    ("(exec /bin/true in-place)", &["/bin/true", "in-place"]),
    ("(exec -a another-name /bin/true named)", &["another-name", "named"]),
    ("sh -c '/bin/true in-sh; :'", &["/bin/true", "in-sh"]),
    ("echo piped | xargs /bin/true", &["/bin/true", "piped"]),
    ("env -i /bin/true bare", &["/bin/true", "bare"]),
    ("setsid -w /bin/true own-session", &["/bin/true", "own-session"]),
    ("nohup /bin/true no-hangup </dev/null >/dev/null", &["/bin/true", "no-hangup"]),
    ("probe raw /bin/true raw-call", &["/bin/true", "raw-call"]),
    ("probe spawned /bin/true spawned", &["/bin/true", "spawned"]),
    ("probe in-memory /bin/true in-memory", &["/bin/true", "in-memory"]),
    ("probe nameless /bin/true", &[""]),
    ("probe double-fork /bin/true twice-removed", &["/bin/true", "twice-removed"]),
    ("probe thread /bin/true from-thread", &["/bin/true", "from-thread"]),
    ("narrow", &["narrow", "32-bit"]),
    ("/tmp/way.sh argument", &["/bin/sh", "-e", "/tmp/way.sh", "argument"]),
    (
        "/lib64/ld-linux-x86-64.so.2 /bin/true by-loader",
        &["/lib64/ld-linux-x86-64.so.2", "/bin/true", "by-loader"],
    ),
];

/// The one record with these arguments; it has run, and nothing about it was a lie.
#[track_caller]
fn the_record(commands: &[Value], arguments: &[&str]) -> Value {
    let all: Vec<&Value> = commands.iter().filter(|record| arguments_of(record) == arguments).collect();
    let lines: Vec<String> = commands.iter().map(line_of).collect();
    assert_eq!(all.len(), 1, "one record of {arguments:?}: {lines:#?}");
    let record = all[0].clone();
    assert_eq!(record["jit"]["argv_source"], "kernel", "{record}");
    assert_eq!(record["event"]["outcome"], "success", "{record}");
    assert_eq!(record["jit"]["differs"], Value::Null, "{record}");
    record
}

#[test]
fn each_way_has_one_record() {
    each_way(&Recording::shared());
}

/// The same with whichever source of the kernel's copy this host has.
pub(crate) fn each_way(recording: &Recording) {
    recording.world.host.put_text("/tmp/way.sh", "#!/bin/sh -e\n/bin/true in-script\n");
    let script: String = WAYS.iter().map(|(line, _)| format!("{line} || echo failed: $?\n")).collect();
    let (outcome, session) = recording.exec(&recording.client(), &script);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(0), ""), "{outcome:?}");
    let close = session.close();
    let commands = session.commands();
    for (_, arguments) in WAYS {
        let record = the_record(&commands, arguments);
        let executable = record["process"]["executable"].as_str().unwrap_or_default().to_owned();
        assert!(executable.starts_with('/'), "a resolved file: {record}");
        assert!(record["jit"]["inode"].is_string(), "{record}");
    }
    drop(the_record(&commands, &["/bin/true", "in-script"]));
    // What started it is there as well, the shell itself first of all.
    assert_eq!(arguments_of(&commands[0])[..2], ["bash", "-c"]);
    drop(the_record(&commands, &["probe", "thread", "/bin/true", "from-thread"]));
    drop(the_record(&commands, &["env", "-i", "/bin/true", "bare"]));
    let of = |word: &str| {
        the_record(&commands, WAYS.iter().find(|(line, _)| line.contains(word)).expect("a way").1)
    };
    assert!(of("in-memory")["jit"]["path"].as_str().is_some_and(|path| path.contains("memfd:unnamed")));
    assert!(of("narrow")["process"]["executable"].as_str().is_some_and(|path| path.ends_with("/true")));
    assert_eq!(of("way.sh")["jit"]["path"], "/tmp/way.sh");
    assert_eq!(of("after-builtins")["process"]["working_directory"], "/tmp");
    assert_eq!(close["jit"]["commands"], commands.len(), "{close}");
    assert_eq!(close["jit"]["differences"], 0, "{close}");
    assert!(recording.world.host.has(PROBE) && recording.world.host.has(NARROW));
}

#[test]
fn the_file_and_the_folder_are_named_as_the_kernel_resolved_them() {
    let recording = Recording::shared();
    // More than the kernel's own answer has room for: /proc has it.
    let far = format!("/tmp/far{}", format!("/{}", "d".repeat(200)).repeat(4));
    let script = format!(
        "cd /tmp; ln -s /bin/true link; ./link by-link; cp /bin/true gone; exec 3<gone; rm gone; /proc/self/fd/3 by-nothing; \
         mkdir here; cd here; rmdir ../here; /bin/true nowhere; mkdir -p {far}; cd {far}; cp /bin/true .; ./true far-away; \
         cd /; /bin/true at-the-top; readlink -f /bin/true"
    );
    let (outcome, session) = recording.exec(&recording.client(), &script);
    let outcome = outcome.ok();
    let program = outcome.stdout.trim();
    drop(session.close());
    let commands = session.commands();
    for (word, executable, folder) in [
        ("by-link", program, "/tmp"),
        ("by-nothing", "/tmp/gone (deleted)", "/tmp"),
        ("nowhere", program, "/tmp/here (deleted)"),
        ("far-away", &*format!("{far}/true"), &*far),
        ("at-the-top", program, "/"),
    ] {
        let of_it = |record: &&Value| arguments_of(record).last().map(String::as_str) == Some(word);
        let record = commands.iter().find(of_it).expect(word);
        assert_eq!(record["process"]["executable"], executable, "{word}: {record}");
        assert_eq!(record["process"]["working_directory"], folder, "{word}: {record}");
    }
}

#[test]
fn another_users_program_is_recorded_with_the_person_of_the_session() {
    let recording = Recording::shared();
    let line = format!("echo {PASSWORD} | su {ADMIN} -c '/bin/true as-another'");
    let (outcome, session) = recording.exec(&recording.client(), &line);
    let outcome = outcome.ok();
    let record = session.command("/bin/true as-another");
    assert_eq!(record["jit"]["person"], "acme/jo", "{record} {outcome:?}");
    assert_eq!(record["user"]["name"], "acme-support", "{record}");
    assert_eq!(record["user"]["id"], "60003", "{record}");
    let su = session.the_command("su", |record| line_of(record).starts_with("su "));
    assert_eq!((&su["user"]["id"], &su["jit"]["person"]), (&json!("60001"), &json!("acme/jo")), "{su}");
}

#[test]
fn an_exec_that_fails_is_recorded_with_its_error() {
    each_failure(&Recording::shared());
}

/// The same with whichever source of the kernel's copy this host has.
pub(crate) fn each_failure(recording: &Recording) {
    let host = &recording.world.host;
    host.write("/tmp/not-executable", "#!/bin/sh\n");
    host.write_mode("/tmp/no-program", "just text\n", 0o755);
    let script = "probe raw /tmp/missing; probe raw /tmp/not-executable; probe raw /tmp/no-program; probe raw /tmp; \
                  probe many /bin/true 1 200000; /bin/true after";
    let (outcome, session) = recording.exec(&recording.client(), script);
    let outcome = outcome.ok();
    let close = session.close();
    let failures = [("/tmp/missing", 2), ("/tmp/not-executable", 13), ("/tmp/no-program", 8), ("/tmp", 13)];
    for (path, errno) in failures {
        let record = session
            .the_command(path, |record| arguments_of(record).first().is_some_and(|first| first == path));
        assert_eq!(record["jit"]["errno"], errno, "{record} {outcome:?}");
        assert_eq!(record["event"]["outcome"], "failure", "{record}");
    }
    // One argument of 200,000 bytes: the kernel takes 131,072.
    let large = session.the_command("200,000 bytes", |record| {
        record["jit"]["path"] == "/bin/true" && record["jit"]["errno"] == 7
    });
    assert_eq!(large["event"]["outcome"], "failure", "{large}");
    assert_eq!(session.command("/bin/true after")["event"]["outcome"], "success");
    assert_eq!(close["jit"]["commands"], session.commands().len(), "{close}");
}

#[test]
fn failures_of_two_threads_of_one_process_are_told_apart() {
    failures_of_two_threads(&Recording::shared());
}

/// The same with whichever source of the kernel's copy this host has.
pub(crate) fn failures_of_two_threads(recording: &Recording) {
    const EACH: usize = 200;
    let words = format!("probe failing /tmp/missing /tmp {EACH}");
    let (outcome, session) = recording.exec(&recording.client(), &words);
    drop(outcome.ok());
    drop(session.close());
    for (path, errno) in [("/tmp/missing", 2), ("/tmp", 13)] {
        let mut commands = session.commands();
        commands.retain(|record| record["jit"]["path"] == path);
        assert!(commands.iter().all(|record| record["jit"]["errno"] == errno), "{path}: {commands:#?}");
        let numbers: Vec<String> = commands.iter().map(|record| arguments_of(record)[1].clone()).collect();
        let expected: Vec<String> = (0..EACH).rev().map(|number| number.to_string()).collect();
        assert_eq!(numbers, expected, "{path}: each once, in order");
    }
}

#[test]
fn a_storm_of_vforks_from_four_threads_has_one_record_each() {
    a_storm(&Recording::shared());
}

/// The same with whichever source of the kernel's copy this host has.
pub(crate) fn a_storm(recording: &Recording) {
    const EACH: usize = 125;
    let (outcome, session) = recording.exec(&recording.client(), &format!("probe storm /bin/true {EACH}"));
    drop(outcome.ok());
    let close = session.close();
    let lines = session.lines();
    let ran = lines.iter().filter(|line| *line == "/bin/true").count();
    assert_eq!(ran, 4 * EACH);
    assert_eq!(close["jit"]["commands"], lines.len(), "{close}");
    let mut numbers: Vec<_> =
        session.commands().iter().filter_map(|record| record["jit"]["session_seq"].as_u64()).collect();
    numbers.sort_unstable();
    assert!(numbers.iter().copied().eq(1..=lines.len() as u64), "{numbers:?}");
}

#[test]
fn file_transfers_are_recorded_as_the_programs_that_serve_them() {
    let recording = Recording::shared();
    let client = recording.client();
    let file = client.folder().join("index.tar");
    std::fs::write(&file, "the billing index").expect("writes a file");
    let put = format!("put {} /tmp/by-sftp\n", file.display());
    drop(client.sftp(&put).ok());
    let session = recording.session(&client);
    let record = session.command("/usr/lib/openssh/sftp-server -l INFO");
    assert_eq!(record["event"]["outcome"], "success", "{record}");
    drop(session.close());
    for flags in [&[][..], &["-O"][..]] {
        drop(client.scp(flags, &file, "/tmp/by-scp").ok());
        let session = recording.session(&client);
        let server = if flags.is_empty() { "sftp-server" } else { "scp -t /tmp/by-scp" };
        let commands = session.close()["jit"]["commands"].as_u64().unwrap_or(0);
        assert!(session.lines().iter().any(|line| line.contains(server)), "{:?}", session.lines());
        assert_eq!(session.lines().len() as u64, commands);
        assert_eq!(recording.world.host.read("/tmp/by-scp"), "the billing index");
    }
}

#[test]
fn every_channel_of_a_shared_connection_is_recorded_in_the_one_session() {
    let recording = Recording::shared();
    let client = recording.client();
    let socket = format!("ControlPath={}", client.folder().join("control").display());
    let flags = ["-M", "-N", "-o", "ControlMaster=yes", "-o", &socket];
    let (master, session) = recording.start_with(&client, &flags, "", "");
    let through = |words: &str| {
        e2e::process::run(client.ssh(&["-o", &socket, "-o", "ControlMaster=no"], &[words])).ok()
    };
    e2e::deadline::until("the control socket is there", || client.folder().join("control").exists());
    for channel in ["one", "two", "three"] {
        drop(through(&format!("/bin/true channel-{channel}")));
    }
    drop(master.kill());
    let close = session.close();
    for channel in ["one", "two", "three"] {
        drop(session.command(&format!("/bin/true channel-{channel}")));
    }
    assert_eq!(close["jit"]["commands"], session.lines().len(), "{close}");
    assert_eq!(close["jit"]["reason"], "logout", "{close}");
}

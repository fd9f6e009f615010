//! Arguments are recorded as they are, in parts when they are many, cut with a hash when they are huge, and never so that
//! a byte of them could be taken for something else; secrets are taken out before anything is written.

use sha2::{Digest, Sha256};

use e2e::recording::Recording;
use e2e::recording::probe;
use e2e::recording::session::{Session, arguments_of};
use serde_json::Value;

/// The longest line that may leave the host.
const LONGEST: usize = 7_900;

/// The parts of the one command of a session that runs `/bin/true`.
fn parts_of(session: &Session<'_>) -> Vec<Value> {
    let mut parts = session.parts("session.command");
    parts.retain(|record| record["jit"]["path"] == "/bin/true");
    parts
}

/// SHA-256 of arguments, each followed by a NUL.
fn hash<A: AsRef<[u8]>>(arguments: &[A]) -> String {
    let mut hasher = Sha256::new();
    for argument in arguments {
        hasher.update(argument.as_ref());
        hasher.update([0]);
    }
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Every line of the spool about a session: ASCII without control characters, and no longer than may leave the host.
#[track_caller]
fn assert_safe(recording: &Recording, session: &Session<'_>) {
    let spool = recording.spool_text();
    let lines = spool.lines().filter(|line| line.contains(&session.id) && !line.starts_with("{\"gate\""));
    for line in lines {
        assert!(line.len() <= LONGEST, "{} bytes: {line}", line.len());
        assert!(line.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{line}");
    }
}

#[test]
fn three_thousand_arguments_are_there_one_by_one() {
    three_thousand(&Recording::shared());
}

/// The same with whichever source of the kernel's copy this host has.
pub(crate) fn three_thousand(recording: &Recording) {
    let (outcome, session) = recording.exec(&recording.client(), "probe many /bin/true 3000 4");
    drop(outcome.ok());
    drop(session.close());
    let parts = parts_of(&session);
    assert!(parts.len() > 1, "{parts:#?}");
    let mut arguments: Vec<String> = Vec::new();
    for (number, part) in parts.iter().enumerate() {
        assert_eq!(part["jit"]["part"], number + 1, "{part}");
        assert_eq!(part["jit"]["parts"], parts.len(), "{part}");
        assert_eq!(part["jit"]["session_seq"], parts[0]["jit"]["session_seq"], "{part}");
        assert_eq!(part["process"]["args_count"], 3001, "{part}");
        assert_eq!(part["jit"]["argv_cut"], Value::Null, "{part}");
        let mut more = arguments_of(part).into_iter();
        if part["jit"]["argv_continued"] == true {
            let rest = more.next().expect("the rest of an argument");
            arguments.last_mut().expect("its beginning").push_str(&rest);
        }
        arguments.extend(more);
    }
    let told = |number: usize| format!("{:x<4}", format!("{number}-"));
    let expected: Vec<String> = std::iter::once("/bin/true".to_owned()).chain((1..=3000).map(told)).collect();
    assert_eq!(arguments, expected);
    assert_eq!(parts[0]["jit"]["argv_sha256"], hash(&expected));
    assert_safe(recording, &session);
}

#[test]
fn a_megabyte_of_arguments_is_cut_and_its_hash_is_of_all_of_it() {
    a_megabyte(&Recording::shared());
}

/// The same with whichever source of the kernel's copy this host has.
pub(crate) fn a_megabyte(recording: &Recording) {
    let (outcome, session) = recording.exec(&recording.client(), "probe many /bin/true 10 100000");
    drop(outcome.ok());
    drop(session.close());
    let parts = parts_of(&session);
    let first = parts.first().expect("a record");
    assert_eq!(first["jit"]["argv_cut"], true, "{first}");
    assert_eq!(first["process"]["args_count"], 11, "{first}");
    assert_eq!(first["event"]["outcome"], "success", "{first}");
    assert_eq!(first["jit"]["argv_source"], "kernel", "{first}");
    let argument = |number: usize| {
        let name = format!("{number}-");
        name.clone() + &"x".repeat(100_000 - name.len())
    };
    let all: Vec<String> = std::iter::once("/bin/true".to_owned()).chain((1..=10).map(argument)).collect();
    assert_eq!(first["jit"]["argv_sha256"], hash(&all));
    let kept: usize = parts.iter().flat_map(arguments_of).map(|argument| argument.len()).sum();
    assert!((60_000..=65_536).contains(&kept), "{kept} bytes kept");
    assert_safe(recording, &session);
}

#[test]
fn bytes_that_could_forge_a_line_or_drive_a_terminal_are_text() {
    forging_bytes(&Recording::shared());
}

/// The same with whichever source of the kernel's copy this host has.
pub(crate) fn forging_bytes(recording: &Recording) {
    let (outcome, session) = recording.exec(&recording.client(), "probe bytes /bin/true");
    drop(outcome.ok());
    drop(session.close());
    let parts = parts_of(&session);
    assert_eq!(parts.len(), 1, "{parts:#?}");
    let expected = [
        "/bin/true",
        "two\nlines",
        "\u{1b}[2Jescape\u{7}",
        "\\xff\\xfe\\xc3(",
        "back\\\\slash",
        "quote\"'",
        "\u{202e}drawkcab",
        "",
        "\nNov 24 12:00:00 host sshd[1]: Accepted publickey for root",
    ];
    assert_eq!(arguments_of(&parts[0]), expected);
    let raw: [&[u8]; 9] = [
        b"/bin/true",
        b"two\nlines",
        b"\x1b[2Jescape\x07",
        b"\xff\xfe\xc3(",
        b"back\\slash",
        b"quote\"'",
        "\u{202e}drawkcab".as_bytes(),
        b"",
        b"\nNov 24 12:00:00 host sshd[1]: Accepted publickey for root",
    ];
    assert_eq!(parts[0]["jit"]["argv_sha256"], hash(&raw));
    assert_safe(recording, &session);
    // Nor do they reach the administrator's terminal.
    let shown = recording.jit(["show", &session.id]).ok().stdout;
    assert!(shown.contains("escape") && !shown.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{shown:?}");
    assert!(!shown.lines().any(|line| line.starts_with("Nov 24")), "{shown}");
}

#[test]
fn no_secret_of_an_argument_is_written_or_shown() {
    let recording = Recording::shared();
    let secret = "hunter2-s3cret";
    let script = format!(
        "/bin/true --password={secret} --api-key {secret} PGPASSWORD={secret} https://jo:{secret}@host/x; \
         /bin/true -H 'Authorization: Bearer {secret}'; exec -a 'sleep --token={secret}' sleep 1000"
    );
    let client = recording.client();
    let (running, session) = recording.start(&client, &script, "sleep");
    let record = session.the_command("--api-key", |record| record["process"]["args_count"] == 6);
    let expected = [
        "/bin/true",
        "--password=[redacted]",
        "--api-key",
        "[redacted]",
        "PGPASSWORD=[redacted]",
        "https://jo:[redacted]@host/x",
    ];
    assert_eq!(arguments_of(&record), expected);
    assert_eq!(record["jit"]["argv_sha256"], hash(&expected), "the hash is of what is recorded");
    let open = recording.jit(["sessions", "--json"]).ok().stdout;
    assert!(open.contains(&session.id), "{open}");
    for (place, text) in [
        ("the spool", recording.spool_text()),
        ("jit sessions", open),
        ("jit sessions as a table", recording.jit(["sessions"]).ok().stdout),
        ("jit show", recording.jit(["show", &session.id]).ok().stdout),
        ("syslog", recording.world.host.log_lines().join("\n")),
    ] {
        assert!(!text.contains(secret), "{place} has a secret: {text}");
    }
    drop(recording.jit(["end", &session.id, "--reason", "seen"]).ok());
    drop(running.finish());
}

#[test]
fn of_many_huge_calls_at_once_the_kernel_tells_of_each() {
    let recording = Recording::fresh();
    probe::install(&recording.world.host);
    // Together four times what the kernel's buffer holds: no call's own word may be pushed out by others.
    let words = "for i in $(seq 16); do probe many /bin/true 14 120000 & done; wait";
    let (outcome, session) = recording.exec(&recording.client(), words);
    drop(outcome.ok());
    let close = session.close();
    let parts = parts_of(&session);
    let first: Vec<_> = parts.iter().filter(|record| record["jit"]["part"] == 1).collect();
    assert_eq!(first.len(), 16, "{close}");
    for record in first {
        assert_eq!(record["jit"]["argv_source"], "kernel", "{record}");
        assert!(arguments_of(record)[1].starts_with("1-xxx"), "{record}");
    }
    assert_eq!(recording.records("recorder.full").len(), 0);
}

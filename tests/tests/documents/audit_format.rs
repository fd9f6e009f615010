//! docs/audit-format.md against the code: events, fields, reasons, limits and examples; and the example of host.toml.

use std::collections::BTreeSet;
use std::path::Path;

use audit::command::{ArgvSource, Command, Outcome};
use audit::{Close, CloseReason, Event, Facts, Notice, Record};
use hostfile::HostConfig;
use serde_json::Value;

use super::format::grouped;
use super::tree::{fences, none_of, quoted, read, rows};

fn format() -> String {
    read("docs/audit-format.md")
}

/// The first cell's quoted word, of every row of the tables with this header.
fn firsts(header: &[&str]) -> BTreeSet<String> {
    let rows = rows(&format(), header);
    rows.iter().filter_map(|row| quoted(&row[0]).next().map(str::to_owned)).collect()
}

/// The texts in quotes behind `before` in a source, up to `until`.
fn words(source: &str, before: &str, until: &str) -> BTreeSet<String> {
    let text = read(source);
    let body = text.split(before).nth(1).and_then(|rest| rest.split(until).next());
    body.unwrap_or_else(|| panic!("{before} in {source}"))
        .split('"')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

const EVENTS: [&str; 7] =
    ["event", "when", "severity", "category", "type", "OCSF class, activity", "made by"];

#[test]
fn the_audit_format_has_every_event_of_the_code_and_no_other() {
    let rows = rows(&format(), &EVENTS);
    let named: Vec<_> = rows.iter().filter_map(|row| quoted(&row[0]).next()).collect();
    assert_eq!(named, Event::ALL.map(Event::name), "in the order of the code");
    // And what the table says of each is what its records say.
    for (row, record) in rows.iter().zip(Event::ALL.map(minimal)) {
        let text = |path: &str| record.pointer(path).cloned().unwrap_or_default();
        let list = |path: &str| {
            let list = text(path).as_array().cloned().unwrap_or_default();
            list.iter().filter_map(|word| word.as_str().map(str::to_owned)).collect::<Vec<_>>().join(", ")
        };
        assert_eq!(row[3], list("/event/category"), "{}", row[0]);
        assert_eq!(row[4], list("/event/type"), "{}", row[0]);
        let class = format!("{}, {}", text("/ocsf/class_uid"), text("/ocsf/activity_id"));
        assert_eq!(row[5], class, "{}", row[0]);
        let severity = if row[2] == "warning" { 4 } else { 6 };
        let event = quoted(&row[0]).next().and_then(Event::named).expect("an event");
        assert_eq!(event.severity().code(), severity, "{}", row[0]);
    }
}

#[test]
fn the_audit_format_has_every_reason_of_an_end() {
    let codes = words("audit/src/close.rs", "pub fn code(&self)", "\n    }\n");
    assert_eq!(firsts(&["reason", "when"]), codes);
}

#[test]
fn the_audit_format_has_every_reason_of_a_refusal_besides_the_verdicts() {
    let mut codes = words("pam_jit/src/refused.rs", "pub(crate) fn code(&self)", "\n    }\n");
    let opening = read("session/src/recorder/opening.rs");
    for call in opening.split("refuse(").skip(1) {
        codes.extend(
            call.trim_start().strip_prefix('"').and_then(|rest| rest.split('"').next()).map(str::to_owned),
        );
    }
    assert_eq!(firsts(&["code", "by", "when"]), codes);
}

/// One record of this event, with as little in it as can be.
fn minimal(event: Event) -> Value {
    let line = match event {
        Event::LoginRefuse | Event::SessionOpen => {
            Record { time: 0, event, host: "h".into(), facts: Facts::default() }.json()
        }
        Event::SessionCommand => command(vec![b"x".to_vec()]).json().remove(0),
        Event::SessionClose => close().json(),
        other => {
            let session = Some("S-7F3K9QAB".into());
            Notice { time: 0, host: "h".into(), event: other, session, message: "m".into() }.json()
        }
    };
    serde_json::from_str(&line).expect("a record")
}

fn command(argv: Vec<Vec<u8>>) -> Command {
    Command {
        time: 0,
        host: "h".into(),
        session: "S-7F3K9QAB".into(),
        session_seq: 1,
        grant: "G-7F3K9Q".into(),
        vendor: "acme".into(),
        person: "acme/jo".into(),
        account: "acme-support".into(),
        pid: 2,
        parent: 1,
        uid: 1001,
        euid: 0,
        cwd: b"/".to_vec(),
        path: b"/bin/x".to_vec(),
        executable: Some(b"/bin/x".to_vec()),
        inode: Some((1, 1)),
        argv_count: argv.len(),
        argv_cut: false,
        argv,
        argv_sha256: String::new(),
        argv_source: ArgvSource::Kernel,
        shown: Some(Vec::new()),
        argv_unreadable: Some(14),
        outcome: Outcome::Failed(2),
    }
}

fn close() -> Close {
    Close {
        time: 0,
        host: "h".into(),
        session: "S-7F3K9QAB".into(),
        grant: "G-7F3K9Q".into(),
        vendor: "acme".into(),
        person: "acme/jo".into(),
        account: "acme-support".into(),
        source: "192.0.2.7".into(),
        reason: CloseReason::EndedBy { by: "ada".into(), reason: "r".into() },
        lateness_ms: 0,
        duration_ms: 0,
        commands: 0,
        differences: 0,
        unrecorded: 0,
        killed: 0,
        exit_status: Some(0),
        proved: true,
        removed: Vec::new(),
        left: Vec::new(),
    }
}

/// The names of all fields that are no objects.
fn fields(value: &Value, name: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(inside) => {
            for (key, value) in inside {
                fields(value, &if name.is_empty() { key.clone() } else { format!("{name}.{key}") }, found);
            }
        }
        _ => drop(found.insert(name.to_owned())),
    }
}

#[test]
fn the_audit_format_has_every_field_of_the_records_and_no_other() {
    let everything = Facts {
        session: Some("s".into()),
        grant: Some("g".into()),
        grant_digest: Some("d".into()),
        vendor: Some("v".into()),
        person: Some("p".into()),
        account: Some("a".into()),
        source: "192.0.2.7".parse().ok(),
        serial: Some(1),
        key: Some("k".into()),
        reason: Some("r".into()),
        reason_text: Some("t".into()),
        approved_by: vec!["kim".into()],
        closes: Some(0),
        pid: Some(1),
        service: Some("sshd".into()),
    };
    let refused = Record { time: 0, event: Event::LoginRefuse, host: "h".into(), facts: everything }.json();
    // One argument that goes over into the next part, and more than is recorded.
    let long = command(vec![vec![b'x'; 70_000]]).json();
    let mut found = BTreeSet::new();
    for line in long.iter().chain([&refused, &close().json()]) {
        fields(&serde_json::from_str(line).expect("a record"), "", &mut found);
    }
    for event in Event::ALL {
        fields(&minimal(event), "", &mut found);
    }
    assert_eq!(firsts(&["field", "in", "what"]), found);
    // What is counted at the end is explained.
    let counts = firsts(&["count", "what"]);
    assert!(counts.is_subset(&found), "{counts:?}");
    let close: Value = serde_json::from_str(&close().json()).expect("a record");
    for (name, _) in close["jit"].as_object().expect("an object").iter().filter(|(_, v)| v.is_u64()) {
        assert!(counts.contains(&format!("jit.{name}")), "{name} is not explained");
    }
}

#[test]
fn the_audit_format_has_the_limits_of_the_code() {
    let limits = [
        audit::MAX_RECORD,
        audit::rfc5424::MAX_FRAME,
        audit::command::MAX_ARGUMENTS,
        usize::try_from(audit::rfc5424::DOCUMENTATION_ENTERPRISE).expect("a small number"),
    ];
    let format = format();
    let missing: Vec<_> = limits
        .into_iter()
        .filter(|limit| {
            let number = grouped(u64::try_from(*limit).unwrap_or(0));
            !format.contains(&number) && !format.contains(&limit.to_string())
        })
        .map(|limit| limit.to_string())
        .collect();
    none_of("limits that docs/audit-format.md does not have", &missing);
}

#[test]
fn the_examples_are_records_as_the_code_makes_them() {
    let examples: Vec<_> = fences(&format()).into_iter().filter(|(kind, _)| kind == "record").collect();
    assert_eq!(examples.len(), 3);
    for (_, text) in examples {
        let line = text.trim_end();
        assert!(
            line.len() <= audit::MAX_RECORD && line.bytes().all(|b| (b' '..=b'~').contains(&b)),
            "{line}"
        );
        let frame = audit::shipping::rfc5424(line, audit::rfc5424::DOCUMENTATION_ENTERPRISE);
        assert!(frame.is_some_and(|frame| frame.ends_with(line)), "{line}");
        let value: Value = serde_json::from_str(line).expect("an example");
        let (mut here, mut known) = (BTreeSet::new(), firsts(&["field", "in", "what"]));
        fields(&value, "", &mut here);
        known.insert(String::new());
        assert!(here.is_subset(&known), "{:?}", here.difference(&known));
        if let Some(args) = value["process"]["args"].as_array() {
            use sha2::Digest as _;
            let bytes: Vec<u8> = args
                .iter()
                .filter_map(Value::as_str)
                .flat_map(|arg| [arg.as_bytes(), &[0]].concat())
                .collect();
            let hash: String =
                sha2::Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(value["jit"]["argv_sha256"], hash);
        }
    }
}

#[test]
fn the_example_of_host_toml_says_the_defaults() {
    let example = read("packaging/host.toml.example");
    let authority = format!("SHA256:{}", "A".repeat(43));
    let example = example.replace("SHA256:...", &authority);
    let parse = |text: &str| {
        HostConfig::parse(Path::new("host.toml"), text.as_bytes()).unwrap_or_else(|error| panic!("{error}"))
    };
    let whole = parse(&example);
    let (before, table) = example.split_once("[recorder]\n").expect("the table [recorder]");
    assert_eq!(whole, parse(&format!("{before}[recorder]\n")), "the values shown are the defaults");
    // Every field of the table is shown.
    let source = read("hostfile/src/recorder_toml.rs");
    let body = source.split("fn read(").nth(1).and_then(|rest| rest.split("fields.end()").next());
    let read = body.expect("the function read").split("fields.").skip(1);
    let names = read.filter_map(|rest| rest.split('"').nth(1));
    let missing: Vec<_> =
        names.filter(|name| !table.contains(&format!("{name} = "))).map(str::to_owned).collect();
    none_of("fields of [recorder] that the example does not show", &missing);
}

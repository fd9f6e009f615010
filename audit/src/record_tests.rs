//! Promises of the record: the exact line, and that no text of anybody breaks it.

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::ascii::is_plain;

pub(crate) fn opened() -> Record {
    Record {
        time: 1_795_528_800_123,
        event: Event::SessionOpen,
        host: "db1.prod".into(),
        facts: Facts {
            session: Some("S-4QW8ZT2M".into()),
            grant: Some("G-7F3K9Q".into()),
            grant_digest: Some("ab".repeat(32)),
            vendor: Some("acme".into()),
            person: Some("acme/jo".into()),
            account: Some("acme-support".into()),
            source: Some("192.0.2.7".parse().unwrap()),
            serial: Some(u64::MAX),
            key: Some("SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU".into()),
            approved_by: vec!["kim".into()],
            closes: Some(1_795_530_600),
            pid: Some(4242),
            service: Some("sshd".into()),
            ..Facts::default()
        },
    }
}

fn refused(reason_text: &str) -> Record {
    Record {
        event: Event::LoginRefuse,
        facts: Facts {
            account: Some("acme-support".into()),
            reason: Some("closed".into()),
            reason_text: Some(reason_text.into()),
            ..Facts::default()
        },
        ..opened()
    }
}

#[test]
fn a_session_open_record_is_this_line() {
    let expected = concat!(
        r#"{"@timestamp":"2026-11-24T14:00:00.123Z","#,
        r#""message":"session of acme/jo as acme-support from 192.0.2.7 opened under G-7F3K9Q until "#,
        r#"2026-11-24T14:30:00Z","ecs":{"version":"8.11.0"},"#,
        r#""event":{"kind":"event","category":["authentication","session"],"type":["start"],"#,
        r#""action":"session.open","outcome":"success","provider":"pam-jit"},"#,
        r#""host":{"name":"db1.prod"},"process":{"pid":4242},"source":{"ip":"192.0.2.7"},"#,
        r#""user":{"name":"acme-support"},"ocsf":{"class_uid":3002,"activity_id":1},"#,
        r#""jit":{"session":"S-4QW8ZT2M","grant":"G-7F3K9Q","#,
        r#""grant_digest":"abababababababababababababababababababababababababababababababab","#,
        r#""vendor":"acme","person":"acme/jo","serial":"18446744073709551615","#,
        r#""key":"SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU","approved_by":["kim"],"#,
        r#""closes":"2026-11-24T14:30:00Z","service":"sshd"}}"#,
    );
    assert_eq!(opened().json(), expected);
}

#[test]
fn a_refusal_says_failure_and_why_in_two_forms() {
    let value: Value = serde_json::from_str(&refused("the window closed").json()).unwrap();
    assert_eq!(value["event"]["action"], "login.refuse");
    assert_eq!(value["event"]["outcome"], "failure");
    assert_eq!(value["event"]["reason"], "the window closed");
    assert_eq!(value["jit"]["reason"], "closed");
    assert_eq!(value["message"], "login to acme-support refused: the window closed");
    assert!(value.get("source").is_none(), "unknown is absent");
}

#[test]
fn a_session_close_record_is_a_logoff() {
    let record = Record { event: Event::SessionClose, ..opened() };
    let value: Value = serde_json::from_str(&record.json()).unwrap();
    assert_eq!(value["event"]["type"][0], "end");
    assert_eq!(value["ocsf"]["activity_id"], 2);
    assert_eq!(value["message"], "session of acme/jo as acme-support from 192.0.2.7 closed, under G-7F3K9Q");
}

/// What people have tried against logs: new lines, terminal escapes, quotes, brackets, bidirectional overrides,
/// line separators, what a reader makes of invalid bytes, and whole forged records.
const FORGERIES: [&str; 9] = [
    "x\n<86>1 2026-11-24T14:00:00Z db1 pam-jit 1 session.open - {}",
    "x\r\n@cee: {\"event\":{\"action\":\"session.open\"}}",
    "\u{1b}[2K\u{1b}[1A",
    r#"","jit":{"grant":"G-222222"},"x":""#,
    r#"\",\"event\":{\"outcome\":\"success\"}"#,
    r#"] [jit@32473 grant="G-222222""#,
    "\u{202e}gnp.exe\u{2066}\u{2028}\u{2029}\u{85}",
    "\u{0}\u{7f}\u{9b}31m",
    "\u{fffd}\u{feff}\u{d7ff}\u{10ffff}",
];

#[test]
fn no_text_forges_a_line_or_a_field() {
    for text in FORGERIES {
        let mut record = refused(text);
        record.host = text.into();
        for fact in [
            &mut record.facts.session,
            &mut record.facts.grant,
            &mut record.facts.person,
            &mut record.facts.account,
            &mut record.facts.service,
        ] {
            *fact = Some(text.into());
        }
        record.facts.approved_by = vec![text.into()];
        let line = record.json();
        assert!(line.chars().all(is_plain), "{line}");
        let value: Value = serde_json::from_str(&line).unwrap();
        for place in ["/host/name", "/user/name", "/jit/grant", "/jit/approved_by/0", "/event/reason"] {
            assert_eq!(value.pointer(place).unwrap(), text, "{place} in {line}");
        }
        assert_eq!(value["event"]["outcome"], "failure");
        assert_eq!(value.as_object().unwrap().len(), 8, "no field was added: {line}");
    }
}

#[test]
fn a_long_reason_is_cut_visibly() {
    let value: Value = serde_json::from_str(&refused(&"a".repeat(5_000)).json()).unwrap();
    let reason = value["event"]["reason"].as_str().unwrap();
    assert!(reason.len() <= limit::REASON);
    assert!(reason.ends_with("...[3035 bytes cut]"), "{reason}");
}

#[test]
fn the_ninth_approver_is_counted() {
    let mut record = opened();
    record.facts.approved_by = (0..11).map(|n| format!("kim{n}")).collect();
    let value: Value = serde_json::from_str(&record.json()).unwrap();
    assert_eq!(value["jit"]["approved_by"][7], "kim7");
    assert_eq!(value["jit"]["approved_by"][8], "...[3 more]");
}

#[test]
fn times_out_of_range_do_not_panic() {
    for time in [i64::MIN, -1, 0, i64::MAX] {
        let record = Record { time, ..opened() };
        serde_json::from_str::<Value>(&record.json()).unwrap();
    }
    assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000Z");
    assert!(closes(u64::MAX).starts_with("9999-"));
}

#[test]
fn the_fixed_parts_are_within_their_share() {
    let mut record = opened();
    record.facts = Facts {
        source: Some("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff".parse().unwrap()),
        reason: Some(String::new()),
        reason_text: Some(String::new()),
        pid: Some(u32::MAX),
        ..record.facts
    };
    let texts = "S-4QW8ZT2MG-7F3K9Qacmeacme/joacme-supportkimsshddb1.prod".len() + 64 + 50;
    assert!(record.json().len() - texts <= limit::FIXED, "{}", record.json().len() - texts);
}

fn any_record() -> impl Strategy<Value = Record> {
    let text = || prop_oneof![any::<String>(), "(?s).{0,4000}", "[\u{10000}-\u{10ffff}]{700,900}"];
    let fact = move || proptest::option::of(text());
    (
        any::<i64>(),
        proptest::sample::select(Event::ALL.to_vec()),
        text(),
        (fact(), fact(), fact(), fact(), fact(), fact(), fact(), fact(), fact()),
        fact(),
        proptest::collection::vec(text(), 0..12),
        (any::<Option<IpAddr>>(), any::<Option<u64>>(), any::<Option<u64>>(), any::<Option<u32>>()),
    )
        .prop_map(
            |(time, event, host, texts, reason_text, approved_by, (source, serial, closes, pid))| {
                let (session, grant, grant_digest, vendor, person, account, key, reason, service) = texts;
                let facts = Facts {
                    session,
                    grant,
                    grant_digest,
                    vendor,
                    person,
                    account,
                    source,
                    serial,
                    key,
                    reason,
                    reason_text,
                    approved_by,
                    closes,
                    pid,
                    service,
                };
                Record { time, event, host, facts }
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_record_is_one_bounded_ascii_line_of_json(record in any_record()) {
        let line = record.json();
        prop_assert!(line.len() <= MAX_RECORD, "{}", line.len());
        prop_assert!(line.chars().all(is_plain));
        let value: Value = serde_json::from_str(&line).unwrap();
        prop_assert_eq!(&value["event"]["action"], record.event.name());
        prop_assert_eq!(record.json(), line, "the same facts give the same bytes");
    }

    #[test]
    fn any_record_fits_its_frames(record in any_record(), enterprise in any::<u32>()) {
        let frame = crate::rfc5424::frame(&record, enterprise);
        prop_assert!(frame.len() <= crate::rfc5424::MAX_FRAME, "{}", frame.len());
        prop_assert!(frame.chars().all(is_plain));
        prop_assert!(frame.ends_with(&record.json()));
        let body = crate::cee::body(&record);
        prop_assert!(body.chars().all(is_plain));
        prop_assert_eq!(body, format!("@cee: {}", record.json()));
    }
}

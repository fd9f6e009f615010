//! Promises of the frame, checked by a reader written from the grammar of RFC 5424 section 6, not from our writer.

use super::*;
use crate::event::Event;
use crate::record::Facts;

/// A frame taken apart.
#[derive(Debug, PartialEq)]
struct Read {
    priority: u32,
    timestamp: String,
    hostname: String,
    app_name: String,
    procid: String,
    msgid: String,
    sd_id: String,
    parameters: Vec<(String, String)>,
    message: String,
}

/// Reads HEADER SP STRUCTURED-DATA SP MSG with exactly one SD-ELEMENT.
fn read(frame: &str) -> Result<Read, String> {
    let rest = frame.strip_prefix('<').ok_or("no <")?;
    let (priority, rest) = rest.split_once('>').ok_or("no >")?;
    if priority.len() > 3 || (priority.len() > 1 && priority.starts_with('0')) {
        return Err(format!("PRIVAL {priority}"));
    }
    let rest = rest.strip_prefix("1 ").ok_or("VERSION is not 1")?;
    let mut fields = rest.splitn(6, ' ');
    let mut field = |name: &str, longest: usize| -> Result<String, String> {
        let value = fields.next().ok_or_else(|| format!("no {name}"))?;
        let printable = value.bytes().all(|b| (33..=126).contains(&b));
        if value.is_empty() || value.len() > longest || !printable {
            return Err(format!("{name} is {value:?}"));
        }
        Ok(value.to_owned())
    };
    let timestamp = field("TIMESTAMP", 32)?;
    let hostname = field("HOSTNAME", 255)?;
    let app_name = field("APP-NAME", 48)?;
    let procid = field("PROCID", 128)?;
    let msgid = field("MSGID", 32)?;
    let rest = fields.next().ok_or("no STRUCTURED-DATA")?;

    let mut chars = rest.strip_prefix('[').ok_or("no SD-ELEMENT")?.chars().peekable();
    let mut name = String::new();
    let is_name = |c: char| c.is_ascii_graphic() && !matches!(c, '=' | ']' | '"');
    while let Some(c) = chars.next_if(|c| is_name(*c)) {
        name.push(c);
    }
    let sd_id = std::mem::take(&mut name);
    let mut parameters = Vec::new();
    loop {
        match chars.next() {
            Some(']') => break,
            Some(' ') => {}
            other => return Err(format!("{other:?} in SD-ELEMENT")),
        }
        while let Some(c) = chars.next_if(|c| is_name(*c)) {
            name.push(c);
        }
        if name.is_empty() || name.len() > 32 || chars.next() != Some('=') || chars.next() != Some('"') {
            return Err(format!("PARAM-NAME {name:?}"));
        }
        let mut value = String::new();
        loop {
            match chars.next().ok_or("unended PARAM-VALUE")? {
                '"' => break,
                ']' => return Err("bare ] in PARAM-VALUE".into()),
                '\\' => match chars.next() {
                    Some(c @ ('"' | '\\' | ']')) => value.push(c),
                    other => return Err(format!("\\{other:?} in PARAM-VALUE")),
                },
                c => value.push(c),
            }
        }
        parameters.push((std::mem::take(&mut name), value));
    }
    if chars.next() != Some(' ') {
        return Err("no SP before MSG".into());
    }
    let priority = priority.parse().map_err(|_| "PRIVAL")?;
    let message = chars.collect();
    Ok(Read { priority, timestamp, hostname, app_name, procid, msgid, sd_id, parameters, message })
}

fn refused() -> Record {
    Record {
        time: 1_795_528_800_123,
        event: Event::LoginRefuse,
        host: "db1.prod".into(),
        facts: Facts {
            grant: Some("G-7F3K9Q".into()),
            person: Some("acme/jo".into()),
            account: Some("acme-support".into()),
            source: Some("2001:db8::7".parse().unwrap()),
            reason: Some("closed".into()),
            reason_text: Some("the window closed at 14:00".into()),
            pid: Some(77),
            ..Facts::default()
        },
    }
}

#[test]
fn a_frame_reads_back_as_the_grammar_says() {
    let record = refused();
    let read = read(&frame(&record, DOCUMENTATION_ENTERPRISE)).unwrap();
    assert_eq!(read.priority, 84, "authpriv, warning");
    assert_eq!(read.timestamp, "2026-11-24T14:00:00.123Z");
    assert_eq!(read.hostname, "db1.prod");
    assert_eq!(read.app_name, "pam-jit");
    assert_eq!(read.procid, "77");
    assert_eq!(read.msgid, "login.refuse");
    assert_eq!(read.sd_id, "jit@32473");
    let parameters: Vec<_> = read.parameters.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    assert_eq!(
        parameters,
        [
            ("grant", "G-7F3K9Q"),
            ("reason", "closed"),
            ("account", "acme-support"),
            ("person", "acme/jo"),
            ("source", "2001:db8::7"),
        ]
    );
    assert_eq!(read.message, record.json());
}

#[test]
fn an_ordinary_event_is_informational() {
    let record = Record { event: Event::SessionOpen, ..refused() };
    assert!(frame(&record, 1).starts_with("<86>1 "));
}

#[test]
fn no_text_forges_a_frame() {
    for text in [
        "x\n<86>1 2026-11-24T14:00:00Z db1 pam-jit 1 session.open - {}",
        r#"a"] [jit@32473 grant="G-222222"#,
        r#"a\"#,
        r"a\\]",
        "\u{202e}\u{1b}[1A\u{0}\u{7f}é😀",
        "",
    ] {
        let mut record = refused();
        record.host = text.into();
        record.facts.account = Some(text.into());
        record.facts.grant = Some(text.into());
        let frame = frame(&record, 32473);
        assert!(frame.chars().all(is_plain), "{frame}");
        let read = read(&frame).unwrap_or_else(|why| panic!("{why}: {frame}"));
        assert_eq!(read.msgid, "login.refuse");
        assert_eq!(read.sd_id, "jit@32473");
        let names: Vec<_> = read.parameters.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["grant", "reason", "account", "person", "source"]);
        assert_eq!(read.message, record.json());
    }
}

#[test]
fn structured_data_gives_way_to_a_full_record() {
    let mut record = refused();
    record.facts.account = Some("a".repeat(9_000));
    let frame = frame(&record, 32473);
    assert!(frame.len() <= MAX_FRAME);
    let read = read(&frame).unwrap();
    let names: Vec<_> = read.parameters.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["grant", "reason"]);
    assert_eq!(read.message, record.json());
}

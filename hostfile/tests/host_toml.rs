//! What host.toml may say, and how its errors name the place.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "scratch/lib.rs"]
mod scratch;

use std::path::Path;

use hostfile::{HostConfig, LogFormat};
use scratch::{Scratch, is_one_printable_line};

const AUTHORITY: &str = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn complete() -> String {
    format!(
        "host = \"db1.prod\"\nroles = [\"db\", \"web\"]\nauthority = \"{AUTHORITY}\"\nca_keys = \"/etc/jit/ca.pub\"\n\
         approvers = \"/etc/jit/approvers\"\nrevoked = \"/etc/jit/revoked\"\n"
    )
}

fn parse(text: &str) -> Result<HostConfig, String> {
    HostConfig::parse(Path::new("/etc/jit/host.toml"), text.as_bytes()).map_err(|error| {
        let text = error.to_string();
        assert!(is_one_printable_line(&text), "{text:?}");
        assert!(text.starts_with("/etc/jit/host.toml"), "{text}");
        text
    })
}

#[test]
fn what_is_left_out_has_its_default() {
    let config = parse(&complete()).unwrap();
    assert_eq!(config.host.as_str(), "db1.prod");
    assert_eq!(config.roles.len(), 2);
    assert_eq!(config.minimum_approvals, 1);
    assert_eq!(config.vendor_group, "jit-vendors");
    assert_eq!(config.log.socket, Path::new("/dev/log"));
    assert_eq!(config.log.format, LogFormat::Cee);
    assert!(parse(&complete().replace("roles = [\"db\", \"web\"]\n", "")).unwrap().roles.is_empty());
}

#[test]
fn everything_can_be_said() {
    let config = parse(&format!(
        "{}minimum_approvals = 2\nvendor_group = \"suppliers\"\n[log]\nsocket = \"/run/jit/log\"\nformat = \"rfc5424\"\n",
        complete()
    ))
    .unwrap();
    assert_eq!((config.minimum_approvals, config.vendor_group.as_str()), (2, "suppliers"));
    assert_eq!(
        (config.log.socket.as_path(), config.log.format),
        (Path::new("/run/jit/log"), LogFormat::Rfc5424)
    );
}

#[test]
fn the_age_of_the_bundle_is_a_span() {
    let with = |span: &str| parse(&format!("{}trust_max_age = {span}\n", complete()));
    assert_eq!(parse(&complete()).unwrap().trust_max_age, None);
    assert_eq!(with("\"24h\"").unwrap().trust_max_age, Some(86_400));
    assert_eq!(with("\"7d\"").unwrap().trust_max_age, Some(604_800));
    for wrong in ["\"soon\"", "\"0s\"", "\"367d\"", "\"-1h\""] {
        let said = with(wrong).unwrap_err();
        assert_eq!(
            said,
            "/etc/jit/host.toml, line 7, field `trust_max_age`: must be a span like 24h or 7d, at most 366d"
        );
    }
    assert!(with("24").unwrap_err().contains("expected a string"));
}

#[test]
fn principals_name_the_host_and_its_roles_and_never_the_bare_account() {
    let account = "acme-support".parse().unwrap();
    assert_eq!(
        parse(&complete()).unwrap().principals(&account),
        ["acme-support@db1.prod", "acme-support@role:db", "acme-support@role:web"]
    );
}

#[test]
fn a_missing_field_is_named() {
    for field in ["host", "authority", "ca_keys", "approvers", "revoked"] {
        let text: String = complete()
            .lines()
            .filter(|line| !line.starts_with(field))
            .map(|line| format!("{line}\n"))
            .collect();
        let error = parse(&text).unwrap_err();
        assert!(error.contains(&format!("missing field `{field}`")), "{error}");
    }
}

#[test]
fn an_unknown_or_repeated_key_is_refused_with_its_line() {
    let error = parse(&format!("{}minimum_aprovals = 2\n", complete())).unwrap_err();
    assert!(error.contains("line 7") && error.contains("unknown field `minimum_aprovals`"), "{error}");
    let error = parse(&format!("{}[log]\nsokcet = \"/dev/log\"\n", complete())).unwrap_err();
    assert!(error.contains("line 8") && error.contains("unknown field `sokcet`"), "{error}");
    let error = parse(&format!("{}host = \"db2.prod\"\n", complete())).unwrap_err();
    assert!(error.contains("line 7") && error.contains("duplicate key"), "{error}");
    let error = parse(&complete().replace("\"web\"", "\"db\"")).unwrap_err();
    assert!(error.contains("line 2, field `roles`: named twice"), "{error}");
}

#[test]
fn a_wrong_value_is_refused_with_its_line_and_field() {
    for (line, from, to, field) in [
        (1, "\"db1.prod\"", "\"DB1\"", "host"),
        (1, "\"db1.prod\"", "\"\"", "host"),
        (1, "\"db1.prod\"", "7", "host"),
        (2, "\"web\"", "\"web,db\"", "roles"),
        (2, "[\"db\", \"web\"]", "\"db\"", "roles"),
        (3, AUTHORITY, "SHA256:short", "authority"),
        (4, "/etc/jit/ca.pub", "ca.pub", "ca_keys"),
        (5, "/etc/jit/approvers", "/etc/../tmp/approvers", "approvers"),
        (6, "/etc/jit/revoked", "", "revoked"),
    ] {
        let error = parse(&complete().replacen(from, to, 1)).unwrap_err();
        assert!(error.contains(&format!("line {line}, field `{field}`: ")), "{error}");
    }
    for (value, field) in [
        ("minimum_approvals = 0", "minimum_approvals"),
        ("minimum_approvals = 9", "minimum_approvals"),
        ("minimum_approvals = -1", "minimum_approvals"),
        ("minimum_approvals = \"2\"", "minimum_approvals"),
        ("vendor_group = \"a b\"", "vendor_group"),
        ("vendor_group = \"\"", "vendor_group"),
        ("vendor_group = \"-x\"", "vendor_group"),
    ] {
        let error = parse(&format!("{}{value}\n", complete())).unwrap_err();
        assert!(error.contains(&format!("line 7, field `{field}`: ")), "{error}");
    }
    let error = parse(&format!("{}[log]\nformat = \"json\"\n", complete())).unwrap_err();
    assert!(error.contains("line 8, field `format`: unknown variant `json`"), "{error}");
}

#[test]
fn hostile_text_is_refused_and_shown_escaped() {
    for hostile in ["db\\u202e1", "db\u{202e}1", "db\\n1", "d\u{431}1", "db1\\u0000"] {
        let error = parse(&complete().replace("db1.prod", hostile)).unwrap_err();
        assert!(error.contains("line 1"), "{error}");
    }
    let error = parse(&format!("{}\"\u{202e}k\" = 1\n", complete())).unwrap_err();
    assert!(error.contains("\\u{202e}k"), "{error}");
    parse(&complete().replace("/etc/jit/ca.pub", "/etc/jit/\\u0007")).unwrap_err();
}

#[test]
fn a_truncated_file_is_refused_wherever_it_ends() {
    let text = complete();
    // The file without its last newline says all that it said.
    for end in 0..text.len() - 1 {
        assert!(parse(&text[..end]).is_err(), "{}", &text[..end]);
    }
}

#[test]
fn bytes_that_are_no_text_are_refused_with_their_line() {
    let mut bytes = complete().into_bytes();
    bytes.extend_from_slice(b"# caf\xe9\n");
    let error = HostConfig::parse(Path::new("/h"), &bytes).unwrap_err().to_string();
    assert_eq!(error, "/h, line 7: not UTF-8 text");
}

#[test]
fn a_file_is_loaded_only_if_it_is_roots_alone_and_small() {
    let scratch = Scratch::new();
    let path = scratch.file("host.toml", complete().as_bytes());
    assert_eq!(HostConfig::load(&path).unwrap().path, path);
    let large = format!("{}# {}\n", complete(), "x".repeat(64 * 1024));
    let path = scratch.file("large.toml", large.as_bytes());
    assert!(HostConfig::load(&path).unwrap_err().to_string().contains("larger than 65536 bytes"));
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o666)).unwrap();
    assert!(HostConfig::load(&path).unwrap_err().to_string().contains("writable by"));
}

#[test]
fn deeply_nested_text_does_not_overflow_the_stack() {
    let nested = format!("x = {}{}\n", "[".repeat(30_000), "]".repeat(30_000));
    assert!(parse(&nested).is_err());
}

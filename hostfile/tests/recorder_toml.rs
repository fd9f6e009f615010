//! What the table `[recorder]` of host.toml may say.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::Path;

use hostfile::{HostConfig, RecorderConfig};

fn parse(table: &str) -> Result<RecorderConfig, String> {
    let text = format!(
        "host = \"db1.prod\"\nauthority = \"SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"\nca_keys = \"/etc/jit/ca.pub\"\n\
         approvers = \"/etc/jit/approvers\"\nrevoked = \"/etc/jit/revoked\"\n[recorder]\n{table}"
    );
    let config = HostConfig::parse(Path::new("/etc/jit/host.toml"), text.as_bytes());
    config.map(|host| host.recorder.unwrap()).map_err(|error| error.to_string())
}

#[test]
fn an_empty_table_has_good_defaults() {
    let recorder = parse("").unwrap();
    assert_eq!(recorder.socket, Path::new("/run/jit/recorder.sock"));
    assert!(recorder.stop_on_audit_failure && recorder.require_scope);
    assert!(!recorder.require_kernel_copy && !recorder.shared_accounts);
    assert_eq!((recorder.segment, recorder.total, recorder.session), (16 << 20, 1 << 30, 256 << 20));
    assert_eq!(recorder.maximum_session, 24 * 3600);
}

#[test]
fn a_spool_that_could_never_begin_a_segment_is_refused_with_its_line() {
    for (table, line) in [
        ("total_kib = 256\n", 7),
        ("segment_kib = 1048576\n", 7),
        ("segment_kib = 128\ntotal_kib = 511\n", 8),
    ] {
        let error = parse(table).unwrap_err();
        assert!(error.contains("must be at least four times segment_kib"), "{table}: {error}");
        assert!(
            error.contains(&format!("line {line}")) || error.contains(&format!(":{line}")),
            "{table}: {error}"
        );
    }
    assert_eq!(parse("segment_kib = 128\ntotal_kib = 512\n").unwrap().total, 512 << 10);
}

#[test]
fn what_is_out_of_bounds_or_unknown_is_refused() {
    for (table, said) in [
        ("maximum_session_minutes = 0\n", "must be 1 to 44640"),
        ("session_kib = 1\n", "must be 64 to"),
        ("on_audit_failure = \"ignore\"\n", "on_audit_failure"),
        ("socket = \"recorder.sock\"\n", "socket"),
        ("quota = 1\n", "quota"),
    ] {
        let error = parse(table).unwrap_err();
        assert!(error.contains(said), "{table}: {error}");
    }
}

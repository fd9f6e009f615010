//! `jit try`: the module's verdict, in words, without logging in.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "host/lib.rs"]
mod host;

use host::{Certificate, Host, OPENS, Ran, at, jit};

fn attempt(host: &Host, certificate: &Certificate, more: &[&str]) -> Ran {
    let (config, opens) = (host.config(), at(OPENS));
    let mut args = vec!["try", certificate.path(), "--config", &config];
    for (option, default) in
        [("--account", "acme-support"), ("--from", "192.0.2.7"), ("--at", opens.as_str())]
    {
        if !more.contains(&option) {
            args.extend([option, default]);
        }
    }
    host.jit(&[&args, more].concat())
}

fn code(host: &Host, certificate: &Certificate, more: &[&str]) -> String {
    let ran = attempt(host, certificate, &[more, &["--json"]].concat());
    let json: serde_json::Value = serde_json::from_str(&ran.out).unwrap_or_else(|e| panic!("{e}: {ran:?}"));
    assert_eq!(ran.code, i32::from(json["verdict"] == "refuse"), "{ran:?}");
    json["code"].as_str().unwrap_or("-").to_owned()
}

#[test]
fn a_login_in_scope_is_allowed_and_its_terms_are_shown() {
    let host = Host::new();
    let certificate = host.certificate(|text| text);
    let key = host.public("jo").fingerprint();
    let ran = attempt(&host, &certificate, &[]);
    assert_eq!(
        ran.out,
        format!(
            "allow: acme-support on db1.prod from 192.0.2.7
  at           2026-11-24T14:00:00Z
  person       acme/jo
  grant        G-7F3K9Q, sha256 {}
  window       2026-11-24T14:00:00Z to 2026-11-24T14:30:00Z
  from         any
  features     pty,sftp
  reason       restore the billing index
  ticket       OPS-1234
  approved by  kim
  certificate  serial 7, until 2026-11-24T14:05:00Z
  key          {key}
",
            certificate.digest
        )
    );
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
}

#[test]
fn the_edges_of_the_window_are_exact() {
    let host = Host::new();
    let certificate = host.certificate(|text| text);
    assert_eq!(code(&host, &certificate, &["--at", &at(OPENS)]), "-");
    assert_eq!(code(&host, &certificate, &["--at", &at(OPENS - 1)]), "not-yet-open");
    assert_eq!(code(&host, &certificate, &["--at", &at(OPENS + 299)]), "-");
    assert_eq!(code(&host, &certificate, &["--at", &at(OPENS + 300)]), "certificate-expired");
    assert_eq!(code(&host, &certificate, &["--at", &at(OPENS + 1800)]), "closed");
}

#[test]
fn what_is_out_of_scope_is_refused_with_its_reason() {
    let host = Host::new();
    let refused = |from: &str, to: &str, more: &[&str]| {
        let certificate = host.certificate(|text| text.replace(from, to));
        code(&host, &certificate, more)
    };
    assert_eq!(refused("db1.prod", "db2.prod", &[]), "other-host");
    assert_eq!(refused("x", "x", &["--account", "ada"]), "other-account");
    assert_eq!(refused("from: any", "from: 198.51.100.0/24", &[]), "other-source");
    assert_eq!(refused("from: any", "from: 198.51.100.0/24", &["--from", "198.51.100.9"]), "-");
    assert_eq!(refused("from: any", "from: 198.51.100.0/24", &["--from", "::ffff:198.51.100.9"]), "-");
    assert_eq!(refused("uses: unlimited", "uses: 1", &[]), "not-enforced");
    assert_eq!(refused("approvals: 1", "approvals: 2", &[]), "too-few-approvals");
}

#[test]
fn a_refusal_says_what_the_person_would_be_told() {
    let host = Host::new();
    let certificate = host.certificate(|text| text);
    let ran = attempt(&host, &certificate, &["--at", "2026-11-24T13:35:00Z"]);
    assert_eq!(ran.code, 1);
    assert!(ran.out.starts_with("refuse: grant G-7F3K9Q opens at 14:00 UTC, in 25 minutes"), "{}", ran.out);
    assert!(ran.out.contains("\n  code         not-yet-open\n"), "{}", ran.out);
}

#[test]
fn a_revoked_grant_is_refused() {
    let host = Host::new();
    let certificate = host.certificate(|text| text);
    for entry in [
        format!("grant: {}", certificate.digest),
        "serial: 7".into(),
        "person: acme/jo".into(),
        "vendor: acme".into(),
    ] {
        host.write(
            "jit/revoked",
            &format!("pam-jit revoked 1\nauthority: {}\n{entry}\nend: 1\n", host.authority),
        );
        assert_eq!(code(&host, &certificate, &[]), "revoked", "{entry}");
    }
}

#[test]
fn an_account_that_is_no_vendor_account_is_refused_whatever_its_grant_says() {
    let host = Host::new();
    let certificate = host.certificate(|text| text.replace("accounts: acme-support", "accounts: ada,root"));
    for account in ["ada", "root"] {
        assert_eq!(code(&host, &certificate, &["--account", account]), "not-a-vendor-account");
    }
}

#[test]
fn files_that_the_module_would_refuse_are_an_error() {
    let host = Host::new();
    let certificate = host.certificate(|text| text);
    host.chmod("jit/approvers", 0o666);
    let ran = attempt(&host, &certificate, &[]);
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    let error = format!(
        "error: {} is writable by its group and others (mode 0666): chmod go-w ",
        host.at("jit/approvers").display()
    );
    assert!(ran.err.starts_with(&error), "{}", ran.err);
}

#[test]
fn a_file_that_is_no_certificate_is_refused_with_a_hint() {
    let host = Host::new();
    let config = host.config();
    for (name, says) in [
        ("jo.pub", "a plain public key"),
        ("jo", "a private key"),
        ("jit/host.toml", "not an OpenSSH certificate line"),
    ] {
        let path = host.at(name).display().to_string();
        let ran =
            jit(&["try", &path, "--account", "acme-support", "--from", "192.0.2.7", "--config", &config]);
        assert_eq!((ran.code, ran.out.as_str()), (1, ""));
        assert!(ran.err.starts_with(&format!("error: {path} is refused: {says}")), "{}", ran.err);
        assert!(
            ran.err.ends_with("\nhint: give the file that `ca sign` wrote, NAME-cert.pub\n"),
            "{}",
            ran.err
        );
    }
    std::fs::write(host.at("large"), vec![b'x'; 200_000]).unwrap();
    for (name, says) in
        [("gone", "cannot read"), ("large", "larger than any certificate"), ("pam.d", "cannot read")]
    {
        let ran = jit(&["try", host.at(name).to_str().unwrap(), "--account", "a", "--from", "::1"]);
        assert!(ran.code == 1 && ran.err.contains(says), "{ran:?}");
    }
}

#[test]
fn a_certificate_is_read_from_standard_input() {
    let host = Host::new();
    host.certificate(|text| text);
    let (config, opens) = (host.config(), at(OPENS));
    let line =
        format!("{} try - --account acme-support --from ::1 --at {opens} --config {config} < @", host::JIT);
    let ran = host.inside(&["sh", "-c", &line.replace('@', host.at("jo-cert.pub").to_str().unwrap())]);
    assert!(ran.code == 0 && ran.out.starts_with("allow: acme-support on db1.prod from ::1\n"), "{ran:?}");
}

#[test]
fn wrong_usage_exits_2_and_help_has_examples() {
    for args in [
        &["try", "x"][..],
        &["try", "x", "--account", "a", "--from", "home"],
        &["try", "x", "--account", "a", "--from", "::1", "--at", "tomorrow"],
        &["check", "--nonsense"],
        &[],
    ] {
        assert_eq!(jit(args).code, 2, "{args:?}");
    }
    for args in [&["--help"][..], &["try", "--help"], &["check", "--help"], &["principals", "--help"]] {
        let ran = jit(args);
        assert!(ran.code == 0 && ran.out.contains("Example"), "{ran:?}");
    }
}

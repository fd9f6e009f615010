//! `jit principals`: exact lines for a vendor, nothing on any doubt.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "host/lib.rs"]
mod host;

use host::{Host, PAM_ACCOUNT, PAM_FIRST, PAM_LAST, Ran, jit};

/// What sshd runs, as it runs it: as nobody.
fn principals(host: &Host, args: &[&str]) -> Ran {
    let config = host.config();
    let as_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs"];
    host.inside(&[as_nobody.as_slice(), &[host::JIT, "principals", "--config", &config], args].concat())
}

fn printed(lines: &[&str]) -> Ran {
    Ran { code: 0, out: lines.iter().map(|line| format!("{line}\n")).collect(), err: String::new() }
}

fn nothing() -> Ran {
    Ran { code: 1, out: String::new(), err: String::new() }
}

#[test]
fn nobody_can_list_them_and_no_forwarding_without_a_certificate() {
    let host = Host::new();
    let options = "no-x11-forwarding,no-user-rc,no-port-forwarding";
    assert_eq!(
        principals(&host, &["acme-support"]),
        printed(&[&format!("{options} acme-support@db1.prod"), &format!("{options} acme-support@role:db")])
    );
}

#[test]
fn the_certificates_grant_decides_about_the_options() {
    let host = Host::new();
    for (features, options) in [
        ("pty,sftp", "no-x11-forwarding,no-user-rc,no-agent-forwarding,no-port-forwarding"),
        ("-", "no-x11-forwarding,no-user-rc,no-pty,no-agent-forwarding,no-port-forwarding"),
        (
            "pty,forward=[2001:db8::1]:22,forward=db:5432,agent",
            "no-x11-forwarding,no-user-rc,permitopen=\"[2001:db8::1]:22\",permitopen=\"db:5432\",permitlisten=\"localhost:1\"",
        ),
    ] {
        let certificate =
            host.certificate(|text| text.replace("features: pty,sftp", &format!("features: {features}")));
        assert_eq!(
            principals(&host, &["acme-support", &certificate.base64]),
            printed(&[
                &format!("{options} acme-support@db1.prod"),
                &format!("{options} acme-support@role:db")
            ])
        );
    }
}

#[test]
fn without_the_modules_two_session_lines_nobody_is_named() {
    let sound = "no-x11-forwarding,no-user-rc,no-port-forwarding acme-support@db1.prod\n";
    let guarded = |first: &str, last: &str| {
        let host = Host::new();
        host.write_sshd_pam(PAM_ACCOUNT, first, last);
        let ran = principals(&host, &["acme-support"]);
        assert!(ran == nothing() || ran.out.starts_with(sound), "{ran:?}");
        ran.code == 0
    };
    let optional = |lines: &str| lines.replace("requisite", "optional").replace("required", "optional");
    let aside = |lines: &str| format!("session sufficient pam_permit.so\n{lines}");
    let out = |lines: &str| lines.replace("session  ", "#session  ");
    assert!(guarded(PAM_FIRST, PAM_LAST));
    for (first, last) in [
        (String::new(), String::new()),
        (PAM_FIRST.to_owned(), String::new()),
        (String::new(), PAM_LAST.to_owned()),
        (out(PAM_FIRST), PAM_LAST.to_owned()),
        (optional(PAM_FIRST), PAM_LAST.to_owned()),
        (PAM_FIRST.to_owned(), optional(PAM_LAST)),
        (aside(PAM_FIRST), PAM_LAST.to_owned()),
        (PAM_FIRST.to_owned(), aside(PAM_LAST)),
        (PAM_FIRST.replace("notingroup", "ingroup"), PAM_LAST.to_owned()),
        (PAM_FIRST.replace("pam_jit.so", "pam_permit.so"), PAM_LAST.to_owned()),
    ] {
        assert!(!guarded(&first, &last), "{first}---\n{last}");
    }
}

#[test]
fn another_name_of_sshds_service_can_be_given_and_what_nobody_can_read_guards_nothing() {
    let host = Host::new();
    let named = |name: &str| principals(&host, &["--pam-service", name, "acme-support"]);
    assert_eq!(named("sshd").code, 0);
    assert_eq!(named("vendors"), nothing(), "there is no such service");
    std::fs::copy(host.at("pam.d/sshd"), host.at("pam.d/vendors")).unwrap();
    assert_eq!(named("vendors").code, 0);
    for wrong in ["", "../pam.d/sshd", "/etc/pam.d/sshd", ".sshd"] {
        assert_eq!(named(wrong).code, 2, "{wrong:?}");
    }
    host.chmod("pam.d/sshd", 0o640);
    assert_eq!(principals(&host, &["acme-support"]), nothing());
    let explained = principals(&host, &["--explain", "acme-support"]);
    assert!(explained.err.contains("pam.d/sshd cannot be read"), "{explained:?}");
}

#[test]
fn nothing_is_printed_for_an_account_that_is_no_vendor_account() {
    let host = Host::new();
    for account in
        ["root", "ada", "nobody", "gone", "", "acme-support ", "acme-support@db1.prod", "a\u{202e}b"]
    {
        assert_eq!(principals(&host, &["--", account]), nothing(), "{account:?}");
    }
    host.replace("etc/passwd", "acme-support:x:2001:", "acme-support:x:999:");
    assert_eq!(principals(&host, &["acme-support"]), nothing());
}

#[test]
fn nothing_is_printed_for_a_certificate_of_another_place() {
    let host = Host::new();
    for (from, to) in [
        ("hosts: db1.prod", "hosts: db2.prod"),
        ("hosts: db1.prod\nroles: -", "hosts: -\nroles: web"),
        ("accounts: acme-support", "accounts: acme-admin"),
        (host.authority.as_str(), "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
    ] {
        let certificate = host.certificate(|text| text.replace(from, to));
        assert_eq!(principals(&host, &["acme-support", &certificate.base64]), nothing(), "{to}");
    }
    let role = host.certificate(|text| text.replace("hosts: db1.prod\nroles: -", "hosts: -\nroles: db"));
    assert_eq!(principals(&host, &["acme-support", &role.base64]).code, 0);
}

#[test]
fn nothing_is_printed_for_a_key_that_is_no_certificate_of_a_grant() {
    let host = Host::new();
    let certificate = host.certificate(|text| text);
    let plain = host.public("jo").to_line();
    let large = "A".repeat(100_000);
    for key in ["", "AAAA", "not base64", plain.split(' ').nth(1).unwrap(), &certificate.base64[..80], &large]
    {
        assert_eq!(principals(&host, &["acme-support", key]), nothing(), "{key}");
    }
    let mut altered = certificate.base64.clone().into_bytes();
    for at in (0..altered.len()).step_by(97) {
        let byte = altered[at];
        altered[at] = if byte == b'A' { b'B' } else { b'A' };
        let text = String::from_utf8(altered.clone()).unwrap();
        // Bytes that this command does not read may differ; it never says more than for the real one.
        let ran = principals(&host, &["acme-support", &text]);
        assert!(
            ran == nothing() || ran == principals(&host, &["acme-support", &certificate.base64]),
            "byte {at}: {ran:?}"
        );
        altered[at] = byte;
    }
}

#[test]
fn nothing_is_printed_when_the_configuration_is_in_doubt() {
    let host = Host::new();
    host.chmod("jit/host.toml", 0o664);
    assert_eq!(principals(&host, &["acme-support"]), nothing());
    host.chmod("jit/host.toml", 0o600);
    assert_eq!(principals(&host, &["acme-support"]), nothing());
    let explained = principals(&host, &["acme-support", "--explain"]);
    assert_eq!((explained.code, explained.out.as_str()), (1, ""));
    assert!(
        explained.err.starts_with("error: ") && explained.err.contains("Permission denied"),
        "{explained:?}"
    );
    host.write("jit/host.toml", "host = ");
    assert_eq!(principals(&host, &["acme-support"]), nothing());
}

#[test]
fn a_missing_group_is_a_doubt() {
    let host = Host::new();
    host.replace("etc/group", "jit-vendors:x:2000:acme-support\n", "");
    assert_eq!(principals(&host, &["acme-support"]), nothing());
}

#[test]
fn wrong_usage_exits_2() {
    assert_eq!(jit(&["principals"]).code, 2);
    assert_eq!(jit(&["principals", "a", "b", "c"]).code, 2);
}

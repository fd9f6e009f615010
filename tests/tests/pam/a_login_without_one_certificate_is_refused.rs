//! What sshd shows PAM is empty, absent, doubled, too much or not a certificate: a vendor is refused, each time with its reason.

use e2e::forge;
use e2e::pam_host::{PamHost, SUCCESS, connection, shown};
use e2e::raw_certificate::HOST;
use e2e::world::ACCOUNT;

use crate::assert_refused;

#[test]
fn a_sound_login_enters_and_is_closed() {
    let pam = PamHost::new();
    let sound = shown(&pam.certificate().sign(&pam.forge.ca_key));
    let answer = pam.drive("sshd", ACCOUNT, &format!("{}account\n{sound}open\nclose\n", connection()));
    assert_eq!(
        (answer.code("account"), answer.code("open"), answer.code("close")),
        (SUCCESS, SUCCESS, SUCCESS),
        "{answer:?}"
    );
    assert!(answer.told().is_empty(), "{answer:?}");
    for event in ["session.open", "session.close"] {
        drop(pam.host.wait_for_log(event, |line| line.contains(event)));
        assert_eq!(pam.host.log_lines().iter().filter(|line| line.contains(event)).count(), 1, "{event}");
    }
}

#[test]
fn an_empty_certificate_passes_the_account_phase_and_never_the_session() {
    let pam = PamHost::new();
    let answer = pam.drive("sshd", ACCOUNT, &format!("{}account\nopen\n", connection()));
    assert_eq!(answer.code("account"), SUCCESS, "sshd shows the certificate later: {answer:?}");
    assert_refused(&pam, &answer, "open", "no-certificate");
}

#[test]
fn a_service_that_shows_no_certificate_is_refused_in_both_phases() {
    let pam = PamHost::new();
    for step in ["account", "open"] {
        assert_refused(&pam, &pam.drive("sshd", ACCOUNT, &format!("{step}\n")), step, "not-over-ssh");
    }
}

#[test]
fn a_certificate_that_is_shown_early_is_checked_early() {
    let pam = PamHost::new();
    let mut fields = pam.forge.fields(&pam.jo);
    fields.hosts = ["db2.prod".parse().expect("a host's name")].into();
    let elsewhere = pam.forge.approved(&forge::grant(fields), &[&pam.kim], &pam.jo).sign(&pam.forge.ca_key);
    let answer = pam.drive("sshd", ACCOUNT, &format!("{}{}account\n", connection(), shown(&elsewhere)));
    assert_refused(&pam, &answer, "account", "other-host");
    let sound = pam.certificate().sign(&pam.forge.ca_key);
    assert_eq!(
        pam.drive("sshd", ACCOUNT, &format!("{}{}account\n", connection(), shown(&sound))).code("account"),
        SUCCESS
    );
}

#[test]
fn two_certificates_are_refused_and_a_second_method_is_not() {
    let pam = PamHost::new();
    let sound = shown(&pam.certificate().sign(&pam.forge.ca_key));
    let sound = sound.trim_end().to_owned();
    let (_, value) = sound.split_once('=').expect("NAME=VALUE");
    let twice = pam.drive("sshd", ACCOUNT, &format!("{}{sound}{value}\nopen\n", connection()));
    assert_refused(&pam, &twice, "open", "two-certificates");
    let with_password = pam.drive("sshd", ACCOUNT, &format!("{}{sound}password\\n\nopen\n", connection()));
    assert_eq!(with_password.code("open"), SUCCESS, "{with_password:?}");
}

#[test]
fn a_plain_key_and_text_that_sshd_never_writes_are_refused() {
    let pam = PamHost::new();
    let key = pam.jo.public_line();
    let key: Vec<&str> = key.split(' ').take(2).collect();
    for (value, code) in [
        (format!("publickey {}\\n", key.join(" ")), "no-certificate"),
        ("password\\n".into(), "no-certificate"),
        ("publickey ssh-ed25519-cert-v01@openssh.com !!!!\\n".into(), "auth-info"),
        ("publickey\\n".into(), "no-certificate"),
        ("publickey ssh-ed25519-cert-v01@openssh.com AAAA\\n".into(), "certificate-unreadable"),
        ("\u{202e}publickey\\n".into(), "auth-info"),
    ] {
        let answer =
            pam.drive("sshd", ACCOUNT, &format!("{}env SSH_AUTH_INFO_0={value}\nopen\n", connection()));
        assert_refused(&pam, &answer, "open", code);
    }
}

#[test]
fn too_much_of_anything_is_refused() {
    let pam = PamHost::new();
    let mut large = pam.certificate();
    large.extensions.push(("zz@example".into(), "x".repeat(70_000)));
    assert_refused(&pam, &pam.login(&large.sign(&pam.forge.ca_key)), "open", "certificate-too-large");
    large.extensions.push(("zzz@example".into(), "x".repeat(100_000)));
    assert_refused(&pam, &pam.login(&large.sign(&pam.forge.ca_key)), "open", "auth-info");
    let text = "a".repeat(4 * 1024 * 1024);
    let answer = pam.drive("sshd", ACCOUNT, &format!("{}env SSH_AUTH_INFO_0={text}\nopen\n", connection()));
    assert_refused(&pam, &answer, "open", "auth-info");
}

#[test]
fn a_host_certificate_used_as_a_user_certificate_is_refused() {
    let pam = PamHost::new();
    let mut certificate = pam.certificate();
    certificate.kind = HOST;
    assert_refused(&pam, &pam.login(&certificate.sign(&pam.forge.ca_key)), "open", "not-a-user-certificate");
}

#[test]
fn a_certificate_of_another_ca_is_refused() {
    let pam = PamHost::new();
    let folder = tempfile::tempdir().expect("a scratch folder");
    let other = e2e::forge::Forge::alone(folder.path());
    assert_refused(&pam, &pam.login(&pam.certificate().sign(&other.ca_key)), "open", "untrusted-authority");
}

#[test]
fn a_grant_for_another_source_address_is_refused() {
    let pam = PamHost::new();
    let mut fields = pam.forge.fields(&pam.jo);
    fields.sources = "198.51.100.0/24".parse().expect("a network");
    let certificate = pam.forge.approved(&forge::grant(fields), &[&pam.kim], &pam.jo).sign(&pam.forge.ca_key);
    assert_refused(&pam, &pam.login(&certificate), "open", "other-source");
    let from = |connection: &str| {
        let steps = format!("env SSH_CONNECTION={connection}\n{}open\n", shown(&certificate));
        pam.drive("sshd", ACCOUNT, &steps)
    };
    assert_eq!(from("198.51.100.9 50512 192.0.2.1 22").code("open"), SUCCESS);
    assert_eq!(from("::ffff:198.51.100.9 50512 ::ffff:192.0.2.1 22").code("open"), SUCCESS);
    assert_refused(&pam, &from("198.51.101.9 50512 192.0.2.1 22"), "open", "other-source");
    for unknown in ["", "vendor.example 50512 192.0.2.1 22", "198.51.100.9", "UNKNOWN 65535 UNKNOWN 65535"] {
        assert_refused(&pam, &from(unknown), "open", "source-unknown");
    }
}

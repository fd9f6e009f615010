//! Every door that sshd's configuration can open has its finding, asked of a real sshd.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "host/lib.rs"]
mod host;

use std::collections::BTreeSet;

use host::Host;

/// Asserts that replacing `from` by `to` in sshd_config opens exactly these doors.
#[track_caller]
fn opens(from: &str, to: &str, expected: &[u64]) {
    let host = Host::new();
    host.replace("sshd_config", from, to);
    let (numbers, json) = host.findings();
    assert_eq!(numbers, expected.iter().copied().collect::<BTreeSet<_>>(), "{from:?} -> {to:?}: {json:#}");
}

#[test]
fn a_sound_host_has_no_finding() {
    let (numbers, json) = Host::new().findings();
    assert!(numbers.is_empty(), "{json:#}");
    assert_eq!(json["accounts"], serde_json::json!(["acme-support"]));
    assert_eq!(json["host"], "db1.prod");
}

#[test]
fn a_host_set_up_with_the_shipped_texts_has_no_finding() {
    let here = |text: &str| {
        text.replace("/usr/bin/jit", "@JIT --config @/jit/host.toml")
            .replace("/etc/jit/", "@/jit/")
            .replace("pam_jit.so", "@/pam_jit.so config=@/jit/host.toml")
    };
    let host = Host::new();
    let block = here(include_str!("../../packaging/sshd/50-pam-jit.conf"));
    host.write_sshd_config(&format!("UsePAM yes\n{block}"));
    let account = here(include_str!("../../packaging/pam/account.txt"));
    let first = here(include_str!("../../packaging/pam/session-first.txt"));
    let last = here(include_str!("../../packaging/pam/session-last.txt"));
    host.write_sshd_pam(&account, &first, &last);
    let (numbers, json) = host.findings();
    assert!(numbers.is_empty(), "{json:#}");
}

#[test]
fn every_other_way_to_authenticate_is_found() {
    opens("PasswordAuthentication no", "PasswordAuthentication yes", &[301]);
    opens("    PasswordAuthentication no\n", "", &[301]);
    opens("KbdInteractiveAuthentication no", "KbdInteractiveAuthentication yes", &[302]);
    opens("HostbasedAuthentication no", "HostbasedAuthentication yes", &[303]);
    opens("HostbasedAuthentication no", "GSSAPIAuthentication yes", &[304]);
    opens("HostbasedAuthentication no", "KerberosAuthentication yes", &[305]);
    opens("HostbasedAuthentication no", "PermitEmptyPasswords yes", &[306]);
    opens("    AuthorizedKeysFile none\n", "", &[307]);
    opens("AuthorizedKeysFile none", "AuthorizedKeysFile /etc/ssh/keys/%u", &[307]);
    let (last, command) =
        ("GatewayPorts no", "AuthorizedKeysCommand /usr/bin/keys\n AuthorizedKeysCommandUser nobody");
    opens(last, command, &[308]);
    opens("UsePAM yes", &format!("UsePAM yes\n{command}"), &[308]);
    opens("    AuthenticationMethods publickey\n", "", &[309]);
    opens("AuthenticationMethods publickey", "AuthenticationMethods publickey,keyboard-interactive", &[310]);
    opens("AuthenticationMethods publickey", "AuthenticationMethods publickey password", &[309]);
    opens("PubkeyAuthentication yes", "PubkeyAuthentication no", &[311]);
}

/// Asserts what is found after `spoil`.
#[track_caller]
fn finds(expected: &[u64], spoil: impl Fn(&Host)) {
    let host = Host::new();
    spoil(&host);
    let (numbers, json) = host.findings();
    assert_eq!(numbers, expected.iter().copied().collect::<BTreeSet<_>>(), "{json:#}");
}

/// The line of sshd_config that begins with `keyword` inside the Match block, replaced.
fn set(host: &Host, keyword: &str, value: Option<&str>) {
    let text = std::fs::read_to_string(host.at("sshd_config")).unwrap();
    let line = text.lines().find(|line| line.starts_with(&format!("    {keyword} "))).unwrap().to_owned();
    host.replace(
        "sshd_config",
        &line,
        &value.map_or_else(String::new, |value| format!("    {keyword} {value}")),
    );
}

#[test]
fn a_missing_or_other_ca_is_found() {
    finds(&[401], |host| set(host, "TrustedUserCAKeys", None));
    finds(&[402], |host| {
        host.write("jit/other.pub", &format!("{}\n", host.public("kim").to_line()));
        set(host, "TrustedUserCAKeys", Some("@/jit/other.pub"));
    });
    finds(&[402], |host| set(host, "TrustedUserCAKeys", Some("@/jit/gone.pub")));
    // Another file with the same key is the same CA.
    finds(&[], |host| {
        host.write("jit/same.pub", &format!("{} comment\n", host.public("ca").to_line()));
        set(host, "TrustedUserCAKeys", Some("@/jit/same.pub"));
    });
}

#[test]
fn a_missing_or_unsafe_revocation_list_is_found() {
    finds(&[403], |host| set(host, "RevokedKeys", None));
    finds(&[404], |host| set(host, "RevokedKeys", Some("@/jit/gone")));
    finds(&[404], |host| host.write("jit/krl", ""));
    finds(&[404], |host| host.chmod("jit/krl", 0o666));
}

#[test]
fn principals_that_jit_does_not_list_are_found() {
    let command = "AuthorizedPrincipalsCommand";
    finds(&[405], |host| set(host, command, Some("none")));
    finds(&[405], |host| set(host, command, Some("/usr/bin/principals %u %k")));
    finds(&[405], |host| set(host, command, Some("@JIT --config @/jit/host.toml principals %k %u")));
    finds(&[405], |host| set(host, command, Some("@JIT --config /etc/jit/host.toml principals %u %k")));
    finds(&[406], |host| set(host, command, Some("@JIT --config @/jit/host.toml principals %u")));
    finds(&[409], |host| {
        set(host, command, Some("/usr/bin/gone/jit --config=@/jit/host.toml principals %u %k"))
    });
    finds(&[408], |host| set(host, "AuthorizedPrincipalsCommandUser", Some("root")));
    finds(&[407], |host| {
        set(host, "HostbasedAuthentication", Some("no\n AuthorizedPrincipalsFile /etc/ssh/principals/%u"))
    });
}

#[test]
fn the_advice_against_a_global_keys_command_does_not_cost_the_principals() {
    // In a Match block, OpenSSH 9.2 forgets an AuthorizedPrincipalsCommand that follows an
    // AuthorizedKeysCommand, even `none`: so the advice says where to put it.
    let global = "UsePAM yes\nAuthorizedKeysCommand /usr/bin/keys\nAuthorizedKeysCommandUser nobody";
    finds(&[], |host| {
        host.replace("sshd_config", "UsePAM yes", global);
        set(host, "GatewayPorts", Some("no\n    AuthorizedKeysCommand none"));
    });
}

#[test]
fn algorithms_that_shut_our_certificates_out_are_found() {
    finds(&[410], |host| {
        set(host, "HostbasedAuthentication", Some("no\n PubkeyAcceptedAlgorithms ssh-ed25519"))
    });
    finds(&[410], |host| {
        set(host, "HostbasedAuthentication", Some("no\n CASignatureAlgorithms rsa-sha2-512"))
    });
}

#[test]
fn our_ca_trusted_for_root_and_administrators_is_found() {
    let global = |words: &str| format!("UsePAM yes\n{words}\n");
    finds(&[411], |host| {
        host.replace("sshd_config", "UsePAM yes\n", &global("TrustedUserCAKeys @/jit/ca.pub"))
    });
    finds(&[411], |host| {
        host.write("jit/same.pub", &format!("{}\n", host.public("ca").to_line()));
        host.replace("sshd_config", "UsePAM yes\n", &global("TrustedUserCAKeys @/jit/same.pub"));
    });
    finds(&[412], |host| host.replace("sshd_config", "UsePAM yes\n", &global("RevokedKeys @/jit/krl")));
    // The company's own CA for its own people is none of our business.
    finds(&[], |host| {
        host.write("jit/staff.pub", &format!("{}\n", host.public("jo").to_line()));
        host.replace("sshd_config", "UsePAM yes\n", &global("TrustedUserCAKeys @/jit/staff.pub"));
    });
}

#[test]
fn everything_beyond_the_grants_features_is_found() {
    opens("AllowTcpForwarding local", "AllowTcpForwarding yes", &[501]);
    opens("AllowTcpForwarding local", "AllowTcpForwarding remote", &[501]);
    opens("    AllowTcpForwarding local\n", "", &[501]);
    opens("PermitListen none", "PermitListen 8080", &[502]);
    opens("    PermitListen none\n", "", &[502]);
    opens("    AllowStreamLocalForwarding no\n", "", &[503]);
    opens("    X11Forwarding no\n", "", &[504]);
    opens("PermitTunnel no", "PermitTunnel yes", &[505]);
    opens("    PermitUserRC no\n", "", &[506]);
    opens("UsePAM yes", "UsePAM yes\nPermitUserEnvironment yes", &[507]);
    opens("UsePAM yes", "UsePAM yes\nPermitUserEnvironment LANG", &[507]);
    opens("GatewayPorts no", "GatewayPorts clientspecified", &[508]);
    opens("GatewayPorts no", "GatewayPorts no\n ForceCommand internal-sftp", &[509]);
    opens("/usr/lib/openssh/sftp-server -l INFO", "internal-sftp", &[510]);
    opens("UsePAM yes", "UsePAM no", &[601]);
}

#[test]
fn a_door_that_is_open_for_some_addresses_only_is_found() {
    let block = "Match Group jit-vendors\n";
    opens(block, "Match Address 10.0.0.0/8\n PasswordAuthentication yes\nMatch Group jit-vendors\n", &[301]);
    opens(block, "Match LocalPort 2222\n PermitUserRC yes\nMatch Group jit-vendors\n", &[506]);
    opens(
        block,
        "Match Host *.example Address 2001:db8:9::/48\n PermitTunnel yes\nMatch Group jit-vendors\n",
        &[505],
    );
    // The block itself holds for one network only, so everything is open from elsewhere.
    let host = Host::new();
    host.replace("sshd_config", block, "Match Group jit-vendors Address 10.0.0.0/8\n");
    let (numbers, _) = host.findings();
    assert!(numbers.is_superset(&BTreeSet::from([301, 302, 307, 309, 401, 403, 405, 501])), "{numbers:?}");
}

#[test]
fn an_sshd_that_does_not_answer_is_found() {
    let host = Host::new();
    host.replace("sshd_config", "UsePAM yes", "UsePAM perhaps");
    let (numbers, json) = host.findings();
    assert_eq!(numbers, BTreeSet::from([801]), "{json:#}");
    assert!(json.to_string().contains("unsupported option \\\"perhaps\\\""), "{json:#}");
    assert!(Host::new().check(&["--sshd", "/nowhere/sshd"]).out.contains("error 801"));
}

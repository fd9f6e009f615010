//! The files that decide access, and the accounts that are vendor accounts.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "host/lib.rs"]
mod host;

use std::collections::BTreeSet;

use host::Host;

/// Asserts what is found after `spoil`.
#[track_caller]
fn finds(expected: &[u64], spoil: impl Fn(&Host)) -> String {
    let host = Host::new();
    spoil(&host);
    let (numbers, json) = host.findings();
    assert_eq!(numbers, expected.iter().copied().collect::<BTreeSet<_>>(), "{json:#}");
    json.to_string()
}

#[test]
fn a_file_that_decides_and_is_missing_broken_or_writable_is_found() {
    // Without host.toml there is nothing to compare sshd's words with; everything else is looked at.
    finds(&[101], |host| host.write("jit/host.toml", "host = \n"));
    finds(&[101], |host| host.chmod("jit/host.toml", 0o664));
    for (name, number) in [("jit/ca.pub", 102), ("jit/approvers", 103), ("jit/revoked", 104)] {
        finds(&[number], |host| host.chmod(name, 0o664));
        finds(&[number], |host| std::fs::remove_file(host.at(name)).unwrap());
        finds(&[number], |host| host.write(name, ""));
    }
    let seen = finds(&[101, 404], |host| host.chmod("jit", 0o777));
    assert!(seen.contains("chmod go-w"), "{seen}");
}

#[test]
fn files_that_contradict_each_other_are_found() {
    finds(&[105], |host| {
        let line = host.public("kim").to_line();
        host.write("jit/ca.pub", &format!("{}\n{line}\n", host.public("ca").to_line()));
    });
    let seen = finds(&[105], |host| {
        let other = host.public("jo").fingerprint();
        host.write("jit/revoked", &format!("pam-jit revoked 1\nauthority: {other}\nend: 0\n"));
    });
    assert!(seen.contains("list of the authority"), "{seen}");
}

#[test]
fn a_configuration_that_nobody_cannot_read_is_found() {
    finds(&[106], |host| host.chmod("jit/host.toml", 0o600));
    finds(&[106], |host| host.chmod("jit", 0o700));
}

#[test]
fn configuration_of_sshd_and_pam_that_others_can_write_is_found() {
    finds(&[107], |host| host.chmod("sshd_config", 0o666));
    finds(&[107], |host| host.chmod("pam.d/sshd", 0o666));
    finds(&[107], |host| {
        host.write("more.conf", "PrintMotd no\n");
        host.replace("sshd_config", "UsePAM yes", "UsePAM yes\nInclude @/*.conf");
        host.chmod("more.conf", 0o666);
    });
}

#[test]
fn a_missing_or_empty_group_is_found() {
    finds(&[201], |host| host.replace("etc/group", "jit-vendors:x:2000:acme-support\n", ""));
    finds(&[202], |host| {
        host.replace("etc/group", "jit-vendors:x:2000:acme-support\n", "jit-vendors:x:2000:\n")
    });
}

#[test]
fn a_vendor_account_that_is_more_than_that_is_found() {
    let passwd = "acme-support:x:2001:2001::/:/bin/sh\n";
    finds(&[203], |host| {
        host.replace("etc/passwd", passwd, "acme-support:x:999:2001::/:/bin/sh\n");
    });
    finds(&[204], |host| host.replace("etc/passwd", passwd, "acme-support:x:0:2001::/:/bin/sh\n"));
    for group in ["sudo:x:27:ada", "docker:x:28:"] {
        let seen = finds(&[205], |host| {
            host.replace("etc/group", group, &format!("{group},acme-support").replace(":,", ":"))
        });
        assert!(seen.contains("acme-support"), "{seen}");
    }
    finds(&[205], |host| host.replace("etc/passwd", passwd, "acme-support:x:2001:27::/:/bin/sh\n"));
    finds(&[206], |host| {
        host.replace("etc/passwd", passwd, &format!("{passwd}twin:x:2001:1500::/:/bin/sh\n"))
    });
    finds(&[207], |host| host.replace("etc/shadow", "acme-support:*:", "acme-support:$y$hash:"));
}

#[test]
fn a_vendor_account_by_primary_group_is_one_too() {
    let host = Host::new();
    host.replace("etc/group", "jit-vendors:x:2000:acme-support\n", "jit-vendors:x:2000:\n");
    host.replace("etc/passwd", "acme-support:x:2001:2001:", "acme-support:x:2001:2000:");
    let (numbers, json) = host.findings();
    assert!(numbers.is_empty(), "{json:#}");
    assert_eq!(json["accounts"], serde_json::json!(["acme-support"]));
}

#[test]
fn a_finding_names_every_account_that_it_concerns() {
    let host = Host::new();
    host.replace("etc/group", "jit-vendors:x:2000:acme-support", "jit-vendors:x:2000:acme-support,beta");
    host.replace("etc/passwd", "acme-support:", "beta:x:2002:2001::/:/bin/sh\nacme-support:");
    host.replace("sshd_config", "PermitUserRC no", "PermitUserRC yes");
    let ran = host.check(&[]);
    assert_eq!(ran.code, 1);
    let finding = "error 506: ~/.ssh/rc runs\n  seen   PermitUserRC is yes\n  for    acme-support, beta\n";
    assert!(ran.out.contains(finding), "{}", ran.out);
    assert!(ran.out.ends_with("2 vendor accounts: acme-support, beta\n"), "{}", ran.out);
    assert_eq!(ran.err, "");
}

#[test]
fn another_group_in_host_toml_is_the_one_that_counts() {
    let host = Host::new();
    let text = std::fs::read_to_string(host.at("jit/host.toml")).unwrap();
    host.write("jit/host.toml", &format!("{text}vendor_group = \"suppliers\"\n"));
    let (numbers, _) = host.findings();
    // The PAM lines speak of jit-vendors: they let suppliers around, and would stop others.
    assert!(numbers.is_superset(&BTreeSet::from([201, 610])), "{numbers:?}");
}

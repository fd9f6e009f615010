//! The PAM lines: present, in their places, unavoidable for vendors, out of everybody else's way.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "host/lib.rs"]
mod host;

use std::collections::BTreeSet;

use host::{Host, PAM_ACCOUNT, PAM_FIRST, PAM_LAST, PAM_LOGINUID, PAM_REST};

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
fn a_missing_line_is_found() {
    finds(&[603], |host| host.write_sshd_pam("", PAM_FIRST, PAM_LAST));
    finds(&[604], |host| host.write_sshd_pam(PAM_ACCOUNT, "", PAM_LAST));
    finds(&[605], |host| host.write_sshd_pam(PAM_ACCOUNT, PAM_FIRST, ""));
    // A line in a comment is no line.
    finds(&[605], |host| {
        host.write_sshd_pam(PAM_ACCOUNT, PAM_FIRST, &PAM_LAST.replace("session", "#session"))
    });
}

#[test]
fn a_host_that_is_not_set_up_is_told_what_comes_first() {
    let next = |host: &Host| {
        let said = host.check(&[]).out;
        said.lines().find(|line| line.starts_with("next: ")).map(str::to_owned)
    };
    let host = Host::new();
    assert_eq!(next(&host), None);
    host.write_sshd_pam("", "", "");
    assert!(next(&host).unwrap().contains(": `jit setup` writes"), "{:?}", next(&host));
    std::fs::remove_file(host.at("jit/host.toml")).unwrap();
    assert!(next(&host).unwrap().contains(": `jit trust FILE`"), "{:?}", next(&host));
}

#[test]
fn a_missing_or_broken_service_is_found() {
    finds(&[602], |host| std::fs::remove_file(host.at("pam.d/sshd")).unwrap());
    finds(&[602], |host| host.write("pam.d/sshd", "session required\n"));
    finds(&[613], |host| host.chmod("pam.d/sshd", 0o640));
    finds(&[613], |host| host.chmod("pam.d/common-session", 0o600));
    finds(&[602], |host| host.write_sshd_pam("@include gone\n", PAM_FIRST, PAM_LAST));
}

#[test]
fn the_first_line_stands_behind_loginuid_and_before_everything_that_acts() {
    let sshd = |host: &Host, session: &str| {
        host.write("pam.d/sshd", &format!("{PAM_ACCOUNT}@include common-account\n{session}"));
    };
    finds(&[606], |host| sshd(host, &format!("{PAM_FIRST}{PAM_LOGINUID}{PAM_REST}{PAM_LAST}")));
    let seen = finds(&[606], |host| sshd(host, &format!("{PAM_LOGINUID}{PAM_REST}{PAM_FIRST}{PAM_LAST}")));
    assert!(seen.contains("common-session, line 1"), "{seen}");
    let early = "session optional pam_systemd.so\n";
    finds(&[606], |host| sshd(host, &format!("{PAM_LOGINUID}{early}{PAM_FIRST}{PAM_REST}{PAM_LAST}")));
}

#[test]
fn the_last_line_is_the_last() {
    let after = format!("{PAM_LAST}session required pam_env.so\n");
    let seen = finds(&[607], |host| host.write_sshd_pam(PAM_ACCOUNT, PAM_FIRST, &after));
    assert!(seen.contains("pam_env.so stands after it"), "{seen}");
}

#[test]
fn a_missing_or_writable_module_is_found() {
    finds(&[608], |host| std::fs::remove_file(host.at("pam_jit.so")).unwrap());
    finds(&[608], |host| host.chmod("pam_jit.so", 0o666));
    finds(&[608], |host| {
        host.write_sshd_pam(&PAM_ACCOUNT.replace("@/pam_jit.so", "pam_jit.so"), PAM_FIRST, PAM_LAST)
    });
}

#[test]
fn a_refusal_that_does_not_count_is_found() {
    for control in ["optional", "[success=ok default=ignore]"] {
        let first = PAM_FIRST.replace("requisite", control);
        finds(&[609], |host| host.write_sshd_pam(PAM_ACCOUNT, &first, PAM_LAST));
    }
}

#[test]
fn a_sufficient_first_stand_keeps_the_last_from_being_asked() {
    let first = PAM_FIRST.replace("requisite", "sufficient");
    finds(&[609, 610], |host| host.write_sshd_pam(PAM_ACCOUNT, &first, PAM_LAST));
}

#[test]
fn a_way_around_the_module_is_found() {
    let seen = finds(&[610], |host| {
        host.write_sshd_pam(
            &format!("account sufficient pam_localuser.so\n{PAM_ACCOUNT}"),
            PAM_FIRST,
            PAM_LAST,
        );
    });
    assert!(seen.contains("pam_localuser.so"), "{seen}");
    // Another group in the jump: a vendor may be outside of it, and others meet the module.
    let other = PAM_LAST.replace("jit-vendors", "suppliers");
    finds(&[610, 611], |host| host.write_sshd_pam(PAM_ACCOUNT, PAM_FIRST, &other));
    // Both stands are asked about: something between them ends the stack.
    let ends = format!("session sufficient pam_permit.so\n{PAM_LAST}");
    finds(&[610], |host| host.write_sshd_pam(PAM_ACCOUNT, PAM_FIRST, &ends));
}

#[test]
fn a_module_in_the_way_of_administrators_is_found() {
    let bare = "session requisite @/pam_jit.so stage=first config=@/jit/host.toml\n";
    let seen = finds(&[611], |host| host.write_sshd_pam(PAM_ACCOUNT, bare, PAM_LAST));
    assert!(seen.contains("root meets it in sshd"), "{seen}");
    let short = PAM_ACCOUNT.replace("success=2", "success=1");
    finds(&[611], |host| host.write_sshd_pam(&short, PAM_FIRST, PAM_LAST));
}

#[test]
fn a_module_that_reads_another_configuration_is_found() {
    let other = PAM_FIRST.replace(" config=@/jit/host.toml", "");
    finds(&[612], |host| host.write_sshd_pam(PAM_ACCOUNT, &other, PAM_LAST));
}

#[test]
fn another_service_that_lets_vendors_in_is_found() {
    for service in ["su", "login", "cron"] {
        finds(&[620], |host| host.write(&format!("pam.d/{service}"), "@include common-account\n"));
    }
    finds(&[622], |host| host.write("pam.d/sudo", "@include common-account\n"));
    let seen = finds(&[621], |host| host.write("pam.d/vsftpd", "@include common-account\n"));
    assert!(seen.contains("vsftpd"), "{seen}");
    // A service that is not installed lets nobody in; one that denies neither.
    finds(&[], |host| {
        std::fs::remove_file(host.at("pam.d/cron")).unwrap();
        host.write("pam.d/other", "account required pam_deny.so\n");
        host.write("pam.d/vsftpd", "auth required pam_deny.so\n");
        host.write("pam.d/chsh", "@include common-account\n");
    });
}

#[test]
fn the_service_is_the_programs_name_where_sshd_does_not_say() {
    let host = Host::new();
    std::os::unix::fs::symlink("/usr/sbin/sshd", host.at("sshd-jitx")).unwrap();
    let ran = host.check(&["--sshd", host.at("sshd-jitx").to_str().unwrap()]);
    // An sshd that has PAMServiceName says `sshd` whatever its name.
    assert!(ran.out.contains("pam.d/sshd-jitx does not exist") || ran.code == 0, "{ran:?}");
}

//! Promises of the account phase.

use super::*;
use crate::hook::hook;
use crate::scripted::{DOCUMENT, Scripted, Step, auth_info, broken, certificate, refusal};

fn run(login: &mut Scripted) -> PamResultCode {
    hook(login, &[], PamResultCode::PAM_PERM_DENIED, account)
}

#[test]
fn a_service_without_certificates_is_no_way_in() {
    let told = "access refused: this account can be entered only with a grant, over ssh";
    let mut login = Scripted::new(refusal(told, "not-over-ssh"));
    login.auth_info = None;
    login.ssh_connection = None;
    assert_eq!(run(&mut login), PamResultCode::PAM_PERM_DENIED);
    login.done();
}

#[test]
fn an_empty_variable_is_neither_success_nor_refusal() {
    let mut login = Scripted::new([]);
    login.auth_info = Some(Vec::new());
    assert_eq!(run(&mut login), PamResultCode::PAM_IGNORE);
    login.done();
}

#[test]
fn an_empty_variable_in_another_service_is_no_word_of_sshds() {
    let told = "this account can be entered only with a grant, over ssh";
    let mut login = Scripted::new(refusal(told, "not-over-ssh"));
    (login.service, login.auth_info) = ("su", Some(Vec::new()));
    assert_eq!(run(&mut login), PamResultCode::PAM_PERM_DENIED);
    login.done();
}

#[test]
fn a_certificate_that_is_shown_already_is_judged_already() {
    let mut login = Scripted::new([]);
    assert_eq!(run(&mut login), PamResultCode::PAM_SUCCESS);
    login.done();

    let mut login = Scripted::new(refusal("G-7F3K9Q is not for this host", "other-host"));
    let elsewhere = DOCUMENT.replace("db1.prod", "db2.prod");
    login.auth_info = Some(auth_info(&certificate(&elsewhere)));
    assert_eq!(run(&mut login), PamResultCode::PAM_PERM_DENIED);
    login.done();
}

#[test]
fn another_method_than_a_certificate_is_refused() {
    for (info, code) in [
        (&b"password\n"[..], "no-certificate"),
        (b"\n", "no-certificate"),
        (b"publickey ssh-ed25519 AAAA\n", "no-certificate"),
        (b"publickey ssh-ed25519-cert-v01@openssh.com AAAA\n", "certificate-unreadable"),
        (b"\xff", "auth-info"),
    ] {
        let mut login = Scripted::new(refusal("access refused: ", code));
        login.auth_info = Some(info.to_vec());
        assert_eq!(run(&mut login), PamResultCode::PAM_PERM_DENIED);
        assert_eq!(login.last_record().facts.source, Some("192.0.2.7".parse().unwrap()));
        login.done();
    }
}

#[test]
fn unreadable_trust_refuses_where_a_certificate_is_shown() {
    let mut login = Scripted::new(refusal("configuration is not usable", "configuration"));
    login.trust = Err(broken());
    assert_eq!(run(&mut login), PamResultCode::PAM_PERM_DENIED);
    login.done();
}

#[test]
fn sudo_needs_a_session_whose_grant_allows_it() {
    for (recorded, allowed) in [(false, false), (false, true), (true, false)] {
        let told = "does not allow sudo";
        let mut login = match recorded {
            true => Scripted::new([Step::Tell(told), Step::TellRecorder("no-sudo")]),
            false => Scripted::new(refusal(told, "no-sudo")),
        };
        (login.service, login.auth_info, login.may_sudo) = ("sudo", None, allowed);
        if recorded {
            login.config = Ok(crate::scripted::recorded_host());
        }
        assert_eq!(run(&mut login), PamResultCode::PAM_PERM_DENIED);
        login.done();
    }
    let mut login = Scripted::new([]);
    (login.service, login.auth_info, login.may_sudo) = ("sudo", None, true);
    login.config = Ok(crate::scripted::recorded_host());
    assert_eq!(run(&mut login), PamResultCode::PAM_IGNORE);
    login.done();
}

//! Promises of the session phase: the verdict at the first line, the confirmation at the last.

use std::ffi::CStr;

use super::*;
use crate::hook::hook;
use crate::login::Failed;
use crate::scripted::{DOCUMENT, NOW, Scripted, Step, auth_info, broken, certificate, refusal};

const OK: PamResultCode = PamResultCode::PAM_SUCCESS;
const REFUSED: PamResultCode = PamResultCode::PAM_SESSION_ERR;
const UNUSABLE: &str =
    "access refused: this host's access configuration is not usable; tell its administrator";

fn run(login: &mut Scripted, word: &CStr) -> PamResultCode {
    hook(login, &[word], REFUSED, open)
}

/// A login that the first line let in; what the last line shall do is `script`.
fn admitted(script: Vec<Step>) -> Scripted {
    let mut login = Scripted::new([vec![Step::Keep { opened: false }], script].concat());
    assert_eq!(run(&mut login, c"stage=first"), OK);
    login
}

fn opens() -> Vec<Step> {
    vec![Step::Keep { opened: true }, Step::Log("session.open", None)]
}

#[test]
fn a_vendor_with_the_right_scope_enters_and_it_is_logged() {
    let mut login = admitted(opens());
    assert_eq!(run(&mut login, c"stage=last"), OK);
    let facts = &login.last_record().facts;
    assert_eq!(facts.session.as_deref(), Some("S-234567Z2"));
    assert_eq!(facts.grant.as_deref(), Some("G-7F3K9Q"));
    assert_eq!(facts.grant_digest.as_ref().map(String::len), Some(64));
    assert_eq!(facts.vendor.as_deref(), Some("acme"));
    assert_eq!(facts.person.as_deref(), Some("acme/jo"));
    assert_eq!(facts.account.as_deref(), Some("acme-support"));
    assert_eq!(facts.source, Some("192.0.2.7".parse().unwrap()));
    assert_eq!(facts.serial, Some(7));
    assert!(facts.key.as_ref().unwrap().starts_with("SHA256:"));
    assert_eq!(facts.approved_by, ["kim"]);
    assert_eq!(facts.closes, Some(1_795_530_600));
    assert_eq!(facts.reason, None);
    let kept = login.kept.clone().unwrap();
    assert_eq!(kept.session, facts.session, "the end of the session will know its id");
    login.done();
}

#[test]
fn a_session_line_without_a_stage_refuses() {
    let mut login = Scripted::new(refusal(UNUSABLE, "configuration"));
    assert_eq!(hook(&mut login, &[], REFUSED, open), REFUSED);
    assert!(login.last_record().facts.reason_text.as_ref().unwrap().contains("neither stage=first nor"));
    login.done();
}

#[test]
fn the_first_line_refuses_without_a_certificate() {
    for (info, code) in [(None, "not-over-ssh"), (Some(Vec::new()), "no-certificate")] {
        let mut login = Scripted::new(refusal("access refused: ", code));
        login.auth_info = info;
        assert_eq!(run(&mut login, c"stage=first"), REFUSED);
        assert!(login.kept.is_none());
        login.done();
    }
}

#[test]
fn a_refusal_says_why_to_the_person_and_who_claimed_what_to_the_log() {
    let mut login = Scripted::new(refusal("grant G-7F3K9Q is not for this host, db1.prod", "other-host"));
    login.auth_info = Some(auth_info(&certificate(&DOCUMENT.replace("db1.prod", "db2.prod"))));
    assert_eq!(run(&mut login, c"stage=first"), REFUSED);
    let facts = &login.last_record().facts;
    assert_eq!(facts.grant.as_deref(), Some("G-7F3K9Q"));
    assert_eq!(facts.person.as_deref(), Some("acme/jo"));
    assert_eq!(facts.serial, Some(7));
    assert_eq!(facts.source, Some("192.0.2.7".parse().unwrap()));
    assert_eq!(facts.closes, None, "a claim has no terms");
    assert!(facts.approved_by.is_empty());
    login.done();
}

#[test]
fn scope_and_window_are_the_grants() {
    type Change = (&'static str, &'static str, fn(&mut Scripted));
    let changes: [Change; 5] = [
        ("other account", "other-account", |login| login.account = Some(b"root-like".to_vec())),
        ("other source", "other-source", |login| {
            login.ssh_connection = Some(b"203.0.113.9 50512 198.51.100.1 22".to_vec());
        }),
        ("too early", "not-yet-open", |login| login.now = "2026-11-24T13:59:59Z".parse().unwrap()),
        ("too late", "closed", |login| login.now = "2026-11-24T14:30:00Z".parse().unwrap()),
        ("old certificate", "certificate-expired", |login| {
            login.now = "2026-11-24T14:14:00Z".parse().unwrap();
        }),
    ];
    for (name, code, change) in changes {
        let mut login = Scripted::new(refusal("access refused: ", code));
        change(&mut login);
        assert_eq!(run(&mut login, c"stage=first"), REFUSED, "{name}");
        login.done();
    }
}

#[test]
fn the_address_is_ssh_connections_or_nobodys() {
    for connection in [None, Some(b"vendor.example 1 198.51.100.1 22".to_vec())] {
        let mut login = Scripted::new(refusal("the address of this connection", "source-unknown"));
        login.ssh_connection = connection;
        assert_eq!(run(&mut login, c"stage=first"), REFUSED);
        login.done();
    }
    let mut login = Scripted::new([Step::Keep { opened: false }]);
    login.ssh_connection = Some(b"::ffff:192.0.2.7 50512 ::ffff:198.51.100.1 22".to_vec());
    assert_eq!(run(&mut login, c"stage=first"), OK);
    login.done();
}

#[test]
fn unreadable_trust_refuses_at_both_lines_with_the_place_in_the_log_only() {
    let mut login = Scripted::new(refusal(UNUSABLE, "configuration"));
    login.trust = Err(broken());
    assert_eq!(run(&mut login, c"stage=first"), REFUSED);
    assert_eq!(login.last_record().facts.reason_text.as_deref(), Some("/etc/jit/broken does not exist"));
    login.done();

    let mut login = admitted(refusal(UNUSABLE, "configuration"));
    login.trust = Err(broken());
    assert_eq!(run(&mut login, c"stage=last"), REFUSED);
    login.done();
}

#[test]
fn the_last_line_without_the_first_refuses() {
    let mut login = Scripted::new(refusal(UNUSABLE, "configuration"));
    assert_eq!(run(&mut login, c"stage=last"), REFUSED);
    let text = login.last_record().facts.reason_text.clone().unwrap();
    assert!(text.contains("stage=first is missing"), "{text}");
    login.done();
}

#[test]
fn a_second_last_line_refuses() {
    let mut login = admitted([opens(), refusal(UNUSABLE, "configuration")].concat());
    assert_eq!(run(&mut login, c"stage=last"), OK);
    assert_eq!(run(&mut login, c"stage=last"), REFUSED);
    login.done();
}

#[test]
fn an_account_that_changed_in_between_is_refused() {
    let mut login = admitted(refusal("the account changed", "account-changed"));
    login.account = Some(b"acme-admin".to_vec());
    assert_eq!(run(&mut login, c"stage=last"), REFUSED);
    login.done();
}

#[test]
fn the_last_line_looks_at_the_clock_again() {
    let closing = DOCUMENT.replace("closes: 2026-11-24T14:30:00Z", "closes: 2026-11-24T14:14:00Z");
    for (now, document, code) in [
        ("2026-11-24T14:13:59Z", DOCUMENT, None),
        ("2026-11-24T14:14:00Z", DOCUMENT, Some("certificate-expired")),
        ("2026-11-24T14:14:00Z", closing.as_str(), Some("closed")),
        ("2026-11-24T13:59:59Z", DOCUMENT, Some("not-yet-open")),
    ] {
        let script = code.map_or_else(opens, |code| refusal("access refused: ", code));
        let mut login = Scripted::new([vec![Step::Keep { opened: false }], script].concat());
        login.auth_info = Some(auth_info(&certificate(document)));
        assert_eq!(run(&mut login, c"stage=first"), OK);
        login.now = now.parse().unwrap();
        let expected = if code.is_none() { OK } else { REFUSED };
        assert_eq!(run(&mut login, c"stage=last"), expected, "{now} {code:?}");
        login.done();
    }
}

#[test]
fn a_grant_revoked_in_between_is_refused() {
    let mut login = admitted(refusal("was revoked", "revoked"));
    if let Ok(trust) = &mut login.trust {
        trust.revoked.serials.insert(7);
    }
    assert_eq!(run(&mut login, c"stage=last"), REFUSED);
    let facts = &login.last_record().facts;
    assert_eq!(facts.approved_by, ["kim"], "what was verified is in the record");
    login.done();
}

#[test]
fn a_bundle_that_grew_too_old_in_between_is_refused() {
    let mut login = admitted(refusal("what this host knows of revocations is too old", "trust-too-old"));
    if let Ok(trust) = &mut login.trust {
        let made = "2026-11-24T13:00:00Z".parse().unwrap();
        trust.maximum_age = Some(grant::MaximumAge { made: Some(made), seconds: 60 });
    }
    assert_eq!(run(&mut login, c"stage=last"), REFUSED);
    login.done();
}

#[test]
fn what_pam_or_the_kernel_refuses_refuses_the_login() {
    let cannot = "this host could not check the grant";
    let mut login =
        Scripted::new([vec![Step::Keep { opened: false }], refusal(cannot, "check-failed")].concat());
    login.keeps = Err(Failed("pam_set_data failed with code 5".into()));
    assert_eq!(run(&mut login, c"stage=first"), REFUSED);
    assert_eq!(login.last_record().facts.reason_text.as_deref(), Some("pam_set_data failed with code 5"));
    login.done();

    let mut login = admitted([vec![Step::Keep { opened: true }], refusal(cannot, "check-failed")].concat());
    login.keeps = Err(Failed("pam_set_data failed with code 5".into()));
    assert_eq!(run(&mut login, c"stage=last"), REFUSED);
    login.done();

    let mut login = admitted(refusal(cannot, "check-failed"));
    login.random = Err(Failed("getrandom failed".into()));
    assert_eq!(run(&mut login, c"stage=last"), REFUSED);
    login.done();
}

#[test]
fn the_scripted_world_is_sound() {
    // If this fails, the certificate of the double is not what the tests above take it for.
    let now = NOW.parse().unwrap();
    let attempt = grant::Login { account: "acme-support".into(), source: "192.0.2.7".parse().unwrap() };
    let verdict = grant::decide(&certificate(DOCUMENT), &crate::scripted::trust(), &attempt, now);
    assert!(matches!(verdict, grant::Verdict::Allow(_)), "{verdict:?}");
}

fn recorded(script: Vec<Step>) -> Scripted {
    // The window closes at 14:30, 20 minutes after NOW.
    let first = vec![Step::Limit(1200), Step::Keep { opened: false }];
    let mut login = Scripted::new([first, script].concat());
    login.config = Ok(crate::scripted::recorded_host());
    assert_eq!(run(&mut login, c"stage=first"), OK);
    login
}

#[test]
fn a_recorded_session_begins_when_the_recorder_says_so() {
    let mut login = recorded(vec![Step::Begin, Step::Keep { opened: true }]);
    assert_eq!(run(&mut login, c"stage=last"), OK);
    let handover = login.handed_over.clone().unwrap();
    assert_eq!(handover.session, "S-234567Z2");
    assert_eq!(handover.document, login.kept.as_ref().unwrap().terms.grant.render());
    assert_eq!((handover.account.as_str(), handover.source.as_str()), ("acme-support", "192.0.2.7"));
    login.done();
}

#[test]
fn without_a_recorder_that_answers_nobody_gets_in() {
    let told = "sessions can't be recorded on this host now";
    let mut script = vec![Step::Begin, Step::Tell(told), Step::NoRecorder("login.refuse")];
    // Nobody keeps the record, so it goes straight to the log.
    script.extend([Step::Log("login.refuse", Some("recorder")), Step::NoRecorder("Refused")]);
    let mut login = recorded(script);
    login.reply = Err(Failed("nobody listens".to_owned()));
    assert_eq!(run(&mut login, c"stage=last"), REFUSED);
    login.done();
}

#[test]
fn the_recorders_refusal_is_told_and_logged() {
    let mut script = vec![Step::Begin, Step::Tell("used up")];
    script.extend([Step::TellRecorder("login.refuse"), Step::TellRecorder("Refused")]);
    let mut login = recorded(script);
    login.reply =
        Ok(Answer::Refuse { code: "uses".to_owned(), told: "grant G-7F3K9Q is used up".to_owned() });
    assert_eq!(run(&mut login, c"stage=last"), REFUSED);
    login.done();
}

#[test]
fn without_the_limit_of_process_1_nobody_gets_in() {
    let script =
        vec![Step::Tell(UNUSABLE), Step::TellRecorder("login.refuse"), Step::TellRecorder("Refused")];
    let mut login = recorded(script);
    login.limit_holds = Err(Failed("no scope".to_owned()));
    assert_eq!(run(&mut login, c"stage=last"), REFUSED);
    login.done();
}

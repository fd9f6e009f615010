//! Promises about whom the module concerns, and about what a broken host does to whom.

use super::*;
use crate::account::account;
use crate::open::open;
use crate::scripted::{Scripted, Step, broken, refusal};

const DENIED: PamResultCode = PamResultCode::PAM_PERM_DENIED;
const IGNORE: PamResultCode = PamResultCode::PAM_IGNORE;
const UNUSABLE: &str =
    "access refused: this host's access configuration is not usable; tell its administrator";

/// Every deciding hook with these arguments.
fn every_hook(login: &mut Scripted, words: &[&CStr]) -> [PamResultCode; 2] {
    [hook(login, words, DENIED, account), hook(login, words, DENIED, open)]
}

#[test]
fn nobody_outside_the_group_is_ever_refused_whatever_is_broken() {
    let break_nothing: fn(&mut Scripted) = |_| {};
    let breaks: [fn(&mut Scripted); 6] = [
        break_nothing,
        |login| login.config = Err(broken()),
        |login| login.trust = Err(broken()),
        |login| login.auth_info = None,
        |login| login.ssh_connection = Some(b"nonsense".to_vec()),
        |login| login.account = None,
    ];
    for breaking in breaks {
        for words in [&[][..], &[c"stage=first"], &[c"stage=last"], &[c"nonsense"], &[c"config="]] {
            let mut login = Scripted::new([]);
            login.vendor = Ok(false);
            breaking(&mut login);
            assert_eq!(every_hook(&mut login, words), [IGNORE; 2], "{words:?}");
            login.done();
        }
    }
}

#[test]
fn the_group_is_the_configurations_and_the_default() {
    let mut login = Scripted::new([]);
    login.vendor = Ok(false);
    hook(&mut login, &[c"config=/srv/host.toml"], DENIED, account);
    login.config = Err(broken());
    hook(&mut login, &[], DENIED, account);
    hook(&mut login, &[c"config=/a", c"config=/b"], DENIED, account);
    let asked = login.asked.take();
    assert_eq!(
        asked,
        [
            ("/srv/host.toml".into(), "suppliers".to_owned()),
            ("/srv/host.toml".into(), "jit-vendors".to_owned()),
            ("/etc/jit/host.toml".into(), "jit-vendors".to_owned()),
            ("/etc/jit/host.toml".into(), "jit-vendors".to_owned()),
        ]
    );
    login.done();
}

#[test]
fn an_unreadable_configuration_refuses_a_vendor_and_logs_to_the_plain_socket() {
    let mut login = Scripted::new(refusal(UNUSABLE, "configuration"));
    login.config = Err(broken());
    assert_eq!(hook(&mut login, &[], DENIED, account), DENIED);
    let (to, record) = login.logged.last().unwrap();
    assert_eq!(to.socket.to_str(), Some("/dev/log"));
    assert_eq!(to.format, LogFormat::Cee);
    assert_eq!(record.host, "machine");
    assert_eq!(record.facts.reason_text.as_deref(), Some("/etc/jit/broken does not exist"));
    assert_eq!(record.facts.account.as_deref(), Some("acme-support"));
    assert_eq!(record.facts.service.as_deref(), Some("sshd"));
    assert_eq!(record.facts.pid, Some(std::process::id()));
    login.done();
}

#[test]
fn a_wrong_argument_refuses_a_vendor_in_every_phase() {
    for words in [&[c"debug"][..], &[c"stage=first", c"stage=last"], &[c"stage=1"]] {
        let mut login =
            Scripted::new([refusal(UNUSABLE, "configuration"), refusal(UNUSABLE, "configuration")].concat());
        assert_eq!(every_hook(&mut login, words), [DENIED; 2]);
        assert!(login.last_record().facts.reason_text.as_ref().unwrap().contains("the PAM line"));
        login.done();
    }
}

#[test]
fn an_account_that_nobody_can_place_is_refused() {
    let mut login = Scripted::new(refusal(UNUSABLE, "configuration"));
    login.vendor = Err(HostfileError::Lookup {
        what: "group",
        name: "suppliers".into(),
        problem: "there is no such group".into(),
    });
    assert_eq!(hook(&mut login, &[], DENIED, account), DENIED);
    login.done();

    let mut login = Scripted::new(refusal(UNUSABLE, "configuration"));
    login.account = Some(b"acme\xff".to_vec());
    assert_eq!(hook(&mut login, &[], DENIED, account), DENIED);
    assert_eq!(login.last_record().facts.account.as_deref(), Some("acme\u{fffd}"));
    login.done();
}

#[test]
fn records_go_where_the_configuration_says() {
    let mut login = Scripted::new([Step::Tell("over ssh"), Step::Log("login.refuse", Some("not-over-ssh"))]);
    login.auth_info = None;
    hook(&mut login, &[], DENIED, account);
    let (to, record) = login.logged.last().unwrap();
    assert_eq!(to.socket.to_str(), Some("/run/jit/log"));
    assert_eq!(to.format, LogFormat::Rfc5424);
    assert_eq!(record.host, "db1.prod");
    assert_eq!(record.time, 1_795_529_400_000);
    login.done();
}

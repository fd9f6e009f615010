//! A login leaves no descriptor, thread, variable or output of ours in the calling process, allowed or refused.

use e2e::pam_host::{PamHost, connection, shown};
use e2e::world::ACCOUNT;

#[test]
fn a_login_leaves_the_calling_process_as_it_was() {
    let pam = PamHost::new();
    let sound = shown(&pam.certificate().sign(&pam.forge.ca_key));
    let begin = connection();
    for (what, steps) in [
        ("allowed", format!("{begin}look\naccount\n{sound}open\nclose\nlook\n")),
        ("refused", format!("{begin}look\naccount\nopen\nlook\n")),
    ] {
        let answer = pam.drive("sshd", ACCOUNT, &steps);
        let threads = answer.looked("threads ");
        assert_eq!(threads, ["1", "1"], "{what}: {answer:?}");
        let descriptors = answer.looked("descriptors ");
        assert_eq!(descriptors[0], descriptors[1], "{what}: {answer:?}");
        let names = answer.looked("environment ");
        let names: Vec<&str> = names.iter().filter_map(|pair| pair.split('=').next()).collect();
        assert!(
            names.iter().all(|name| ["SSH_CONNECTION", "SSH_AUTH_INFO_0"].contains(name)),
            "{what}: {names:?}"
        );
    }
}

#[test]
fn a_log_socket_that_takes_rfc_5424_gets_it() {
    let pam = PamHost::new();
    let cee = pam.host.read("/etc/jit/host.toml");
    pam.host.write("/etc/jit/host.toml", cee + "\n[log]\nformat = \"rfc5424\"\n");
    drop(pam.login(&pam.certificate().sign(&pam.forge.ca_key)));
    let line = pam.host.wait_for_log("session.open", |line| line.contains("session.open"));
    // authpriv is 10, informational is 6: RFC 5424, section 6.2.1.
    assert!(line.starts_with("<86>1 20"), "{line}");
    assert!(line.contains(" pam-jit ") && line.contains(" session.open "), "{line}");
    assert!(!line.contains("@cee:"), "{line}");
}

#[test]
fn a_plain_dev_log_gets_the_cee_form() {
    let pam = PamHost::new();
    drop(pam.login(&pam.certificate().sign(&pam.forge.ca_key)));
    let line = pam.host.wait_for_log("session.open", |line| line.contains("session.open"));
    assert!(line.starts_with("<86>") && !line.starts_with("<86>1 20"), "{line}");
    assert!(line.contains(": @cee: {"), "{line}");
    assert!(line.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()), "{line}");
}

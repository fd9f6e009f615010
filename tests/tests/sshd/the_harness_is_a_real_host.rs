//! The scratch host is an ordinary host: plain keys and plain certificates enter, and nothing of it stays behind.

use e2e::client::Client;
use e2e::host::{ADMIN, Host, PASSWORD};
use e2e::identity::Identity;
use e2e::process::{clean, run};

#[test]
fn the_harness_is_a_real_host() {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let mut host = Host::bare();
    let ada = Identity::make(scratch.path(), "ada");
    host.admit_admin(&ada.public_line());
    let admin = Client::new(&host, ADMIN, &ada);
    let outcome = admin.exec("id -un; cat /etc/ssh/sshd_config | head -1; ls /home").ok();
    assert!(outcome.stdout.starts_with("ada\nPort "), "{outcome:?}");
    let outcome =
        Client::without_key(&host, "acme-two").exec_with_password("password", PASSWORD, "id -un").ok();
    assert_eq!(outcome.stdout, "acme-two\n");
    let outcome = Client::without_key(&host, "acme-two")
        .exec_with_password("keyboard-interactive", PASSWORD, "id -un")
        .ok();
    assert_eq!(outcome.stdout, "acme-two\n");

    let ca = Identity::make(scratch.path(), "ca");
    let jo = Identity::make(scratch.path(), "jo");
    let mut sign = clean("/usr/bin/ssh-keygen");
    sign.args(["-q", "-s"])
        .arg(&ca.key)
        .args(["-I", "id", "-n", "acme-support", "-V", "-1m:+5m"])
        .arg(jo.public());
    drop(run(sign).ok());
    host.write("/etc/ssh/plain_ca.pub", ca.public_line());
    host.restart_sshd("TrustedUserCAKeys /etc/ssh/plain_ca.pub\n");
    let jo = jo.with(scratch.path().join("jo-cert.pub"));
    let client = Client::new(&host, "acme-support", &jo);
    assert_eq!(
        client.exec("id -un; echo $SSH_CONNECTION | cut -d' ' -f1").ok().stdout,
        format!("acme-support\n{}\n", client.source())
    );
    let shell = client.shell("id -un; tty; exit 3\n");
    assert!(shell.code == Some(3) && shell.stdout.contains("/dev/pts/"), "{shell:?}");
    let refused = Client::new(&host, "acme-two", &jo).exec("id -un");
    assert_eq!(refused.code, Some(255), "{refused:?}");
}

//! What the other files of this tier rely on: the host boots, people get in from the outside, the kernel's copy can be had.

use e2e::booted::client::Client;
use e2e::booted::host::Host;
use e2e::host::ADMIN;
use e2e::identity::Identity;

#[test]
fn an_administrator_logs_in_to_a_whole_host_and_it_restarts() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let ada = Identity::make(folder.path(), "ada");
    let mut host = Host::boot();
    host.admit_admin(&ada.public_line());

    let client = Client::new(&host, ADMIN, &ada);
    let facts = client.exec("cat /proc/1/comm /proc/self/cgroup; echo $SSH_CLIENT; cat /proc/self/sessionid; ls /sys/kernel/btf").ok().stdout;
    assert!(facts.starts_with("systemd\n"), "{facts}");
    assert!(facts.contains("0::/user.slice/user-") && facts.contains("/session-"), "logind's scope: {facts}");
    assert!(facts.contains(&client.source().to_string()), "a source address of its own: {facts}");
    assert!(!facts.contains("4294967295"), "an audit session of its own: {facts}");
    assert!(facts.ends_with("vmlinux\n"), "BTF for BPF: {facts}");
    drop(client);

    let boot = |host: &Host| host.read("/proc/sys/kernel/random/boot_id");
    let before = boot(&host);
    host.reboot();
    let between = boot(&host);
    host.crash();
    assert!(before != between && between != boot(&host), "each boot has an id of its own");
    drop(Client::new(&host, ADMIN, &ada).exec("true").ok());
}

//! The whole way, set up as the README says: a login by ssh, its commands and its end, in the file of another machine.

use e2e::deadline;
use e2e::process::Running;
use e2e::recording::Recording;

use crate::keys::{Keys, text};
use crate::syslog::{HOST, LOG_HOST_NAME, LogHost, forwarding, reserved_port};

/// What host.toml says of the socket of its own.
const TABLES: &str = "
[log]
socket = \"/run/jit/log.sock\"
format = \"rfc5424\"
[recorder]
require_scope = false
state = \"/run/jit-state\"
";

#[test]
fn a_session_a_refusal_and_a_command_are_in_the_log_hosts_file() {
    let (keys, port) = (Keys::make(), reserved_port());
    let log_host = LogHost::start(&keys, LOG_HOST_NAME, port);

    let recording = Recording::with(TABLES);
    let host = &recording.world.host;
    let own = keys.of(HOST);
    for name in ["ca.pem", "cert.pem", "key.pem"] {
        host.write_mode(&format!("/etc/jit/tls/{name}"), text(&own, name), 0o600);
    }
    host.write("/etc/rsyslog.d/10-pam-jit.conf", forwarding("/run/jit/log.sock", "/etc/jit/tls", port));
    // Debian's own rsyslog.conf, less what reads the kernel's log and writes to /var.
    host.write(
        "/etc/rsyslog.conf",
        "module(load=\"imuxsock\" SysSock.Use=\"off\")\n$WorkDirectory /run\n$IncludeConfig /etc/rsyslog.d/10-pam-jit.conf\n",
    );
    let mut command = host.command("/usr/sbin/rsyslogd");
    command.args(["-n", "-i", "/run/rsyslogd.pid"]);
    let rsyslogd = Running::start(command, b"");
    deadline::until("rsyslogd makes its socket", || host.has("/run/jit/log.sock"));

    let client = recording.client();
    drop(client.exec("/bin/echo to be seen elsewhere").ok());
    assert!(!recording.world.client(&recording.world.ada).exec("true").succeeded());
    let elsewhere = recording.world.granted(&e2e::authority::Request::default().with("--uses", "1"));
    let once = recording.world.client(&elsewhere);
    drop(once.exec("/bin/true").ok());
    assert!(!once.exec("/bin/true").succeeded(), "the second use is refused");

    let has = |event: &str, word: &str| {
        let id = format!(" {event} [jit@32473");
        log_host.lines().iter().any(|line| line.contains(&id) && line.contains(word))
    };
    for (event, word) in [
        ("session.open", "\"person\":\"acme/jo\""),
        ("session.command", "[\"/bin/echo\",\"to\",\"be\",\"seen\",\"elsewhere\"]"),
        ("session.close", "\"reason\":\"logout\""),
        ("recorder.start", "the recorder started"),
        ("login.refuse", "\"reason\":\"uses\""),
    ] {
        let arrived = deadline::poll(deadline::SOON, || has(event, word).then_some(()));
        assert!(
            arrived.is_some(),
            "{event} with {word} did not arrive\n{:?}\n{}\n{:#?}",
            rsyslogd.so_far(),
            log_host.daemon.says(),
            log_host.lines()
        );
    }
}

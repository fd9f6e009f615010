//! What stock sshd keeps by itself, without the module, because of the lines that `jit principals`
//! prints: a private sshd and the OpenSSH client, in a network namespace of their own.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "host/lib.rs"]
mod host;

use host::{Certificate, Host, Ran};

/// Starts sshd, waits until it answers, runs the client as `$2...`, and ends sshd by its id.
const SERVE: &str = r#"
ip link set lo up
/usr/sbin/sshd -D -e -f "$1/sshd_config" 2> "$1/sshd.log" &
sshd=$!
tries=0
until (exec 3<> /dev/tcp/127.0.0.1/2201 && exec 4<> /dev/tcp/127.0.0.1/2202) 2> /dev/null; do
    tries=$((tries + 1))
    [ $tries -lt 100 ] || { cat "$1/sshd.log" >&2; kill $sshd; exit 99; }
    sleep 0.1
done
folder=$1
shift
timeout 20 ssh -F none -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
    -o LogLevel=ERROR -o IdentitiesOnly=yes -o ExitOnForwardFailure=yes \
    -i "$folder/jo" -o CertificateFile="$folder/jo-cert.pub" -p 2201 acme-support@127.0.0.1 "$@" < /dev/null
code=$?
kill $sshd
wait $sshd
cat "$folder/sshd.log" >&2
exit $code
"#;

/// A host whose sshd listens on two ports: to log in, and to forward to.
fn serving() -> Host {
    let host = Host::new();
    // Without PAM: nothing but sshd decides here. Everything that could be open is.
    host.replace(
        "sshd_config",
        "UsePAM yes",
        "UsePAM no\nPort 2201\nPort 2202\nListenAddress 127.0.0.1\nPidFile none\nLogLevel VERBOSE",
    );
    host.replace("sshd_config", "AllowTcpForwarding local", "AllowTcpForwarding yes");
    host.replace("sshd_config", "PermitListen none", "PermitListen any");
    host
}

/// A certificate that is valid now, as sshd reads the clock itself.
fn fresh(host: &Host, features: &str, change: &[(&str, &str)]) -> Certificate {
    host.certificate_now(|text| {
        let text = text.replace("features: pty,sftp", &format!("features: {features}"));
        change.iter().fold(text, |text, (from, to)| text.replace(from, to))
    })
}

fn ssh(host: &Host, args: &[&str]) -> Ran {
    let folder = host.at("").display().to_string();
    host.inside_with(
        // In a process namespace too, so that nothing outlives a test that is killed.
        &["-m", "-n", "-p", "-f", "--kill-child"],
        &[&["bash", "-c", SERVE, "bash", folder.trim_end_matches('/')], args].concat(),
    )
}

#[test]
fn a_certificate_for_this_host_enters() {
    let host = serving();
    fresh(&host, "pty", &[]);
    let ran = ssh(&host, &["echo", "in"]);
    assert_eq!((ran.code, ran.out.as_str()), (0, "in\n"), "{ran:?}");
    fresh(&host, "pty", &[("hosts: db1.prod\nroles: -", "hosts: -\nroles: db")]);
    assert_eq!(ssh(&host, &["echo", "in"]).out, "in\n");
}

#[test]
fn a_certificate_for_another_host_or_role_does_not() {
    let host = serving();
    for place in ["hosts: db2.prod\nroles: -", "hosts: -\nroles: web"] {
        fresh(&host, "pty", &[("hosts: db1.prod\nroles: -", place)]);
        let ran = ssh(&host, &["echo", "in"]);
        assert!(ran.code == 255 && ran.err.contains("Permission denied (publickey)"), "{ran:?}");
    }
}

#[test]
fn only_the_grants_targets_are_forwarded_to() {
    let host = serving();
    fresh(&host, "forward=127.0.0.1:2202", &[]);
    let named = ssh(&host, &["-W", "127.0.0.1:2202"]);
    assert!(named.out.starts_with("SSH-2.0-"), "{named:?}");
    let other = ssh(&host, &["-W", "127.0.0.1:2201"]);
    assert!(other.code != 0 && other.out.is_empty(), "{other:?}");
    // Another name for the same target is another target.
    let alias = ssh(&host, &["-W", "localhost:2202"]);
    assert!(alias.code != 0 && alias.out.is_empty(), "{alias:?}");
}

#[test]
fn forwarding_to_a_target_does_not_allow_to_listen() {
    let host = serving();
    fresh(&host, "forward=127.0.0.1:2202", &[]);
    let ran = ssh(&host, &["-R", "2300:127.0.0.1:2202", "echo", "in"]);
    assert!(
        ran.code != 0 && ran.out.is_empty() && ran.err.contains("remote port forwarding failed"),
        "{ran:?}"
    );
}

#[test]
fn nothing_is_forwarded_without_a_target_or_without_the_certificate_shown() {
    let host = serving();
    fresh(&host, "pty", &[]);
    let ran = ssh(&host, &["-W", "127.0.0.1:2202"]);
    assert!(ran.code != 0 && ran.out.is_empty(), "{ran:?}");
    fresh(&host, "forward=127.0.0.1:2202", &[]);
    host.replace("sshd_config", "principals %u %k", "principals %u");
    let ran = ssh(&host, &["-W", "127.0.0.1:2202"]);
    assert!(ran.code != 0 && ran.out.is_empty(), "{ran:?}");
    assert_eq!(ssh(&host, &["echo", "in"]).out, "in\n");
}

#[test]
fn a_terminal_only_with_a_grant_for_one() {
    let host = serving();
    fresh(&host, "pty", &[]);
    assert!(ssh(&host, &["-tt", "tty"]).out.starts_with("/dev/pts/"));
    fresh(&host, "sftp", &[]);
    let ran = ssh(&host, &["-tt", "tty"]);
    assert!(!ran.out.contains("/dev/pts/"), "{ran:?}");
}

#[test]
fn an_account_outside_the_group_is_entered_by_no_certificate_of_ours() {
    let host = serving();
    fresh(&host, "pty", &[]);
    host.replace("etc/group", "jit-vendors:x:2000:acme-support", "jit-vendors:x:2000:");
    let ran = ssh(&host, &["echo", "in"]);
    assert!(ran.code == 255 && ran.err.contains("Permission denied"), "{ran:?}");
}

//! What `jit check` could not look at, it says: a door of its own each, instead of silence.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![allow(dead_code, reason = "the host has more than this file asks of it")]

#[path = "host/lib.rs"]
mod host;

use host::{Host, JIT};

/// The numbers that a check under these circumstances finds; `more` runs in the host's namespace before it.
fn found(host: &Host, more: &str, sshd_config: &str) -> Vec<u64> {
    let line = format!("{more}exec \"$@\"");
    let (config, pam) = (host.config(), host.at("pam.d"));
    let check = [
        "sh",
        "-c",
        &line,
        "sh",
        JIT,
        "check",
        "--json",
        "--config",
        &config,
        "--sshd-config",
        sshd_config,
        "--pam-dir",
        pam.to_str().unwrap(),
    ];
    let ran = host.inside(&check);
    let json: serde_json::Value = serde_json::from_str(&ran.out).unwrap_or_else(|e| panic!("{e}: {ran:?}"));
    json["findings"].as_array().unwrap().iter().map(|finding| finding["number"].as_u64().unwrap()).collect()
}

#[test]
fn accounts_that_nss_does_not_list_are_said_to_be_unknown() {
    let host = Host::new();
    let ours = host.at("sshd_config").display().to_string();
    assert!(!found(&host, "", &ours).contains(&208));
    assert!(found(&host, "mount --bind /bin/false /usr/bin/getent; ", &ours).contains(&208));
}

#[test]
fn more_match_blocks_than_are_asked_about_are_said_to_be_so() {
    let host = Host::new();
    let text = std::fs::read_to_string(host.at("sshd_config")).unwrap();
    let blocks = |count: usize| {
        (0..count).map(|n| format!("Match Address 10.{n}.0.0/16\n    X11Forwarding no\n")).collect::<String>()
    };
    let ours = host.at("sshd_config").display().to_string();
    host.write("sshd_config", &format!("{text}{}", blocks(10)));
    assert!(!found(&host, "", &ours).contains(&802));
    host.write("sshd_config", &format!("{text}{}", blocks(200)));
    assert!(found(&host, "", &ours).contains(&802));
}

#[test]
fn options_on_sshds_command_line_are_said_not_to_be_looked_at() {
    let host = Host::new();
    host.write("default", "# SSHD_OPTS=-4\nSSHD_OPTS=\"-o PermitRootLogin=yes\"\n");
    let (config, options) = (host.at("sshd_config"), host.at("default"));
    // As the system's own sshd, which these files are about.
    let live = format!(
        "mount --bind {} /etc/ssh/sshd_config; mount -t tmpfs tmpfs /etc/default; cp {} /etc/default/ssh; ",
        config.display(),
        options.display()
    );
    assert!(found(&host, &live, "/etc/ssh/sshd_config").contains(&804));
    host.write("default", "SSHD_OPTS=\n");
    assert!(!found(&host, &live, "/etc/ssh/sshd_config").contains(&804));
}

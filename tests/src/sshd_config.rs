//! The `sshd_config` of a scratch host: an ordinary one, plus the Match block that we ship.

/// The block that we ship.
pub const MATCH_BLOCK: &str = include_str!("../../packaging/sshd/50-pam-jit.conf");

/// An ordinary `sshd_config` with every door open that Debian opens, passwords included.
#[must_use]
pub fn ordinary(port: u16) -> String {
    format!(
        "\
Port {port}
ListenAddress 127.0.0.1
HostKey /etc/ssh/scratch_host_key
PidFile /run/sshd.pid
LogLevel VERBOSE
LoginGraceTime 30
MaxStartups 200
MaxSessions 20
PermitRootLogin prohibit-password
PasswordAuthentication yes
KbdInteractiveAuthentication yes
UsePAM yes
X11Forwarding yes
PrintMotd no
AcceptEnv LANG LC_*
Subsystem sftp /usr/lib/openssh/sftp-server -l INFO
"
    )
}

/// The block of an administrator who got it wrong: sshd lets every principal of a certificate in, forwards everywhere and
/// back, and reads no KRL.
#[must_use]
pub fn accepting_every_principal() -> String {
    let wrong =
        MATCH_BLOCK.lines().map(str::trim).filter_map(|line| match line.split_whitespace().next()? {
            "RevokedKeys" | "PermitListen" => None,
            "AllowTcpForwarding" => Some("AllowTcpForwarding yes".to_owned()),
            "AuthorizedPrincipalsCommand" => {
                Some("AuthorizedPrincipalsCommand /usr/local/sbin/every-principal %t %k".to_owned())
            }
            _ => Some(line.to_owned()),
        });
    wrong.map(|line| line + "\n").collect()
}

/// Prints the principals of the certificate that it is shown.
pub const EVERY_PRINCIPAL: &str = r#"#!/bin/sh
printf '%s %s\n' "$1" "$2" | ssh-keygen -L -f - | sed -n '/Principals:/,/Critical Options:/s/^ \{16\}//p'
"#;

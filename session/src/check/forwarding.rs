//! Doors 501-519: what a session can do beside running commands, beyond what certificates permit.

use super::door::{Door, Finding};
use super::sshd::Effective;

static REMOTE: Door = Door::error(
    501,
    "remote forwarding is allowed",
    "a vendor can make this host listen and lead others into its network (`ssh -R`)",
    "put `AllowTcpForwarding local` into the Match block of the vendor group",
);
static LISTEN: Door = Door::error(
    502,
    "ports may be listened on",
    "a vendor can make this host listen (`ssh -R`), which no grant names",
    "put `PermitListen none` into the Match block of the vendor group",
);
static STREAM_LOCAL: Door = Door::error(
    503,
    "Unix sockets may be forwarded",
    "a vendor reaches sockets of this host, such as a container daemon's; no permitopen limits that",
    "put `AllowStreamLocalForwarding no` into the Match block of the vendor group",
);
static X11: Door = Door::error(
    504,
    "X11 forwarding is allowed",
    "no grant permits X11, and it starts xauth beside the session",
    "put `X11Forwarding no` into the Match block of the vendor group",
);
static TUNNEL: Door = Door::error(
    505,
    "tunnels are allowed",
    "a vendor can join its network to this host's (`ssh -w`)",
    "put `PermitTunnel no` into the Match block of the vendor group",
);
static USER_RC: Door = Door::error(
    506,
    "~/.ssh/rc runs",
    "a file that a vendor leaves behind runs at every later login, whoever's grant it is",
    "put `PermitUserRC no` into the Match block of the vendor group",
);
static USER_ENVIRONMENT: Door = Door::error(
    507,
    "~/.ssh/environment is read",
    "a file that a vendor leaves behind sets LD_PRELOAD and the like for later logins",
    "set `PermitUserEnvironment no` in the global section of sshd_config",
);
static GATEWAY: Door = Door::error(
    508,
    "forwarded ports may be bound to outer addresses",
    "a port that a vendor forwards is open to the network",
    "put `GatewayPorts no` into the Match block of the vendor group",
);
static FORCED: Door = Door::warning(
    509,
    "a ForceCommand replaces every command",
    "it silently beats what the vendor asked for; `internal-sftp` moves files without a program that could be recorded",
    "put `ForceCommand none` into the Match block of the vendor group, or keep it knowingly",
);
static INTERNAL_SFTP: Door = Door::warning(
    510,
    "sftp is served inside sshd",
    "internal-sftp starts no program, so file transfers are not recorded as commands",
    "set `Subsystem sftp /usr/lib/openssh/sftp-server -l INFO`",
);

/// The doors of this area.
pub(super) static DOORS: [&Door; 10] = [
    &REMOTE,
    &LISTEN,
    &STREAM_LOCAL,
    &X11,
    &TUNNEL,
    &USER_RC,
    &USER_ENVIRONMENT,
    &GATEWAY,
    &FORCED,
    &INTERNAL_SFTP,
];

/// Looks at what holds for a vendor account.
pub(crate) fn look(effective: &Effective) -> Vec<Finding> {
    // DisableForwarding beats what these keywords allow. It says nothing of tunnels (sshd_config(5)), and
    // before OpenSSH 10.0 it left X11 open.
    let disabled = effective.first("disableforwarding") == Some("yes");
    let forwarding: [(&'static Door, &str, &str, &[&str]); 4] = [
        (&REMOTE, "allowtcpforwarding", "AllowTcpForwarding", &["no", "local"]),
        (&LISTEN, "permitlisten", "PermitListen", &["none"]),
        (&STREAM_LOCAL, "allowstreamlocalforwarding", "AllowStreamLocalForwarding", &["no"]),
        (&GATEWAY, "gatewayports", "GatewayPorts", &["no"]),
    ];
    let others: [(&'static Door, &str, &str, &[&str]); 5] = [
        (&X11, "x11forwarding", "X11Forwarding", &["no"]),
        (&TUNNEL, "permittunnel", "PermitTunnel", &["no"]),
        (&USER_RC, "permituserrc", "PermitUserRC", &["no"]),
        (&USER_ENVIRONMENT, "permituserenvironment", "PermitUserEnvironment", &["no"]),
        (&FORCED, "forcecommand", "ForceCommand", &["none"]),
    ];
    let asked = forwarding.into_iter().filter(|_| !disabled).chain(others);
    let mut findings: Vec<Finding> = asked
        .filter_map(|(door, keyword, name, shut)| {
            effective.other_than(keyword, shut).map(|is| door.open(format!("{name} is {is}")))
        })
        .collect();
    let internal =
        effective.all("subsystem").find(|s| s.split_whitespace().any(|word| word == "internal-sftp"));
    findings.extend(internal.map(|is| INTERNAL_SFTP.open(format!("Subsystem is {is}"))));
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disable_forwarding_shuts_ports_and_sockets_but_no_tunnel() {
        let numbers: Vec<u16> =
            look(&Effective::parse("disableforwarding yes\nallowtcpforwarding yes\npermittunnel yes\n"))
                .iter()
                .map(|f| f.door.number)
                .collect();
        assert_eq!(numbers, [505]);
    }
}

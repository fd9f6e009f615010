//! The PAM stack of a scratch host: Debian 12's own files, and the lines that we ship where the documents put them.

const ACCOUNT: &str = include_str!("../../packaging/pam/account.txt");
const SESSION_FIRST: &str = include_str!("../../packaging/pam/session-first.txt");
const SESSION_LAST: &str = include_str!("../../packaging/pam/session-last.txt");

/// Debian's `/etc/pam.d/sshd`; with our lines when `ours`.
#[must_use]
pub fn sshd(ours: bool) -> String {
    let mut stack = String::from("@include common-auth\naccount    required     pam_nologin.so\n");
    if ours {
        stack += ACCOUNT;
    }
    stack += "@include common-account\nsession    required     pam_loginuid.so\n";
    if ours {
        stack += SESSION_FIRST;
    }
    stack += "\
session    optional     pam_keyinit.so force revoke
@include common-session
session    optional     pam_motd.so motd=/run/motd.dynamic
session    optional     pam_motd.so noupdate
session    optional     pam_mail.so standard noenv
session    required     pam_limits.so
session    required     pam_env.so
session    required     pam_env.so user_readenv=1 envfile=/etc/default/locale
@include common-password
";
    if ours {
        stack += SESSION_LAST;
    }
    stack
}

/// Debian's `su`, `login` and `cron` in short: root is let through, then the account phase decides.
#[must_use]
pub fn service(ours: bool) -> String {
    let mut stack = String::from("auth       sufficient   pam_rootok.so\n@include common-auth\n");
    if ours {
        stack += ACCOUNT;
    }
    stack += "@include common-account\n@include common-session\n";
    stack
}

/// Debian 12's `common-*` files, as a fresh machine has them; written out so that the machine's own don't matter.
#[must_use]
pub fn common() -> Vec<(String, String)> {
    let files = [
        ("auth", "[success=1 default=ignore] pam_unix.so nullok", "pam_deny.so", ""),
        ("account", "[success=1 new_authtok_reqd=done default=ignore] pam_unix.so", "pam_deny.so", ""),
        ("password", "[success=1 default=ignore] pam_unix.so obscure yescrypt", "pam_deny.so", ""),
        (
            "session",
            "[default=1] pam_permit.so",
            "pam_deny.so",
            "session required pam_unix.so\nsession optional pam_systemd.so\n",
        ),
    ];
    let mut written = Vec::new();
    for (kind, first, deny, more) in files {
        let mut text = format!("{kind} {first}\n{kind} requisite {deny}\n{kind} required pam_permit.so\n");
        text += more;
        written.push((format!("/etc/pam.d/common-{kind}"), text));
    }
    written
}

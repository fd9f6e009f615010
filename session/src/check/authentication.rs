//! Doors 301-319: every way to authenticate other than by a certificate made from a grant.

use super::door::{Door, Finding};
use super::sshd::Effective;

static PASSWORDS: Door = Door::error(
    301,
    "passwords are accepted",
    "whoever knows the account's password enters without a grant",
    "put `PasswordAuthentication no` into the Match block of the vendor group",
);
static KEYBOARD_INTERACTIVE: Door = Door::error(
    302,
    "keyboard-interactive is accepted",
    "PAM asks for a password, and whoever knows it enters without a grant",
    "put `KbdInteractiveAuthentication no` into the Match block of the vendor group",
);
static HOSTBASED: Door = Door::error(
    303,
    "host-based authentication is accepted",
    "a host that this one trusts lets its users in without a grant",
    "put `HostbasedAuthentication no` into the Match block of the vendor group",
);
static GSSAPI: Door = Door::error(
    304,
    "GSSAPI authentication is accepted",
    "a Kerberos principal enters without a grant",
    "put `GSSAPIAuthentication no` into the Match block of the vendor group",
);
static KERBEROS: Door = Door::error(
    305,
    "Kerberos passwords are accepted",
    "whoever knows the Kerberos password enters without a grant",
    "put `KerberosAuthentication no` into the Match block of the vendor group",
);
static EMPTY_PASSWORDS: Door = Door::error(
    306,
    "empty passwords are accepted",
    "an account without a password is open to everybody",
    "put `PermitEmptyPasswords no` into the Match block of the vendor group",
);
static KEYS_FILE: Door = Door::error(
    307,
    "plain keys are read from files",
    "a key that a vendor puts into such a file enters for ever, without a grant",
    "put `AuthorizedKeysFile none` into the Match block of the vendor group",
);
static KEYS_COMMAND: Door = Door::error(
    308,
    "plain keys are read from a command",
    "a key that the command prints enters without a grant",
    "put `AuthorizedKeysCommand none` into the Match block of the vendor group, behind AuthorizedPrincipalsCommand: \
     before it, OpenSSH 9.2 forgets that one",
);
static METHODS: Door = Door::error(
    309,
    "methods other than publickey suffice",
    "a login can complete without a certificate",
    "put `AuthenticationMethods publickey` into the Match block of the vendor group",
);
static MORE_METHODS: Door = Door::warning(
    310,
    "more than a certificate is demanded",
    "vendors need a second method besides the certificate; nothing is open by it, but nothing here sets it up",
    "put `AuthenticationMethods publickey` into the Match block of the vendor group, or keep it knowingly",
);
static NO_PUBLICKEY: Door = Door::error(
    311,
    "publickey authentication is off",
    "no certificate is accepted, so no vendor can log in",
    "put `PubkeyAuthentication yes` into the Match block of the vendor group",
);

/// The doors of this area.
pub(super) static DOORS: [&Door; 11] = [
    &PASSWORDS,
    &KEYBOARD_INTERACTIVE,
    &HOSTBASED,
    &GSSAPI,
    &KERBEROS,
    &EMPTY_PASSWORDS,
    &KEYS_FILE,
    &KEYS_COMMAND,
    &METHODS,
    &MORE_METHODS,
    &NO_PUBLICKEY,
];

/// Looks at what holds for a vendor account.
pub(crate) fn look(effective: &Effective) -> Vec<Finding> {
    let shut: [(&'static Door, &str, &str, &str); 9] = [
        (&PASSWORDS, "passwordauthentication", "PasswordAuthentication", "no"),
        (&KEYBOARD_INTERACTIVE, "kbdinteractiveauthentication", "KbdInteractiveAuthentication", "no"),
        (&HOSTBASED, "hostbasedauthentication", "HostbasedAuthentication", "no"),
        (&GSSAPI, "gssapiauthentication", "GSSAPIAuthentication", "no"),
        (&KERBEROS, "kerberosauthentication", "KerberosAuthentication", "no"),
        (&EMPTY_PASSWORDS, "permitemptypasswords", "PermitEmptyPasswords", "no"),
        (&KEYS_FILE, "authorizedkeysfile", "AuthorizedKeysFile", "none"),
        (&KEYS_COMMAND, "authorizedkeyscommand", "AuthorizedKeysCommand", "none"),
        (&NO_PUBLICKEY, "pubkeyauthentication", "PubkeyAuthentication", "yes"),
    ];
    let mut findings: Vec<Finding> = shut
        .into_iter()
        .filter_map(|(door, keyword, name, value)| {
            effective.other_than(keyword, &[value]).map(|is| door.open(format!("{name} is {is}")))
        })
        .collect();
    findings.extend(methods(effective));
    findings
}

/// `AuthenticationMethods` is a list of alternatives, each a list of methods that must all succeed.
fn methods(effective: &Effective) -> Option<Finding> {
    let value = effective.other_than("authenticationmethods", &["publickey"])?;
    let detail = format!("AuthenticationMethods is {value}");
    let all_demand_it = value
        .split_whitespace()
        .all(|alternative| alternative.split(',').any(|method| method == "publickey"));
    Some(if all_demand_it { MORE_METHODS.open(detail) } else { METHODS.open(detail) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(text: &str) -> Vec<u16> {
        look(&Effective::parse(text)).iter().map(|f| f.door.number).collect()
    }

    #[test]
    fn a_second_method_is_no_open_door_but_an_alternative_is() {
        assert_eq!(numbers("authenticationmethods publickey,keyboard-interactive"), [310]);
        assert_eq!(numbers("authenticationmethods publickey password"), [309]);
        assert_eq!(numbers("authenticationmethods any"), [309]);
        assert!(numbers("authenticationmethods publickey").is_empty());
    }

    #[test]
    fn a_method_that_this_sshd_lacks_opens_nothing() {
        assert!(numbers("").is_empty());
    }
}

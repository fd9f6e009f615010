//! Doors 401-419: the certificates of our CA, and of no other, enter vendor accounts, and no others.

use std::collections::BTreeSet;
use std::path::Path;

use grant::{Fingerprint, PublicKey};
use hostfile::{HostConfig, host_trust, secure};

use super::door::{Door, Finding};
use super::sshd::{Effective, Sshd};

static NO_CA: Door = Door::error(
    401,
    "no CA is trusted",
    "sshd accepts no certificate, so no vendor can log in",
    "put `TrustedUserCAKeys` with the ca_keys file of host.toml into the Match block of the vendor group",
);
static OTHER_CA: Door = Door::error(
    402,
    "sshd trusts other CA keys than host.toml",
    "a certificate of a CA that the module does not know passes sshd, or ours does not",
    "let `TrustedUserCAKeys` and `ca_keys` of host.toml name the same file",
);
static NO_KRL: Door = Door::error(
    403,
    "no revocation list is read",
    "a revoked certificate passes sshd until it expires",
    "put `RevokedKeys` with the file of `ca krl -o` into the Match block of the vendor group",
);
static BAD_KRL: Door = Door::error(
    404,
    "the revocation list is missing, empty or not root's alone",
    "if missing or broken, sshd refuses every vendor; if empty, it refuses none; if others can write it, they decide",
    "write it with `ca krl -o`, and replace it by rename",
);
static NO_PRINCIPALS: Door = Door::error(
    405,
    "principals are not listed by jit",
    "sshd compares the certificate's principals with the bare account name, or with another list than this host's names",
    "put `AuthorizedPrincipalsCommand /usr/bin/jit principals %u %k` into the Match block of the vendor group, before \
     any AuthorizedKeysCommand: behind it, OpenSSH 9.2 forgets it",
);
static NO_CERTIFICATE_SHOWN: Door = Door::warning(
    406,
    "jit is not shown the certificate",
    "without %k it cannot tell which ports a grant names, and forbids all forwarding",
    "write `AuthorizedPrincipalsCommand /usr/bin/jit principals %u %k`",
);
static PRINCIPALS_FILE: Door = Door::error(
    407,
    "principals are also read from a file",
    "a name in that file is accepted whatever jit says",
    "put `AuthorizedPrincipalsFile none` into the Match block of the vendor group",
);
static COMMAND_USER: Door = Door::warning(
    408,
    "jit lists principals as another account than nobody",
    "it needs no rights, and runs before the person has proved anything",
    "put `AuthorizedPrincipalsCommandUser nobody` into the Match block of the vendor group",
);
static COMMAND_FILE: Door = Door::error(
    409,
    "the principals command is missing or not root's alone",
    "sshd does not run it, so no vendor can log in; or others can change what it says",
    "install the package again, and mend the modes of the directories above the file",
);
static ALGORITHMS: Door = Door::error(
    410,
    "sshd does not accept our certificates' algorithms",
    "no vendor can log in",
    "leave `PubkeyAcceptedAlgorithms` and `CASignatureAlgorithms` at their defaults for the vendor group",
);
static CA_FOR_OTHERS: Door = Door::error(
    411,
    "the vendors' CA is trusted for other accounts too",
    "a certificate made with a stolen CA key enters root's or an administrator's account; no module looks at those",
    "move `TrustedUserCAKeys` from the global section into the Match block of the vendor group",
);
static KRL_FOR_OTHERS: Door = Door::warning(
    412,
    "the vendors' revocation list holds for other accounts too",
    "a missing or broken list locks administrators out",
    "move `RevokedKeys` from the global section into the Match block of the vendor group",
);

/// The doors of this area.
pub(super) static DOORS: [&Door; 12] = [
    &NO_CA,
    &OTHER_CA,
    &NO_KRL,
    &BAD_KRL,
    &NO_PRINCIPALS,
    &NO_CERTIFICATE_SHOWN,
    &PRINCIPALS_FILE,
    &COMMAND_USER,
    &COMMAND_FILE,
    &ALGORITHMS,
    &CA_FOR_OTHERS,
    &KRL_FOR_OTHERS,
];

/// The largest revocation list that is looked at: a million serials fit.
const KRL_LIMIT: usize = 64 * 1024 * 1024;

/// What host.toml says, as far as it could be read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ours<'a> {
    /// The configuration file that is being checked.
    pub(super) path: &'a Path,
    /// Its content.
    pub(super) config: Option<&'a HostConfig>,
    /// The CA keys that it names.
    pub(super) ca_keys: Option<&'a [PublicKey]>,
    /// sshd, which names its PAM service.
    pub(super) sshd: &'a Sshd,
}

/// Looks at what holds for a vendor account.
pub(super) fn look(effective: &Effective, ours: Ours<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    match effective.set("trustedusercakeys") {
        None => findings.push(NO_CA.open("TrustedUserCAKeys is none")),
        Some(path) => findings.extend(look_at_ca(path, ours)),
    }
    match effective.set("revokedkeys") {
        None => findings.push(NO_KRL.open("RevokedKeys is none")),
        Some(path) => findings.extend(look_at_krl(path)),
    }
    match effective.set("authorizedprincipalscommand") {
        None => findings.push(NO_PRINCIPALS.open("AuthorizedPrincipalsCommand is none")),
        Some(command) => look_at_command(command, effective, ours, &mut findings),
    }
    if let Some(path) = effective.set("authorizedprincipalsfile") {
        findings.push(PRINCIPALS_FILE.open(format!("AuthorizedPrincipalsFile is {path}")));
    }
    findings.extend(look_at_algorithms(effective, ours));
    findings
}

/// Looks at what holds for an account outside the vendor group; `inside` is what holds for a vendor.
pub(super) fn look_outside(
    account: &str,
    effective: &Effective,
    inside: Option<&Effective>,
    ours: Ours<'_>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(path) = effective.set("trustedusercakeys") {
        let same_file = inside.and_then(|inside| inside.set("trustedusercakeys")) == Some(path);
        // Another CA of the company's own, for its own people, is none of our business.
        let shared = match (host_trust::ca_keys(Path::new(path)), ours.ca_keys) {
            (Ok(keys), Some(ours)) => keys.iter().any(|key| ours.contains(key)),
            _ => true,
        };
        if same_file || shared {
            findings.push(CA_FOR_OTHERS.open(format!("TrustedUserCAKeys is {path} for {account}")));
        }
    }
    if let Some(path) = effective.set("revokedkeys")
        && inside.and_then(|inside| inside.set("revokedkeys")) == Some(path)
    {
        findings.push(KRL_FOR_OTHERS.open(format!("RevokedKeys is {path} for {account}")));
    }
    findings
}

fn look_at_ca(path: &str, ours: Ours<'_>) -> Option<Finding> {
    // Without a readable host.toml there is nothing to compare with; that is a finding of its own.
    let (config, our_keys) = (ours.config?, ours.ca_keys?);
    if config.ca_keys == Path::new(path) {
        return None;
    }
    match host_trust::ca_keys(Path::new(path)) {
        Err(error) => Some(OTHER_CA.open(error.to_string())),
        Ok(keys) => {
            let set = |keys: &[PublicKey]| {
                keys.iter().map(PublicKey::fingerprint).collect::<BTreeSet<Fingerprint>>()
            };
            let differ = set(&keys) != set(our_keys);
            differ.then(|| {
                let detail = format!("TrustedUserCAKeys is {path}, ca_keys is {}", config.ca_keys.display());
                OTHER_CA.open(detail)
            })
        }
    }
}

fn look_at_krl(path: &str) -> Option<Finding> {
    match secure::read(Path::new(path), KRL_LIMIT) {
        Err(error) => Some(BAD_KRL.open(error.to_string())),
        Ok(content) if content.trim_ascii().is_empty() => Some(BAD_KRL.open(format!("{path} is empty"))),
        Ok(_) => None,
    }
}

fn look_at_command(command: &str, effective: &Effective, ours: Ours<'_>, findings: &mut Vec<Finding>) {
    let words: Vec<&str> = command.split_whitespace().collect();
    let (program, rest) = words.split_first().map_or(("", [].as_slice()), |(program, rest)| (*program, rest));
    let is_jit = Path::new(program).file_name().is_some_and(|name| name == "jit");
    let (config, rest) = without_option(rest, "--config");
    let (service, rest) = without_option(&rest, "--pam-service");
    let rest: Vec<&str> = rest.iter().filter(|word| !word.is_empty()).copied().collect();
    let with_certificate = rest == ["principals", "%u", "%k"];
    let detail = || format!("AuthorizedPrincipalsCommand is {command}");
    if !is_jit || !(with_certificate || rest == ["principals", "%u"]) {
        findings.push(NO_PRINCIPALS.open(detail()));
        return;
    }
    if config.map_or(Path::new(hostfile::DEFAULT_CONFIG), Path::new) != ours.path {
        let detail = format!("{}, and this check reads {}", detail(), ours.path.display());
        findings.push(NO_PRINCIPALS.open(detail));
    }
    let (asked, its) = (service.unwrap_or("sshd"), ours.sshd.pam_service(effective));
    if asked != its {
        let detail = format!("{}, which looks at the PAM service {asked}; sshd's is {its}", detail());
        findings.push(NO_PRINCIPALS.open(detail));
    }
    if !with_certificate {
        findings.push(NO_CERTIFICATE_SHOWN.open(detail()));
    }
    if let Err(error) = secure::check(Path::new(program)) {
        findings.push(COMMAND_FILE.open(error.to_string()));
    }
    let user = effective.first("authorizedprincipalscommanduser").unwrap_or("none");
    if user != "nobody" {
        findings.push(COMMAND_USER.open(format!("AuthorizedPrincipalsCommandUser is {user}")));
    }
}

/// The value of an option, and the words without it.
fn without_option<'a>(words: &[&'a str], option: &str) -> (Option<&'a str>, Vec<&'a str>) {
    let mut rest = Vec::new();
    let mut value = None;
    let mut words = words.iter().copied();
    while let Some(word) = words.next() {
        if word == option {
            value = words.next();
        } else if let Some(given) = word.strip_prefix(option).and_then(|rest| rest.strip_prefix('=')) {
            value = Some(given);
        } else {
            rest.push(word);
        }
    }
    (value, rest)
}

fn look_at_algorithms(effective: &Effective, ours: Ours<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(accepted) = effective.first("pubkeyacceptedalgorithms")
        && !accepted.contains("-cert-v01@openssh.com")
    {
        findings.push(ALGORITHMS.open("PubkeyAcceptedAlgorithms holds no certificate algorithm"));
    }
    let Some(signatures) = effective.first("casignaturealgorithms") else { return findings };
    let signatures: Vec<&str> = signatures.split(',').collect();
    for key in ours.ca_keys.unwrap_or_default() {
        let line = key.to_line();
        let algorithm = line.split(' ').next().unwrap_or_default();
        let wanted: &[&str] =
            if algorithm == "ssh-rsa" { &["rsa-sha2-512", "rsa-sha2-256"] } else { &[algorithm] };
        if !wanted.iter().any(|wanted| signatures.contains(wanted)) {
            findings.push(ALGORITHMS.open(format!("CASignatureAlgorithms holds no {}", wanted.join(" or "))));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_config_of_the_command_is_found_in_either_spelling() {
        assert_eq!(
            without_option(&["--config", "/h", "principals"], "--config"),
            (Some("/h"), vec!["principals"])
        );
        assert_eq!(
            without_option(&["principals", "--config=/h", "%u"], "--config"),
            (Some("/h"), vec!["principals", "%u"])
        );
        assert_eq!(without_option(&["principals"], "--config"), (None, vec!["principals"]));
    }
}

//! Bad files and lines around the grant: approvers, revoked list, `SSH_AUTH_INFO_0`, keys. One clear
//! sentence with the place, and nothing of a bad file counts.

use grant::{Approvers, AuthInfo, PublicKey, Revoked, limits};

use crate::support::case::{kim, trust_root};
use crate::support::soft_key::Key;
use crate::support::verdicts::unprintable;

#[test]
fn a_bad_approvers_file_is_refused_with_the_line() {
    let key = kim().line();
    let good = format!("kim namespaces=\"grant@pam-jit\" {key}");
    let said = |text: &str| {
        let said = Approvers::parse(text).unwrap_err().to_string();
        assert!(!said.chars().any(unprintable), "{said:?}");
        said
    };
    for (bad, told) in [
        (
            format!("kim {key}"),
            "line 2 of the approvers: not `NAME namespaces=\"grant@pam-jit\" ALGORITHM BASE64`",
        ),
        (
            format!("* namespaces=\"grant@pam-jit\" {key}"),
            "line 2 of the approvers: `*` is not an approver name: 1 to 32 of a-z, 0-9 and inner hyphens",
        ),
        (
            format!("kim,lee namespaces=\"grant@pam-jit\" {key}"),
            "line 2 of the approvers: `kim,lee` is not an approver name: 1 to 32 of a-z, 0-9 and inner hyphens",
        ),
        (
            format!("kim@example.org namespaces=\"grant@pam-jit\" {key}"),
            "line 2 of the approvers: `kim@example.org` is not an approver name: 1 to 32 of a-z, 0-9 and inner hyphens",
        ),
        (
            format!("\u{202e}kim namespaces=\"grant@pam-jit\" {key}"),
            "line 2 of the approvers: `\\u{202e}kim` is not an approver name: 1 to 32 of a-z, 0-9 and inner hyphens",
        ),
        (
            format!("\u{feff}kim namespaces=\"grant@pam-jit\" {key}"),
            "line 2 of the approvers: `\\u{feff}kim` is not an approver name: 1 to 32 of a-z, 0-9 and inner hyphens",
        ),
        (
            format!("kim namespaces=\"grant@pam-jit\",cert-authority {key}"),
            "line 2 of the approvers: the option `cert-authority` is not one of namespaces, valid-after, valid-before, each once",
        ),
        (
            format!("kim namespaces=\"grant@pam-jit\",namespaces=\"grant@pam-jit\" {key}"),
            "line 2 of the approvers: the option `namespaces=\\\"grant@pam-jit\\\"` is not one of namespaces, valid-after, valid-before, each once",
        ),
        (
            format!("kim NAMESPACES=\"grant@pam-jit\" {key}"),
            "line 2 of the approvers: the option `NAMESPACES=\\\"grant@pam-jit\\\"` is not one of namespaces, valid-after, valid-before, each once",
        ),
        (
            format!("kim namespaces=\"*\" {key}"),
            "line 2 of the approvers: the option must be namespaces=\"grant@pam-jit\"",
        ),
        (
            format!("kim namespaces=\"grant@pam-jit,file\" {key}"),
            "line 2 of the approvers: the option `namespaces=\\\"grant@pam-jit` is not one of namespaces, valid-after, valid-before, each once",
        ),
        (
            format!("kim namespaces=grant@pam-jit {key}"),
            "line 2 of the approvers: the option `namespaces=grant@pam-jit` is not one of namespaces, valid-after, valid-before, each once",
        ),
        (
            format!("kim namespaces=\"grant@pam-jit\",valid-before=\"20261124\" {key}"),
            "line 2 of the approvers: the time `20261124` is not written as YYYYMMDDHHMMSSZ, in UTC",
        ),
        (
            format!("kim namespaces=\"grant@pam-jit\",valid-before=\"20261124140000\" {key}"),
            "line 2 of the approvers: the time `20261124140000` is not written as YYYYMMDDHHMMSSZ, in UTC",
        ),
        (
            format!("kim namespaces=\"grant@pam-jit\",valid-before=\"20261324140000Z\" {key}"),
            "line 2 of the approvers: the time `20261324140000Z` is not written as YYYYMMDDHHMMSSZ, in UTC",
        ),
        (format!("{good}\r"), "line 2 of the approvers: a control character stands in it"),
        (format!("{good} \u{1b}[2J"), "line 2 of the approvers: a control character stands in it"),
        (
            "kim namespaces=\"grant@pam-jit\" ssh-ed25519".to_owned(),
            "line 2 of the approvers: not `NAME namespaces=\"grant@pam-jit\" ALGORITHM BASE64`",
        ),
        (
            "kim namespaces=\"grant@pam-jit\" ssh-ed25519 AAAA".to_owned(),
            "line 2 of the approvers: not an OpenSSH public key line like `ssh-ed25519 AAAA... comment`",
        ),
        (
            format!("kim namespaces=\"grant@pam-jit\" {}", key.replace("ssh-ed25519", "ssh-rsa")),
            "line 2 of the approvers: not an OpenSSH public key line like `ssh-ed25519 AAAA... comment`",
        ),
    ] {
        assert_eq!(said(&format!("# comment\n{bad}\n{good}\n")), told, "{bad}");
    }
    assert_eq!(
        said(&format!("{good}\n\n{good}\n")),
        "line 3 of the approvers: the key stands in the file already, as a key of kim"
    );
    let large = "#".repeat(limits::APPROVERS + 1);
    assert_eq!(said(&large), "line 1 of the approvers: the file has more than 262144 bytes");
    assert_eq!(Approvers::parse(&large[1..]).unwrap().iter().count(), 0);
}

#[test]
fn an_approvers_file_with_comments_and_no_last_newline_is_read() {
    let text = format!("# ours\n\n  \t\nkim namespaces=\"grant@pam-jit\" {} kim at work", kim().line());
    let approvers = Approvers::parse(&text).unwrap();
    assert_eq!(approvers.by_key(&kim().public()).unwrap().name.as_str(), "kim");
}

#[test]
fn a_bad_revoked_list_is_refused_with_the_line() {
    let authority = trust_root().public().fingerprint();
    let list = |body: &str| format!("pam-jit revoked 1\nauthority: {authority}\n{body}");
    for (bad, told) in [
        (String::new(), "not a revoked list: its first line is not `pam-jit revoked 1`"),
        ("pam-jit revoked 2\n".to_owned(), "not a revoked list: its first line is not `pam-jit revoked 1`"),
        ("pam-jit revoked 1".to_owned(), "not a revoked list: its first line is not `pam-jit revoked 1`"),
        (
            format!("\u{feff}{}", list("end: 0\n")),
            "not a revoked list: its first line is not `pam-jit revoked 1`",
        ),
        (
            list("end: 0\n").replace('\n', "\r\n"),
            "not a revoked list: its first line is not `pam-jit revoked 1`",
        ),
        (
            "pam-jit revoked 1\nend: 0\n".to_owned(),
            "line 2 of the revoked list is not a new grant, serial, person or vendor",
        ),
        (list(""), "the revoked list is truncated: its last line does not count its 0 entries"),
        (list("serial: 7\n"), "the revoked list is truncated: its last line does not count its 1 entries"),
        (
            list("serial: 7\nend: 2\n"),
            "the revoked list is truncated: its last line does not count its 1 entries",
        ),
        (
            list("serial: 7\nend: 1"),
            "the revoked list is truncated: its last line does not count its 1 entries",
        ),
        (
            list("serial: 7\nend: 01\n"),
            "the revoked list is truncated: its last line does not count its 1 entries",
        ),
        (
            list("serial: 7\nend: 1\n\n"),
            "the revoked list is truncated: its last line does not count its 1 entries",
        ),
        (
            list("serial: 7\nend: 1\nserial: 8\n"),
            "the revoked list is truncated: its last line does not count its 1 entries",
        ),
        (
            list("serial: 7\nserial: 7\nend: 2\n"),
            "line 4 of the revoked list is not a new grant, serial, person or vendor",
        ),
        (
            list("serial: 07\nend: 1\n"),
            "line 3 of the revoked list is not a new grant, serial, person or vendor",
        ),
        (
            list("serial: 18446744073709551616\nend: 1\n"),
            "line 3 of the revoked list is not a new grant, serial, person or vendor",
        ),
        (
            list("grant: G-7F3K9Q\nend: 1\n"),
            "line 3 of the revoked list is not a new grant, serial, person or vendor",
        ),
        (
            list("person: jo\nend: 1\n"),
            "line 3 of the revoked list is not a new grant, serial, person or vendor",
        ),
        (
            list("vendor: acme \nend: 1\n"),
            "line 3 of the revoked list is not a new grant, serial, person or vendor",
        ),
        (list("\nend: 0\n"), "line 3 of the revoked list is not a new grant, serial, person or vendor"),
        (
            list("# comment\nend: 0\n"),
            "line 3 of the revoked list is not a new grant, serial, person or vendor",
        ),
        (" ".repeat(limits::REVOKED + 1), "the revoked list has more than 4194304 bytes"),
    ] {
        assert_eq!(Revoked::parse(&bad).unwrap_err().to_string(), told, "{bad}");
    }
}

#[test]
fn what_sshd_does_not_write_is_refused() {
    let line = "publickey ssh-ed25519-cert-v01@openssh.com AAAA";
    for bad in [
        &b"publickey"[..],
        b"publickey \n",
        b"publickey ssh-ed25519-cert-v01@openssh.com\n",
        b"publickey ssh-ed25519-cert-v01@openssh.com \xff\n",
        b"publickey ssh-ed25519-cert-v01@openssh.com AAA\n",
        b"publickey ssh-ed25519-cert-v01@openssh.com AAAB=\n",
        b"publickey ssh-ed25519-cert-v01@openssh.com AAAA comment\n",
        b"publickey  ssh-ed25519-cert-v01@openssh.com AAAA\n",
        b"PUBLICKEY ssh-ed25519-cert-v01@openssh.com AAAA\n",
        b" publickey ssh-ed25519-cert-v01@openssh.com AAAA\n",
        "\u{feff}publickey ssh-ed25519-cert-v01@openssh.com AAAA\n".as_bytes(),
        b"publickey ssh-ed25519-cert-v01@openssh.com AAAA\r\n",
        b"publickey ssh-ed25519-cert-v01@openssh.com AAAA\0",
    ] {
        let reason = AuthInfo::parse(bad).unwrap_err();
        assert!(matches!(reason.code(), "auth-info" | "no-certificate"), "{}", reason.code());
    }
    let large = line.to_owned() + &"A".repeat(limits::AUTH_INFO);
    assert_eq!(AuthInfo::parse(large.as_bytes()).unwrap_err().code(), "auth-info");
    // Other methods before and after are sshd's own business.
    let more = format!("password\n{line}\nkeyboard-interactive/pam\n");
    assert_eq!(AuthInfo::parse(more.as_bytes()).unwrap().certificate, [0, 0, 0]);
}

#[test]
fn a_bad_key_line_is_refused() {
    let line = kim().line();
    let unreadable = "not an OpenSSH public key line like `ssh-ed25519 AAAA... comment`";
    for bad in [
        String::new(),
        "ssh-ed25519".to_owned(),
        line.replace("ssh-ed25519", "ssh-ed448"),
        line.replace("ssh-ed25519 ", "ssh-rsa "),
        line.replace("ssh-ed25519 ", "restrict ssh-ed25519 "),
        format!("{line}\n{line}"),
        format!("{line}\0"),
        format!("\u{feff}{line}"),
        line[..line.len() - 1].to_owned(),
        "-----BEGIN OPENSSH PRIVATE KEY-----".to_owned(),
    ] {
        assert_eq!(PublicKey::parse_line(&bad).unwrap_err().to_string(), unreadable, "{bad}");
    }
    let error = PublicKey::parse_line(&"a".repeat(limits::KEY_LINE + 1)).unwrap_err();
    assert_eq!(error.to_string(), "the key line has 8193 bytes, at most 8192 fit");
}

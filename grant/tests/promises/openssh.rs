//! The real `ssh-keygen` as the oracle: it reads what we make, and accepts what we accept.
//!
//! One difference is meant: `ssh-keygen -Y verify` does not look whether a security key was touched.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::rc::Rc;

use grant::{Approval, Approvals, Grant, Issue};
use tempfile::TempDir;

use crate::software_sk::{PIN, TOUCHED, sk_ecdsa, sk_ed25519};
use crate::support::case::{Case, approvers, at, kim, lee};
use crate::support::soft_key::{Key, ecdsa};
use crate::support::sshsig::{SshSig, approval, armored};

/// Runs `ssh-keygen` and returns whether it was content, and all that it said.
fn ssh_keygen(arguments: &[&str], input: &[u8], folder: &Path) -> (bool, String) {
    let mut child = Command::new("ssh-keygen")
        .args(arguments)
        .current_dir(folder)
        .env("TZ", "UTC")
        .env("LC_ALL", "C")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("ssh-keygen runs");
    // It may have seen enough to refuse before it reads anything: then the pipe is broken, and its word is what counts.
    let _ = child.stdin.take().unwrap().write_all(input);
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

/// What our issuer makes of a case, as a file, and what `ssh-keygen -L` reads in it.
fn read_by_ssh_keygen(case: &Case) -> (bool, String) {
    let approvals =
        case.approvals().iter().map(|blob| Approval::from_blob(blob).unwrap()).collect::<Vec<_>>();
    let certificate = Issue {
        grant: &case.grant(),
        approvals: &Approvals::new(approvals).unwrap(),
        key: &case.key.public(),
        serial: case.serial,
        valid_after: case.valid_after,
        valid_before: case.valid_before,
        nonce: [9; 32],
    };
    let ca = ssh_key::PrivateKey::from(ssh_key::private::Ed25519Keypair::from_seed(&[2; 32]));
    let certificate = certificate.sign(&ca).unwrap();
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("jo-cert.pub"), certificate.to_openssh().unwrap() + "\n").unwrap();
    ssh_keygen(&["-L", "-f", "jo-cert.pub"], b"", folder.path())
}

/// The text of an unknown extension, which `ssh-keygen` shows as hexadecimal digits.
fn extension(listing: &str, name: &str) -> String {
    let line = listing.lines().find(|line| line.trim_start().starts_with(name)).unwrap();
    let hex = line.split_whitespace().nth(3).unwrap().as_bytes();
    let bytes: Vec<u8> =
        hex.chunks(2).map(|d| u8::from_str_radix(str::from_utf8(d).unwrap(), 16).unwrap()).collect();
    // The length of the string within, then the string.
    String::from_utf8(bytes[4..].to_vec()).unwrap()
}

#[test]
fn ssh_keygen_reads_our_certificates() {
    let mut case = Case::allowed();
    case.fields.features = "pty,sftp,forward=db.internal:5432,agent".parse().unwrap();
    case.fields.roles = ["db".parse().unwrap()].into();
    case.approved_by = vec![Rc::new(kim()), Rc::new(lee()), Rc::new(sk_ecdsa(9, TOUCHED))];
    let (read, listing) = read_by_ssh_keygen(&case);
    assert!(read, "{listing}");
    let lines: Vec<_> = listing.lines().map(str::trim).filter(|line| !line.contains("@pam-jit")).collect();
    let jo = case.key.public().fingerprint();
    let ca = case.ca.public().fingerprint();
    let expected = format!(
        "jo-cert.pub:
        Type: ssh-ed25519-cert-v01@openssh.com user certificate
        Public key: ED25519-CERT {jo}
        Signing CA: ED25519 {ca} (using ssh-ed25519)
        Key ID: \"G-7F3K9Q acme/jo\"
        Serial: 42
        Valid: from 2026-11-24T14:09:00 to 2026-11-24T14:14:00
        Principals:
                acme-support@db1.prod
                acme-support@role:db
        Critical Options:
                source-address 192.0.2.0/24,2001:db8::/32
        Extensions:
                permit-agent-forwarding
                permit-port-forwarding
                permit-pty"
    );
    assert_eq!(lines, expected.lines().map(str::trim).collect::<Vec<_>>());
    let document = extension(&listing, "grant@pam-jit");
    assert_eq!(document, case.document());
    assert_eq!(Grant::parse(document.as_bytes()), Ok(case.grant()));
    let approvals = Approvals::parse(&extension(&listing, "approvals@pam-jit")).unwrap();
    assert_eq!(approvals.len(), 3);
}

#[test]
fn ssh_keygen_reads_a_certificate_with_nothing_but_a_grant() {
    let mut case = Case::allowed();
    case.fields.features = "-".parse().unwrap();
    case.fields.sources = "any".parse().unwrap();
    case.approved_by.clear();
    let (read, listing) = read_by_ssh_keygen(&case);
    assert!(read, "{listing}");
    assert!(listing.contains("Critical Options: (none)"), "{listing}");
    assert!(!listing.contains("permit-") && !listing.contains("approvals@"), "{listing}");
    assert_eq!(extension(&listing, "grant@pam-jit"), case.document());
}

#[test]
fn the_largest_number_of_principals_is_one_that_openssh_reads() {
    let mut case = Case::allowed();
    case.fields.accounts = (10..18).map(|n| format!("a{n}").parse().unwrap()).collect();
    case.fields.hosts = (10..42).map(|n| format!("h{n}").parse().unwrap()).collect();
    assert_eq!(case.grant().principals().len(), grant::limits::PRINCIPALS);
    let (read, listing) = read_by_ssh_keygen(&case);
    assert!(read, "{listing}");
}

#[test]
fn ssh_keygen_reads_certificates_for_every_kind_of_key() {
    let keys: [Rc<dyn Key>; 3] =
        [Rc::new(ecdsa(20)), Rc::new(sk_ed25519(21, TOUCHED)), Rc::new(sk_ecdsa(22, TOUCHED))];
    for key in keys {
        let mut case = Case::allowed();
        case.fields.keys.insert(key.public().fingerprint());
        case.key = key;
        let (read, listing) = read_by_ssh_keygen(&case);
        assert!(read && listing.contains(&case.key.public().fingerprint().to_string()), "{listing}");
    }
}

#[test]
fn ssh_keygen_and_we_agree_on_fingerprints() {
    let keys: [&dyn Key; 4] = [&kim(), &ecdsa(20), &sk_ed25519(21, TOUCHED), &sk_ecdsa(22, TOUCHED)];
    for key in keys {
        let (read, said) =
            ssh_keygen(&["-l", "-f", "-"], format!("{}\n", key.line()).as_bytes(), Path::new("/"));
        assert!(read && said.contains(&format!(" {} ", key.public().fingerprint())), "{said}");
    }
}

/// Whether `ssh-keygen -Y verify` accepts a signature over `document` by the approver `max`.
fn verified_by_ssh_keygen(key: &dyn Key, options: &str, signature: &[u8], document: &str, now: &str) -> bool {
    let folder = TempDir::new().unwrap();
    // The very line that a host reads.
    let line = approvers(&[("max", options, key)]).iter().map(grant::Approver::to_line).collect::<String>();
    fs::write(folder.path().join("approvers"), line + "\n").unwrap();
    fs::write(folder.path().join("approval.sig"), armored(signature)).unwrap();
    let time = format!("verify-time={now}");
    let arguments = [
        "-Y",
        "verify",
        "-f",
        "approvers",
        "-I",
        "max",
        "-n",
        "grant@pam-jit",
        "-s",
        "approval.sig",
        "-O",
        &time,
    ];
    ssh_keygen(&arguments, document.as_bytes(), folder.path()).0
}

const NOW: &str = "20261124141000Z";

#[test]
fn ssh_keygen_verifies_every_kind_of_approval_that_counts() {
    let document = Case::allowed().document();
    let keys: [&dyn Key; 6] = [
        &kim(),
        &ecdsa(20),
        &sk_ed25519(21, TOUCHED),
        &sk_ecdsa(22, TOUCHED),
        &sk_ed25519(21, TOUCHED | PIN).counter(u32::MAX),
        &sk_ecdsa(22, TOUCHED | PIN).counter(0).application("ssh:acme"),
    ];
    for key in keys {
        let blob = approval(key, &document);
        assert!(verified_by_ssh_keygen(key, "", &blob, &document, NOW), "{}", key.algorithm());
        assert!(Approval::from_blob(&blob).unwrap().verify(document.as_bytes()).is_ok());
        let other = document.replace("db1.prod", "db2.prod");
        assert!(!verified_by_ssh_keygen(key, "", &blob, &other, NOW), "{}", key.algorithm());
    }
}

#[test]
fn we_ask_for_a_touch_where_ssh_keygen_asks_for_a_signature_only() {
    // The signature is what OpenSSH expects of a key that was not touched, so it is the missing touch that we refuse.
    let document = Case::allowed().document();
    for flags in [0, PIN, 0xfe] {
        let keys: [&dyn Key; 2] = [&sk_ed25519(21, flags), &sk_ecdsa(22, flags)];
        for key in keys {
            let blob = approval(key, &document);
            assert!(verified_by_ssh_keygen(key, "", &blob, &document, NOW), "{} {flags}", key.algorithm());
            let verified = Approval::from_blob(&blob).unwrap().verify(document.as_bytes());
            assert_eq!(verified, Err(grant::SignatureError::NoTouch));
        }
    }
}

#[test]
fn ssh_keygen_refuses_a_signature_for_something_else_as_we_do() {
    let document = Case::allowed().document();
    let ours = SshSig::approval();
    for (sig, good) in [
        (ours, true),
        (SshSig { hash: "sha256", ..ours }, true),
        (SshSig { namespace: "file", ..ours }, false),
        (SshSig { version: 2, ..ours }, false),
        (SshSig { hash: "md5", ..ours }, false),
    ] {
        let blob = sig.by(&kim(), document.as_bytes());
        assert_eq!(verified_by_ssh_keygen(&kim(), "", &blob, &document, NOW), good);
        let holds = Approval::from_blob(&blob).is_ok_and(|a| a.verify(document.as_bytes()).is_ok());
        assert_eq!(holds, good);
    }
}

#[test]
fn what_counts_here_at_a_time_counts_for_ssh_keygen_at_that_time() {
    let document = Case::allowed().document();
    let blob = approval(&kim(), &document);
    for (options, now) in [
        (",valid-after=\"20261124140000Z\"", "2026-11-24T13:59:59Z"),
        (",valid-after=\"20261124140000Z\"", "2026-11-24T14:00:00Z"),
        (",valid-before=\"20261124140000Z\"", "2026-11-24T13:59:59Z"),
        (",valid-before=\"20261124140000Z\"", "2026-11-24T14:00:01Z"),
        (",valid-after=\"20261124140000Z\",valid-before=\"20261124150000Z\"", "2026-11-24T14:30:00Z"),
    ] {
        let counts = approvers(&[("max", options, &kim())]).iter().all(|approver| approver.valid_at(at(now)));
        let compact: String = now.chars().filter(|c| !matches!(c, '-' | ':' | 'T')).collect();
        assert_eq!(
            verified_by_ssh_keygen(&kim(), options, &blob, &document, &compact),
            counts,
            "{options} at {now}"
        );
    }
}

#[test]
fn an_approval_reads_the_same_however_its_file_is_wrapped() {
    let document = Case::allowed().document();
    let blob = approval(&kim(), &document);
    let file = armored(&blob);
    for text in [file.clone(), file.trim_end().to_owned(), format!("\n{file}\n"), file.replace('\n', "\r\n")]
    {
        assert_eq!(Approval::from_armored(&text).unwrap().as_blob(), blob, "{text:?}");
    }
    for bad in [
        "",
        "-----BEGIN SSH SIGNATURE-----\n-----END SSH SIGNATURE-----\n",
        &file[1..],
        &file[..file.len() - 2],
        &file.replace("SSH SIGNATURE", "SSH2 SIGNATURE"),
    ] {
        let error = Approval::from_armored(bad).unwrap_err();
        assert_eq!(error.to_string(), "not an SSH signature as `ssh-keygen -Y sign` makes it", "{bad:?}");
    }
}

//! What a certificate is, where it goes, and what `ca inspect` says of it.
//!
//! ssh-keygen reads what `ca` signs, and `ca inspect` reads what ssh-keygen signs with a foreign key and
//! with the CA's own.

use std::os::unix::fs::MetadataExt;

use crate::scene::Scene;

#[test]
fn ssh_keygen_reads_what_is_signed() {
    let scene = Scene::new();
    let id = scene.signed(&["--allow", "pty,forward=db:5432,agent", "--from", "192.0.2.0/24"]);
    let shown = scene.run("ssh-keygen", ["-L", "-f", "jo-cert.pub"]).ok();
    for wanted in [
        "user certificate",
        &format!("Key ID: \"{id} acme/jo\""),
        "Serial: 1",
        "acme-support@db1.prod",
        "source-address 192.0.2.0/24",
        "permit-pty",
        "permit-port-forwarding",
        "permit-agent-forwarding",
        "grant@pam-jit",
        "approvals@pam-jit",
    ] {
        assert!(shown.contains(wanted), "{wanted}: {shown}");
    }
    assert!(!shown.contains("permit-user-rc") && !shown.contains("permit-X11"), "{shown}");
    assert_eq!(std::fs::metadata(scene.path("jo-cert.pub")).unwrap().mode() & 0o777, 0o644);
}

#[test]
fn a_certificate_is_for_a_key_that_is_in_the_grant_and_still_enrolled() {
    let scene = Scene::new();
    let id = scene.approved(&[]);
    scene.make_key("later", "ed25519");
    scene.ca(["person", "add", "acme/jo", "--key", "later.pub", "--existing"]).ok();
    scene.ca(["sign", &id, "--key", "later.pub"]).refused_with("is not in grant");
    scene.ca(["sign", &id, "--key", "kim.pub"]).refused_with("is not in grant");
    let second = scene.approved(&[]);
    let which = scene.ca(["sign", &second, "-o", "-"]);
    assert_eq!((which.code, which.error()), (2, &*format!("grant {second} is for 2 keys: say which one")));
    scene.ca(["person", "end", "acme/jo", "--key", "jo.pub"]).ok();
    scene.ca(["sign", &id, "--key", "jo.pub"]).refused_with("is not enrolled for acme/jo any more");
    scene.ca(["sign", &second, "--key", "later.pub"]).ok();
}

#[test]
fn the_only_key_of_a_grant_need_not_be_named() {
    let scene = Scene::new();
    let id = scene.approved(&[]);
    let line = scene.ca(["sign", &id]).ok();
    assert!(line.starts_with("ssh-ed25519-cert-v01@openssh.com ") && line.ends_with(" acme/jo\n"), "{line}");
    scene.ca(["sign", &id, "-o", "elsewhere"]).ok();
    assert!(scene.read("elsewhere").starts_with("ssh-ed25519-cert-v01@openssh.com "));
}

#[test]
fn a_certificate_that_cannot_be_written_is_not_made() {
    let scene = Scene::new();
    let id = scene.approved(&[]);
    for place in ["missing/jo-cert.pub", "/proc/jo-cert.pub", "ca"] {
        let failed = scene.ca(["sign", &id, "--key", "jo.pub", "-o", place]);
        assert_eq!(failed.code, 1, "{failed:?}");
    }
    let serials = scene.events().iter().filter(|e| e["event"] == "cert.issue").count();
    assert!(serials <= 1, "at most the one whose directory refused only at the last moment");
}

#[test]
fn a_lifetime_is_bounded() {
    let scene = Scene::new();
    let id = scene.approved(&[]);
    let sign = |lifetime: &str| scene.ca(["sign", &id, "--key", "jo.pub", "--lifetime", lifetime]);
    sign("20m").ok();
    for bad in ["0s", "61m", "-5m", "1.5s", "soon"] {
        let wrong = sign(bad);
        assert_eq!(wrong.code, 2, "{wrong:?}");
    }
}

#[test]
fn inspect_says_what_a_host_would_say() {
    let scene = Scene::new();
    scene.signed(&["--from", "192.0.2.0/24"]);
    let verdict = |more: &[&str]| {
        let found = scene.json(["inspect", "jo-cert.pub"].iter().chain(more));
        (found["verdict"]["accepted"].as_bool().unwrap(), found["verdict"]["reason"].clone())
    };
    assert!(verdict(&[]).0);
    assert!(verdict(&["--from", "192.0.2.77"]).0);
    assert_eq!(verdict(&["--from", "192.0.3.1"]), (false, "other-source".into()));
    assert_eq!(verdict(&["--host", "web1.prod"]), (false, "other-host".into()));
    assert_eq!(verdict(&["--account", "root"]), (false, "other-account".into()));
    scene.ca(["revoke", "--serial", "1", "--reason", "copied"]).ok();
    assert_eq!(verdict(&[]), (false, "revoked".into()));
    scene.ca(["approver", "end", "kim"]).ok();
    assert_eq!(verdict(&[]), (false, "too-few-approvals".into()));
}

#[test]
fn inspect_reads_a_foreign_certificate_and_says_so() {
    let scene = Scene::new();
    scene.make_key("other-ca", "ed25519");
    for (args, kind) in [(["-n", "root"].as_slice(), "user"), (&["-h", "-n", "db1.prod"], "host")] {
        let sign = ["-q", "-s", "other-ca", "-I", "foreign", "-V", "always:forever"];
        scene.run("ssh-keygen", sign.iter().chain(args).chain(&["jo.pub"])).ok();
        let text = scene.ca(["inspect", "jo-cert.pub"]).ok();
        assert!(text.contains(kind) && text.contains("(not this authority)"), "{text}");
        assert!(text.contains("accepted now: no"), "{text}");
        let found = scene.json(["inspect", "jo-cert.pub"]);
        assert_eq!(found["verdict"]["reason"], "untrusted-authority");
        assert_eq!((&found["grant"], &found["in_ledger"]), (&serde_json::Value::Null, &false.into()));
    }
}

#[test]
fn a_certificate_made_with_the_bare_ca_key_is_not_accepted() {
    let scene = Scene::new();
    let sign =
        ["-q", "-s", "ca/ca_key", "-I", "stolen", "-n", "root,acme-support@db1.prod", "-V", "+5m", "jo.pub"];
    scene.run("ssh-keygen", sign).ok();
    let found = scene.json(["inspect", "jo-cert.pub"]);
    assert_eq!(found["signed_by_this_authority"], true);
    assert_eq!((&found["in_ledger"], &found["verdict"]["reason"]), (&false.into(), &"no-grant".into()));
}

#[test]
fn times_are_local_for_people_and_utc_for_programs() {
    let mut scene = Scene::new();
    scene.set_env("TZ", std::path::Path::new("CET-1"));
    let id = scene.grant(&["--opens", "2031-01-01 12:00"]);
    let text = scene.ca(["grant", "show", &id]).ok();
    assert!(text.contains("2031-01-01 12:00 CET"), "{text}");
    assert_eq!(scene.json(["grant", "show", &id])["opens"], "2031-01-01T11:00:00Z");
}

//! Who can approve, and with what.
//!
//! Signatures are made by `ca` and by ssh-keygen, verified by both. Each way in which an approval must not
//! count is tried against the ledger of a running authority.

use crate::scene::Scene;
use ca::ledger::grant_record;

#[test]
fn a_signature_made_with_ssh_keygen_alone_approves() {
    let scene = Scene::new();
    for kind in ["ed25519", "ecdsa", "rsa"] {
        let name = format!("with-{kind}");
        scene.make_key(&name, kind);
        scene.ca(["approver", "add", &name, "--key", &format!("{name}.pub")]).ok();
        let id = scene.grant(&[]);
        let document = scene.ca(["grant", "show", &id, "--document"]).ok();
        scene.write("grant", &document);
        scene.run("ssh-keygen", ["-q", "-Y", "sign", "-n", "grant@pam-jit", "-f", &name, "grant"]).ok();
        scene.ca(["approve", &id, "--as", &name, "--signature", "grant.sig"]).ok();
        scene.ca(["sign", &id, "--key", "jo.pub"]).ok();
        std::fs::remove_file(scene.path("grant.sig")).unwrap();
    }
}

#[test]
fn a_key_file_of_each_kind_approves() {
    let scene = Scene::new();
    for kind in ["ed25519", "ecdsa", "rsa"] {
        let name = format!("with-{kind}");
        scene.make_key(&name, kind);
        scene.ca(["approver", "add", &name, "--key", &format!("{name}.pub")]).ok();
        let id = scene.grant(&[]);
        scene.ca(["approve", &id, "--as", &name, "--key", &name]).ok();
        scene.ca(["sign", &id, "--key", "jo.pub"]).ok();
    }
}

#[test]
fn a_key_file_with_a_passphrase_approves() {
    let scene = Scene::new();
    let args = ["-q", "-t", "ed25519", "-N", "correct horse", "-f", "sam"];
    scene.run("ssh-keygen", args).ok();
    scene.ca(["approver", "add", "sam", "--key", "sam.pub"]).ok();
    let id = scene.grant(&[]);
    let with = |passphrase: &str| {
        scene.shell(&format!("echo '{passphrase}' | ca approve {id} --as sam --key sam --passphrase-fd 0"))
    };
    with("wrong horse").refused("the passphrase does not open sam");
    with("correct horse").ok();
}

#[test]
fn a_signature_over_anything_else_does_not_approve() {
    let scene = Scene::new();
    let (id, other) = (scene.grant(&[]), scene.grant(&[]));
    let document = scene.ca(["grant", "show", &id, "--document"]).ok();
    let sign = |name: &str, text: &str, namespace: &str| {
        scene.write(name, text);
        let _ = std::fs::remove_file(scene.path(&format!("{name}.sig")));
        scene.run("ssh-keygen", ["-q", "-Y", "sign", "-n", namespace, "-f", "kim", name]).ok();
        scene.ca(["approve", &id, "--as", "kim", "--signature", &format!("{name}.sig")])
    };
    let wrong = format!("the signature does not approve grant {id}: the signature does not match");
    sign("cut", document.trim_end(), "grant@pam-jit").refused(&wrong);
    sign("longer", &document.replace("closes: 2", "closes: 3"), "grant@pam-jit").refused(&wrong);
    let others = scene.ca(["grant", "show", &other, "--document"]).ok();
    sign("other", &others, "grant@pam-jit").refused(&wrong);
    sign("namespace", &document, "file").refused_with("the namespace `file`");
    assert_eq!(scene.json(["grant", "show", &id])["approvals"].as_array().unwrap().len(), 0);
}

#[test]
fn nobody_approves_twice_or_with_two_keys() {
    let scene = Scene::new();
    scene.make_key("kim2", "ed25519");
    scene.ca(["approver", "add", "kim", "--key", "kim2.pub", "--existing"]).ok();
    let id = scene.grant(&["--approvals", "2"]);
    scene.ca(["approve", &id, "--as", "kim", "--key", "kim"]).ok();
    for key in ["kim", "kim2"] {
        let again = scene.ca(["approve", &id, "--as", "kim", "--key", key]);
        again.refused_with("kim has approved grant");
    }
    scene.ca(["sign", &id, "--key", "jo.pub"]).refused_with("has 1 of 2 approvals");
    scene.ca(["approve", &id, "--as", "lee", "--key", "lee"]).ok();
    scene.ca(["sign", &id, "--key", "jo.pub"]).ok();
}

#[test]
fn nobody_approves_an_own_request() {
    let scene = Scene::new();
    let id = scene.grant(&[]);
    scene.ca(["approve", &id, "--as", "kim", "--key", "jo"]).refused_with("nobody approves an own request");
    scene.ca(["approver", "add", "jo", "--key", "jo.pub"]).refused_with("belongs to the person acme/jo");
    // Not after it has ended either: a key has one owner for ever.
    scene.make_key("jo2", "ed25519");
    scene.ca(["person", "add", "acme/jo", "--key", "jo2.pub", "--existing"]).ok();
    scene.ca(["person", "end", "acme/jo", "--key", "jo2.pub"]).ok();
    scene
        .ca(["approver", "add", "jo", "--key", "jo2.pub"])
        .refused_with("once belonged to the person acme/jo");
}

#[test]
fn an_approval_by_an_approver_or_a_key_that_ended_does_not_count() {
    let scene = Scene::new();
    let (by_kim, by_lee) = (scene.approved(&[]), scene.grant(&[]));
    scene.ca(["approve", &by_lee, "--as", "lee", "--key", "lee"]).ok();
    scene.ca(["approver", "end", "kim"]).ok();
    scene.make_key("lee2", "ed25519");
    scene.ca(["approver", "add", "lee", "--key", "lee2.pub", "--existing"]).ok();
    scene.ca(["approver", "end", "lee", "--key", "lee.pub"]).ok();
    for id in [&by_kim, &by_lee] {
        scene.ca(["sign", id, "--key", "jo.pub"]).refused_with("has 0 of 1 approvals (not counted: ");
        assert_eq!(scene.json(["grant", "show", id])["state"], "pending");
    }
    let ended = scene.ca(["approve", &by_kim, "--as", "kim", "--key", "kim"]);
    ended.refused_with("the approver kim ended");
    scene
        .ca(["approve", &by_lee, "--as", "lee", "--key", "lee"])
        .refused_with("of the approver lee has ended");
    // With the new key lee can approve once more.
    scene.ca(["approve", &by_lee, "--as", "lee", "--key", "lee2"]).ok();
    scene.ca(["sign", &by_lee, "--key", "jo.pub"]).ok();
    let exported = scene.ca(["approver", "export"]).ok();
    assert!(exported.starts_with("lee namespaces=\"grant@pam-jit\" ssh-ed25519 "), "{exported}");
    assert_eq!(exported.lines().count(), 1);
}

#[test]
fn approvals_are_verified_again_when_a_certificate_is_signed() {
    let scene = Scene::new();
    let id = scene.grant(&[]);
    let other = scene.approved(&[]);
    // Somebody writes an approval of another grant into the ledger file.
    let ledger = rusqlite::Connection::open(scene.authority().join("ledger.db")).unwrap();
    ledger
        .execute(
            "INSERT INTO approval SELECT (SELECT number FROM grant_document WHERE id = ?1), approver,
             fingerprint, armored, approved_at FROM approval WHERE grant_number =
             (SELECT number FROM grant_document WHERE id = ?2)",
            [&id, &other],
        )
        .unwrap();
    drop(ledger);
    let refused = scene.ca(["sign", &id, "--key", "jo.pub"]);
    refused.refused_with("has 0 of 1 approvals (not counted: kim: the signature does not match)");
}

#[test]
fn the_approvers_file_is_one_that_hosts_and_ssh_keygen_read() {
    let scene = Scene::new();
    scene.ca(["approver", "export", "-o", "approvers"]).ok();
    assert_eq!(grant::Approvers::parse(&scene.read("approvers")).unwrap().iter().count(), 2);
    let id = scene.approved(&[]);
    let authority = ca::Authority::open(&scene.authority()).unwrap();
    let record = grant_record::find(authority.ledger(), &id.parse().unwrap()).unwrap();
    let standing = grant_record::standing(authority.ledger(), record).unwrap();
    scene.write("grant.sig", &standing.approvals[0].armored);
    scene.write("grant", standing.record.grant.render());
    let verify = "ssh-keygen -Y verify -f approvers -I kim -n grant@pam-jit -s grant.sig < grant";
    scene.shell(verify).ok();
}

#[test]
fn a_denied_request_stays_denied() {
    let scene = Scene::new();
    let id = scene.grant(&[]);
    scene.ca(["deny", &id, "--as", "kim", "--reason", "not now"]).ok();
    let denied = format!("grant {id} was denied by kim: not now");
    scene.ca(["approve", &id, "--as", "lee", "--key", "lee"]).refused(&denied);
    scene.ca(["sign", &id, "--key", "jo.pub"]).refused(&denied);
    assert_eq!(scene.json(["grant", "show", &id])["state"], "denied");
}

#[test]
fn the_authoritys_own_keys_approve_nothing() {
    let scene = Scene::new();
    for key in ["ca/ca_key.pub", "ca/trust_root.pub"] {
        scene.ca(["approver", "add", "root", "--key", key]).refused_with("belongs to this authority");
        scene.ca(["person", "add", "acme/root", "--key", key]).refused_with("belongs to this authority");
    }
    let id = scene.grant(&[]);
    scene
        .ca(["approve", &id, "--as", "kim", "--key", "ca/ca_key"])
        .refused_with("is not enrolled for the approver kim");
}

#[test]
fn a_grants_id_can_be_typed_in_small_letters() {
    let scene = Scene::new();
    let id = scene.grant(&[]);
    let small = id.to_lowercase();
    assert_eq!(scene.json(["grant", "show", &small])["id"], id.as_str());
    scene.ca(["approve", &small, "--as", "kim", "--key", "kim"]).ok();
    scene.ca(["sign", &small, "--key", "jo.pub"]).ok();
    scene.ca(["revoke", &small, "--reason", "over"]).ok();
    let other = scene.grant(&[]);
    scene.ca(["deny", &other.to_lowercase(), "--as", "kim", "--reason", "no"]).ok();
    // Documents have the one form.
    assert!(!scene.events().iter().any(|event| event.to_string().contains(&small)));
    let wrong = scene.ca(["grant", "show", "g-0"]);
    assert!(wrong.code == 2 && wrong.error().contains("`g-0` is not a grant id"), "{wrong:?}");
}

//! Persons and approvers may have ed25519, ecdsa-p256 or rsa keys; weaker ones are not enrolled at all.

use e2e::authority::Request;
use e2e::identity::Identity;
use e2e::process::{clean, program, run};
use e2e::refusal::assert_enters;
use e2e::world::World;

/// Name, `ssh-keygen -t`, `ssh-keygen -b`.
const ACCEPTED: [(&str, &str, &str); 2] = [("ecdsa", "ecdsa", "256"), ("rsa", "rsa", "3072")];

#[test]
fn keys_of_each_accepted_kind_enter_and_approve() {
    let world = World::fresh();
    for (name, kind, bits) in ACCEPTED {
        let person = Identity::make_kind(world.folder.path(), &format!("person-{name}"), kind, bits);
        let approver = Identity::make_kind(world.folder.path(), &format!("approver-{name}"), kind, bits);
        world.authority.enrol(&format!("acme/{name}"), &[&person]);
        world.authority.appoint(name, &approver.public());
        world.publish();
        let request = Request { person: format!("acme/{name}"), ..Request::default() };
        let grant = world.authority.create(&request);
        world.authority.approve(&grant, name, &approver);
        assert_enters(&world.host, &world.client(&world.authority.sign(&grant, &person)));
    }
}

#[test]
fn an_approval_needs_nothing_but_ssh_keygen() {
    let world = World::shared();
    let grant = world.authority.create(&Request::default());
    let document = world.folder.path().join(format!("{grant}.txt"));
    std::fs::write(&document, world.authority.ca(["grant", "show", &grant, "--document"]).ok().stdout)
        .expect("writes");
    let mut sign = clean(program("ssh-keygen", "openssh-client"));
    sign.args(["-q", "-Y", "sign", "-n", "grant@pam-jit", "-f"]).arg(&world.kim.key).arg(&document);
    drop(run(sign).ok());
    let signature = format!("{}.sig", document.display());
    drop(world.authority.ca(["approve", &grant, "--as", "kim", "--signature", &signature]).ok());
    assert_enters(&world.host, &world.client(&world.authority.sign(&grant, &world.jo)));
}

#[test]
fn a_weak_key_is_not_enrolled() {
    let world = World::shared();
    for (kind, bits) in [("rsa", "2048"), ("ecdsa", "384")] {
        let weak = Identity::make_kind(world.folder.path(), &format!("weak-{kind}"), kind, bits);
        let key = weak.public().display().to_string();
        let outcome = world.authority.ca(["person", "add", &format!("acme/weak-{kind}"), "--key", &key]);
        assert!(!outcome.succeeded() && outcome.stderr.starts_with("error: "), "{outcome:?}");
    }
}

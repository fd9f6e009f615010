//! What was revoked is refused by each of the two lists alone: sshd's KRL and the module's own list.

use e2e::authority::Request;
use e2e::identity::Identity;
use e2e::raw_certificate::RawCertificate;
use e2e::refusal::{assert_enters, assert_module_refuses, assert_refused, assert_sshd_refuses};
use e2e::world::World;

fn granted(world: &World) -> (String, Identity) {
    let grant = world.authority.create(&Request::default());
    world.authority.approve(&grant, "kim", &world.kim);
    let identity = world.authority.sign(&grant, &world.jo);
    (grant, identity)
}

fn revoke(world: &World, what: &[&str]) {
    let words = ["revoke"].into_iter().chain(what.iter().copied()).chain(["--reason", "over"]);
    drop(world.authority.ca(words).ok());
}

fn serial_of(identity: &Identity) -> String {
    let certificate = identity.certificate.as_ref().expect("a certificate");
    RawCertificate::read_line(&std::fs::read_to_string(certificate).expect("reads it")).serial.to_string()
}

#[test]
fn each_kind_of_revocation_is_refused_by_the_krl_alone() {
    let world = World::fresh();
    let (grant, by_grant) = granted(&world);
    let (_, by_serial) = granted(&world);
    let (_, by_person) = granted(&world);
    let serial = serial_of(&by_serial);
    let kinds: [(&[&str], &Identity); 3] = [
        (&[&grant], &by_grant),
        (&["--serial", &serial], &by_serial),
        (&["--person", "acme/jo"], &by_person),
    ];
    for (what, identity) in kinds {
        assert_enters(&world.host, &world.client(identity));
        revoke(&world, what);
        world.host.write("/etc/jit/krl", world.authority.krl());
        assert_sshd_refuses(&world.host, &world.client(identity));
    }
    assert_eq!(world.admin().exec("id -un").ok().stdout, "ada\n");
}

#[test]
fn each_kind_of_revocation_is_refused_by_the_revoked_list_alone() {
    let world = World::fresh();
    let (grant, identity) = granted(&world);
    let serial = serial_of(&identity);
    let empty = world.authority.revoked();
    revoke(&world, &[&grant]);
    revoke(&world, &["--serial", &serial]);
    revoke(&world, &["--person", "acme/jo"]);
    revoke(&world, &["--vendor", "acme"]);
    let list = String::from_utf8(world.authority.revoked()).expect("a text");
    let head: String = list.lines().take(2).map(|line| format!("{line}\n")).collect();
    for kind in ["grant: ", "serial: ", "person: ", "vendor: "] {
        let entry =
            list.lines().find(|line| line.starts_with(kind)).unwrap_or_else(|| panic!("no {kind} in {list}"));
        assert_enters(&world.host, &world.client(&identity));
        world.host.write("/etc/jit/revoked", format!("{head}{entry}\nend: 1\n"));
        assert_module_refuses(&world.host, &world.client(&identity), "revoked");
        world.host.write("/etc/jit/revoked", &empty);
    }
}

#[test]
fn a_truncated_revoked_list_refuses_vendors() {
    let world = World::fresh();
    let (_, identity) = granted(&world);
    assert_enters(&world.host, &world.client(&identity));
    let list = String::from_utf8(world.authority.revoked()).expect("a text");
    let lines: Vec<&str> = list.lines().collect();
    world.host.write("/etc/jit/revoked", format!("{}\n", lines[..lines.len() - 1].join("\n")));
    drop(assert_refused(&world.host, &world.client(&identity)));
}

#[test]
fn the_authority_signs_nothing_for_a_revoked_grant_or_person() {
    let world = World::fresh();
    let (grant, _) = granted(&world);
    let (second, _) = granted(&world);
    revoke(&world, &[&grant]);
    revoke(&world, &["--person", "acme/jo"]);
    for grant in [grant, second] {
        let key = world.jo.public().display().to_string();
        let outcome = world.authority.ca(["sign", &grant, "--key", &key, "-o", "-"]);
        assert!(outcome.code == Some(1) && outcome.stdout.is_empty(), "{outcome:?}");
    }
}

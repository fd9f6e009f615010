//! Revoking, and the two lists: read by ssh-keygen, by the crate that hosts use, and by `ca` itself.
//!
//! Each promise is asked both ways: what was revoked is refused, and what was not is not.

use crate::scene::Scene;

impl Scene {
    /// What ssh-keygen says of a certificate and the KRL of this moment: is it revoked?
    #[track_caller]
    fn in_krl(&self, certificate: &str) -> bool {
        self.ca(["krl", "-o", "krl"]).ok();
        let asked = self.run("ssh-keygen", ["-Q", "-f", "krl", certificate]);
        match (asked.code, asked.out.contains("REVOKED"), asked.out.contains(": ok")) {
            (1, true, false) => true,
            (0, false, true) => false,
            _ => panic!("{asked:?}"),
        }
    }

    fn revoked_list(&self) -> grant::Revoked {
        grant::Revoked::parse(&self.ca(["revoked", "-o", "-"]).ok()).unwrap()
    }

    /// A person of acme with an approved grant and a certificate in NAME-cert.pub; gives the grant's id.
    fn add_person(&self, person: &str) -> String {
        let name = person.replace('/', "-");
        self.make_key(&name, "ed25519");
        let pub_key = format!("{name}.pub");
        self.ca(["person", "add", person, "--key", &pub_key]).ok();
        let args = ["grant", "create", "--person", person, "--host", "db1.prod", "--account", "acme-support"];
        let created = self.ca(args.iter().chain(&["--for", "30m", "--reason", "work"])).ok();
        let id = created.lines().last().unwrap().to_owned();
        self.ca(["approve", &id, "--as", "kim", "--key", "kim"]).ok();
        self.ca(["sign", &id, "--key", &pub_key]).ok();
        id
    }
}

#[test]
fn a_krl_that_revokes_nothing_is_still_one() {
    let scene = Scene::new();
    scene.signed(&[]);
    assert!(!scene.in_krl("jo-cert.pub"));
    assert_eq!(scene.revoked_list(), grant::Revoked::nothing(scene.revoked_list().authority));
}

#[test]
fn a_revoked_grant_takes_every_certificate_of_it_with_it() {
    let scene = Scene::new();
    let first = scene.signed(&[]);
    std::fs::rename(scene.path("jo-cert.pub"), scene.path("first-cert.pub")).unwrap();
    scene.ca(["sign", &first, "--key", "jo.pub"]).ok();
    let other = scene.approved(&[]);
    scene.ca(["sign", &other, "--key", "jo.pub", "-o", "other-cert.pub"]).ok();
    scene.ca(["revoke", &first, "--reason", "done"]).ok();
    assert!(scene.in_krl("first-cert.pub") && scene.in_krl("jo-cert.pub"));
    assert!(!scene.in_krl("other-cert.pub"));
    let digest = scene.json(["grant", "show", &first])["digest"].as_str().unwrap().parse().unwrap();
    assert_eq!(scene.revoked_list().grants, [digest].into());
    scene.ca(["sign", &first, "--key", "jo.pub"]).refused(&format!("grant {first} is revoked: done"));
    assert_eq!(scene.json(["list", "--revoked"]).as_array().unwrap().len(), 1);
}

#[test]
fn a_revoked_serial_takes_one_certificate() {
    let scene = Scene::new();
    let id = scene.signed(&[]);
    scene.ca(["sign", &id, "--key", "jo.pub", "-o", "second-cert.pub"]).ok();
    scene.ca(["revoke", "--serial", "1", "--reason", "copied"]).ok();
    assert!(scene.in_krl("jo-cert.pub") && !scene.in_krl("second-cert.pub"));
    assert_eq!(scene.revoked_list().serials, [1].into());
    scene.ca(["sign", &id, "--key", "jo.pub"]).ok();
}

#[test]
fn a_revoked_person_takes_all_own_certificates_and_no_others() {
    let scene = Scene::new();
    scene.signed(&[]);
    scene.add_person("acme/al");
    scene.ca(["revoke", "--person", "acme/jo", "--reason", "stolen"]).ok();
    assert!(scene.in_krl("jo-cert.pub") && !scene.in_krl("acme-al-cert.pub"));
    assert_eq!(scene.revoked_list().persons, ["acme/jo".parse().unwrap()].into());
    let again =
        ["grant", "create", "--person", "acme/jo", "--host", "db1.prod", "--account", "a", "--for", "1m"];
    scene.ca(again.iter().chain(&["--reason", "work"])).refused("person acme/jo is revoked: stolen");
}

#[test]
fn a_revoked_vendor_takes_all_its_persons() {
    let scene = Scene::new();
    scene.ca(["vendor", "add", "umbrella", "--until", "2099-12-31"]).ok();
    scene.signed(&[]);
    scene.add_person("acme/al");
    let other = scene.add_person("umbrella/eve");
    scene.ca(["revoke", "--vendor", "acme", "--reason", "contract broken"]).ok();
    assert!(scene.in_krl("jo-cert.pub") && scene.in_krl("acme-al-cert.pub"));
    assert!(!scene.in_krl("umbrella-eve-cert.pub"));
    assert_eq!(scene.revoked_list().vendors, ["acme".parse().unwrap()].into());
    scene.ca(["sign", &other, "--key", "umbrella-eve.pub"]).ok();
}

#[test]
fn the_version_of_the_krl_never_falls() {
    let scene = Scene::new();
    let version = || scene.json(["krl", "-o", "krl"])["version"].as_u64().unwrap();
    let mut last = version();
    for serial in 1..4 {
        scene.signed(&[]);
        scene.ca(["revoke", "--serial", &serial.to_string(), "--reason", "copied"]).ok();
        assert!(version() > last);
        last = version();
    }
}

#[test]
fn serials_of_every_shape_reach_ssh_keygen() {
    let scene = Scene::new();
    let authority = ca::Authority::open(&scene.authority()).unwrap();
    scene.write("ca.pub", authority.ca_public().to_line());
    let revoked = [1, 3, 4, 7, 8, 9, 10, 1000, u64::MAX - 1];
    let krl = ca::krl::Krl {
        version: 1,
        certificates: vec![ca::krl::RevokedCertificates {
            ca_key: authority.ca_public().to_blob(),
            serials: revoked.into(),
            key_ids: ["with \"quotes\" and \u{fc}".to_owned()].into(),
        }],
        ..ca::krl::Krl::default()
    };
    scene.write("krl", krl.to_bytes());
    let listed = scene.run("ssh-keygen", ["-Q", "-l", "-f", "krl"]).ok();
    assert!(listed.contains("CA key ssh-ed25519"), "{listed}");
    for (serial, id) in [
        (1, ""),
        (2, ""),
        (3, ""),
        (4, ""),
        (5, ""),
        (7, ""),
        (10, ""),
        (11, ""),
        (1000, ""),
        (u64::MAX - 1, ""),
        (2, "with \"quotes\" and \u{fc}"),
    ] {
        let id = if id.is_empty() { "plain" } else { id };
        let serial_text = serial.to_string();
        scene
            .run("ssh-keygen", ["-q", "-s", "ca/ca_key", "-I", id, "-z", &serial_text, "-n", "x", "jo.pub"])
            .ok();
        let asked = scene.run("ssh-keygen", ["-Q", "-f", "krl", "jo-cert.pub"]);
        assert_eq!(asked.code == 1, revoked.contains(&serial) || id != "plain", "{serial} {id}: {asked:?}");
    }
}

//! `ca host bundle`: what it says, who signs it, and that its version is in the ledger before it is anywhere else.

use std::process::Stdio;

use grant::SignedBundle;

use crate::scene::{CA, Scene};

/// The bundle in a file, verified.
fn read(scene: &Scene, name: &str) -> SignedBundle {
    SignedBundle::read(scene.read(name).as_bytes()).unwrap()
}

fn bundle(scene: &Scene, name: &str) -> SignedBundle {
    scene.ca(["host", "bundle", "db1.prod", "-o", name]).ok();
    read(scene, name)
}

#[test]
fn a_bundle_says_what_the_ledger_says_at_this_moment() {
    let scene = Scene::new();
    let id = scene.signed(&[]);
    scene.ca(["revoke", &id, "--reason", "over"]).ok();
    scene.ca(["revoke", "--serial", "1", "--reason", "copied"]).ok();
    scene.ca(["approver", "end", "lee"]).ok();
    let signed = bundle(&scene, "b");
    let bundle = signed.bundle();
    assert_eq!(bundle.host.as_str(), "db1.prod");
    assert_eq!(bundle.roles.iter().map(|role| role.as_str()).collect::<Vec<_>>(), ["db"]);
    assert_eq!(bundle.approvers.iter().map(|a| a.name.as_str()).collect::<Vec<_>>(), ["kim"]);
    assert!(scene.read("ca/ca_key.pub").starts_with(&bundle.ca_keys[0].to_line()));
    scene.ca(["revoked", "-o", "revoked"]).ok();
    assert_eq!(bundle.revoked.render(), scene.read("revoked"));
    scene.write("krl", &bundle.krl);
    let listed = scene.run("ssh-keygen", ["-Q", "-l", "-f", "krl"]).ok();
    assert!(listed.contains("serial: 1") && listed.contains(&format!("id: {id} acme/jo")), "{listed}");
    scene.expect_well();
}

#[test]
fn each_bundle_has_a_higher_version_and_its_event() {
    let scene = Scene::new();
    let versions: Vec<_> = ["a", "b", "c"].map(|name| bundle(&scene, name).bundle().version).into();
    assert!(versions.is_sorted_by(|a, b| a < b), "{versions:?}");
    let events = scene.events();
    let made: Vec<_> = events.iter().filter(|event| event["event"] == "host.bundle").collect();
    assert_eq!(made.len(), 3);
    for (event, name) in made.iter().zip(["a", "b", "c"]) {
        let signed = read(&scene, name);
        assert_eq!(event["number"], signed.bundle().version, "{event}");
        assert_eq!(event["subject"], "db1.prod", "{event}");
        assert_eq!(event["detail"]["digest"], signed.bundle().digest().to_string(), "{event}");
    }
}

#[test]
fn nobody_signs_a_bundle_that_cannot_be_written_and_no_version_is_used_up() {
    let scene = Scene::empty();
    scene.write("passphrase", "correct horse\n");
    scene.shell("ca init --passphrase-fd 3 3< passphrase").ok();
    scene.ca(["host", "add", "db1.prod"]).ok();
    for place in ["missing/b", "passphrase/b", "ca"] {
        // Without a terminal, a question for the passphrase would be the error.
        let refused = scene.run("setsid", ["-w", CA, "host", "bundle", "db1.prod", "-o", place]);
        refused.refused_with(&format!("cannot write {place}"));
    }
    assert!(scene.events().iter().all(|event| event["event"] != "host.bundle"));
}

#[test]
fn a_bundle_whose_disk_fills_does_not_count_as_made() {
    let scene = Scene::new();
    bundle(&scene, "b");
    scene.ca(["approver", "end", "lee"]).ok();
    let before = scene.events();
    // A disk of its own for the file, which has no room; gone with this shell.
    let on_full_disk = |arguments: &str| {
        scene.shell(&format!(
            "mkdir -p full && unshare --mount sh -c 'mount -t tmpfs -o size=4k none full && echo old >full/b && \
             {{ ca host bundle db1.prod -o full/b {arguments}; ended=$?; }}; ls -A full >left; cat full/b >>left; exit $ended'"
        ))
    };
    for arguments in ["", "--unsigned"] {
        on_full_disk(arguments).refused_with("cannot write full/b: No space left on device");
        assert_eq!(scene.read("left"), "b\nold\n", "what was there stays, and nothing beside it");
        assert_eq!(scene.events(), before);
    }
    // Too long for a temporary name beside it.
    let long = "b".repeat(240);
    scene.ca(["host", "bundle", "db1.prod", "-o", &long]).refused_with("File name too long");
    assert_eq!(scene.events(), before);
    assert_eq!(standing(&scene), (false, vec!["approvers".to_owned()]));
    let checked = scene.ca(["check"]).out;
    assert!(checked.contains("warning 403: db1.prod: its last bundle"), "{checked}");

    // No version is used for two: what was made before and what is made now have different ones.
    let old = read(&scene, "b").bundle().version;
    assert!(bundle(&scene, "c").bundle().version > old);
    scene.expect_well();
}

#[test]
fn a_new_ledger_of_an_old_root_goes_on_above_what_hosts_have_seen() {
    let scene = Scene::new();
    let above = |name: &str, above: &str| {
        scene.ca(["host", "bundle", "db1.prod", "-o", name, "--above", above]).ok();
        read(&scene, name).bundle().version
    };
    assert_eq!(above("a", "5000"), 5001);
    // And stays there, also when it is not said again.
    assert_eq!(bundle(&scene, "b").bundle().version, 5002);
    assert_eq!(above("c", "7"), 5003);
    scene.ca(["host", "bundle", "web1.prod", "-o", "w"]).ok();
    assert!(read(&scene, "w").bundle().version < 100, "each host has its own");
    scene.ca(["host", "bundle", "db1.prod", "-o", "text", "--unsigned"]).ok();
    scene.run("ssh-keygen", ["-Y", "sign", "-q", "-n", "trust@pam-jit", "-f", "ca/trust_root", "text"]).ok();
    let put = ["host", "bundle", "db1.prod", "-o", "d", "--text", "text", "--signature", "text.sig"];
    scene.ca(put).ok();
    assert_eq!(read(&scene, "d").bundle().version, 5004);
    let high = ["host", "bundle", "db1.prod", "-o", "e", "--above", "18446744073709551615"];
    assert_eq!(scene.ca(high).code, 2);
    scene.expect_well();
}

#[test]
fn a_root_elsewhere_signs_from_a_file_an_agent_or_with_ssh_keygen() {
    let scene = Scene::new();
    std::fs::rename(scene.path("ca/trust_root"), scene.path("root")).unwrap();
    let here = scene.ca(["host", "bundle", "db1.prod", "-o", "b"]);
    here.refused("the trust root is not in the authority's directory");
    scene.ca(["host", "bundle", "db1.prod", "-o", "b", "--key", "root"]).ok();
    read(&scene, "b");
    scene.ca(["host", "bundle", "db1.prod", "-o", "c", "--key", "kim"]).refused_with("are not of one key");
    scene.ca(["host", "bundle", "db1.prod", "-o", "c", "--agent"]).refused_with("no ssh-agent");

    scene.ca(["host", "bundle", "db1.prod", "-o", "text", "--unsigned"]).ok();
    scene.run("ssh-keygen", ["-Y", "sign", "-q", "-n", "trust@pam-jit", "-f", "root", "text"]).ok();
    let put = |host: &str, text: &str, signature: &str| {
        scene.ca(["host", "bundle", host, "-o", "d", "--text", text, "--signature", signature])
    };
    put("web1.prod", "text", "text.sig")
        .refused_with("the bundle is for the host db1.prod of the authority SHA256:");
    scene.write("other", scene.read("text").replace("roles: db", "roles: dc"));
    put("db1.prod", "other", "text.sig").refused_with("the bundle's signature does not hold");
    scene.run("ssh-keygen", ["-Y", "sign", "-q", "-n", "trust@pam-jit", "-f", "root", "other"]).ok();
    put("db1.prod", "other", "other.sig").refused_with("was not made by this authority");
    scene.run("ssh-keygen", ["-Y", "sign", "-q", "-n", "trust@pam-jit", "-f", "kim", "other"]);
    assert!(!scene.path("d").exists());
    put("db1.prod", "text", "text.sig").ok();
    assert_eq!(read(&scene, "d").text(), scene.read("text"));
}

#[test]
fn a_root_with_a_passphrase_asks_for_it_and_a_wrong_one_makes_nothing() {
    let scene = Scene::new();
    scene.run("ssh-keygen", ["-q", "-p", "-N", "correct horse", "-f", "ca/trust_root"]).ok();
    let with = |passphrase: &str| {
        scene.shell(&format!("echo '{passphrase}' | ca host bundle db1.prod -o b --passphrase-fd 0"))
    };
    let before = scene.events().len();
    with("wrong horse").refused_with("the passphrase does not open");
    scene.ca(["host", "bundle", "db1.prod", "-o", "b"]).refused_with("no terminal to ask for its passphrase");
    assert_eq!(scene.events().len(), before);
    assert!(!scene.path("b").exists());
    with("correct horse").ok();
    read(&scene, "b");
}

#[test]
fn a_host_that_is_unknown_or_ended_gets_no_bundle() {
    let scene = Scene::new();
    scene.ca(["host", "bundle", "db9.prod", "-o", "b"]).refused("there is no host db9.prod");
    scene.ca(["host", "end", "db1.prod"]).ok();
    scene.ca(["host", "bundle", "db1.prod", "-o", "b"]).refused_with("the host db1.prod ended on ");
    scene.ca(["approver", "end", "kim"]).ok();
    scene.ca(["approver", "end", "lee"]).ok();
    scene.ca(["host", "bundle", "web1.prod", "-o", "b"]).refused_with("there is no approver");
    assert!(!scene.path("b").exists());
    for wrong in [
        vec!["host", "bundle", "db1.prod"],
        vec!["host", "bundle", "db1.prod", "-o", "b", "--agent", "--unsigned"],
        vec!["host", "bundle", "db1.prod", "-o", "b", "--text", "t"],
        vec!["host", "bundle", "db1.prod", "-o", "b", "--signature", "t.sig"],
    ] {
        assert_eq!(scene.ca(&wrong).code, 2, "{wrong:?}");
    }
}

#[test]
fn a_killed_bundle_is_in_the_ledger_before_it_is_a_file() {
    let scene = Scene::new();
    let began = std::time::Instant::now();
    bundle(&scene, "warm");
    let usual = began.elapsed();
    for round in 0..30_u32 {
        let name = format!("b{round}");
        let mut child = scene
            .command(CA)
            .args(["host", "bundle", "db1.prod", "-o", &name])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Not a wait for something to happen: the moment of the kill is what varies.
        std::thread::sleep(usual * round / 24);
        child.kill().unwrap();
        child.wait().unwrap();
        if scene.path(&name).exists() {
            let signed = read(&scene, &name);
            let digest = signed.bundle().digest().to_string();
            let events = scene.events();
            assert!(events.iter().any(|event| event["detail"]["digest"] == digest.as_str()), "{name}");
        }
    }
    scene.expect_well();
}

/// What `ca host list` says of the last bundle for db1.prod: whether it is current, and what has changed since.
fn standing(scene: &Scene) -> (bool, Vec<String>) {
    let hosts = scene.json(["host", "list"]);
    let bundle = &hosts.as_array().unwrap().iter().find(|host| host["name"] == "db1.prod").unwrap()["bundle"];
    let changed = bundle["changed"].as_array().unwrap().iter();
    (bundle["current"].as_bool().unwrap(), changed.map(|part| part.as_str().unwrap().to_owned()).collect())
}

#[test]
fn a_bundle_is_current_until_a_new_one_would_say_something_else() {
    let scene = Scene::new();
    let id = scene.signed(&[]);
    for name in ["mo", "al", "bo"] {
        scene.make_key(name, "ed25519");
    }
    // Everything that one bundle says and a later one does not, but for its number, its moment and the list's head.
    let says = |signed: &SignedBundle| {
        let bundle = signed.bundle();
        (bundle.roles.clone(), bundle.ca_keys_file(), bundle.approvers_file(), bundle.revoked.render())
    };
    let other = scene.grant(&[]);
    let third = scene.grant(&[]);
    let steps: [(&str, &[&str]); 19] = [
        ("vendor add umbrella --until 2099-12-31", &[]),
        ("vendor add umbrella --until 2098-12-31 --existing", &[]),
        ("person add umbrella/al --key al.pub", &[]),
        ("person end umbrella/al", &[]),
        ("person add acme/jo --key bo.pub --existing", &[]),
        ("vendor end umbrella", &[]),
        (&format!("approve {other} --as kim --key kim"), &[]),
        (&format!("deny {third} --as kim --reason no"), &[]),
        (&format!("sign {id} --key jo.pub"), &[]),
        ("host add web2.prod --role web", &[]),
        ("host add web1.prod --role web --role db --existing", &[]),
        ("host add db1.prod --role db --existing", &[]),
        ("host add db1.prod --role db --role billing --existing", &["roles"]),
        ("approver add mo --key mo.pub", &["approvers"]),
        ("approver end lee", &["approvers"]),
        ("revoke --serial 1 --reason copied", &["revocations"]),
        (&format!("revoke {id} --reason over"), &["revocations"]),
        ("revoke --person acme/jo --reason left", &["revocations"]),
        ("revoke --vendor acme --reason over", &["revocations"]),
    ];
    for (number, (step, changed)) in steps.into_iter().enumerate() {
        let before = bundle(&scene, &format!("{number}-before"));
        assert_eq!(standing(&scene), (true, vec![]), "before {step}");
        scene.ca(step.split(' ')).ok();
        let said = standing(&scene);
        let after = bundle(&scene, &format!("{number}-after"));
        assert_eq!(says(&before) == says(&after), changed.is_empty(), "{step}");
        assert_eq!(
            said,
            (changed.is_empty(), changed.iter().map(|part| (*part).to_owned()).collect()),
            "{step}"
        );
    }
}

#[test]
fn a_host_whose_last_bundle_is_older_than_the_ledger_is_a_finding() {
    let scene = Scene::new();
    scene.expect_well(); // no bundle yet: set up by hand, or not at all
    assert_eq!(scene.json(["host", "list"])[0]["bundle"], serde_json::Value::Null);
    let version = bundle(&scene, "b").bundle().version;
    scene.ca(["host", "bundle", "web1.prod", "-o", "w"]).ok();
    scene.expect_well();
    scene.ca(["approver", "end", "lee"]).ok();
    scene.ca(["host", "add", "db1.prod", "--role", "dc", "--existing"]).ok();
    scene.ca(["host", "bundle", "web1.prod", "-o", "w"]).ok();

    let checked = scene.ca(["check", "--json"]);
    assert_eq!(checked.code, 1, "{checked:?}");
    let findings: serde_json::Value = serde_json::from_str(&checked.out).unwrap();
    let found = findings["findings"].as_array().unwrap();
    let (finding, seen) = (&found[0], found[0]["seen"].as_str().unwrap());
    assert_eq!((found.len(), &finding["number"], &finding["severity"]), (1, &403.into(), &"warning".into()));
    assert!(seen.starts_with(&format!("db1.prod: its last bundle, version {version} of ")), "{seen}");
    assert!(seen.ends_with(", is older than a change of approvers, roles"), "{seen}");
    let mend = finding["mend"].as_str().unwrap();
    assert!(mend.contains("ca host bundle db1.prod -o FILE") && mend.contains("jit trust FILE"), "{mend}");

    let listed = scene.ca(["host", "list"]).ok();
    let line = |host: &str| listed.lines().find(|line| line.starts_with(host)).unwrap();
    assert!(line("db1.prod").contains(&format!(" {version} ")), "{listed}");
    assert!(
        line("db1.prod").ends_with("no: approvers, roles") && line("web1.prod").ends_with("yes"),
        "{listed}"
    );
    bundle(&scene, "b");
    scene.expect_well();
}

#[test]
fn a_host_that_ended_needs_no_bundle_and_its_successor_has_none() {
    let scene = Scene::new();
    bundle(&scene, "b");
    scene.ca(["host", "end", "db1.prod"]).ok();
    scene.ca(["approver", "end", "lee"]).ok();
    scene.expect_well();
    assert_eq!(scene.json(["host", "list"])[0]["bundle"]["current"], serde_json::Value::Null);
    scene.ca(["host", "add", "db1.prod", "--role", "db"]).ok();
    assert_eq!(scene.json(["host", "list"])[0]["bundle"], serde_json::Value::Null);
    scene.expect_well();
    bundle(&scene, "c");
    assert_eq!(standing(&scene), (true, vec![]));
}

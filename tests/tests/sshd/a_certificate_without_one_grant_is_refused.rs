//! A certificate carries exactly one grant: none, two, or one of an unknown version is refused.

use e2e::forge::{self, GRANT};
use e2e::process::{clean, run};
use e2e::raw_certificate::RawCertificate;
use e2e::refusal::{assert_module_refuses, assert_refused_everywhere};
use e2e::world::World;

/// A sound certificate, to be spoiled.
fn sound(world: &World) -> RawCertificate {
    let forge = world.forge();
    forge.approved(&forge::grant(forge.fields(&world.jo)), &[&world.kim], &world.jo)
}

/// Refused on a host as documented, and by the module alone with this reason.
fn refused(name: &str, code: &str, spoil: impl Fn(&World, &mut RawCertificate)) {
    assert_refused_everywhere(code, |world| {
        let mut certificate = sound(world);
        spoil(world, &mut certificate);
        world.client(&world.forged(name, &certificate))
    });
}

#[test]
fn the_forger_makes_sound_certificates_too() {
    let world = World::shared();
    e2e::refusal::assert_enters(&world.host, &world.client(&world.forged("sound", &sound(&world))));
}

#[test]
fn a_certificate_without_a_grant_is_refused() {
    refused("no-grant", "no-grant", |_, certificate| certificate.drop_extension(GRANT));
}

#[test]
fn a_plain_certificate_of_the_ca_key_is_refused() {
    let world = World::shared_with_module_alone();
    let ca_key = world.authority.folder().join("ca_key");
    let plain = e2e::identity::Identity::make(world.folder.path(), "plain");
    let mut sign = clean("/usr/bin/ssh-keygen");
    sign.args(["-q", "-s"]).arg(ca_key).args([
        "-I",
        "x",
        "-z",
        "9",
        "-n",
        "acme-support@db1.prod",
        "-V",
        "-1m:+5m",
    ]);
    sign.arg(plain.public());
    drop(run(sign).ok());
    let plain = plain.with(world.folder.path().join("plain-cert.pub"));
    assert_module_refuses(&world.host, &world.client(&plain), "no-grant");
}

#[test]
fn a_certificate_with_two_grants_is_refused() {
    refused("two-grants", "certificate-unreadable", |world, certificate| {
        let second = forge::grant(world.forge().fields(&world.jo));
        let first = certificate.extensions.iter().position(|(name, _)| name == GRANT).expect("a grant");
        certificate.extensions.insert(first + 1, (GRANT.into(), second.render()));
    });
}

#[test]
fn a_certificate_with_the_same_grant_twice_is_refused() {
    refused("same-twice", "certificate-unreadable", |_, certificate| {
        let first = certificate.extensions.iter().position(|(name, _)| name == GRANT).expect("a grant");
        certificate.extensions.insert(first, certificate.extensions[first].clone());
    });
}

#[test]
fn an_unknown_version_is_refused() {
    refused("version-2", "unknown-version", |world, certificate| {
        let document =
            forge::grant(world.forge().fields(&world.jo)).render().replacen("grant 1\n", "grant 2\n", 1);
        let approval = forge::approve(document.as_bytes(), &world.kim);
        certificate.set_extension(forge::APPROVALS, forge::approvals_text([approval]));
        certificate.set_extension(GRANT, document);
    });
}

#[test]
fn a_grant_in_another_spelling_is_refused() {
    refused("spelling", "document", |world, certificate| {
        let document =
            forge::grant(world.forge().fields(&world.jo)).render().replacen("uses: unlimited", "uses: 00", 1);
        let approval = forge::approve(document.as_bytes(), &world.kim);
        certificate.set_extension(forge::APPROVALS, forge::approvals_text([approval]));
        certificate.set_extension(GRANT, document);
    });
}

#[test]
fn a_certificate_with_another_serial_extension_or_option_than_its_grant_is_refused() {
    refused("serial-0", "certificate-differs", |_, certificate| certificate.serial = 0);
    refused("key-id", "certificate-differs", |_, certificate| certificate.key_id = "G-222222 acme/jo".into());
    refused("one-more-principal", "certificate-differs", |_, certificate| {
        certificate.principals.push("acme-two@db1.prod".into());
    });
    refused("one-more-permit", "certificate-differs", |_, certificate| {
        certificate.extensions.push(("permit-user-rc".into(), String::new()));
    });
    refused("force-command", "certificate-differs", |_, certificate| {
        certificate.options.push(("force-command".into(), "/bin/true".into()));
    });
}

#[test]
fn a_grant_with_a_limit_that_nothing_enforces_is_refused() {
    for limit in ["uses", "sessions", "extendable-to", "sudo"] {
        let world = World::shared();
        let forge = world.forge();
        let mut fields = forge.fields(&world.jo);
        match limit {
            "uses" => fields.uses = 3.try_into().ok(),
            "sessions" => fields.sessions = 1.try_into().ok(),
            "extendable-to" => {
                fields.extendable_to = Some(grant::UnixTime::from_secs(e2e::clock::now() + 7_200))
            }
            _ => fields.features.sudo = true,
        }
        let certificate = forge.approved(&forge::grant(fields), &[&world.kim], &world.jo);
        let client = world.client(&world.forged(&format!("limit-{limit}"), &certificate));
        let told = assert_module_refuses(&world.host, &client, "not-enforced");
        assert!(told.contains(limit), "{told}");
    }
}

//! Nothing here is special to OpenSSH's client: PuTTY's `plink` enters with the same certificate, and is refused the same.

use std::path::PathBuf;
use std::process::Command;

use e2e::authority::Request;
use e2e::client::Client;
use e2e::identity::Identity;
use e2e::process::{Outcome, clean, program, run};
use e2e::raw_certificate;
use e2e::refusal::{Marker, one_refusal};
use e2e::world::{ACCOUNT, OTHER_HOST, World};

/// `plink` with this identity's certificate.
fn plink(world: &World, identity: &Identity, words: &str) -> Outcome {
    let client = Client::without_key(&world.host, ACCOUNT);
    let mut command = putty(&client, "plink");
    command.args(["-ssh", "-batch", "-noagent", "-P", &world.host.port().to_string()]);
    command.arg("-hostkey").arg(host_key(world)).arg("-i").arg(ppk(&client, identity));
    if let Some(certificate) = &identity.certificate {
        command.arg("-cert").arg(certificate);
    }
    command.arg(format!("{ACCOUNT}@127.0.0.1")).arg(words);
    run(command)
}

fn putty(client: &Client, name: &str) -> Command {
    let mut command = clean(program(name, "putty-tools"));
    command.env("HOME", client.folder());
    command
}

fn ppk(client: &Client, identity: &Identity) -> PathBuf {
    let path = client.folder().join("key.ppk");
    let mut command = putty(client, "puttygen");
    command.arg(&identity.key).args(["-O", "private", "-o"]).arg(&path);
    drop(run(command).ok());
    path
}

fn host_key(world: &World) -> String {
    let output = world.host.run(["ssh-keygen", "-l", "-f", "/etc/ssh/scratch_host_key.pub"]).ok().stdout;
    output.split(' ').nth(1).unwrap_or_default().to_owned()
}

#[test]
fn plink_enters_with_a_grant_in_scope() {
    let world = World::shared();
    let identity = world.granted(&Request::default());
    let outcome = plink(&world, &identity, "id -un; exit 4");
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(4), "acme-support\n"), "{outcome:?}");
}

#[test]
fn plink_is_refused_without_the_certificate_and_for_another_host() {
    let world = World::shared();
    let marker = Marker::new();
    let plain = plink(&world, &world.jo, &marker.command());
    assert!(!plain.succeeded(), "{plain:?}");
    let elsewhere = world.granted(&Request::default().at_host(OTHER_HOST));
    let outcome = plink(&world, &elsewhere, &marker.command());
    assert!(!outcome.succeeded(), "{outcome:?}");
    assert!(!marker.is_there(&world.host), "a refused login ran a command");
}

#[test]
fn plink_shows_the_person_why() {
    let world = World::shared_with_module_alone();
    let marker = Marker::new();
    let elsewhere = world.granted(&Request::default().at_host(OTHER_HOST));
    let outcome = plink(&world, &elsewhere, &marker.command());
    assert!(!outcome.succeeded() && !marker.is_there(&world.host), "{outcome:?}");
    assert!(one_refusal(&outcome).contains("is not for this host"), "{outcome:?}");
}

#[test]
fn a_certificate_with_altered_bytes_is_refused() {
    // OpenSSH's client looks at a certificate before it shows it; plink shows what it is given.
    let world = World::shared_with_module_alone();
    let identity = world.granted(&Request::default());
    let certificate = identity.certificate.clone().expect("a certificate");
    let blob = raw_certificate::blob(&std::fs::read_to_string(certificate).expect("reads the certificate"));
    let grant = find(&blob, b"grant: G-") + 9;
    let account = find(&blob, b"accounts: acme-") + 15;
    let closes = find(&blob, b"closes: 20") + 10;
    for at in [grant, account, closes, find(&blob, b"acme-support@"), 60, blob.len() - 1, blob.len() - 40] {
        let mut altered = blob.clone();
        altered[at] ^= 0x01;
        let identity = identity.with_text(&format!("altered-{at}"), &raw_certificate::line(&altered));
        let marker = Marker::new();
        let outcome = plink(&world, &identity, &marker.command());
        assert!(!outcome.succeeded() && !marker.is_there(&world.host), "byte {at}: {outcome:?}");
    }
}

fn find(blob: &[u8], text: &[u8]) -> usize {
    blob.windows(text.len()).position(|window| window == text).expect("the certificate holds the text")
}

//! A host on which nothing of `/etc/jit` is, its authority, and bundles that go from one to the other.

use std::collections::BTreeMap;

use e2e::authority::{Authority, Request};
use e2e::client::Client;
use e2e::process::{Outcome, clean, run};
use e2e::world::{HOST, World};

/// Where a bundle lies on the host before it is applied.
pub(crate) const FILE: &str = "/root/db1.bundle";

/// A world whose host believes nobody yet.
pub(crate) fn empty() -> World {
    let world = World::fresh();
    // The machine's own /var/lib and /root stay as they were.
    for folder in ["/var/lib", "/root"] {
        drop(world.host.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", folder]).ok());
    }
    drop(world.host.run(["rm", "-r", "/etc/jit"]).ok());
    world
}

/// A world whose host has applied a first bundle, and has no recorder.
pub(crate) fn trusting() -> World {
    let world = empty();
    bring(&world, bundle(&world.authority, HOST));
    drop(pin(&world).ok());
    without_recorder(&world);
    world
}

/// Takes the table `[recorder]` out of host.toml: nothing of these tests needs one.
pub(crate) fn without_recorder(world: &World) {
    let text = world.host.read("/etc/jit/host.toml");
    let (rest, _) = text.split_once("\n[recorder]\n").expect("the example has a recorder");
    world.host.write("/etc/jit/host.toml", format!("{rest}\n"));
}

/// A new bundle.
pub(crate) fn bundle(authority: &Authority, host: &str) -> String {
    authority.ca(["host", "bundle", host, "-o", "-"]).ok().stdout
}

/// A bundle's text with the trust root's signature, as `ssh-keygen` makes it.
pub(crate) fn signed(world: &World, text: &str) -> String {
    let path = world.folder.path().join("bundle");
    std::fs::write(&path, text).expect("writes the text");
    let signature = path.with_extension("sig");
    // It asks before it writes over one.
    drop(std::fs::remove_file(&signature));
    let mut sign = clean("ssh-keygen");
    sign.args(["-Y", "sign", "-q", "-n", "trust@pam-jit", "-f"]);
    sign.arg(world.authority.folder().join("trust_root")).arg(&path);
    drop(run(sign).ok());
    text.to_owned() + &std::fs::read_to_string(signature).expect("reads the signature")
}

/// Brings a bundle to the host.
pub(crate) fn bring(world: &World, bundle: impl AsRef<[u8]>) {
    world.host.write(FILE, bundle);
}

/// `jit trust` with these words after the file, and without a terminal.
pub(crate) fn trust(world: &World, words: &[&str]) -> Outcome {
    let mut command = world.host.command("/usr/bin/jit");
    command.args(["trust", FILE]).args(words);
    run(command)
}

/// The same with the authority's root given.
pub(crate) fn pin(world: &World) -> Outcome {
    trust(world, &["--root", world.authority.fingerprint()])
}

/// Every file of ours on the host, but for the lock.
pub(crate) fn files(world: &World) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for folder in ["/etc/jit", "/var/lib/jit/trust"] {
        for entry in std::fs::read_dir(world.host.path(folder)).into_iter().flatten().flatten() {
            let name = format!("{folder}/{}", entry.file_name().to_string_lossy());
            if !name.ends_with("/lock") && entry.path().is_file() {
                found.insert(name, std::fs::read(entry.path()).expect("reads a file of the host"));
            }
        }
    }
    found
}

/// A client of jo with an ordinary grant, approved by kim.
pub(crate) fn client(world: &World) -> Client {
    world.client(&world.granted(&Request::default()))
}

//! A folder into which any transport drops bundles: every file leaves under its name, and a wrong one says why.

use std::os::unix::fs::symlink;

use e2e::deadline;
use e2e::process::{Outcome, Running};
use e2e::world::{HOST, OTHER_HOST, World};

use crate::scene::{bundle, empty, files, trusting};

const FOLDER: &str = "/var/lib/jit/trust/incoming";

fn drop_in(world: &World, name: &str, bytes: impl AsRef<[u8]>) {
    world.host.write(&format!("{FOLDER}/{name}"), bytes);
}

fn take(world: &World) -> Outcome {
    world.host.run(["jit", "trust", "--drop", FOLDER])
}

fn names(world: &World) -> Vec<String> {
    let entries = std::fs::read_dir(world.host.path(FOLDER)).expect("reads the folder").flatten();
    let mut names: Vec<_> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn dropped_bundles_are_applied_in_order_and_leave() {
    let world = trusting();
    let (first, second) = (bundle(&world.authority, HOST), bundle(&world.authority, HOST));
    drop_in(&world, "a.bundle", &second);
    drop_in(&world, "b.bundle", &first);
    drop_in(&world, "notes.txt", "not ours");
    let said = take(&world).ok().stdout;
    assert_eq!(said.matches(": applied").count(), 2, "{said}");
    assert_eq!(names(&world), ["notes.txt"]);
    assert!(world.host.read("/var/lib/jit/trust/applied") == second);
    assert_eq!(take(&world).ok().stdout, "no bundle there\n");
}

#[test]
fn a_refused_file_is_put_aside_with_its_reason_and_never_looked_at_again() {
    let world = trusting();
    let before = files(&world);
    let ours = bundle(&world.authority, HOST);
    drop_in(&world, "cut.bundle", &ours[..ours.len() / 2]);
    drop_in(&world, "other.bundle", bundle(&world.authority, OTHER_HOST));
    drop_in(&world, "altered.bundle", ours.replace("roles: db", "roles: dc"));
    world.host.write("/root/secret", "root:hunter2\n");
    symlink("/root/secret", world.host.path(&format!("{FOLDER}/link.bundle"))).expect("makes a link");
    std::fs::create_dir(world.host.path(&format!("{FOLDER}/folder.bundle"))).expect("makes a folder");
    let outcome = take(&world);
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    assert!(!format!("{outcome:?}").contains("hunter2"), "{outcome:?}");
    let stems = ["altered", "cut", "folder", "link", "other"];
    let wanted: Vec<_> = stems
        .iter()
        .flat_map(|stem| [format!("{stem}.bundle.refused"), format!("{stem}.bundle.refused.reason")])
        .collect();
    assert_eq!(names(&world), wanted);
    let reason = |stem: &str| world.host.read(&format!("{FOLDER}/{stem}.bundle.refused.reason"));
    assert!(reason("cut").contains("not signed, or cut off"), "{}", reason("cut"));
    assert!(reason("other").contains("the bundle is for the host db2.prod"), "{}", reason("other"));
    assert!(reason("altered").contains("does not hold"), "{}", reason("altered"));
    assert!(reason("link").contains("cannot read"), "{}", reason("link"));
    assert_eq!(files(&world), before);
    assert_eq!(take(&world).ok().stdout, "no bundle there\n");
}

#[test]
fn a_file_that_is_still_being_copied_is_waited_for_and_delays_no_other() {
    let world = trusting();
    let (whole, slow) = (bundle(&world.authority, HOST), bundle(&world.authority, HOST));
    let (head, rest) = slow.split_at(slow.len() / 3);
    drop_in(&world, "a-slow.bundle", head);
    drop_in(&world, "whole.bundle", &whole);
    let mut command = world.host.command("jit");
    command.args(["trust", "--drop", FOLDER]);
    let running = Running::start(command, b"");
    deadline::until("the whole one is applied", || world.host.read("/var/lib/jit/trust/applied") == whole);
    assert_eq!(names(&world).first().map(String::as_str), Some("a-slow.bundle"));
    let path = world.host.path(&format!("{FOLDER}/a-slow.bundle"));
    let mut file = std::fs::OpenOptions::new().append(true).open(path).expect("opens the file");
    std::io::Write::write_all(&mut file, rest.as_bytes()).expect("writes the rest");
    let said = running.finish().ok().stdout;
    assert_eq!(said.matches(": applied").count(), 2, "{said}");
    assert_eq!(world.host.read("/var/lib/jit/trust/applied"), slow);
}

#[test]
fn a_dropped_bundle_pins_no_root() {
    let world = empty();
    drop_in(&world, "first.bundle", bundle(&world.authority, HOST));
    let outcome = take(&world);
    assert!(outcome.code == Some(1) && outcome.stdout.contains("no trust root yet"), "{outcome:?}");
    assert!(!world.host.has("/etc/jit"));
}

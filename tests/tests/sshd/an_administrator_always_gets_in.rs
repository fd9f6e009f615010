//! Whatever of ours is missing, broken or empty: an administrator's plain key still works, and a vendor is refused.

use e2e::authority::Request;
use e2e::host::Host;
use e2e::refusal::{assert_enters, assert_refused, assert_sshd_refuses};
use e2e::world::World;

/// What can happen to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Harm {
    Missing,
    Garbage,
    Empty,
}

fn do_harm(host: &Host, file: &str, harm: Harm) {
    match harm {
        Harm::Missing => host.remove(file),
        Harm::Garbage => host.write_mode(file, b"\x00\xffgarbage = [[[\n\x1b[31m", 0o755),
        Harm::Empty => host.write_mode(file, b"", 0o755),
    }
}

/// Without these sshd refuses before the module could say why, as README.md and docs/troubleshooting.md have it.
const SSHDS_OWN: [&str; 3] = ["/etc/jit/host.toml", "/etc/jit/ca.pub", "/etc/jit/krl"];

/// With the file harmed: the administrator enters, the vendor is refused; restored, the vendor enters again.
fn each_harm(world: &World, file: &str, mode: u32) {
    let vendor = world.granted(&Request::default());
    let sound = std::fs::read(world.host.path(file)).expect("reads the sound file");
    for harm in [Harm::Missing, Harm::Garbage, Harm::Empty] {
        do_harm(&world.host, file, harm);
        let admin = world.admin().exec("id -un");
        assert!(
            admin.succeeded() && admin.stdout == "ada\n",
            "{file} {harm:?}: {admin:?}\n{}",
            world.host.sshd_log()
        );
        // An empty KRL revokes nothing (facts.md, sshd): the one case in which sshd has no objection.
        if (file, harm) == ("/etc/jit/krl", Harm::Empty) {
        } else if SSHDS_OWN.contains(&file) {
            assert_sshd_refuses(&world.host, &world.client(&vendor));
        } else {
            drop(assert_refused(&world.host, &world.client(&vendor)));
        }
        world.host.write_mode(file, &sound, mode);
        assert_enters(&world.host, &world.client(&vendor));
    }
}

#[test]
fn with_a_file_of_etc_jit_missing_broken_or_empty() {
    let world = World::fresh();
    for file in ["host.toml", "ca.pub", "approvers", "revoked", "krl"] {
        each_harm(&world, &format!("/etc/jit/{file}"), 0o644);
    }
}

#[test]
fn with_the_module_or_the_program_missing_broken_or_empty() {
    let world = World::fresh();
    let module = world.host.module();
    each_harm(&world, &module, 0o644);
    each_harm(&world, "/usr/bin/jit", 0o755);
}

#[test]
fn with_all_of_it_gone() {
    let world = World::fresh();
    let vendor = world.granted(&Request::default());
    for file in ["host.toml", "ca.pub", "approvers", "revoked", "krl"] {
        world.host.remove(&format!("/etc/jit/{file}"));
    }
    drop(world.host.run(["rmdir", "/etc/jit"]).ok());
    world.host.remove(&world.host.module());
    world.host.remove("/usr/bin/jit");
    assert_eq!(world.admin().exec("id -un").ok().stdout, "ada\n");
    drop(assert_refused(&world.host, &world.client(&vendor)));
}

#[test]
fn with_the_vendors_group_missing() {
    let world = World::fresh();
    let vendor = world.granted(&Request::default());
    let groups = world.host.read("/etc/group");
    let others: String = groups
        .lines()
        .filter(|line| !line.starts_with("jit-vendors:"))
        .map(|line| format!("{line}\n"))
        .collect();
    world.host.write("/etc/group", others);
    assert_eq!(world.admin().exec("id -un").ok().stdout, "ada\n");
    drop(assert_refused(&world.host, &world.client(&vendor)));
}

#[test]
fn with_nobody_reading_the_log() {
    let world = World::fresh();
    let vendor = world.granted(&Request::default());
    // A socket file that nobody reads, as after a log daemon's crash; then none at all.
    world.host.replace_log_socket_by_a_dead_one();
    assert_eq!(world.admin().exec("id -un").ok().stdout, "ada\n");
    assert_enters(&world.host, &world.client(&vendor));
    world.host.remove("/dev/log");
    assert_eq!(world.admin().exec("id -un").ok().stdout, "ada\n");
    assert_enters(&world.host, &world.client(&vendor));
}

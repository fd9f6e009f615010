//! A file that decides access counts only while nobody but root can change it, its folder included.

use e2e::authority::Request;
use e2e::refusal::{assert_enters, assert_module_refuses, assert_refused};
use e2e::world::{Sshd, World};

const FILES: [&str; 4] = ["host.toml", "ca.pub", "approvers", "revoked"];

/// Refused while `harm` lasts, by the module alone, and told so in one line that names no file.
fn refused_while(world: &World, what: &str, harm: impl Fn(), repair: impl Fn()) {
    let vendor = world.granted(&Request::default());
    harm();
    let told = assert_module_refuses(&world.host, &world.client(&vendor), "configuration");
    assert!(!told.contains("/etc"), "{what}: a vendor learns no paths: {told}");
    assert_eq!(world.admin().exec("id -un").ok().stdout, "ada\n", "{what}");
    repair();
    assert_enters(&world.host, &world.client(&vendor));
}

#[test]
fn a_file_that_others_can_write_is_not_believed_on_a_host_as_documented() {
    let world = World::fresh();
    let vendor = world.granted(&Request::default());
    for file in FILES.into_iter().map(|file| format!("/etc/jit/{file}")).chain(["/etc/jit".to_owned()]) {
        let mode = if file == "/etc/jit" { 0o755 } else { 0o644 };
        world.host.set_mode(&file, mode | 0o002);
        drop(assert_refused(&world.host, &world.client(&vendor)));
        world.host.set_mode(&file, mode);
    }
    assert_enters(&world.host, &world.client(&vendor));
}

#[test]
fn a_file_that_others_can_write_is_not_believed() {
    let world = World::with(Sshd::AcceptsEveryPrincipal);
    for file in FILES {
        let file = format!("/etc/jit/{file}");
        for mode in [0o664, 0o646] {
            refused_while(
                &world,
                &file,
                || world.host.set_mode(&file, mode),
                || world.host.set_mode(&file, 0o644),
            );
        }
        let own = |owner: &str| drop(world.host.run(["chown", owner, &file]).ok());
        refused_while(&world, &file, || own("acme-two"), || own("root"));
    }
}

#[test]
fn a_file_in_a_folder_that_others_can_write_is_not_believed() {
    let world = World::with(Sshd::AcceptsEveryPrincipal);
    for mode in [0o775, 0o757, 0o1777] {
        refused_while(
            &world,
            "/etc/jit",
            || world.host.set_mode("/etc/jit", mode),
            || world.host.set_mode("/etc/jit", 0o755),
        );
    }
    refused_while(
        &world,
        "/etc",
        || world.host.set_mode("/etc", 0o777),
        || world.host.set_mode("/etc", 0o755),
    );
}

#[test]
fn a_symbolic_link_in_place_of_a_file_is_not_believed() {
    let world = World::with(Sshd::AcceptsEveryPrincipal);
    for file in FILES {
        let (file, aside) = (format!("/etc/jit/{file}"), format!("/etc/jit/{file}-aside"));
        let link = || {
            drop(world.host.run(["mv", &file, &aside]).ok());
            drop(world.host.run(["ln", "-s", &aside, &file]).ok());
        };
        refused_while(&world, &file, link, || drop(world.host.run(["mv", "-T", &aside, &file]).ok()));
    }
}

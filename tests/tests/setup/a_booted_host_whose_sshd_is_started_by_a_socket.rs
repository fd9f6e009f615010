//! Debian with ssh.socket enabled and ssh.service not: process 1 holds the port, and starts sshd with the first login. sshd's
//! own folder below /run is there only while it runs, and told to reload it ends.

use e2e::authority::Request;
use e2e::booted::world::World;
use e2e::deadline::SOON;
use e2e::world::{ACCOUNT, HOST};

use crate::unpacked::{SCOPES, contents, is_bare, kill, live, no_timer_is_left, setup};

/// A host with the socket, on which no sshd runs.
fn host() -> World {
    let world = World::unpacked();
    let enable = "systemctl disable --quiet --now ssh.service && systemctl enable --quiet --now ssh.socket";
    drop(world.host.script(enable, []).ok());
    assert!(!world.host.is_active("ssh.service") && !world.host.has("/run/sshd"));
    world
}

/// sshd as it is before the first login.
fn without_sshd(world: &World) {
    drop(world.host.script("systemctl stop ssh.service && systemctl start ssh.socket", []).ok());
    world.host.wait(SOON, "sshd's folder is gone", || !world.host.has("/run/sshd"));
}

fn vendor_enters(world: &World) {
    let client = world.client(&world.granted(&Request::default()));
    assert_eq!(client.exec("id -un").ok().stdout, format!("{ACCOUNT}\n"));
    drop(world.host.close_of(&world.host.session_of(&client), SOON));
    assert!(!world.client(&world.jo).exec("id -un").succeeded(), "a plain key is no way in");
}

#[test]
fn a_host_whose_sshd_is_started_by_a_socket_is_set_up_and_bare_again() {
    let world = host();
    let before = contents(&world);
    let authority = world.authority.fingerprint().to_owned();
    for running in [false, true] {
        if running {
            world.admin_enters();
            assert!(world.host.is_active("ssh.service"), "the socket has started it");
        } else {
            without_sshd(&world);
        }
        let done = setup(&world, ["--yes", "--host", HOST, "--authority", &authority]).ok();
        assert!(done.stdout.contains("trial login: root gets in\n"), "{done:?}");
        world.admin_enters();
        world.publish();
        world.host.add_vendor_account(ACCOUNT);
        world.host.enable_units();
        vendor_enters(&world);
        if !running {
            without_sshd(&world);
            let checked = world.host.run(["jit", "check"]);
            assert!(checked.succeeded(), "{checked:?}");
            drop(world.host.run(["rmdir", "/run/sshd"]).ok());
        }
        drop(setup(&world, ["--remove", "--purge"]).ok());
        assert_eq!(contents(&world), before, "running: {running}");
        assert!(!world.host.has("/etc/jit") && !world.host.has(SCOPES), "running: {running}");
        world.admin_enters();
        let certificate = world.client(&world.granted(&Request::default())).exec("id -un");
        assert!(!certificate.succeeded(), "running: {running}: {certificate:?}");
        drop(world.host.run(["userdel", "--remove", ACCOUNT]));
        drop(world.host.run(["groupdel", "jit-vendors"]));
    }
    no_timer_is_left(&world);
}

#[test]
fn a_host_whose_sshd_is_started_by_a_socket_is_as_before_when_nobody_confirms() {
    let mut world = host();
    let before = contents(&world);
    world.admin_enters();
    let running = live(&world, "8");
    kill(&world, running);
    world.admin_enters();
    world.host.wait(std::time::Duration::from_secs(60), "every byte is back", || is_bare(&world, &before));
    world.admin_enters();
    no_timer_is_left(&world);

    // And after a power cut, where the unit at boot finds no folder of sshd's.
    let running = live(&world, "3600");
    world.host.crash();
    drop(running.finish());
    assert!(is_bare(&world, &before), "{}", world.host.journal("jit-setup-restore.service"));
    let said = world.host.journal("jit-setup-restore.service");
    assert!(said.contains("restored: everything is as before") && !said.contains("error"), "{said}");
    world.admin_enters();
}

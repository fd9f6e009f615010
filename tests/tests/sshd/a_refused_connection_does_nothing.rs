//! A refused grant under `ssh -N`: the connection may stay, but nothing runs in it and nothing is forwarded.

use std::net::TcpStream;

use e2e::authority::Request;
use e2e::client::Client;
use e2e::deadline;
use e2e::greeter::Greeter;
use e2e::host::free_port;
use e2e::process::{Running, run};
use e2e::refusal::{Marker, is_refusal};
use e2e::world::{OTHER_HOST, World};

/// A certificate that sshd accepts and the module refuses, with every permission that a certificate can carry.
fn refused(world: &World, target: &Greeter) -> Client {
    let features = format!("pty,sftp,agent,forward=127.0.0.1:{}", target.port);
    let identity = world.granted(&Request::default().at_host(OTHER_HOST).allowing(&features));
    world.client(&identity)
}

#[test]
fn a_refused_connection_without_a_command_forwards_nothing_out() {
    let world = World::shared_with_module_alone();
    let target = Greeter::start();
    let client = refused(&world, &target);
    assert_eq!(client.through(target.port), "");
    let refusal = world.host.wait_for_log("login.refuse", |line| is_refusal(line, &client));
    assert!(refusal.contains("other-host"), "{refusal}");
}

#[test]
fn a_refused_connection_without_a_command_listens_for_nothing() {
    let world = World::shared_with_module_alone();
    let target = Greeter::start();
    let listens = |client: &Client| {
        let port = free_port();
        let back = format!("127.0.0.1:{port}:127.0.0.1:{}", target.port);
        let mut running = Running::start(client.ssh(&["-N", "-v", "-R", &back], &[]), b"");
        deadline::until("ssh says what became of the forwarding", || {
            let said = running.so_far().1;
            running.has_ended()
                || said.contains("remote forward success")
                || said.contains("remote forward failure")
        });
        let listens = TcpStream::connect(("127.0.0.1", port)).is_ok();
        drop(running.kill());
        listens
    };
    // On this host, where sshd is told to allow it, an admitted login can.
    let features = format!("forward=127.0.0.1:{}", target.port);
    assert!(listens(&world.client(&world.granted(&Request::default().allowing(&features)))));
    assert!(!listens(&refused(&world, &target)));
}

#[test]
fn a_refused_connection_runs_nothing_over_its_control_socket() {
    let world = World::shared_with_module_alone();
    let target = Greeter::start();
    let client = refused(&world, &target);
    let socket = format!("ControlPath={}", client.folder().join("control").display());
    let mut master =
        Running::start(client.ssh(&["-M", "-N", "-o", "ControlMaster=yes", "-o", &socket], &[]), b"");
    deadline::until("the module refuses", || {
        world.host.log_lines().iter().any(|line| is_refusal(line, &client))
    });
    let marker = Marker::new();
    for flags in [&["-T"][..], &["-tt"], &["-T", "-A"]] {
        let mut flags = flags.to_vec();
        flags.extend(["-o", &socket, "-o", "ControlMaster=no"]);
        let outcome = run(client.ssh(&flags, &[&marker.command()]));
        assert!(!outcome.succeeded(), "{outcome:?}");
    }
    assert!(!marker.is_there(&world.host), "a refused connection ran a command");
    assert!(master.has_ended() || !master.kill().succeeded());
}

#[test]
fn a_refused_login_runs_no_shell_no_sftp_and_no_rc_file() {
    let world = World::shared_with_module_alone();
    let marker = Marker::new();
    let client = refused(&world, &Greeter::start());
    for file in [".ssh/rc", ".bashrc", ".profile", ".ssh/environment"] {
        world.host.write_mode(
            &format!("/home/acme-support/{file}"),
            format!("{}\n", marker.command()),
            0o755,
        );
    }
    drop(world.host.run(["chown", "-R", "acme-support:acme-support", "/home/acme-support"]).ok());
    let shell = client.shell(&format!("{}\n", marker.command()));
    assert!(!shell.succeeded() && shell.refusals().len() == 1, "{shell:?}");
    let target = client.folder().join("got");
    let sftp = client.sftp(&format!("get /etc/passwd {}\n", target.display()));
    assert!(!sftp.succeeded() && !target.exists(), "{sftp:?}");
    assert!(!marker.is_there(&world.host), "something ran");
    for file in [".ssh/rc", ".bashrc", ".profile", ".ssh/environment"] {
        world.host.remove(&format!("/home/acme-support/{file}"));
    }
}

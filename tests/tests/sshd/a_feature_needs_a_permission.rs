//! A session has what its grant names and nothing else: terminal, agent, forwarding to one target.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use e2e::authority::Request;
use e2e::deadline;
use e2e::greeter::Greeter;
use e2e::identity::Identity;
use e2e::process::{Running, clean, program, run};
use e2e::refusal::{Marker, assert_enters};
use e2e::world::{ACCOUNT, World};

#[test]
fn a_terminal_needs_a_permission() {
    let world = World::shared();
    let without = world.client(&world.granted(&Request::default().allowing("-")));
    assert_enters(&world.host, &without);
    let outcome = run(without.ssh(&["-tt"], &["tty"]));
    assert!(!outcome.stdout.contains("/dev/pts/"), "{outcome:?}");
    assert!(outcome.stderr.contains("PTY allocation request failed"), "{outcome:?}");
    let with = world.client(&world.granted(&Request::default().allowing("pty")));
    assert!(run(with.ssh(&["-tt"], &["tty"])).ok().stdout.contains("/dev/pts/"));
}

#[test]
fn agent_forwarding_needs_a_permission() {
    let world = World::shared();
    let agent = Agent::start(&world.jo);
    let asks = |features: &str| {
        let client = world.client(&world.granted(&Request::default().allowing(features)));
        let agent = format!("IdentityAgent={}", agent.folder.path().join("agent").display());
        run(client.ssh(&["-A", "-o", &agent], &["test -n \"$SSH_AUTH_SOCK\" && ssh-add -l"]))
    };
    let without = asks("pty");
    assert!(!without.succeeded() && !without.stdout.contains("ED25519"), "{without:?}");
    assert!(asks("agent").ok().stdout.contains("ED25519"));
}

#[test]
fn forwarding_reaches_the_granted_target_and_no_other() {
    let world = World::shared();
    let (granted, other) = (Greeter::start(), Greeter::start());
    let features = format!("forward=127.0.0.1:{}", granted.port);
    let client = world.client(&world.granted(&Request::default().allowing(&features)));
    assert_eq!(client.through(granted.port), "hello");
    assert_eq!(client.through(other.port), "");
    assert_eq!(client.direct(granted.port), "hello");
    assert_eq!(client.direct(other.port), "");
}

#[test]
fn forwarding_needs_a_permission() {
    let world = World::shared();
    let target = Greeter::start();
    let client = world.client(&world.granted(&Request::default()));
    assert_enters(&world.host, &client);
    assert_eq!(client.through(target.port), "");
    assert_eq!(client.direct(target.port), "");
}

#[test]
fn a_permission_to_forward_is_none_to_listen_on_the_host() {
    let world = World::shared();
    let target = Greeter::start();
    for features in ["pty".to_owned(), format!("forward=127.0.0.1:{}", target.port)] {
        let client = world.client(&world.granted(&Request::default().allowing(&features)));
        let back = format!("127.0.0.1:0:127.0.0.1:{}", target.port);
        let outcome = run(client.ssh(&["-o", "ExitOnForwardFailure=yes", "-R", &back], &["true"]));
        assert!(!outcome.succeeded(), "{features}: {outcome:?}");
        assert!(outcome.stderr.contains("remote port forwarding failed"), "{features}: {outcome:?}");
    }
}

#[test]
fn a_host_socket_is_never_forwarded() {
    let world = World::shared();
    let target = Greeter::start();
    let inside = world.host.path("/tmp/greets");
    let listener = std::os::unix::net::UnixListener::bind(&inside).expect("binds a socket of the host");
    std::fs::set_permissions(&inside, std::os::unix::fs::PermissionsExt::from_mode(0o777)).expect("opens it");
    std::thread::spawn(move || listener.accept().map(|(mut stream, _)| stream.write_all(b"hello")));
    let features = format!("forward=127.0.0.1:{}", target.port);
    let client = world.client(&world.granted(&Request::default().allowing(&features)));
    let local = client.folder().join("local");
    let forward = format!("{}:/tmp/greets", local.display());
    let mut running = Running::start(client.ssh(&["-N", "-L", &forward], &[]), b"");
    deadline::until("ssh listens", || local.exists() || running.has_ended());
    let mut stream = UnixStream::connect(&local).expect("ssh listens");
    stream.set_read_timeout(Some(deadline::SOON)).expect("sets a deadline");
    let mut answer = String::new();
    drop(stream.read_to_string(&mut answer));
    assert_eq!(answer, "");
    let said = running.kill();
    assert!(said.stderr.contains("open failed"), "{said:?}");
    assert!(world.host.sshd_log().contains("refused streamlocal port forward"), "sshd refused it");
}

#[test]
fn no_session_has_x11_a_tunnel_or_an_rc_file() {
    let world = World::shared();
    let client = world.client(&world.granted(&Request::default().allowing("pty,sftp,agent")));
    let rc = format!("/home/{ACCOUNT}/.ssh/rc");
    let marker = Marker::new();
    world.host.write_mode(&rc, marker.command(), 0o755);
    assert_enters(&world.host, &client);
    let mut x11 = client.ssh(&["-X", "-o", "ForwardX11Trusted=yes"], &["echo display=$DISPLAY"]);
    x11.env("DISPLAY", "127.0.0.1:99");
    assert_eq!(run(x11).ok().stdout, "display=\n");
    assert!(!marker.is_there(&world.host), "~/.ssh/rc ran");
    world.host.remove(&rc);
    let tunnel = run(client.ssh(&["-w", "any:any", "-o", "ExitOnForwardFailure=yes"], &["true"]));
    assert!(!tunnel.succeeded(), "{tunnel:?}");
}

/// A real `ssh-agent` that holds one key.
struct Agent {
    folder: tempfile::TempDir,
    _running: Running,
}

impl Agent {
    fn start(identity: &Identity) -> Self {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let socket = folder.path().join("agent");
        let mut command = clean(program("ssh-agent", "openssh-client"));
        command.arg("-D").arg("-a").arg(&socket);
        let running = Running::start(command, b"");
        deadline::until("the agent listens", || socket.exists());
        let mut add = clean(program("ssh-add", "openssh-client"));
        add.arg("-q").arg(&identity.key).env("SSH_AUTH_SOCK", &socket);
        drop(run(add).ok());
        Self { folder, _running: running }
    }
}

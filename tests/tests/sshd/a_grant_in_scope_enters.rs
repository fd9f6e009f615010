//! A certificate of an approved grant enters with plain `ssh`, in every way that `ssh` is used.

use std::fs;

use e2e::authority::Request;
use e2e::deadline;
use e2e::process::{Running, run};
use e2e::refusal::{assert_enters, record_of};
use e2e::world::{ACCOUNT, HOST, World};

#[test]
fn a_grant_in_scope_enters_with_a_command() {
    let world = World::shared();
    let client = world.client(&world.granted(&Request::default()));
    let outcome = client.exec("id -un; cat; exit 7");
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(7), "acme-support\n"), "{outcome:?}");
    assert!(outcome.refusals().is_empty(), "{outcome:?}");
}

#[test]
fn a_grant_in_scope_enters_with_a_shell_on_a_terminal() {
    let world = World::shared();
    let outcome = world.client(&world.granted(&Request::default())).shell("tty; id -un; exit 5\n");
    assert_eq!(outcome.code, Some(5), "{outcome:?}");
    assert!(outcome.stdout.contains("/dev/pts/") && outcome.stdout.contains(ACCOUNT), "{outcome:?}");
}

#[test]
fn a_grant_in_scope_enters_with_sftp_and_scp() {
    let world = World::shared();
    let client = world.client(&world.granted(&Request::default()));
    let (sent, back) = (client.folder().join("sent"), client.folder().join("back"));
    let content: String = (0..20_000).map(|number| format!("{number}\n")).collect();
    fs::write(&sent, &content).expect("writes a file");
    let batch = format!("put {} by-sftp\nget by-sftp {}\n", sent.display(), back.display());
    drop(client.sftp(&batch).ok());
    assert_eq!(fs::read_to_string(&back).expect("reads it back"), content);
    drop(client.scp(&[], &sent, "by-scp").ok());
    drop(client.scp(&["-O"], &sent, "by-old-scp").ok());
    for name in ["by-scp", "by-old-scp"] {
        assert_eq!(world.host.read(&format!("/home/{ACCOUNT}/{name}")), content);
    }
}

#[test]
fn three_commands_over_one_connection_are_one_session() {
    let world = World::shared();
    let client = world.client(&world.granted(&Request::default()));
    let socket = client.folder().join("control");
    let socket = format!("ControlPath={}", socket.display());
    let master =
        Running::start(client.ssh(&["-M", "-N", "-o", "ControlMaster=yes", "-o", &socket], &[]), b"");
    let through = |words: &str| run(client.ssh(&["-o", &socket, "-o", "ControlMaster=no"], &[words]));
    deadline::until("the master listens", || {
        run(client.ssh(&["-o", &socket, "-O", "check"], &[])).succeeded()
    });
    for number in 0..3 {
        assert_eq!(through(&format!("echo {number}")).ok().stdout, format!("{number}\n"));
    }
    drop(run(client.ssh(&["-o", &socket, "-O", "exit"], &[])).ok());
    drop(master.finish());
    let closed =
        world.host.wait_for_log("session.close", |line| line.contains("session.close") && client.is_in(line));
    let session = record_of(&closed)["jit"]["session"].clone();
    let opened: Vec<_> = world
        .host
        .log_lines()
        .into_iter()
        .filter(|line| line.contains("session.open") && client.is_in(line))
        .collect();
    assert_eq!(opened.len(), 1, "{opened:?}");
    assert_eq!(record_of(&opened[0])["jit"]["session"], session);
}

#[test]
fn a_login_is_logged_with_who_where_and_under_which_grant() {
    let world = World::shared();
    let grant = world.authority.create(&Request::default());
    world.authority.approve(&grant, "kim", &world.kim);
    let client = world.client(&world.authority.sign(&grant, &world.jo));
    assert_enters(&world.host, &client);
    for event in ["session.open", "session.close"] {
        let line = world.host.wait_for_log(event, |line| line.contains(event) && line.contains(&grant));
        let record = record_of(&line);
        assert_eq!(record["event"]["action"], event, "{line}");
        assert_eq!(record["jit"]["grant"], grant.as_str(), "{line}");
        assert_eq!(record["jit"]["person"], "acme/jo", "{line}");
        assert_eq!(record["jit"]["vendor"], "acme", "{line}");
        assert_eq!(record["user"]["name"], ACCOUNT, "{line}");
        assert_eq!(record["host"]["name"], HOST, "{line}");
        assert_eq!(record["source"]["ip"], client.source().to_string(), "{line}");
    }
}

#[test]
fn a_grant_for_a_role_enters_a_host_of_that_role() {
    let world = World::shared();
    let client = world.client(&world.granted(&Request::default().at_role("db")));
    assert_enters(&world.host, &client);
}

#[test]
fn a_grant_with_as_much_as_fits_enters() {
    let world = World::shared();
    for number in 0..31 {
        drop(
            world
                .authority
                .ca(["host", "add", &format!("host{number}.with.a.rather.long.name.example.org")])
                .ok(),
        );
    }
    let mut request = Request::default().with("--from", "127.0.0.0/8");
    request
        .places
        .extend((0..31).map(|n| ("--host", format!("host{n}.with.a.rather.long.name.example.org"))));
    request.accounts.extend((0..7).map(|number| format!("acme-account-number-{number}")));
    let client = world.client(&world.granted(&request));
    assert_enters(&world.host, &client);
}

#[test]
fn a_grant_with_more_names_than_openssh_reads_is_not_made() {
    // OpenSSH's sshkey.h: SSHKEY_CERT_MAX_PRINCIPALS is 256; a certificate with more is "invalid format" to it.
    let world = World::shared();
    let hosts: Vec<String> = (0..32).map(|number| format!("many{number}.prod")).collect();
    let accounts: Vec<String> = (0..9).map(|number| format!("many-{number}")).collect();
    for host in &hosts {
        drop(world.authority.ca(["host", "add", host]).ok());
    }
    let mut words = vec!["grant", "create", "--person", "acme/jo", "--for", "30m", "--reason", "too much"];
    words.extend(hosts.iter().flat_map(|host| ["--host", host.as_str()]));
    words.extend(accounts.iter().flat_map(|account| ["--account", account.as_str()]));
    let outcome = world.authority.ca(words);
    assert!(!outcome.succeeded() && outcome.stderr.starts_with("error: "), "{outcome:?}");
}

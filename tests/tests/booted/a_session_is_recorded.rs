//! Every program that a session starts is in the records, with the arguments that the kernel says ran.

use e2e::authority::Request;
use e2e::booted::records::{Command, Records};
use e2e::booted::world::World;
use e2e::deadline::SOON;

/// The first command with these words.
fn find(commands: &[Command], argv: &[&str]) -> Option<Command> {
    commands.iter().find(|command| command.argv == argv).cloned()
}

#[test]
fn shell_exec_sftp_and_scp_are_recorded_and_the_session_closes() {
    let world = World::new();
    let jo = world.granted(&Request::default());

    // exec
    let client = world.client(&jo);
    let said = client.exec("id -un; /bin/echo one two").ok().stdout;
    assert_eq!(said, "acme-support\none two\n");
    let session = world.host.session_of(&client);
    let close = world.host.close_of(&session, SOON);
    assert_eq!(close["jit"]["reason"], "logout", "{close}");
    assert_eq!(close["jit"]["proved"], true, "the kernel says that nobody is left: {close}");
    let commands = Records::of(&world.host).commands(&session);
    for argv in
        [&["bash", "-c", "id -un; /bin/echo one two"][..], &["id", "-un"], &["/bin/echo", "one", "two"]]
    {
        let command = find(&commands, argv).unwrap_or_else(|| panic!("{argv:?} is not in {commands:#?}"));
        assert_eq!(command.source, "kernel", "{command:#?}");
        assert_eq!(command.outcome, "success", "{command:#?}");
        assert_eq!(command.record["user"]["name"], "acme-support");
        assert_eq!(command.record["jit"]["person"], "acme/jo");
    }
    assert_numbered(&commands, &close);

    // shell
    let client = world.client(&jo);
    drop(client.shell("/bin/echo from a terminal\nexit\n").ok());
    let session = world.host.session_of(&client);
    let close = world.host.close_of(&session, SOON);
    let commands = Records::of(&world.host).commands(&session);
    assert!(find(&commands, &["-bash"]).is_some(), "{commands:#?}");
    assert!(find(&commands, &["/bin/echo", "from", "a", "terminal"]).is_some(), "{commands:#?}");
    assert_numbered(&commands, &close);

    // sftp and scp
    let client = world.client(&jo);
    std::fs::write(client.folder().join("file"), "text").expect("writes a file");
    drop(client.sftp(&format!("put {} by-sftp\n", client.folder().join("file").display())).ok());
    drop(client.scp(&["-O"], &client.folder().join("file"), "by-scp").ok());
    let sessions = world.host.record(SOON, "two sessions, closed", |records| {
        let sessions = records.sessions(&client);
        (sessions.len() == 2 && sessions.iter().all(|session| records.close(session).is_some()))
            .then_some(sessions)
    });
    let records = Records::of(&world.host);
    let starts = |session: &str, name: &str| {
        records.commands(session).iter().any(|command| command.argv.iter().any(|word| word.contains(name)))
    };
    assert!(starts(&sessions[0], "sftp-server"), "{:#?}", records.commands(&sessions[0]));
    assert!(starts(&sessions[1], "scp"), "{:#?}", records.commands(&sessions[1]));
    assert_eq!(world.host.read("/home/acme-support/by-sftp"), "text");
    assert_eq!(world.host.read("/home/acme-support/by-scp"), "text");

    // A program that could not be started is told as such.
    let client = world.client(&jo);
    assert_eq!(client.exec("/bin/sh -c 'exec /no/such/program'").code, Some(127));
    let session = world.host.session_of(&client);
    drop(world.host.close_of(&session, SOON));
    let commands = Records::of(&world.host).commands(&session);
    let failed = commands.iter().find(|command| command.record["jit"]["path"] == "/no/such/program");
    let failed = failed.unwrap_or_else(|| panic!("{commands:#?}"));
    assert_eq!(
        (failed.outcome.as_str(), &failed.record["jit"]["errno"]),
        ("failure", &2.into()),
        "{failed:#?}"
    );

    // The administrator is none of the recorder's business.
    drop(world.admin().exec("/bin/echo administrator").ok());
    let administrator = world.client(&world.ada);
    assert!(Records::of(&world.host).session(&administrator).is_none());
    assert!(!world.host.read("/etc/jit/host.toml").is_empty() && world.host.is_active("jit-sweep.timer"));
}

/// Numbers run from 1 without a gap, and the close says how many there are.
fn assert_numbered(commands: &[Command], close: &serde_json::Value) {
    let numbers: Vec<u64> = commands.iter().map(|command| command.seq).collect();
    assert_eq!(numbers, (1..=commands.len() as u64).collect::<Vec<_>>(), "no gap: {commands:#?}");
    assert_eq!(close["jit"]["commands"], commands.len(), "{close}");
}

#[test]
fn sudo_is_recorded_with_the_person_and_refused_where_the_grant_has_none() {
    let world = World::new();
    world.host.put("/etc/sudoers.d/vendors", "%jit-vendors ALL=(ALL) NOPASSWD: ALL\n", 0o440);
    let client = world.client(&world.granted(&Request::default().allowing("pty,sudo")));
    let said = client.exec("sudo -n /usr/bin/id -u; sudo -n su -c '/bin/echo as root'").ok();
    assert_eq!(said.stdout, "0\nas root\n", "{said:?}");
    let session = world.host.session_of(&client);
    let close = world.host.close_of(&session, SOON);
    let commands = Records::of(&world.host).commands(&session);
    for argv in [&["/usr/bin/id", "-u"][..], &["/bin/echo", "as", "root"]] {
        let command = find(&commands, argv).unwrap_or_else(|| panic!("{argv:?} is not in {commands:#?}"));
        assert_eq!(command.record["user"]["effective"]["id"], "0", "{command:#?}");
        assert_eq!(command.record["user"]["name"], "acme-support", "the session's account: {command:#?}");
        assert_eq!(command.record["jit"]["person"], "acme/jo", "{command:#?}");
    }
    assert_numbered(&commands, &close);

    let client = world.client(&world.granted(&Request::default()));
    let refused = client.exec("sudo -n /usr/bin/id -u");
    assert!(!refused.succeeded() && refused.stdout.is_empty(), "{refused:?}");
    // Outside of any session there is no grant that could have it.
    let outside = world.host.script("runuser -u acme-support -- sudo -n id -u", []);
    assert!(!outside.succeeded() && outside.stdout.is_empty(), "{outside:?}");
}

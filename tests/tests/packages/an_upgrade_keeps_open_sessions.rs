//! apt upgrades the packages while somebody is in: she notices nothing, and nothing of what she does is missing.

use std::sync::atomic::{AtomicBool, Ordering};

use e2e::authority::Request;
use e2e::booted::records::Records;
use e2e::deadline::SOON;
use e2e::packages::{Debs, NEWER};

use crate::a_confirmed_setup::{Confirmed, Logins};

#[test]
fn an_upgrade_keeps_an_open_session_its_records_and_the_socket() {
    let Confirmed { world, before: bare, .. } = Confirmed::host();
    let host = &world.host;
    let jo = world.granted(&Request::default());
    let client = world.client(&jo);
    let mut shell = client.open_shell(&[], "/bin/echo before-$((40 + 1))\n");
    host.wait(SOON, "the shell answers", || shell.screen().contains("before-41"));
    let session = host.session_of(&client);
    let before = host.main_process("jit-recorder.service");
    let socket = "systemctl show --value --property=ActiveEnterTimestampMonotonic jit-recorder.socket";
    let listening = host.script(socket, []).ok().stdout;
    let configured = Logins::of(host);

    // Programs start all the while: each of them waits for the next recorder, and runs.
    shell.types("for ((i = 0; ; i++)); do /bin/true upgrading $i || echo failed; [ -e stop ] && break; done; /bin/echo after-$((40 + 2))\n");
    let count = || Records::of(host).commands(&session).len();
    host.wait(SOON, "the loop runs", || count() > 20);

    // And nobody who comes meanwhile is turned away.
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let logins = scope.spawn(|| {
            let mut logins = 0;
            while !done.load(Ordering::Relaxed) {
                drop(world.client(&jo).exec("true").ok());
                logins += 1;
            }
            logins
        });
        Debs::newer().install(host);
        done.store(true, Ordering::Relaxed);
        assert!(logins.join().expect("every login during the upgrade gets in") > 0);
    });
    let versions =
        "dpkg-query --show --showformat '${Version} ${db:Status-Status}\\n' jit-host libpam-jit jit-ca";
    let upgraded = host.script(versions, []).ok().stdout;
    assert_eq!(upgraded, format!("{NEWER}-0jit1 installed\n").repeat(3));
    assert_ne!(host.main_process("jit-recorder.service"), before, "another recorder");
    assert_eq!(host.script(socket, []).ok().stdout, listening, "the socket was open all the while");
    assert_eq!(Logins::of(host), configured);

    let at = count();
    host.wait(SOON, "programs of the session go on starting", || count() > at + 20);
    host.put("/home/acme-support/stop", "", 0o644);
    host.wait(SOON, "the loop ends", || shell.screen().contains("after-42"));
    assert!(!shell.screen().contains("failed"), "{}", shell.screen());
    shell.types("exit\n");
    let close = host.close_of(&session, SOON);
    assert_eq!(
        (&close["jit"]["reason"], &close["jit"]["proved"]),
        (&"logout".into(), &true.into()),
        "{close}"
    );
    // The loop's own numbers: each once, none missing.
    let commands = Records::of(host).commands(&session);
    let numbers: Vec<usize> = commands
        .iter()
        .filter(|command| command.argv.get(1).is_some_and(|word| word == "upgrading"))
        .map(|command| command.argv[2].parse().expect("a number"))
        .collect();
    assert_eq!(numbers, (0..numbers.len()).collect::<Vec<_>>());

    // The set-up was the earlier version's; the later one takes it out to the last byte.
    drop(host.run(["jit", "setup", "--remove"]).ok());
    assert_eq!(Logins::of(host), bare);
    world.admin_enters();
}

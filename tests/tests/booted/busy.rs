//! A session that holds all that a session can hold: an open shell on a terminal, a detached process that ignores
//! SIGTERM, one that has left the scope, a loop that forks faster than anybody lists processes, and a forward in use.

use std::io::Read;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use e2e::authority::Request;
use e2e::booted::client::{Client, OpenShell};
use e2e::booted::session::Process;
use e2e::booted::world::World;
use e2e::deadline::{self, SOON};

/// Each process lives a moment and leaves one child: its number is never the one that was just seen.
const COMET: &str = r#"
#include <unistd.h>
int main(void) {
    for (;;) {
        if (fork() > 0)
            _exit(0);
        usleep(500);
    }
}
"#;

/// The session.
pub(crate) struct Busy<'a> {
    pub(crate) world: &'a World,
    /// Its folder holds the socket of the forward.
    _client: Client<'a>,
    pub(crate) shell: OpenShell,
    pub(crate) session: String,
    pub(crate) audit: u32,
    forwarded: UnixStream,
}

/// A grant for everything that [`Busy`] does.
pub(crate) fn request(window: &str) -> Request {
    Request { length: window.into(), ..Request::default() }.allowing("pty,forward=127.0.0.1:22")
}

impl<'a> Busy<'a> {
    /// Opens it. Every part is there when this returns.
    pub(crate) fn open(world: &'a World, request: &Request) -> Self {
        world.host.put_program("comet", COMET);
        let client = world.client(&world.granted(request));
        let socket = client.folder().join("forward");
        let forward = format!("{}:127.0.0.1:22", socket.display());
        let script = "\
            echo audit=$(cat /proc/self/sessionid)=\n\
            (trap '' TERM HUP; exec setsid nohup sleep 10007 >/dev/null 2>&1 </dev/null) &\n\
            (trap '' TERM HUP; exec setsid nohup sleep 10008 >/dev/null 2>&1 </dev/null) &\n\
            comet\n\
            until pgrep -x sleep | wc -l | grep -q 2; do :; done; echo ready-$((40 + 2))\n";
        let shell = client.open_shell(&["-L", &forward], script);
        let ready = deadline::poll(SOON, || shell.screen().contains("ready-42").then_some(()));
        assert!(ready.is_some(), "the shell is not ready:\n{}", shell.screen());
        let screen = shell.screen();
        let audit = screen.split("audit=").find_map(|text| text.split_once('=')?.0.parse().ok());
        let audit = audit.unwrap_or_else(|| panic!("no audit session on the screen:\n{screen}"));

        let mut forwarded = UnixStream::connect(&socket).expect("ssh listens for -L");
        forwarded.set_read_timeout(Some(SOON)).expect("sets a deadline");
        let mut banner = [0; 8];
        forwarded.read_exact(&mut banner).expect("the forward works");
        assert_eq!(&banner, b"SSH-2.0-");

        let session = world.host.session_of(&client);
        let busy = Self { world, _client: client, shell, session, audit, forwarded };
        let outside = busy.processes().into_iter().find(|process| process.name == "sleep");
        world.host.move_out_of_its_scope(outside.expect("a detached process").pid);
        assert!(busy.in_scope() > 3 && busy.outside_scope() == 1, "{:#?}", busy.processes());
        busy
    }

    /// What of it lives.
    pub(crate) fn processes(&self) -> Vec<Process> {
        self.world.host.processes_of(self.audit)
    }

    /// How many processes its scope holds.
    pub(crate) fn in_scope(&self) -> usize {
        let scope = self.world.host.scope(self.audit);
        let listed = scope.and_then(|scope| std::fs::read_to_string(scope.join("cgroup.procs")).ok());
        listed.map_or(0, |listed| listed.lines().count())
    }

    /// How many have left it.
    pub(crate) fn outside_scope(&self) -> usize {
        self.processes().iter().filter(|process| process.cgroup.ends_with("/elsewhere")).count()
    }

    /// Waits until the window has closed by the host's clock, and gives the moment.
    pub(crate) fn wait_for_window_end(&self) -> Instant {
        let closes = self.world.host.record(SOON, "session.open", |records| {
            let open = records
                .action("session.open")
                .find(|open| open["jit"]["session"] == self.session.as_str())?;
            open["jit"]["closes"].as_str()?.parse::<grant::UnixTime>().ok()
        });
        let left = (closes.secs() * 1000).saturating_sub(self.world.host.wall_millis());
        assert!(
            left > 0,
            "the window closed before the session was busy: a slower machine needs a longer window"
        );
        let end = Instant::now() + Duration::from_millis(left);
        assert!(!self.processes().is_empty(), "it runs while its window is open");
        std::thread::sleep(end.saturating_duration_since(Instant::now()));
        end
    }

    /// How long after `since` nothing was left of what `count` counts.
    pub(crate) fn gone_after(
        &self,
        since: Instant,
        limit: Duration,
        count: impl Fn(&Self) -> usize,
    ) -> Duration {
        // A comet between two numbers is seen nowhere: gone is what is gone at three looks in a row.
        let mut empty = 0;
        let gone = deadline::poll(limit + SOON, || {
            empty = if count(self) == 0 { empty + 1 } else { 0 };
            (empty == 3).then(|| since.elapsed())
        });
        gone.unwrap_or_else(|| panic!("still there after {:?}: {:#?}", since.elapsed(), self.processes()))
    }

    /// The client notices: `ssh` ends, and the forwarded connection with it.
    pub(crate) fn assert_client_is_cut_off(&mut self) {
        let ended = deadline::poll(SOON, || self.shell.has_ended().then_some(()));
        assert!(ended.is_some(), "ssh ends:\n{}", self.shell.screen());
        let mut rest = Vec::new();
        let end = self.forwarded.read_to_end(&mut rest);
        assert!(end.is_ok() || end.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionReset));
    }
}

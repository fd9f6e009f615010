//! A host on which an administrator installed the packages, ran `jit setup`, got in from another terminal and confirmed.

use e2e::booted::host::Host;
use e2e::booted::world::World;
use e2e::deadline::SOON;
use e2e::host::VENDORS;
use e2e::packages::Debs;
use e2e::process::Running;
use e2e::world::HOST;

/// The host; what decided about its logins before it was set up, and the names of all files before the packages came.
pub(crate) struct Confirmed {
    pub(crate) world: World,
    pub(crate) before: Logins,
    pub(crate) files: Vec<String>,
}

/// All that decides how somebody logs in: the files, and what sshd makes of them.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Logins {
    pub(crate) files: String,
    sshd: String,
}

impl Logins {
    pub(crate) fn of(host: &Host) -> Self {
        let asked = "for user in root ada acme-support; do sshd -T -C user=$user,host=x,addr=192.0.2.1; done";
        Self { files: doors(host), sshd: host.script(asked, []).ok().stdout }
    }
}

/// Every file that decides how somebody logs in, with its content's digest, mode and owner.
pub(crate) fn doors(host: &Host) -> String {
    let list = "find /etc/pam.d /etc/ssh /etc/security /etc/sudoers* /etc/nsswitch.conf /etc/shells /etc/systemd -type f -printf '%p %m %u:%g ' -exec sha256sum {} \\; | sort";
    host.script(list, []).ok().stdout
}

/// The names of everything on the host but what a running system writes for itself.
pub(crate) fn names(host: &Host) -> Vec<String> {
    let list = "find / -xdev \\( -path /proc -o -path /sys -o -path /dev -o -path /run -o -path /tmp -o -path /var/tmp -o -path /var/log -o -path /var/cache -o -path /root/packages -o -path /var/lib/apt -o -path /var/lib/dpkg/info -o -path /var/lib/systemd/timers \\) -prune -o -print";
    let mut names: Vec<_> = host.script(list, []).ok().stdout.lines().map(str::to_owned).collect();
    names.sort();
    names
}

impl Confirmed {
    pub(crate) fn host() -> Self {
        let world = World::empty();
        let files = names(&world.host);
        Debs::current().install(&world.host);
        VENDORS.iter().for_each(|account| world.host.add_vendor_account(account));
        let before = Logins::of(&world.host);
        world.publish();
        let mut setup = world.host.command("/usr/bin/jit");
        setup.args(["setup", "--wait", "600", "--host", HOST, "--authority", world.authority.fingerprint()]);
        let running = Running::start(setup, b"");
        world.host.wait(SOON, "the set-up waits for a word", || running.so_far().0.contains("live for "));
        world.admin_enters();
        drop(world.host.run(["jit", "setup", "--confirm"]).ok());
        let said = running.finish().ok().stdout;
        assert!(said.ends_with("`jit check` names what is still open\n"), "{said}");
        world.host.wait(SOON, "the recorder runs", || world.host.is_active("jit-recorder.service"));
        assert_ne!(Logins::of(&world.host), before);
        Self { world, before, files }
    }
}

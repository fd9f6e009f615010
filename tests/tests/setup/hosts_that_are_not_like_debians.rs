//! Hosts whose files look otherwise: PAM as on Enterprise Linux, a folder of drop-ins that is full already, an older block of
//! ours, files that can't be renamed over, an administrator who is not root.

use e2e::process::Running;
use e2e::world::World;

use crate::fresh::{INCLUDE, admin_enters, assert_same, etc, host, is_set_up, setup, setup_yes};

/// /etc/pam.d/sshd of Enterprise Linux 10, with its `password-auth` and `postlogin` in short.
const EL_SSHD: &str = "\
#%PAM-1.0
auth       substack     password-auth
auth       include      postlogin
account    required     pam_nologin.so
account    include      password-auth
password   include      password-auth
# pam_selinux.so close should be the first session rule
session    required     pam_loginuid.so
session    optional     pam_keyinit.so force revoke
session    optional     pam_motd.so
session    include      password-auth
session    include      postlogin
";
const EL_PASSWORD_AUTH: &str = "\
auth        sufficient    pam_unix.so nullok
auth        required      pam_deny.so
account     required      pam_unix.so
password    required      pam_deny.so
session     required      pam_limits.so
session     [success=1 default=ignore] pam_succeed_if.so service in crond quiet use_uid
session     required      pam_unix.so
";
const EL_POSTLOGIN: &str = "session     optional      pam_umask.so silent\n";

fn removed(world: &World) {
    drop(setup(world, ["--remove", "--purge"]).ok());
}

#[test]
fn a_host_with_the_pam_services_of_enterprise_linux() {
    let world = host(INCLUDE);
    world.host.write("/etc/pam.d/sshd", EL_SSHD);
    world.host.write("/etc/pam.d/password-auth", EL_PASSWORD_AUTH);
    world.host.write("/etc/pam.d/postlogin", EL_POSTLOGIN);
    drop(world.host.run(["ln", "-sf", "su", "/etc/pam.d/su-l"]).ok());
    world.host.write("/etc/pam.d/crond", "account required pam_access.so\naccount include password-auth\n");
    let before = etc(&world.host);
    drop(setup_yes(&world).ok());
    is_set_up(&world, "with the services of Enterprise Linux");
    let sshd = world.host.read("/etc/pam.d/sshd");
    assert!(sshd.starts_with("#%PAM-1.0\n# BEGIN jit-host"), "{sshd}");
    assert!(sshd.ends_with("pam_jit.so stage=last\n# END jit-host\n"), "{sshd}");
    assert_eq!(world.host.read("/etc/pam.d/su-l"), world.host.read("/etc/pam.d/su"), "a link stays one");
    assert!(world.host.read("/etc/pam.d/crond").starts_with("# BEGIN jit-host"));
    removed(&world);
    assert_same(&before, &etc(&world.host), "after removal");
}

#[test]
fn a_block_of_an_older_version_is_replaced() {
    let world = host(INCLUDE);
    let before = etc(&world.host);
    drop(setup_yes(&world).ok());
    let sound = etc(&world.host);
    let older = world.host.read("/etc/pam.d/su").replace("quiet uid < 1000", "quiet uid < 500");
    world.host.write("/etc/pam.d/su", older);
    drop(setup_yes(&world).ok());
    assert_same(&sound, &etc(&world.host), "the block is today's");
    removed(&world);
    assert_same(&before, &etc(&world.host), "after removal");
}

#[test]
fn a_file_that_can_not_be_replaced_takes_everything_back() {
    let world = host(INCLUDE);
    // As a container engine does with single files: nothing can be renamed over it.
    for file in ["/etc/pam.d/su", "/etc/ssh/sshd_config"] {
        if file.ends_with("sshd_config") {
            // So that this one has to change at all.
            let text = world.host.read(file).replace(INCLUDE, "");
            world.host.write(file, text);
        }
        let before = etc(&world.host);
        drop(world.host.run(["mount", "--bind", file, file]).ok());
        let outcome = setup_yes(&world);
        drop(world.host.run(["umount", file]).ok());
        assert_eq!(outcome.code, Some(1), "{outcome:?}");
        let says = format!("error: cannot replace {file}; everything is as before: ");
        assert!(outcome.stderr.contains(&says), "{outcome:?}");
        assert_same(&before, &etc(&world.host), file);
        admin_enters(&world, file);
    }
    drop(setup_yes(&world).ok());
    is_set_up(&world, "when the files can be replaced");
}

#[test]
fn an_administrator_who_is_not_root_may_stand_for_all() {
    let mut world = host("");
    world.host.restart_sshd("DenyUsers root\nInclude /etc/ssh/sshd_config.d/*.conf\nMatch User ada\n    AuthorizedKeysFile .ssh/authorized_keys\n");
    let outcome = setup(&world, ["--yes", "--admin", "ada"]).ok();
    assert!(outcome.stdout.contains("trial login: ada gets in\n"), "{outcome:?}");
    admin_enters(&world, "set up");
}

#[test]
fn without_an_authority_vendors_are_refused_and_what_is_missing_is_told() {
    let world = host(INCLUDE);
    let outcome = setup(&world, ["--yes"]).ok();
    for says in [
        "vendors are refused until /etc/jit/ca.pub is there",
        "vendors are refused until /etc/jit/approvers is there",
        "vendors are refused until host.toml is complete: ",
        "`jit check` names what is still open",
    ] {
        assert!(outcome.stdout.contains(says), "{says}: {outcome:?}");
    }
    admin_enters(&world, "set up without an authority");
    assert!(!world.client(&world.jo).exec("true").succeeded());
}

#[test]
fn two_at_one_time_are_one() {
    let world = host(INCLUDE);
    drop(world.host.run(["mkdir", "-p", "/var/lib/jit/setup"]).ok());
    let mut holds = world.host.command("flock");
    holds.args(["/var/lib/jit/setup/lock", "sh", "-c", "echo held; exec sleep 1000"]);
    let holds = Running::start(holds, b"");
    e2e::deadline::until("the lock is held", || holds.so_far().0 == "held\n");
    let before = etc(&world.host);
    let outcome = setup_yes(&world);
    assert_eq!(outcome.code, Some(1));
    assert!(outcome.stderr.contains("error: another `jit setup` is at work\nhint: "), "{outcome:?}");
    assert_same(&before, &etc(&world.host), "two at one time");
    drop(holds.kill());
}

//! A wrong configuration at each step: one sentence, a hint, exit code 1, and not a byte changed.

use e2e::process::Outcome;
use e2e::world::World;

use crate::fresh::{INCLUDE, admin_enters, assert_same, etc, host, setup, setup_yes};

/// It stops with this sentence, and nothing is changed.
#[track_caller]
fn stops(
    world: &World,
    before: &std::collections::BTreeMap<String, crate::fresh::Facts>,
    outcome: &Outcome,
    says: &str,
) {
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    assert!(outcome.stderr.starts_with("error: ") && outcome.stderr.contains(says), "{says}\n{outcome:?}");
    assert_same(before, &etc(&world.host), says);
    assert!(!world.host.has("/run/jit-setup"), "{says}: the stage is gone");
}

/// With the file's text changed by `wrong`; the right one is put back afterwards.
#[track_caller]
fn with(world: &World, file: &str, wrong: impl Fn(&str) -> String, says: &str) {
    let right = world.host.read(file);
    world.host.write(file, wrong(&right));
    let before = etc(&world.host);
    let outcome = setup_yes(world);
    stops(world, &before, &outcome, says);
    assert!(outcome.stderr.contains("\nhint: "), "{outcome:?}");
    world.host.write(file, right);
}

#[test]
fn an_sshd_configuration_that_does_not_parse_or_uses_no_pam() {
    let world = host(INCLUDE);
    let config = "/etc/ssh/sshd_config";
    with(
        &world,
        config,
        |text| format!("Nonsense yes\n{text}"),
        "sshd does not accept its configuration as it is",
    );
    with(&world, config, |text| text.replace("UsePAM yes", "UsePAM no"), "sshd does not use PAM");
    with(&world, config, |text| format!("{text}# BEGIN jit-host\n"), "stands alone");
    with(
        &world,
        config,
        |text| {
            text.replace(
                "Include ",
                "Match all\nAuthorizedKeysFile .ssh/authorized_keys\nMatch all\nInclude ",
            )
        },
        "a door would be open for acme-support (",
    );
    with(
        &world,
        config,
        |text| format!("DenyUsers root\n{text}"),
        "does not get in with the present files either",
    );
    admin_enters(&world, "after all of it");
}

#[test]
fn a_pam_service_that_is_missing_or_unusual() {
    let world = host(INCLUDE);
    let sshd = "/etc/pam.d/sshd";
    with(
        &world,
        sshd,
        |text| text.replace("pam_loginuid.so", "pam_permit.so"),
        "no session line of pam_loginuid.so",
    );
    with(&world, sshd, |text| format!("{text}session nonsense pam_permit.so\n"), "not a PAM line");
    with(
        &world,
        sshd,
        |text| format!("{text}account required pam_jit.so\n"),
        "is of pam_jit.so, and `jit setup` did not",
    );
    with(&world, "/etc/pam.d/su", |text| format!("# END jit-host\n{text}"), "stands alone");
    with(&world, sshd, |text| format!("{text}session required pam_permit.so \\"), "its last line goes on");
    // A jump that would land in the middle of our lines, on the module itself.
    with(
        &world,
        sshd,
        |text| {
            text.replace(
                "session    required     pam_loginuid.so",
                "session [success=2 default=ignore] pam_succeed_if.so quiet user = somebody\nsession    required     pam_loginuid.so",
            )
        },
        "a door would be open (611)",
    );
    with(
        &world,
        sshd,
        |text| format!("{text}session required pam_deny.so\n"),
        "does not get in with the present files either",
    );

    let right = world.host.read(sshd);
    drop(world.host.run(["mv", sshd, "/etc/pam.d/elsewhere"]).ok());
    let before = etc(&world.host);
    stops(&world, &before, &setup_yes(&world), "/etc/pam.d/sshd does not exist");
    drop(world.host.run(["ln", "-s", "elsewhere", sshd]).ok());
    stops(&world, &before, &setup_yes(&world), "/etc/pam.d/sshd is no plain file");
    world.host.remove(sshd);
    world.host.write(sshd, right);
    admin_enters(&world, "after all of it");
}

#[test]
fn a_pam_service_that_sshds_command_for_principals_can_not_read() {
    let world = host(INCLUDE);
    drop(world.host.run(["chmod", "640", "/etc/pam.d/sshd"]).ok());
    let before = etc(&world.host);
    let outcome = setup_yes(&world);
    stops(&world, &before, &outcome, "a door would be open (613)");
    assert!(outcome.stderr.contains("hint: chmod a+r the named file"), "{outcome:?}");
    drop(world.host.run(["chmod", "644", "/etc/pam.d/sshd"]).ok());
    drop(setup_yes(&world).ok());
}

#[test]
fn a_program_a_module_or_an_account_that_is_missing() {
    let world = host(INCLUDE);
    let before = etc(&world.host);
    let module = world.host.module();
    for (file, says) in [
        ("/usr/sbin/sshd", "cannot run /usr/sbin/sshd"),
        ("/usr/bin/ssh", "cannot run ssh"),
        ("/usr/bin/ssh-keygen", "cannot run ssh-keygen"),
        (module.as_str(), "a door would be open (608)"),
    ] {
        drop(world.host.run(["mv", file, "/run/away"]).ok());
        stops(&world, &before, &setup_yes(&world), says);
        drop(world.host.run(["mv", "/run/away", file]).ok());
    }
    stops(
        &world,
        &before,
        &setup(&world, ["--yes", "--admin", "no-such"]),
        "there is no account \"no-such\"",
    );
    stops(&world, &before, &setup(&world, ["--yes", "--sshd-pid", "2"]), "process 2 is no sshd");
    // A host.toml for another group than that of the lines.
    world.host.write("/etc/jit/host.toml", "vendor_group = \"others\"\n");
    let before = etc(&world.host);
    stops(&world, &before, &setup_yes(&world), "names another vendor_group");
    admin_enters(&world, "after all of it");
}

#[test]
fn an_administrator_who_would_be_locked_out_is_noticed_by_the_trial_login() {
    let world = host(INCLUDE);
    // No jump over our module, and the module itself is broken: no parser sees that, and root would not get in.
    let (module, jumps) = (world.host.module(), world.host.module().replace("pam_jit", "pam_succeed_if"));
    drop(world.host.run(["mv", &jumps, "/run/away"]).ok());
    world.host.write(&module, "garbage");
    let before = etc(&world.host);
    let outcome = setup_yes(&world);
    stops(&world, &before, &outcome, "trial login: root would be locked out, so nothing was changed");
    admin_enters(&world, "not set up");

    // And so it would have been.
    drop(world.host.run(["mv", "/run/away", &jumps]).ok());
    world.host.put(&module, e2e::artefacts::module());
    drop(setup_yes(&world).ok());
    admin_enters(&world, "set up");
    drop(world.host.run(["mv", &jumps, "/run/away"]).ok());
    world.host.write(&module, "garbage");
    assert!(!world.admin().exec("true").succeeded(), "the trial login was right");
}

#[test]
fn folders_that_can_not_be_written() {
    let world = host(INCLUDE);
    let before = etc(&world.host);
    for folder in ["/etc", "/etc/pam.d", "/etc/ssh/sshd_config.d", "/var/lib"] {
        drop(world.host.run(["mount", "--bind", folder, folder]).ok());
        drop(world.host.run(["mount", "-o", "remount,bind,ro", folder]).ok());
        stops(&world, &before, &setup_yes(&world), "Read-only file system");
        drop(world.host.run(["umount", folder]).ok());
    }
    // No room for the previous bytes.
    drop(world.host.run(["mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", "/var/lib"]).ok());
    stops(&world, &before, &setup_yes(&world), "No space left on device");
    drop(world.host.run(["umount", "/var/lib"]).ok());
    admin_enters(&world, "after all of it");
    drop(setup_yes(&world).ok());
}

#[test]
fn wrong_usage_is_told_with_exit_code_2_and_somebody_else_than_root_with_1() {
    let world = host(INCLUDE);
    for words in [["--confirm", "--remove"], ["--purge", "--yes"], ["--wait", "1"], ["--host", "a b"]] {
        assert_eq!(setup(&world, words).code, Some(2), "{words:?}");
    }
    let user = world.host.run(["setpriv", "--reuid", "60003", "--clear-groups", "/usr/bin/jit", "setup"]);
    assert_eq!(user.code, Some(1));
    assert!(user.stderr.contains("error: only root can set a host up\nhint: "), "{user:?}");
}

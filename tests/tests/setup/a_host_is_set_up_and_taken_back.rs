//! What `jit setup` does when nothing goes wrong, and that it can be taken out again.

use e2e::process::{clean, program, run};
use e2e::world::{HOST, World};

use crate::fresh::{
    INCLUDE, admin_enters, assert_same, etc, host, is_set_up, setup, setup_yes, without_group,
};

fn whole_story(world: &World) {
    let before = etc(&world.host);
    let done = setup_yes(world).ok();
    assert!(done.stdout.contains("trial login: root gets in\n"), "{done:?}");
    assert!(done.stdout.contains("the vendor account acme-support is refused without a grant\n"), "{done:?}");
    is_set_up(world, "after setup");

    let now = etc(&world.host);
    let again = setup_yes(world).ok();
    assert_eq!(
        again.stdout,
        "nothing to change: this host is set up\n`jit check` names what is still open\n"
    );
    assert_eq!(setup(world, ["--dry-run"]).ok().stdout, "# nothing to change\n");
    assert_same(&now, &etc(&world.host), "after a second setup");

    drop(setup(world, ["--remove", "--purge"]).ok());
    assert_same(&before, &etc(&world.host), "after removal");
    assert!(!world.host.has("/var/lib/jit"), "nothing is left to remember");
    admin_enters(world, "after removal");
    // The doors that the block closed are open again: the account's own key works.
    drop(setup(world, ["--remove"]).ok());
    assert_same(&before, &etc(&world.host), "after a second removal");
}

#[test]
fn a_host_is_set_up_once_and_removal_restores_every_byte() {
    whole_story(&host(INCLUDE));
}

#[test]
fn without_a_folder_of_drop_ins_the_block_stands_at_the_end_and_goes_again() {
    whole_story(&host(""));
}

#[test]
fn a_file_without_a_last_newline_comes_back_as_it_was() {
    let mut world = host("");
    for file in ["/etc/pam.d/sshd", "/etc/pam.d/su"] {
        let text = world.host.read(file);
        world.host.write(file, text.trim_end());
    }
    world.host.restart_sshd("Match User nobody\n    X11Forwarding no");
    whole_story(&world);
}

#[test]
fn a_missing_group_is_made_and_taken_away_again() {
    let world = host(INCLUDE);
    without_group(&world.host);
    let before = etc(&world.host);
    drop(setup_yes(&world).ok());
    assert!(world.host.read("/etc/group").contains("\njit-vendors:x:"));
    drop(setup(&world, ["--remove", "--purge"]).ok());
    assert_same(&before, &etc(&world.host), "after removal");

    drop(setup_yes(&world).ok());
    drop(world.host.run(["usermod", "-aG", "jit-vendors", "acme-two"]).ok());
    let removed = setup(&world, ["--remove"]).ok();
    assert!(removed.stdout.contains("kept the group jit-vendors: it has members"), "{removed:?}");
    assert!(world.host.read("/etc/group").contains("\njit-vendors:x:"));
    assert!(world.host.has("/etc/jit/host.toml"), "without --purge /etc/jit stays");
}

#[test]
fn an_administrator_with_a_strict_umask_closes_nothing() {
    let world = host(INCLUDE);
    let mut command = world.host.command("sh");
    command.args(["-c", "umask 077; exec jit setup --yes --host \"$1\" --authority \"$2\"", "sh", HOST]);
    drop(
        run({
            command.arg(world.authority.fingerprint());
            command
        })
        .ok(),
    );
    // sshd asks `jit principals` as nobody.
    assert_eq!(world.host.run(["stat", "-c", "%a", "/etc/jit"]).ok().stdout, "755\n");
    is_set_up(&world, "under a strict umask");
}

#[test]
fn a_dry_run_changes_nothing_and_its_diff_is_exactly_what_setup_does() {
    let world = host(INCLUDE);
    let before = etc(&world.host);
    let authority = world.authority.fingerprint().to_owned();
    let words = ["--dry-run", "--host", "db1.prod", "--authority", &authority];
    let diff = setup(&world, words).ok().stdout;
    assert_same(&before, &etc(&world.host), "after a dry run");
    assert!(!world.host.has("/var/lib/jit") && !world.host.has("/run/jit-setup"));
    for says in [
        "# mkdir --mode=755 /etc/jit\n",
        "# new, root:root, mode 0644\n--- /dev/null\n+++ b/etc/jit/host.toml\n",
        "# a list of revoked certificates that revokes none\n",
        "# kill -HUP ",
    ] {
        assert!(diff.contains(says), "{says}\n{diff}");
    }

    // The diff applied to a copy by patch(1) is what setup makes.
    let copy = tempfile::tempdir().expect("a scratch folder");
    for name in ["pam.d", "ssh"] {
        let mut cp = clean(program("cp", "coreutils"));
        cp.args(["-r", "--parents", name]).arg(copy.path().join("etc")).current_dir(world.host.path("/etc"));
        std::fs::create_dir_all(copy.path().join("etc")).expect("makes a folder");
        drop(run(cp).ok());
    }
    let file = copy.path().join("diff");
    std::fs::write(&file, &diff).expect("writes the diff");
    let mut patch = clean(program("patch", "patch"));
    patch.args(["--quiet", "--strip=1", "--input"]).arg(&file).current_dir(copy.path());
    // `a/etc/x`, and an absolute path behind it, are not what patch likes: the first part is stripped, the rest is below.
    drop(run(patch).ok());
    drop(setup_yes(&world).ok());
    let after = etc(&world.host);
    let changed: Vec<_> = after
        .iter()
        .filter(|(name, facts)| before.get(*name) != Some(facts) && !name.ends_with('/'))
        .collect();
    assert!(changed.len() >= 7, "{:?}", changed.iter().map(|(name, _)| name).collect::<Vec<_>>());
    for (name, (_, _, _, bytes)) in changed {
        if name == "jit/krl" {
            let sum = world.host.run(["sha256sum", "/etc/jit/krl"]).ok().stdout;
            let sum = sum.split(' ').next().expect("a digest");
            let says =
                format!("# /dev/null -> b/etc/jit/krl, no text:\n# + {} bytes, SHA-256 {sum}\n", bytes.len());
            assert!(diff.contains(&says), "{diff}");
            continue;
        }
        let patched = std::fs::read(copy.path().join("etc").join(name));
        assert!(patched.is_ok_and(|patched| patched == *bytes), "{name}\n{diff}");
    }

    let diff = setup(&world, ["--remove", "--dry-run"]).ok().stdout;
    assert!(diff.contains("--- a/etc/ssh/sshd_config.d/50-pam-jit.conf\n+++ /dev/null\n"), "{diff}");
    assert_same(&after, &etc(&world.host), "after a dry run of removal");
}

#[test]
fn jit_check_finds_no_door_open_that_setup_closes() {
    let world = host(INCLUDE);
    drop(setup_yes(&world).ok());
    world.publish();
    let check = world.host.run(["/usr/bin/jit", "check", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&check.stdout).expect("a report in JSON");
    let errors: Vec<_> =
        report["findings"].as_array().into_iter().flatten().filter(|f| f["severity"] == "error").collect();
    assert!(errors.is_empty() && check.succeeded(), "{errors:#?}");
}

#[test]
fn a_line_that_somebody_put_into_a_block_of_ours_is_told_when_it_goes() {
    let world = host(INCLUDE);
    drop(setup_yes(&world).ok());
    let mine = "account required pam_permit.so # mine";
    let put = || {
        let su =
            world.host.read("/etc/pam.d/su").replace("# END jit-host", &format!("{mine}\n# END jit-host"));
        world.host.write("/etc/pam.d/su", su);
    };
    let says = format!("/etc/pam.d/su: `{mine}` stood inside of our block, and goes with it\n");
    put();
    assert!(setup(&world, ["--dry-run"]).ok().stdout.contains(&says), "before it goes");
    assert!(setup_yes(&world).ok().stdout.contains(&says), "the block is written anew");
    put();
    let removed = setup(&world, ["--remove"]).ok();
    assert!(removed.stdout.contains(&says), "{removed:?}");
    assert!(!removed.stdout.contains("pam_jit.so"), "of our own lines nothing is said: {removed:?}");
}

#[test]
fn what_others_may_not_read_in_sshds_configuration_they_do_not_read_on_the_stage() {
    let world = host(INCLUDE);
    drop(world.host.run(["chmod", "600", "/etc/ssh/sshd_config"]).ok());
    // Killed once the trial's PAM service is there, so that all of the stage stays behind.
    let mut killed = world.host.command("strace");
    killed.args([
        "-qq",
        "-f",
        "-o",
        "/dev/null",
        "-e",
        "trace=bind",
        "-e",
        "inject=bind:signal=SIGKILL:when=1",
    ]);
    killed.args(["/usr/bin/jit", "setup", "--yes"]);
    assert_eq!(run(killed).code, None);
    let stat = [
        "stat",
        "-c",
        "%a",
        "/run/jit-setup/sshd_config",
        "/run/jit-setup/pam.d/sshd",
        "/etc/pam.d/sshd-jit-trial",
    ];
    assert_eq!(world.host.run(stat).ok().stdout, "600\n644\n644\n");
    drop(setup_yes(&world).ok());
    admin_enters(&world, "set up");
}

#[test]
fn an_sshd_whose_pam_service_has_another_name_asks_about_that_one() {
    let world = host(INCLUDE);
    let sshd = "/usr/local/sbin/sshd-vendors";
    drop(world.host.run(["ln", "-s", "/usr/sbin/sshd", sshd]).ok());
    world.host.write("/etc/pam.d/sshd-vendors", world.host.read("/etc/pam.d/sshd"));
    let before = etc(&world.host);
    drop(setup(&world, ["--yes", "--sshd", sshd]).ok());
    let block = world.host.read("/etc/ssh/sshd_config.d/50-pam-jit.conf");
    assert!(block.contains("jit principals --pam-service sshd-vendors %u %k\n"), "{block}");
    let again = setup(&world, ["--yes", "--sshd", sshd]).ok();
    assert!(again.stdout.starts_with("nothing to change"), "{again:?}");
    let checked = world.host.run(["jit", "check", "--sshd", sshd]).stdout;
    assert!(!checked.contains("error 405"), "{checked}");
    drop(setup(&world, ["--remove", "--purge", "--yes"]).ok());
    assert_same(&before, &etc(&world.host), "after removal");
}

#[test]
fn every_sshd_that_was_set_up_is_taken_out_without_being_named() {
    let world = host(INCLUDE);
    let config = world.host.read("/etc/ssh/sshd_config");
    drop(world.host.run(["mkdir", "/etc/ssh2"]).ok());
    world.host.write("/etc/ssh2/sshd_config", config.clone());
    let before = etc(&world.host);
    drop(setup(&world, ["--yes", "--sshd-config", "/etc/ssh2/sshd_config"]).ok());
    assert!(world.host.read("/etc/ssh2/sshd_config").contains("# BEGIN jit-host"));
    let diff = setup(&world, ["--remove", "--dry-run"]).ok().stdout;
    assert!(diff.contains("--- a/etc/ssh2/sshd_config\n"), "{diff}");
    // As the package's removal does.
    drop(setup(&world, ["--remove", "--purge", "--yes"]).ok());
    assert_same(&before, &etc(&world.host), "after removal");
    admin_enters(&world, "after removal");
}

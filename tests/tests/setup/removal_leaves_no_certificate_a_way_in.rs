//! Taking out goes sshd first, PAM last, also where a file is not as `jit setup` left it: there is no moment at which a
//! certificate alone lets in, without approvals that somebody looks at and without a record.

use e2e::authority::Request;
use e2e::deadline;
use e2e::process::Running;
use e2e::world::{HOST, World};

use crate::fresh::{INCLUDE, admin_enters, assert_same, etc, host, is_set_up, setup, setup_yes};

const CONFIG: &str = "/etc/ssh/sshd_config";
const DROP_IN: &str = "/etc/ssh/sshd_config.d/50-pam-jit.conf";

fn has_lines(world: &World) -> bool {
    world.host.read("/etc/pam.d/sshd").contains("pam_jit.so")
}

/// A certificate of a sound grant is no way in: nothing on this host asks for one any more.
#[track_caller]
fn certificate_is_refused(world: &World, when: &str) {
    let entered = world.client(&world.granted(&Request::default())).exec("id -un");
    assert!(!entered.succeeded(), "{when}: {entered:?}");
    admin_enters(world, when);
}

/// `--remove` stops with this sentence, and the host is set up as before.
#[track_caller]
fn stops(world: &World, says: &str) {
    let removed = setup(world, ["--remove"]);
    assert_eq!(removed.code, Some(1), "{removed:?}");
    assert!(removed.stderr.contains(says) && removed.stderr.contains("\nhint: "), "{removed:?}");
    assert!(removed.stderr.contains("so PAM keeps the lines that ask for a grant"), "{removed:?}");
    assert!(has_lines(world), "{says}");
    admin_enters(world, says);
}

#[test]
fn removal_keeps_what_an_administrator_edited_since() {
    let world = host(INCLUDE);
    let before = world.host.read("/etc/pam.d/sshd");
    drop(setup_yes(&world).ok());
    is_set_up(&world, "set up");
    let edited =
        format!("# mine\n{}session optional pam_permit.so # mine\n", world.host.read("/etc/pam.d/sshd"));
    world.host.write("/etc/pam.d/sshd", edited);
    let drop_in = world.host.read(DROP_IN) + "    Banner none\n";
    world.host.write(DROP_IN, drop_in.clone());
    drop(world.host.run(["chmod", "600", DROP_IN]).ok());
    let refused = setup_yes(&world);
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("was not written by `jit setup`, or changed since"), "{refused:?}");

    let removed = setup(&world, ["--remove"]).ok();
    assert_eq!(
        world.host.read("/etc/pam.d/sshd"),
        format!("# mine\n{before}session optional pam_permit.so # mine\n")
    );
    let says =
        format!("kept {DROP_IN} as {DROP_IN}.jit-kept, which sshd does not read: it was changed since");
    assert!(removed.stdout.contains(&says), "{removed:?}");
    assert!(!world.host.has(DROP_IN));
    let kept = format!("{DROP_IN}.jit-kept");
    assert_eq!(world.host.read(&kept), drop_in, "not a byte of it is lost");
    assert_eq!(world.host.run(["stat", "-c", "%a", &kept]).ok().stdout, "600\n");
    certificate_is_refused(&world, "an edited drop-in was moved aside");
    // It stands in nobody's way afterwards.
    drop(setup_yes(&world).ok());
    is_set_up(&world, "set up again");
}

#[test]
fn a_name_that_sshd_includes_all_the_same_is_not_chosen() {
    let mut world = host("");
    world.host.restart_sshd("Include /etc/ssh/sshd_config.d/*\n");
    drop(setup_yes(&world).ok());
    is_set_up(&world, "set up");
    world.host.write(DROP_IN, world.host.read(DROP_IN) + "    Banner none\n");
    drop(setup(&world, ["--remove"]).ok());
    assert!(world.host.has("/etc/ssh/sshd_config.d/.50-pam-jit.conf.jit-kept"));
    certificate_is_refused(&world, "moved where no wildcard reaches");
}

#[test]
fn removal_stops_before_the_pam_lines_while_sshd_does_not_read_its_configuration() {
    let world = host(INCLUDE);
    let before = etc(&world.host);
    drop(setup_yes(&world).ok());
    is_set_up(&world, "set up");
    // Somebody's mistake: sshd goes on with what it has read before.
    let config = world.host.read(CONFIG);
    world.host.write(CONFIG, format!("{config}Nonsense yes\n"));
    for round in ["the first", "the second, with no file of sshd's to change any more"] {
        stops(&world, "sshd does not accept its configuration as it is");
        is_set_up(&world, round);
    }
    world.host.write(CONFIG, config);
    drop(setup(&world, ["--remove", "--purge"]).ok());
    assert_same(&before, &etc(&world.host), "after removal");
    certificate_is_refused(&world, "taken out once sshd could be told");
}

#[test]
fn a_block_that_somebody_copied_to_another_file_keeps_the_pam_lines() {
    let world = host(INCLUDE);
    drop(setup_yes(&world).ok());
    let (config, block) = (world.host.read(CONFIG), world.host.read(DROP_IN));
    world.host.write(CONFIG, format!("{config}{block}"));
    stops(&world, "/etc/ssh/sshd_config, line ");
    is_set_up(&world, "the copy is live, and so are PAM's lines");
    world.host.write(CONFIG, config);
    drop(setup(&world, ["--remove"]).ok());
    assert!(!has_lines(&world));
    certificate_is_refused(&world, "the copy was taken out by hand");
}

#[test]
fn removal_that_was_killed_before_sshd_was_told_tells_it_before_the_pam_lines_go() {
    let world = host(INCLUDE);
    drop(setup_yes(&world).ok());
    is_set_up(&world, "set up");
    let mut killed = world.host.command("strace");
    killed.args(["-qq", "-o", "/dev/null", "-e", "trace=kill", "-e", "inject=kill:signal=SIGKILL:when=1"]);
    killed.args(["/usr/bin/jit", "setup", "--remove"]);
    assert_eq!(e2e::process::run(killed).code, None);
    assert!(!world.host.has(DROP_IN) && has_lines(&world));
    let removed = setup(&world, ["--remove"]).ok();
    let told = removed.stdout.find("was told to reload").expect("sshd is told");
    assert!(removed.stdout.find("changed /etc/pam.d/sshd").is_some_and(|gone| told < gone), "{removed:?}");
    certificate_is_refused(&world, "removed in two runs");
}

#[test]
fn taking_back_moves_a_drop_in_aside_that_somebody_edited_meanwhile() {
    let world = host(INCLUDE);
    let before = world.host.read("/etc/pam.d/sshd");
    let running = live(&world);
    world.publish();
    world.host.write(DROP_IN, world.host.read(DROP_IN) + "    Banner none\n");
    let restored = setup(&world, ["--restore"]).ok();
    assert!(restored.stdout.contains(&format!("it is now {DROP_IN}.jit-kept")), "{restored:?}");
    assert_eq!(running.finish().code, Some(1));
    assert_eq!(world.host.read("/etc/pam.d/sshd"), before);
    certificate_is_refused(&world, "taken back");
}

#[test]
fn taking_back_keeps_the_pam_lines_until_sshd_reads_its_configuration() {
    let world = host(INCLUDE);
    let before = etc(&world.host);
    let running = live(&world);
    let config = world.host.read(CONFIG);
    world.host.write(CONFIG, format!("{config}Nonsense yes\n"));
    let failed = setup(&world, ["--restore"]);
    assert_eq!(failed.code, Some(1), "{failed:?}");
    assert!(failed.stderr.contains("sshd does not accept its configuration as it is"), "{failed:?}");
    assert!(has_lines(&world) && !world.host.has(DROP_IN));
    admin_enters(&world, "taken back in part");
    let confirmed = setup(&world, ["--confirm"]);
    assert_eq!(confirmed.code, Some(1), "half of a change is not confirmed: {confirmed:?}");
    world.host.write(CONFIG, config);
    drop(setup(&world, ["--restore"]).ok());
    assert_eq!(running.finish().code, Some(1));
    assert_same(&before, &etc(&world.host), "taken back once sshd could be told");
}

/// A set-up that waits for its confirmation.
fn live(world: &World) -> Running {
    let mut command = world.host.command("/usr/bin/jit");
    command.args(["setup", "--wait", "600", "--host", HOST]);
    let running = Running::start(command, b"");
    deadline::until("it is live", || running.so_far().0.contains("live for "));
    running
}

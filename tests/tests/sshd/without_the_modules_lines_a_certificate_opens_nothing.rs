//! sshd's block without the module's PAM lines, whoever took them out: a certificate alone is not enough.

use e2e::authority::Request;
use e2e::pam_stack;
use e2e::refusal::{assert_enters, assert_sshd_refuses};
use e2e::world::World;

#[test]
fn with_sshds_block_alone_or_with_one_line_of_the_module_no_certificate_enters() {
    let world = World::fresh();
    let identity = world.granted(&Request::default());
    assert_enters(&world.host, &world.client(&identity));
    let sound = pam_stack::sshd(true);
    let without = |stage: &str| {
        let lines = sound.lines().filter(|line| !line.contains(stage));
        lines.map(|line| format!("{line}\n")).collect::<String>()
    };
    // What a package's own version of the file has, and what a careless edit leaves.
    for less in [pam_stack::sshd(false), without("stage=first"), without("stage=last")] {
        world.host.write("/etc/pam.d/sshd", &less);
        assert_sshd_refuses(&world.host, &world.client(&identity));
    }
    world.host.write("/etc/pam.d/sshd", pam_stack::sshd(false));
    assert_eq!(world.admin().exec("id -un").ok().stdout, "ada\n", "others are not concerned");
    world.host.write("/etc/pam.d/sshd", &sound);
    assert_enters(&world.host, &world.client(&identity));
}

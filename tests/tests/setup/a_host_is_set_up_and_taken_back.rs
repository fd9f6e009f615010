//! What `jit setup` does when nothing goes wrong, and that it can be taken out again.

use e2e::world::World;

use crate::fresh::{INCLUDE, admin_enters, assert_same, etc, host, is_set_up, setup, setup_yes};

fn whole_story(world: &World) {
    let before = etc(&world.host);
    let done = setup_yes(world).ok();
    assert!(done.stdout.contains("trial login: root gets in\n"), "{done:?}");
    is_set_up(world, "after setup");

    let now = etc(&world.host);
    let again = setup_yes(world).ok();
    assert_eq!(again.stdout, "nothing to change: this host is set up\n");
    assert_eq!(setup(world, ["--dry-run"]).ok().stdout, "# nothing to change\n");
    assert_same(&now, &etc(&world.host), "after a second setup");

    drop(setup(world, ["--remove", "--purge"]).ok());
    assert_same(&before, &etc(&world.host), "after removal");
    admin_enters(world, "after removal");
}

#[test]
fn a_host_is_set_up_once_and_removal_restores_every_byte() {
    whole_story(&host(INCLUDE));
}

#[test]
fn without_a_folder_of_drop_ins_the_block_stands_at_the_end_and_goes_again() {
    let world = host("");
    whole_story(&world);
}

//! A panic inside the module refuses the login, says nothing of its own, and takes neither sshd nor an administrator down.

use e2e::artefacts::panicking_module;
use e2e::authority::Request;
use e2e::refusal::{assert_enters, assert_refused};
use e2e::world::World;

#[test]
fn a_panic_in_the_module_refuses() {
    let world = World::fresh();
    let vendor = world.granted(&Request::default());
    assert_enters(&world.host, &world.client(&vendor));
    let (module, sound) =
        (world.host.module(), std::fs::read(world.host.path(&world.host.module())).expect("the module"));
    world.host.put(&module, panicking_module());
    let outcome = assert_refused(&world.host, &world.client(&vendor));
    for text in ["panicked", "panic-probe", "RUST_BACKTRACE"] {
        assert!(
            !format!("{outcome:?}{}", world.host.sshd_log()).contains(text),
            "the panic shows: {outcome:?}"
        );
    }
    assert_eq!(world.admin().exec("id -un").ok().stdout, "ada\n");
    let su = world.host.run(["su", "acme-support", "-c", "true"]);
    assert!(!su.succeeded(), "{su:?}");
    drop(world.host.run(["su", "ada", "-c", "true"]).ok());
    world.host.write(&module, sound);
    assert_enters(&world.host, &world.client(&vendor));
}

//! No panic crosses the border to C: each phase refuses a vendor, says nothing on its own, and passes everybody else.

use e2e::artefacts::panicking_module;
use e2e::host::ADMIN;
use e2e::pam_host::{PamHost, SUCCESS, connection, shown};
use e2e::world::ACCOUNT;

#[test]
fn a_panic_in_the_module_refuses_in_each_phase() {
    let pam = PamHost::new();
    pam.host.put(&pam.host.module(), panicking_module());
    let sound = shown(&pam.certificate().sign(&pam.forge.ca_key));
    for step in ["account", "open"] {
        let steps = format!("{}{sound}{step}\n", connection());
        assert_ne!(pam.drive("sshd", ACCOUNT, &steps).code(step), SUCCESS, "{step}");
        assert_eq!(pam.drive("sshd", ADMIN, &steps).code(step), SUCCESS, "{step}");
    }
}

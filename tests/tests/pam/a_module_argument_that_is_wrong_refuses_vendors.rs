//! A typing error in a PAM line refuses vendors with a sentence in the log, and keeps nobody else out.

use e2e::host::ADMIN;
use e2e::pam_host::{PamHost, SUCCESS, connection, shown};
use e2e::world::ACCOUNT;

use crate::assert_refused;

#[test]
fn a_wrong_argument_refuses_vendors_and_nobody_else() {
    let pam = PamHost::new();
    let sound = shown(&pam.certificate().sign(&pam.forge.ca_key));
    let steps = format!("{}{sound}open\n", connection());
    for wrong in [
        "stage=middle",
        "stage=",
        "stage",
        "stage=first stage=first",
        "stage=first stage=last",
        "stage=first debug",
        "config=/etc/jit/host.toml",
        "stage=first config=host.toml",
        "stage=first config=",
        "stage=first config=/etc/jit/missing.toml",
        "STAGE=first",
    ] {
        pam.service("jit-wrong", wrong, "stage=last");
        assert_refused(&pam, &pam.drive("jit-wrong", ACCOUNT, &steps), "open", "configuration");
        assert_eq!(pam.drive("jit-wrong", ADMIN, &steps).code("open"), SUCCESS, "{wrong}");
    }
    pam.service("jit-wrong", "stage=first config=/etc/jit/host.toml", "config=/etc/jit/host.toml stage=last");
    assert_eq!(pam.drive("jit-wrong", ACCOUNT, &steps).code("open"), SUCCESS);
}

#[test]
fn another_configuration_file_can_be_named() {
    let pam = PamHost::new();
    pam.host
        .write("/etc/jit/other.toml", pam.host.read("/etc/jit/host.toml").replace("db1.prod", "db9.prod"));
    pam.service(
        "jit-other",
        "stage=first config=/etc/jit/other.toml",
        "stage=last config=/etc/jit/other.toml",
    );
    let mut fields = pam.forge.fields(&pam.jo);
    fields.hosts = ["db9.prod".parse().expect("a host's name")].into();
    let certificate =
        pam.forge.approved(&e2e::forge::grant(fields), &[&pam.kim], &pam.jo).sign(&pam.forge.ca_key);
    let steps = format!("{}{}open\n", connection(), shown(&certificate));
    assert_eq!(pam.drive("jit-other", ACCOUNT, &steps).code("open"), SUCCESS);
    assert_refused(&pam, &pam.drive("sshd", ACCOUNT, &steps), "open", "other-host");
}

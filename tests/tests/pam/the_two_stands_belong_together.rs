//! The module stands twice in the session stack; with either stand missing or out of order a vendor is refused.

use e2e::pam_host::{PamHost, SUCCESS, connection, shown};
use e2e::world::ACCOUNT;

use crate::assert_refused;

#[test]
fn a_stand_that_is_missing_or_out_of_order_refuses() {
    let pam = PamHost::new();
    let sound = shown(&pam.certificate().sign(&pam.forge.ca_key));
    let steps = format!("{}{sound}open\n", connection());
    for (first, last) in [("stage=last", "stage=last"), ("stage=last", "stage=first")] {
        pam.service("jit-order", first, last);
        assert_refused(&pam, &pam.drive("jit-order", ACCOUNT, &steps), "open", "configuration");
    }
    pam.host.write(
        "/etc/pam.d/jit-thrice",
        "session requisite pam_jit.so stage=first\nsession requisite pam_jit.so stage=last\nsession requisite pam_jit.so stage=last\n",
    );
    assert_refused(&pam, &pam.drive("jit-thrice", ACCOUNT, &steps), "open", "configuration");
}

#[test]
fn what_changes_between_the_stands_is_seen() {
    let pam = PamHost::new();
    pam.host.write("/etc/pam.d/jit-a", "session required pam_jit.so stage=first\nsession required pam_exec.so /usr/local/sbin/between\nsession required pam_jit.so stage=last\n");
    let certificate = pam.certificate();
    let sound = shown(&certificate.sign(&pam.forge.ca_key));
    let steps = format!("{}{sound}open\n", connection());
    pam.host.put_text("/usr/local/sbin/between", "#!/bin/sh\n");
    assert_eq!(pam.drive("jit-a", ACCOUNT, &steps).code("open"), SUCCESS);
    let list = format!(
        "pam-jit revoked 1\nauthority: {}\nserial: {}\nend: 1\n",
        pam.forge.authority, certificate.serial
    );
    pam.host.write("/etc/jit/revoked.next", list);
    pam.host.put_text("/usr/local/sbin/between", "#!/bin/sh\nmv /etc/jit/revoked.next /etc/jit/revoked\n");
    assert_refused(&pam, &pam.drive("jit-a", ACCOUNT, &steps), "open", "revoked");
}

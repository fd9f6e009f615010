//! Accounts outside the vendors' group are none of the module's business, whatever is broken.

use e2e::host::ADMIN;
use e2e::pam_host::{PamHost, SUCCESS, connection};
use e2e::world::ACCOUNT;

#[test]
fn everybody_else_passes_whatever_is_broken() {
    let pam = PamHost::new();
    let all = format!("{}account\nopen\nclose\n", connection());
    let passes = |what: &str| {
        for account in [ADMIN, "root", "nobody", "no-such-account"] {
            for steps in [all.as_str(), "account\nopen\nclose\n"] {
                let answer = pam.drive("sshd", account, steps);
                for step in ["account", "open", "close"] {
                    assert_eq!(answer.code(step), SUCCESS, "{what}: {account}: {answer:?}");
                }
                assert!(answer.told().is_empty(), "{what}: {account}: {answer:?}");
            }
        }
    };
    passes("all is well");
    for file in ["host.toml", "ca.pub", "approvers", "revoked"] {
        let file = format!("/etc/jit/{file}");
        let sound = pam.host.read(&file);
        for garbage in ["", "[[[\n", "\u{0}\u{1b}"] {
            pam.host.write(&file, garbage);
            passes(&file);
            let vendor = pam.drive("sshd", ACCOUNT, &all);
            assert_ne!(vendor.code("open"), SUCCESS, "{file}: {vendor:?}");
        }
        pam.host.remove(&file);
        passes(&file);
        assert_ne!(pam.drive("sshd", ACCOUNT, &all).code("open"), SUCCESS);
        pam.host.write(&file, sound);
    }
}

#[test]
fn the_module_authenticates_nobody() {
    let pam = PamHost::new();
    pam.host.write("/etc/pam.d/jit-only", "auth required pam_jit.so\naccount required pam_jit.so\npassword required pam_jit.so\nsession required pam_jit.so stage=first\n");
    for account in [ACCOUNT, ADMIN, "root"] {
        for step in ["authenticate", "chauthtok"] {
            let answer = pam.drive("jit-only", account, &format!("{}{step}\n", connection()));
            assert_ne!(answer.code(step), SUCCESS, "{account}: {answer:?}");
        }
    }
}

//! Promises of the path finder, on the stacks that administrators write.

use std::fs;

use super::*;
use crate::check::pam_stack::{Kind, stack};

const GROUP: &str = "jit-vendors";
const VENDOR: Persona<'_> = Persona { uid: 2001, group: GROUP, member: true };
const ROOT: Persona<'_> = Persona { uid: 0, group: GROUP, member: false };
const ADMINISTRATOR: Persona<'_> = Persona { uid: 1000, group: GROUP, member: false };
const SYSTEM_MEMBER: Persona<'_> = Persona { uid: 999, group: GROUP, member: true };

const LINES: &str = "\
account [success=2 default=ignore] pam_succeed_if.so quiet user notingroup jit-vendors
account [success=1 default=ignore] pam_succeed_if.so quiet uid < 1000
account requisite pam_jit.so
";
const DEBIAN: &str = "\
account [success=1 new_authtok_reqd=done default=ignore] pam_unix.so
account requisite pam_deny.so
account required pam_permit.so
";

fn steps(text: &str) -> Vec<Step> {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("sshd"), text).unwrap();
    stack(directory.path(), "sshd", Kind::Account).unwrap()
}

fn around(text: &str) -> Option<usize> {
    let steps = steps(text);
    let ours = steps.iter().position(is_ours);
    follow(&steps, VENDOR, ours).around
}

#[test]
fn a_vendor_meets_the_module_whichever_side_of_debians_account_lines_it_stands_on() {
    assert_eq!(around(&format!("{LINES}{DEBIAN}")), None);
    assert_eq!(around(&format!("{DEBIAN}{LINES}")), None);
}

#[test]
fn nobody_else_meets_the_module() {
    for persona in [ROOT, ADMINISTRATOR, SYSTEM_MEMBER] {
        assert!(follow(&steps(&format!("{DEBIAN}{LINES}")), persona, None).reached.is_empty(), "{persona:?}");
    }
}

#[test]
fn a_sufficient_line_before_the_module_is_a_way_around() {
    assert_eq!(around(&format!("account sufficient pam_localuser.so\n{LINES}")), Some(0));
}

#[test]
fn a_jump_of_another_module_over_ours_is_a_way_around() {
    assert_eq!(
        around(&format!("account [success=3 default=ignore] pam_access.so\n{LINES}{DEBIAN}")),
        Some(0)
    );
}

#[test]
fn a_jump_that_is_too_short_stands_in_the_way_of_everybody() {
    let too_short = LINES.replace("success=2", "success=1");
    assert!(follow(&steps(&too_short), ROOT, None).reached.contains(&2));
}

#[test]
fn a_jump_past_the_end_fails_as_libpam_fails_it() {
    let past = "account [success=9 default=ignore] pam_permit.so\naccount requisite pam_jit.so\n";
    assert_eq!(around(past), None);
}

#[test]
fn a_missing_jump_stands_in_the_way_of_administrators() {
    let bare = "account requisite pam_jit.so\n";
    assert!(follow(&steps(bare), ROOT, None).reached.contains(&0));
    assert_eq!(around(bare), None);
}

#[test]
fn a_condition_on_another_group_may_hold_or_not() {
    let other = LINES.replace("jit-vendors", "staff");
    assert!(around(&other).is_some());
    assert!(!follow(&steps(&other), ADMINISTRATOR, None).reached.is_empty());
}

#[test]
fn a_bad_count_before_the_module_is_no_way_around() {
    assert_eq!(around(&format!("account required pam_nologin.so\n{LINES}")), None);
    assert_eq!(around(&format!("account requisite pam_nologin.so\n{LINES}")), None);
}

#[test]
fn a_refusal_counts_only_with_a_control_that_says_so() {
    for (control, counts) in [
        ("requisite", true),
        ("required", true),
        ("[success=ok default=die]", true),
        ("optional", false),
        ("sufficient", false),
        ("[success=ok default=ignore]", false),
        ("[success=ok module_unknown=ignore default=die]", false),
    ] {
        let steps = steps(&format!("account {control} pam_jit.so\n"));
        assert_eq!(refusal_counts(&steps[0].control), counts, "{control}");
    }
}

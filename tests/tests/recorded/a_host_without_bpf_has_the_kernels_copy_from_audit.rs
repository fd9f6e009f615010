//! Where there is no BPF, the audit subsystem tells what ran, as completely; its rules come and go with the sessions, and
//! neither a recorder that is killed nor a reload of the host's own rules leaves anything behind or out.

use e2e::recording::Recording;
use e2e::recording::session::{Session, arguments_of};

use crate::audit_switch::{AuditSwitch, host, rules};
use crate::{
    a_lie_at_the_gate_is_recorded_as_what_ran as lies, arguments_are_recorded_whole_and_safe as arguments,
    every_way_of_running_a_program_is_recorded as ways,
};

/// A host whose recorder has the kernel's copy from audit.
fn with_audit(table: &str) -> (Recording, String) {
    let (mut recording, runtime) = host(&format!("kernel_copy = \"audit\"\n{table}"));
    recording.start_recorder();
    let started = recording.records("recorder.start").pop().expect("a record of the start");
    let message = started["message"].as_str().unwrap_or_default();
    assert!(message.ends_with("argv_source: kernel (audit)"), "{message}");
    (recording, runtime)
}

#[test]
fn five_hundred_racing_callers_are_recorded_by_audit_with_what_ran() {
    let _audit = AuditSwitch::shared();
    let (recording, _) = with_audit("");
    let differences = lies::every_lie_is_found(&recording);
    println!("{differences} of 500 lied at the gate");
}

#[test]
fn audit_tells_of_every_way_of_running_a_program() {
    let _audit = AuditSwitch::shared();
    let (recording, _) = with_audit("shared_accounts = true\n");
    ways::each_way(&recording);
    ways::each_failure(&recording);
    ways::a_storm(&recording);
}

#[test]
fn audit_tells_all_arguments_as_they_are() {
    let _audit = AuditSwitch::shared();
    let (recording, _) = with_audit("shared_accounts = true\n");
    arguments::three_thousand(&recording);
    arguments::a_megabyte(&recording);
    arguments::forging_bytes(&recording);
}

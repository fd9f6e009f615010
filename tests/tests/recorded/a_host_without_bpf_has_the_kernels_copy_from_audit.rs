//! Where there is no BPF, the audit subsystem tells what ran, as completely; its rules come and go with the sessions, and
//! neither a recorder that is killed nor a reload of the host's own rules leaves anything behind or out.

use std::time::{Duration, Instant};

use e2e::authority::Request;
use e2e::deadline;
use e2e::process::Running;
use e2e::recording::session::Session;
use e2e::recording::{Recording, probe};
use e2e::world::World;

use crate::audit_switch::{AuditSwitch, auditctl, host, launcher_without, place, rules, status};
use crate::{
    a_lie_at_the_gate_is_recorded_as_what_ran as lies, arguments_are_recorded_whole_and_safe as arguments,
    every_way_of_running_a_program_is_recorded as ways, many_executions_are_counted_exactly as many,
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
    for inside in ["", lies::IN_A_PID_NAMESPACE] {
        let (recording, _) = with_audit("");
        let differences = lies::every_lie_is_found(&recording, inside);
        println!("{inside}{differences} of 500 lied at the gate");
    }
}

#[test]
fn audit_tells_of_every_way_of_running_a_program() {
    let _audit = AuditSwitch::shared();
    let (recording, _) = with_audit("shared_accounts = true\n");
    ways::each_way(&recording);
    ways::each_failure(&recording);
    ways::failures_of_two_threads(&recording);
    ways::a_storm(&recording);
}

#[test]
fn audit_tells_each_of_ten_thousand_executions_from_eight_loops() {
    let _audit = AuditSwitch::shared();
    let (recording, _) = with_audit("");
    many::each_is_recorded(&recording, 1_250);
    assert_eq!(recording.records("recorder.full").len(), 0, "no event was lost");
}

#[test]
fn audit_tells_all_arguments_as_they_are() {
    let _audit = AuditSwitch::shared();
    let (recording, _) = with_audit("shared_accounts = true\n");
    arguments::three_thousand(&recording);
    arguments::a_megabyte(&recording);
    arguments::forging_bytes(&recording);
}

/// The recorder's notices that say this.
fn notices(recording: &Recording, words: &str) -> usize {
    let all = recording.records("recorder.config");
    all.iter().filter(|notice| notice["message"].as_str().is_some_and(|text| text.contains(words))).count()
}

/// What `jit check` says of what tells what ran, and of door 903.
fn checked(recording: &Recording) -> (serde_json::Value, Vec<serde_json::Value>) {
    let shown = recording.jit(["check", "--json"]).stdout;
    let mut report: serde_json::Value =
        serde_json::from_str(&shown).unwrap_or_else(|error| panic!("{error}: {shown}"));
    let findings = report["findings"].as_array().cloned().unwrap_or_default();
    let ours = findings.into_iter().filter(|finding| finding["number"] == 903).collect();
    (report["kernel_copy"].take(), ours)
}

#[test]
fn a_rule_lives_as_long_as_its_session() {
    let _audit = AuditSwitch::shared();
    let (mut recording, runtime) = with_audit("");
    // What it tried audit out with is removed by a thread of its own.
    deadline::until("no rule without a session", || rules(&runtime).is_empty());
    let client = recording.client();
    let (running, session) = recording.start(&client, "exec sleep 1000", "sleep");
    let (id, audit_session) = (session.id.clone(), session.audit_session());
    let there = rules(&runtime);
    assert_eq!(there.len(), 2, "one for each system call interface: {there:?}");
    assert!(there.iter().all(|rule| rule.contains(&format!("sessionid={audit_session} "))), "{there:?}");

    // A recorder that is killed leaves them behind, also those of a session that the next one knows nothing of.
    recording.kill_recorder();
    let lost = format!("jit:4000000:{runtime}");
    let theirs = format!("theirs{runtime}");
    for key in [&lost, &theirs] {
        drop(auditctl([
            "-a",
            "always,exit",
            "-F",
            "arch=b64",
            "-S",
            "execve",
            "-F",
            "sessionid=4000000",
            "-k",
            key,
        ]));
    }
    assert_eq!(rules(&runtime).len(), 4, "{:?}", rules(&runtime));
    recording.start_recorder();
    let session = Session { recording: &recording, id };
    drop(session.close());
    deadline::until("only another's rule is left", || rules(&runtime).len() == 1);
    assert!(rules(&runtime)[0].contains(&theirs), "{:?}", rules(&runtime));

    // A recorder that needs none any more removes them too.
    drop(auditctl([
        "-a",
        "always,exit",
        "-F",
        "arch=b64",
        "-S",
        "execve",
        "-F",
        "sessionid=4000000",
        "-k",
        &lost,
    ]));
    recording.configure(&format!("{}kernel_copy = \"none\"\n", place(&runtime)));
    recording.restart_recorder();
    assert_eq!(rules(&runtime).len(), 1, "{:?}", rules(&runtime));
    drop(auditctl(["-D", "-k", &theirs]));
    assert_eq!(rules(&runtime), [""; 0]);
    drop(running.finish());
}

#[test]
fn rules_that_somebody_removes_are_put_back_and_audit_switched_off_is_told() {
    let _audit = AuditSwitch::alone();
    let (recording, runtime) = with_audit("");
    let client = recording.client();
    let step = |name: &str| recording.world.host.write(&format!("/tmp/{name}"), "");
    let wait = "until test -e /tmp/$word; do sleep 0.05; done; /bin/true after $word";
    let script = format!("for word in removed off on; do {wait}; done; exec sleep 1000");
    let (running, session) = recording.start(&client, &script, "sleep");

    drop(auditctl(["-D"]));
    deadline::until("they are put back", || {
        rules(&runtime).len() == 2 && notices(&recording, "put back") > 0
    });
    step("removed");
    assert_eq!(session.command("/bin/true after removed")["jit"]["argv_source"], "kernel");
    assert_eq!(checked(&recording), ("audit".into(), Vec::new()));

    drop(auditctl(["-e", "0"]));
    deadline::until("it is told", || notices(&recording, "switched audit off") == 1);
    step("off");
    let record = session.command("/bin/true after off");
    assert_eq!(
        (&record["jit"]["argv_source"], &record["event"]["outcome"]),
        (&"gate".into(), &"unknown".into())
    );
    let (source, findings) = checked(&recording);
    assert_eq!((source, findings.len()), (serde_json::Value::Null, 1), "{findings:?}");
    assert!(findings[0]["seen"].as_str().is_some_and(|seen| seen.contains("switched off")), "{findings:?}");

    drop(auditctl(["-e", "1"]));
    deadline::until("that too", || notices(&recording, "switched audit on again") == 1);
    step("on");
    assert_eq!(session.command("/bin/true after on")["jit"]["argv_source"], "kernel");
    drop(recording.jit(["end", &session.id, "--reason", "seen"]).ok());
    // A thread of its own removes them, one after the other.
    deadline::until("none is left without a session", || rules(&runtime).is_empty());
    drop(running.finish());
}

/// The machine's rules can't be locked in a test: nothing but a boot unlocks them. What the kernel then answers comes from
/// a library in front of the recorder; the session, its rules and its records are real.
#[test]
fn rules_that_somebody_locks_leave_new_sessions_with_the_gates_word_or_out() {
    let _audit = AuditSwitch::shared();
    let (mut recording, runtime) = host("kernel_copy = \"audit\"\n");
    let library = probe::install_lock(&recording.world.host);
    recording.launcher = vec!["/usr/bin/env".to_owned(), format!("LD_PRELOAD={library}")];
    recording.start_recorder();
    let client = recording.client();
    let wait = "until test -e /tmp/later; do sleep 0.05; done; /bin/true later; exec sleep 1000";
    let (running, before) = recording.start(&client, wait, "sleep");
    assert_eq!(checked(&recording), ("audit".into(), Vec::new()));

    recording.world.host.write(probe::LOCKED, "");
    let (outcome, after) = recording.exec(&client, "/bin/true one; /bin/true two");
    drop(outcome.ok());
    for command in ["/bin/true one", "/bin/true two"] {
        let record = after.command(command);
        let said = (&record["jit"]["argv_source"], &record["event"]["outcome"]);
        assert_eq!(said, (&"gate".into(), &"unknown".into()), "{record}");
    }
    drop(after.close());
    deadline::until("the log has it, once", || {
        notices(&recording, "locked audit's rules until the next boot") == 1
    });
    let (source, findings) = checked(&recording);
    assert_eq!((source, findings.len()), (serde_json::Value::Null, 1), "{findings:?}");
    assert!(findings[0]["seen"].as_str().is_some_and(|seen| seen.contains("auditctl -e 2")), "{findings:?}");
    // Whoever was in before is told of as before.
    recording.world.host.write("/tmp/later", "");
    assert_eq!(before.command("/bin/true later")["jit"]["argv_source"], "kernel");
    drop(recording.jit(["end", &before.id, "--reason", "seen"]).ok());
    drop(running.finish());

    // A host that demands the kernel's copy lets nobody in, and no use is lost.
    drop(recording.world.host.run(["rm", probe::LOCKED]).ok());
    recording.configure(&format!("{}kernel_copy = \"audit\"\nrequire_kernel_copy = true\n", place(&runtime)));
    recording.restart_recorder();
    let once = recording.client_for(&Request { more: vec![("--uses", "1".into())], ..Request::default() });
    recording.world.host.write(probe::LOCKED, "");
    let refused = once.exec("true");
    assert!(!refused.succeeded(), "{refused:?}");
    assert!(refused.refusals()[0].contains("demands the kernel's own copy"), "{refused:?}");
    drop(recording.world.host.run(["rm", probe::LOCKED]).ok());
    recording.restart_recorder();
    drop(once.exec("true").ok());
}

#[test]
fn without_bpf_audit_is_taken_where_a_daemon_runs_which_has_every_record_too() {
    let _audit = AuditSwitch::alone();
    let (mut recording, _) = host("");
    recording.launcher = launcher_without(&["bpf", "perfmon"]);
    recording.start_recorder();
    let (source, findings) = checked(&recording);
    assert_eq!((source, findings.len()), (serde_json::Value::Null, 1), "{findings:?}");
    let seen = findings[0]["seen"].as_str().unwrap_or_default();
    assert!(seen.contains("BPF: ") && seen.contains("audit: no audit daemon runs"), "{seen}");

    let daemon = start_daemon(&recording);
    recording.restart_recorder();
    assert_eq!(checked(&recording), ("audit".into(), Vec::new()));
    let table = recording.jit(["check"]).stdout;
    assert!(table.trim_end().ends_with("; what ran is told by audit"), "{table}");
    let (outcome, session) =
        recording.exec(&recording.client(), "for i in $(seq 200); do /bin/true number $i; done");
    drop(outcome.ok());
    drop(session.close());
    let commands = session.commands();
    assert!(commands.iter().all(|command| command["jit"]["argv_source"] == "kernel"), "{commands:#?}");
    let numbered = |i: usize| format!("argc=3 a0=\"/bin/true\" a1=\"number\" a2=\"{i}\"");
    deadline::until("the daemon has them all", || {
        let log = recording.world.host.read("/var/log/audit/audit.log");
        (1..=200).all(|i| log.matches(&numbered(i)).count() == 1)
    });
    recording.signal("TERM", status("pid"));
    drop(daemon.finish());
}

/// Starts the host's audit daemon, as its package configures it.
fn start_daemon(recording: &Recording) -> Running {
    let host = &recording.world.host;
    drop(host.run(["mkdir", "-p", "-m", "700", "/var/log/audit"]).ok());
    let mut daemon = host.command("/usr/sbin/auditd");
    daemon.args(["-n", "-s", "nochange"]);
    let mut daemon = Running::start(daemon, b"");
    deadline::until("the daemon has registered", || {
        assert!(!daemon.has_ended(), "{:?}", daemon.so_far());
        status("pid") != "0"
    });
    daemon
}

#[test]
fn an_audit_daemon_that_hangs_hides_nothing_and_holds_nobody_up() {
    let _audit = AuditSwitch::alone();
    let (mut recording, _) = host("kernel_copy = \"audit\"\n");
    let daemon = start_daemon(&recording);
    recording.start_recorder();
    let pid = status("pid");
    recording.signal("STOP", &pid);
    let began = Instant::now();
    let (outcome, session) =
        recording.exec(&recording.client(), "for i in $(seq 500); do /bin/true number $i; done");
    drop(outcome.ok());
    let close = session.close();
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    recording.signal("KILL", &pid);
    let commands = session.commands();
    let told = commands.iter().filter(|command| command["jit"]["argv_source"] == "kernel").count();
    assert_eq!((told, &close["jit"]["commands"]), (502, &502.into()), "{close}");
    // Whoever started it stops with it.
    drop(daemon.kill());
}

#[test]
fn where_neither_is_to_be_had_records_say_gate_and_the_recorder_says_why() {
    // A process namespace of its own, as a container: audit is refused there.
    let mut recording = Recording::without_recorder(World::fresh(), e2e::recording::TABLE);
    recording.launcher = launcher_without(&["bpf", "perfmon"]);
    recording.start_recorder();
    let said = recording.records("recorder.start")[0]["message"].as_str().unwrap_or_default().to_owned();
    assert!(said.contains("argv_source: gate") && said.contains("no access to audit"), "{said}");
    let (outcome, session) = recording.exec(&recording.client(), "/bin/true one");
    drop(outcome.ok());
    assert_eq!(session.command("/bin/true one")["jit"]["argv_source"], "gate");
    let (_, findings) = checked(&recording);
    assert_eq!(findings.len(), 1, "{findings:?}");

    recording.launcher.clear();
    recording
        .configure(&format!("{}kernel_copy = \"none\"\nrequire_kernel_copy = true\n", e2e::recording::TABLE));
    recording.restart_recorder();
    let refused = recording.client().exec("true");
    assert!(!refused.succeeded() && refused.refusals().len() == 1, "{refused:?}");
    let (_, findings) = checked(&recording);
    assert!(
        findings[0]["seen"].as_str().is_some_and(|seen| seen.contains("kernel_copy = \"none\"")),
        "{findings:?}"
    );
}

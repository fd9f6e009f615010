//! Records as a kernel wrote them (6.18), gathered.

use super::super::text::stamped;
use super::*;

/// A script with an option for its interpreter.
const SCRIPT: [(u16, &str); 9] = [
    (
        1300,
        r#"audit(1795544045.771:9): arch=c000003e syscall=59 success=yes exit=0 a0=7f7ad64df3b0 a1=7f7ad6449eb0 a2=7fff1e416d80 a3=7f7ad6a316a0 items=3 ppid=8089 pid=2147483647 auid=0 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=(none) ses=11248 comm="ap.sh" exe="/usr/bin/dash" key="jit""#,
    ),
    (1321, "audit(1795544045.771:9): fver=0 fp=0 fi=0 fe=0 old_pp=000001fffeffffff pa=0 frootid=0"),
    (1309, r#"audit(1795544045.771:9): argc=4 a0="/bin/sh" a1="-e" a2="./ap.sh" a3=612062"#),
    (1307, r#"audit(1795544045.771:9): cwd="/tmp""#),
    (
        1302,
        r#"audit(1795544045.771:9): item=0 name="./ap.sh" inode=10010772 dev=fe:00 mode=0100755 ouid=0 nametype=NORMAL"#,
    ),
    (
        1302,
        r#"audit(1795544045.771:9): item=1 name="/bin/sh" inode=247076 dev=fe:01 mode=0100755 ouid=0 nametype=NORMAL"#,
    ),
    (
        1302,
        r#"audit(1795544045.771:9): item=2 name="/lib64/ld-linux-x86-64.so.2" inode=325843 dev=fe:00 nametype=NORMAL"#,
    ),
    (1327, "audit(1795544045.771:9): proctitle=2F62696E2F7368"),
    (1320, "audit(1795544045.771:9): "),
];

fn gather<'a>(records: impl IntoIterator<Item = &'a (u16, &'a str)>) -> Vec<Event> {
    let mut gathered = Gathered::default();
    let records = records.into_iter().filter_map(|(kind, record)| {
        let (stamp, rest) = stamped(record.as_bytes()).expect("a record");
        gathered.take(*kind, stamp, rest, |session, _| session == 11248)
    });
    records.collect()
}

fn ran(events: &[Event]) -> &Ran {
    let [Event::Ran(ran)] = events else { panic!("one exec: {events:?}") };
    ran
}

/// The same exec with other arguments: an EXECVE record for each of these texts.
fn with_arguments(texts: &[&str]) -> Vec<Event> {
    let texts: Vec<_> = texts.iter().map(|text| (1309, format!("audit(1795544045.771:9): {text}"))).collect();
    let between = texts.iter().map(|(kind, text)| (*kind, text.as_str()));
    let all: Vec<(u16, &str)> =
        [SCRIPT[0]].into_iter().chain(between).chain(SCRIPT[4..].iter().copied()).collect();
    gather(&all)
}

#[test]
fn a_script_is_its_interpreter_with_the_arguments_that_the_kernel_made() {
    let events = gather(&SCRIPT);
    let ran = ran(&events);
    assert_eq!(ran.argv, [&b"/bin/sh"[..], b"-e", b"./ap.sh", b"a b"]);
    assert_eq!((ran.inode, ran.device), (247_076, 0xfe << 20 | 1));
    assert_eq!(ran.name, b"./ap.sh");
    assert_eq!(ran.executable.as_deref(), Some(&b"/usr/bin/dash"[..]));
    assert!(ran.script && ran.whole);
    let call = Call {
        time: 1_795_544_045_771,
        registers: [0x7f7a_d64d_f3b0, 0x7f7a_d644_9eb0, 0x7fff_1e41_6d80, 0x7f7a_d6a3_16a0],
    };
    assert_eq!(ran.call, Some(call));
}

#[test]
fn whichever_of_the_last_records_is_excluded_the_event_ends() {
    for excluded in [&[1320][..], &[1327], &[1320, 1327], &[1302], &[1302, 1327], &[1307, 1320]] {
        let events = gather(SCRIPT.iter().filter(|(kind, _)| !excluded.contains(kind)));
        assert_eq!(ran(&events).argv.len(), 4, "{excluded:?}");
        // What is not told is not taken for told.
        assert_eq!(ran(&events).whole, !excluded.contains(&1302), "{excluded:?}");
    }
}

#[test]
fn a_long_argument_and_many_are_joined_over_records() {
    let events = with_arguments(&[
        r#"argc=4 a0="/bin/sh" a1_len=6 a1[0]="abc""#,
        r#" a1[1]=6420"#,
        r#" a1[2]="f" a2="./ap.sh" a3=00"#,
    ]);
    assert_eq!(ran(&events).argv, [&b"/bin/sh"[..], b"abcd f", b"./ap.sh", b"\0"]);
    assert!(ran(&events).whole);
}

#[test]
fn a_missing_record_of_arguments_is_told() {
    for texts in [
        &[r#"argc=3 a0="x" a1="y""#][..],
        &[r#"argc=3 a0="x""#, r#" a2="z""#],
        &[r#"argc=2 a0="x" a1_len=6 a1[0]="abc" a1[2]="f""#, ""],
        &[r#"argc=1 a0="#],
        &[r#"argc=1 a0="open"#],
        &[r#" a0="x""#],
        &[],
    ] {
        let events = with_arguments(texts);
        let told = ran(&events);
        assert!(!told.whole || told.argv == [Vec::<u8>::new()], "{texts:?}: {told:?}");
    }
}

#[test]
fn a_failure_has_its_error_and_a_death_has_none() {
    let of = |outcome: &str| {
        let call = SCRIPT[0].1.replace("success=yes exit=0", outcome);
        gather(&[(1300, call.as_str()), SCRIPT[3], SCRIPT[8]])
    };
    let failed = of("success=no exit=-2");
    assert!(matches!(failed[..], [Event::Failed { tid: None, errno: 2, call: Some(_), .. }]), "{failed:?}");
    assert!(matches!(of("")[..], [Event::Died { session: 11248, .. }]));
}

#[test]
fn other_calls_and_other_sessions_are_nobodys() {
    for (from, to) in
        [("syscall=59", "syscall=44"), ("ses=11248", "ses=11249"), ("arch=c000003e", "arch=40000003")]
    {
        let call = SCRIPT[0].1.replace(from, to);
        let rest = SCRIPT[1..].iter().copied();
        let all: Vec<(u16, &str)> = [(1300, call.as_str())].into_iter().chain(rest).collect();
        assert_eq!(gather(&all), [], "{to}");
    }
}

#[test]
fn what_never_ends_is_dropped_and_counted() {
    let mut gathered = Gathered::default();
    for serial in 0..UNFINISHED as u64 + 3 {
        let (stamp, rest) = stamped(SCRIPT[0].1.as_bytes()).expect("a record");
        assert_eq!(gathered.take(SYSCALL, Stamp { serial, ..stamp }, rest, |_, _| true), None);
    }
    assert_eq!((gathered.unfinished.len(), gathered.lost), (UNFINISHED, 3));
}

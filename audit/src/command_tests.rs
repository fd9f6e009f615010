use proptest::prelude::*;

use super::*;

fn command(argv: Vec<Vec<u8>>) -> Command {
    Command {
        time: 1_795_528_800_000,
        host: "h".repeat(300),
        session: "S-7F3K9QAB".into(),
        session_seq: u64::MAX,
        grant: "G-7F3K9Q".into(),
        vendor: "acme".into(),
        person: "acme/jo".into(),
        account: "acme-support".into(),
        pid: 4_194_304,
        parent: 4_194_303,
        uid: u32::MAX,
        euid: 0,
        cwd: vec![0xff; 4096],
        path: vec![b'\n'; 4096],
        executable: Some(vec![0x80; 4096]),
        inode: Some((u64::MAX, u32::MAX)),
        argv_count: argv.len(),
        argv,
        argv_cut: false,
        argv_sha256: "0".repeat(64),
        argv_source: ArgvSource::Kernel,
        shown: Some(vec![vec![0xff; 4096]]),
        argv_unreadable: Some(-4095),
        outcome: Outcome::Failed(-4095),
    }
}

/// Joins the parts again, as a reader would.
fn joined(lines: &[String]) -> Vec<String> {
    let mut argv: Vec<String> = Vec::new();
    for line in lines {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        let continued = record["jit"]["argv_continued"] == true;
        for (index, piece) in record["process"]["args"].as_array().unwrap().iter().enumerate() {
            let piece = piece.as_str().unwrap();
            match argv.last_mut() {
                Some(last) if continued && index == 0 => last.push_str(piece),
                _ => argv.push(piece.to_owned()),
            }
        }
    }
    argv
}

#[test]
fn no_argument_can_forge_a_line_or_be_mistaken_for_another() {
    let argv: Vec<Vec<u8>> = vec![
        b"echo".to_vec(),
        b"a\n{\"event\":1}".to_vec(),
        b"\x1b[31m".to_vec(),
        b"\xff\xfe".to_vec(),
        b"\\xff\\xfe".to_vec(),
        Vec::new(),
    ];
    let lines = command(argv).json();
    assert_eq!(lines.len(), 1);
    assert!(lines[0].bytes().all(|b| (b' '..=b'~').contains(&b)));
    assert_eq!(
        joined(&lines),
        ["echo", "a\n{\"event\":1}", "\u{1b}[31m", "\\xff\\xfe", "\\\\xff\\\\xfe", ""]
    );
}

#[test]
fn three_thousand_arguments_come_in_numbered_parts() {
    let argv: Vec<Vec<u8>> = (0..3000).map(|n| format!("argument-{n}").into_bytes()).collect();
    let lines = command(argv.clone()).json();
    assert!(lines.len() > 5);
    assert!(lines.iter().all(|line| line.len() <= MAX_RECORD), "{:?}", lines.iter().map(String::len).max());
    let wanted: Vec<String> = argv.into_iter().map(|a| String::from_utf8(a).unwrap()).collect();
    assert_eq!(joined(&lines), wanted);
}

#[test]
fn a_megabyte_is_cut_and_says_so() {
    let lines = command(vec![vec![b'a'; 1024 * 1024]]).json();
    assert!(lines.iter().map(String::len).sum::<usize>() < 4 * MAX_ARGUMENTS);
    assert!(lines.iter().all(|line| line.contains("\"argv_cut\":true")));
}

proptest! {
    #[test]
    fn any_arguments_fit_and_come_back(argv in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..3000), 0..6)) {
        let lines = command(argv.clone()).json();
        for line in &lines {
            prop_assert!(line.len() <= MAX_RECORD);
            prop_assert!(line.bytes().all(|b| (b' '..=b'~').contains(&b)));
        }
        let cut = lines[0].contains("argv_cut");
        if !cut {
            let wanted: Vec<String> = argv.iter().map(|a| text(a)).collect();
            prop_assert_eq!(joined(&lines), wanted);
        }
    }
}

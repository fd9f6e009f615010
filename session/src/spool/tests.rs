use super::*;

const LIMITS: Limits = Limits { segment: 4096, total: 64 * 1024 };

fn scratch() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).unwrap()
}

fn lines(folder: &Path) -> Vec<String> {
    let mut reader = Reader::at(folder, Position::default());
    std::iter::from_fn(|| reader.next_line().unwrap()).collect()
}

#[test]
fn committed_lines_are_read_back_in_order_across_segments() {
    let scratch = scratch();
    let mut spool = Spool::open(scratch.path(), LIMITS).unwrap();
    for number in 0..500 {
        assert!(spool.has_room(40));
        spool.append(&format!("{{\"number\":{number},\"filler\":\"xxxxxxxx\"}}"));
        spool.commit().unwrap();
    }
    assert!(segments(scratch.path()).unwrap().len() > 3);
    let read = lines(scratch.path());
    assert_eq!(read.len(), 500);
    assert!(read.iter().enumerate().all(|(n, line)| line.contains(&format!(":{n},"))));
}

#[test]
fn a_line_that_was_never_whole_is_cut_off() {
    let scratch = scratch();
    let mut spool = Spool::open(scratch.path(), LIMITS).unwrap();
    spool.append("whole");
    spool.commit().unwrap();
    drop(spool);
    let path = segment_path(scratch.path(), 1);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes.extend_from_slice(b"half a li");
    std::fs::write(&path, bytes).unwrap();
    let mut spool = Spool::open(scratch.path(), LIMITS).unwrap();
    spool.append("next");
    spool.commit().unwrap();
    assert_eq!(lines(scratch.path()), ["whole", "next"]);
}

#[test]
fn what_a_crash_wrote_in_part_is_cut_off_with_all_behind_it() {
    let scratch = scratch();
    let mut spool = Spool::open(scratch.path(), Limits { segment: 64 * 1024, total: 1024 * 1024 }).unwrap();
    assert!(spool.has_room(100));
    for line in ["whole", "torn in two", "behind it"] {
        spool.append(line);
    }
    spool.commit().unwrap();
    drop(spool);
    let path = segment_path(scratch.path(), 1);
    let written = std::fs::read(&path).unwrap();
    assert!(written.len() > 1000, "it is filled ahead of its lines");
    // A block that never reached the disk still shows what it was filled with, or nothing.
    for left in [FILL, 0] {
        std::fs::write(&path, &written).unwrap();
        open_segment(&path).unwrap().write_all_at(&[left; 3], "whole\ntorn".len() as u64).unwrap();
        assert_eq!(lines(scratch.path()), ["whole"]);
        let mut spool = Spool::open(scratch.path(), LIMITS).unwrap();
        spool.append("next");
        spool.commit().unwrap();
        assert_eq!(lines(scratch.path()), ["whole", "next"]);
    }
}

#[test]
fn a_line_that_somebody_else_wrote_can_not_look_torn() {
    let scratch = scratch();
    let mut spool = Spool::open(scratch.path(), LIMITS).unwrap();
    spool.append("{\t\"a\":\n1}");
    spool.append("{}");
    spool.commit().unwrap();
    assert_eq!(lines(scratch.path()), ["{ \"a\": 1}", "{}"]);
}

#[test]
fn a_segment_that_a_kill_left_filled_is_read_to_its_last_line_and_on() {
    let scratch = scratch();
    let mut spool = Spool::open(scratch.path(), LIMITS).unwrap();
    assert!(spool.has_room(10));
    spool.append("one");
    spool.commit().unwrap();
    drop(spool);
    std::fs::write(segment_path(scratch.path(), 2), "two\n").unwrap();
    assert!(std::fs::read(segment_path(scratch.path(), 1)).unwrap().ends_with(&[FILL; 100]));
    assert_eq!(lines(scratch.path()), ["one", "two"]);
}

#[test]
fn a_line_does_not_make_the_file_longer() {
    let scratch = scratch();
    let mut spool = Spool::open(scratch.path(), Limits { segment: 64 * 1024, total: 1024 * 1024 }).unwrap();
    let length = || std::fs::metadata(segment_path(scratch.path(), 1)).unwrap().len();
    assert!(spool.has_room(100));
    spool.append("one");
    spool.commit().unwrap();
    let before = length();
    for _ in 0..100 {
        spool.append("another");
        spool.commit().unwrap();
    }
    assert_eq!(length(), before);
    spool.append("the last");
    spool.begin_segment().unwrap();
    // What it did not use goes back.
    assert_eq!(length(), "one\n".len() as u64 + 100 * "another\n".len() as u64 + "the last\n".len() as u64);
}

#[test]
fn a_reader_waits_for_a_whole_line_and_goes_on() {
    let scratch = scratch();
    let mut spool = Spool::open(scratch.path(), LIMITS).unwrap();
    let mut reader = Reader::at(scratch.path(), Position::default());
    assert_eq!(reader.next_line().unwrap(), None);
    spool.append("one");
    spool.commit().unwrap();
    assert_eq!(reader.next_line().unwrap().as_deref(), Some("one"));
    assert_eq!(reader.next_line().unwrap(), None);
    spool.append("two");
    spool.commit().unwrap();
    assert_eq!(reader.next_line().unwrap().as_deref(), Some("two"));
    spool.append("three");
    spool.append("four");
    spool.commit().unwrap();
    assert_eq!(reader.next_line().unwrap().as_deref(), Some("three"));
    spool.append("five");
    spool.commit().unwrap();
    // What was read ahead with the third line is older than the fifth.
    assert_eq!(reader.next_line().unwrap().as_deref(), Some("four"));
    assert_eq!(reader.next_line().unwrap().as_deref(), Some("five"));
    let mut again = Reader::at(scratch.path(), reader.position());
    assert_eq!(again.next_line().unwrap(), None);
}

#[test]
fn a_full_spool_keeps_room_for_endings_and_gives_up_only_what_was_shipped() {
    let scratch = scratch();
    let limits = Limits { segment: 4096, total: 3 * 4096 };
    let mut spool = Spool::open(scratch.path(), limits).unwrap();
    let line = "x".repeat(99);
    let mut count = 0;
    while spool.has_room(100) {
        spool.append(&line);
        spool.commit().unwrap();
        count += 1;
        assert!(count < 1000, "the total was not kept");
    }
    // The ending still fits.
    spool.append(&line);
    spool.commit().unwrap();
    assert!(!spool.has_room(100));
    // Shipping makes room.
    spool.set_shipped(3);
    assert!(spool.has_room(100));
    assert!(!segment_path(scratch.path(), 1).exists());
}

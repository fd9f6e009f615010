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

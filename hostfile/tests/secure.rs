//! Which files that decide access are read, and which are refused. Run as root, as the module runs.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "scratch/lib.rs"]
mod scratch;

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;

use hostfile::{HostfileError, secure};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use scratch::Scratch;

fn refused(path: &Path) -> String {
    match secure::read(path, 100) {
        Ok(content) => panic!("{} was read: {content:?}", path.display()),
        Err(error) => {
            let text = error.to_string();
            assert!(text.is_ascii() && !text.contains('\n'), "one printable line: {text:?}");
            text
        }
    }
}

#[test]
fn a_file_that_is_roots_alone_is_read() {
    let scratch = Scratch::new();
    let file = scratch.file("f", b"content");
    assert_eq!(secure::read(&file, 7).unwrap(), b"content");
    assert_eq!(secure::check(&file), Ok(()));
}

#[test]
fn a_file_that_its_group_or_others_can_write_is_refused() {
    let scratch = Scratch::new();
    for (mode, by) in [(0o664, "its group"), (0o646, "others"), (0o666, "its group and others")] {
        let file = scratch.file("f", b"x");
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        let text = refused(&file);
        assert!(text.contains(&format!("writable by {by} (mode {mode:04o}): chmod go-w")), "{text}");
        fs::remove_file(&file).unwrap();
    }
}

#[test]
fn a_file_of_somebody_else_is_refused() {
    let scratch = Scratch::new();
    let file = scratch.file("f", b"x");
    chown(&file, Some(65534), None).unwrap();
    assert!(refused(&file).contains("owned by uid 65534, not by root: chown root"));
}

#[test]
fn a_writable_or_foreign_directory_anywhere_above_is_refused() {
    let scratch = Scratch::new();
    fs::create_dir_all(scratch.at("a/b")).unwrap();
    let file = scratch.file("a/b/f", b"x");
    assert!(secure::read(&file, 100).is_ok());
    fs::set_permissions(scratch.at("a"), fs::Permissions::from_mode(0o777)).unwrap();
    assert!(refused(&file).starts_with(&format!("{} is writable", scratch.at("a").display())));
    // A sticky bit does not help: others could put a name where none is.
    fs::set_permissions(scratch.at("a"), fs::Permissions::from_mode(0o1777)).unwrap();
    assert!(refused(&file).contains("(mode 1777)"));
    fs::set_permissions(scratch.at("a"), fs::Permissions::from_mode(0o755)).unwrap();
    chown(scratch.at("a/b"), Some(65534), None).unwrap();
    assert!(refused(&file).contains("a/b is owned by uid 65534"));
}

#[test]
fn a_symbolic_link_is_refused_at_the_end_and_on_the_way() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.at("real")).unwrap();
    let file = scratch.file("real/f", b"x");
    symlink(&file, scratch.at("link")).unwrap();
    symlink(scratch.at("real"), scratch.at("directory")).unwrap();
    assert!(refused(&scratch.at("link")).contains("link is a symbolic link"));
    assert!(refused(&scratch.at("directory/f")).contains("directory is a symbolic link"));
    symlink("nowhere", scratch.at("dangling")).unwrap();
    assert!(refused(&scratch.at("dangling")).contains("dangling is a symbolic link"));
}

#[test]
fn a_fifo_does_not_hang_and_is_refused() {
    let scratch = Scratch::new();
    mkfifo(&scratch.at("fifo"), Mode::from_bits_truncate(0o600)).unwrap();
    assert!(refused(&scratch.at("fifo")).contains("is a FIFO, not a regular file"));
}

#[test]
fn directories_sockets_and_devices_are_refused() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.at("d")).unwrap();
    assert!(refused(&scratch.at("d")).contains("is a directory, not"));
    // A socket's name is at most 108 bytes long: bound by a short path, looked at by the whole one.
    std::env::set_current_dir(scratch.at("")).unwrap();
    let _socket = UnixListener::bind("s").unwrap();
    assert!(refused(&scratch.at("s")).contains("is a socket, not"));
    assert!(refused(Path::new("/dev/null")).contains("is a device, not"));
    assert!(refused(Path::new("/")).contains("is a directory, not"));
}

#[test]
fn a_file_larger_than_its_limit_is_refused() {
    let scratch = Scratch::new();
    let file = scratch.file("f", &[b'x'; 101]);
    assert!(refused(&file).contains("larger than 100 bytes"));
    assert!(secure::read(&file, 101).is_ok());
}

#[test]
fn a_file_whose_size_is_a_lie_is_read_no_further_than_the_limit() {
    // Files in /proc say that they are empty.
    assert!(refused(Path::new("/proc/kallsyms")).contains("larger than 100 bytes"));
}

#[test]
fn a_missing_file_and_a_missing_directory_are_named() {
    let scratch = Scratch::new();
    assert!(refused(&scratch.at("gone")).ends_with("gone does not exist"));
    assert!(refused(&scratch.at("gone/f")).ends_with("gone does not exist"));
    let file = scratch.file("f", b"x");
    assert!(refused(&file.join("g")).ends_with("f is not a directory"));
}

#[test]
fn only_an_absolute_path_without_dots_is_walked() {
    for path in ["", "relative", "./f", "/etc/../etc/passwd", "/.."] {
        assert!(
            matches!(secure::read(Path::new(path), 100_000), Err(HostfileError::NotAbsolute { .. })),
            "{path}"
        );
    }
    let long = format!("/{}", "x/".repeat(3000));
    assert!(matches!(secure::read(Path::new(&long), 1), Err(HostfileError::NotAbsolute { .. })));
}

#[test]
fn hostile_names_are_shown_escaped() {
    let scratch = Scratch::new();
    let text = refused(&scratch.at("a\u{202e}\n\u{1b}[31mb"));
    assert!(text.contains("a\\u{202e}\\n\\u{1b}[31mb does not exist"), "{text}");
}

#[test]
fn reading_leaves_no_descriptor_behind() {
    let scratch = Scratch::new();
    let file = scratch.file("f", b"x");
    chown(scratch.file("g", b"x"), Some(65534), None).unwrap();
    for _ in 0..5000 {
        // More often than a process may have descriptors.
        secure::read(&file, 10).unwrap();
        secure::read(&scratch.at("g"), 10).unwrap_err();
        secure::read(&scratch.at("gone"), 10).unwrap_err();
    }
}

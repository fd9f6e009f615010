//! The figure of `systemd-analyze security` for each service, pinned: the units say beside each line, and for each line that
//! is not there, why. That everything works with them, `tests/tests/booted` shows.

use e2e::packages::root;
use e2e::process::{clean, program, run};

/// Ten times the exposure that Debian 12's systemd sees. Lower is better; whoever raises one says why in the unit.
const EXPOSURE: [(&str, u32); 4] = [
    ("jit-recorder.service", 33),
    ("jit-sweep.service", 18),
    ("jit-trust.service", 5),
    ("jit-setup-restore.service", 28),
];

#[test]
fn no_service_is_more_exposed_than_it_was() {
    for (unit, exposure) in EXPOSURE {
        let analyze = |threshold: u32| {
            let mut analyze = clean(program("systemd-analyze", "systemd"));
            analyze.args(["security", "--offline=yes", "--no-pager", &format!("--threshold={threshold}")]);
            analyze.arg(root().join("systemd").join(unit));
            run(analyze)
        };
        let said = analyze(exposure);
        assert!(said.succeeded(), "more exposed than {exposure}: {said:?}");
        assert!(!analyze(exposure - 1).succeeded(), "{unit} is less exposed now: write the new figure here");
    }
}

#[test]
fn every_service_has_a_figure() {
    for entry in std::fs::read_dir(root().join("systemd")).expect("reads systemd/").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".service") {
            assert!(EXPOSURE.iter().any(|(unit, _)| *unit == name), "{name} has no figure");
        }
    }
}

/// Lines that one comment can be about.
const TOGETHER: usize = 5;

#[test]
fn every_line_of_a_unit_has_its_reason() {
    // What they say is all there is to say of them.
    let plain = ["Description=", "Documentation="];
    for entry in std::fs::read_dir(root().join("systemd")).expect("reads systemd/").flatten() {
        let unit = entry.file_name().to_string_lossy().into_owned();
        if ![".service", ".socket", ".timer", ".path"].iter().any(|kind| unit.ends_with(kind)) {
            continue;
        }
        let text = std::fs::read_to_string(entry.path()).expect("reads a unit");
        let mut room = 0;
        for line in text.lines() {
            // A comment holds for the lines below it, to the next empty line or comment.
            if line.starts_with('#') {
                room = TOGETHER;
            } else if !line.contains('=') {
                room = 0;
            } else if !plain.iter().any(|key| line.starts_with(key)) {
                assert!(room > 0, "{unit}: no reason beside {line}");
                room -= 1;
            }
        }
    }
}

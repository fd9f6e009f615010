//! `leave-pam`, which the removal of the module calls: takes out what stands between our marks, and nothing else.

use std::path::Path;

use e2e::packages::root;
use e2e::process::{Outcome, clean, run};

const BEFORE: &str = "# a comment\naccount required pam_nologin.so\n@include common-account\n";
const BLOCK: &str = "# BEGIN jit-host\naccount [success=1 default=ignore] pam_succeed_if.so uid < 1000\naccount requisite pam_jit.so\n# END jit-host\n";

fn leave_pam(folder: &Path) -> Outcome {
    let mut leave = clean(root().join("packaging/leave-pam"));
    leave.arg(folder);
    run(leave)
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a scratch folder");
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).expect("writes a PAM file");
    }
    folder
}

fn read(folder: &tempfile::TempDir, name: &str) -> String {
    std::fs::read_to_string(folder.path().join(name)).expect("reads a PAM file")
}

#[test]
fn removal_takes_out_every_block_of_ours_and_puts_back_the_bytes_of_before() {
    let twice = format!("{BLOCK}{BEFORE}{BLOCK}");
    let folder = folder(&[("sshd", &twice), ("cron", &format!("{BEFORE}{BLOCK}")), ("other", BEFORE)]);
    std::os::unix::fs::symlink("cron", folder.path().join("atd")).expect("makes a link");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o640);
    std::fs::set_permissions(folder.path().join("sshd"), mode).expect("sets a mode");
    drop(leave_pam(folder.path()).ok());
    for name in ["sshd", "cron", "other", "atd"] {
        assert_eq!(read(&folder, name), BEFORE, "{name}");
    }
    let facts = std::fs::symlink_metadata(folder.path().join("atd")).expect("looks at the link");
    assert!(facts.is_symlink(), "a link stays one");
    let facts = std::fs::metadata(folder.path().join("sshd")).expect("looks at the file");
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&facts.permissions()) & 0o7777, 0o640);
    let names = std::fs::read_dir(folder.path()).expect("reads the folder").count();
    assert_eq!(names, 4, "nothing is left behind");
    drop(leave_pam(folder.path()).ok());
}

#[test]
fn a_file_without_a_last_newline_gets_none_and_attributes_stay() {
    let bare = BEFORE.trim_end();
    let folder =
        folder(&[("sshd", &format!("{BLOCK}{bare}")), ("su", &format!("{BEFORE}{}", BLOCK.trim_end()))]);
    let path = folder.path().join("sshd");
    let mut set = clean(e2e::process::program("setfattr", "attr"));
    set.args(["-n", "user.kept", "-v", "yes"]).arg(&path);
    drop(run(set).ok());
    drop(leave_pam(folder.path()).ok());
    assert_eq!(read(&folder, "sshd"), bare);
    assert_eq!(read(&folder, "su"), BEFORE);
    let mut get = clean(e2e::process::program("getfattr", "attr"));
    get.args(["--only-values", "-n", "user.kept"]).arg(&path);
    assert_eq!(run(get).ok().stdout, "yes");
}

#[test]
fn a_line_of_somebody_elses_stops_the_removal_and_stays() {
    let own = format!("{BEFORE}account requisite pam_jit.so config=/etc/other.toml\n{BLOCK}");
    let unpaired = BLOCK.replace("# END jit-host\n", BEFORE);
    let crossed =
        format!("{}{BEFORE}", BLOCK.replace("account requisite", "# BEGIN jit-host\naccount requisite"));
    for (name, text) in [("sshd", own.as_str()), ("su", unpaired.as_str()), ("login", crossed.as_str())] {
        let folder = folder(&[(name, text)]);
        let said = leave_pam(folder.path());
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.stderr.starts_with("error: ") && said.stderr.contains(name), "{said:?}");
        assert!(said.stderr.lines().any(|line| line.starts_with("hint: ")), "{said:?}");
        assert_eq!(read(&folder, name), text, "the file is as it was");
        assert_eq!(std::fs::read_dir(folder.path()).expect("reads the folder").count(), 1);
    }
}

#[test]
fn a_comment_that_names_the_module_does_not_stop_the_removal() {
    let comment = format!("{BEFORE}# account requisite pam_jit.so\n");
    let folder = folder(&[("sshd", &comment)]);
    drop(leave_pam(folder.path()).ok());
    assert_eq!(read(&folder, "sshd"), comment);
}

//! A kernel before Linux 5.19 can't hold programs back as the recorder needs: the recorder and `jit check` say so, before a
//! vendor is the first to see it. The kernel's answer is played: seccomp(2) knows the flags not.

use e2e::process::{Outcome, program};
use e2e::recording::{Recording, TABLE};
use e2e::world::World;

fn on_an_old_kernel(recording: &Recording, words: &[&str]) -> Outcome {
    let strace = program("strace", "strace");
    let mut command = recording.world.host.command(&strace);
    command.args([
        "-f",
        "-qq",
        "-e",
        "trace=seccomp",
        "-e",
        "inject=seccomp:error=EINVAL",
        "-o",
        "/dev/null",
    ]);
    command.args(words);
    e2e::process::run(command)
}

#[test]
fn on_an_old_kernel_the_recorder_does_not_start_and_jit_check_says_why() {
    let recording = Recording::without_recorder(World::fresh(), TABLE);
    let said = on_an_old_kernel(&recording, &["jit", "recorder"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.stderr.contains("error: this kernel can't hold programs back"), "{said:?}");
    assert!(said.stderr.contains("hint: run a kernel from Linux 5.19 on"), "{said:?}");
    let checked = on_an_old_kernel(&recording, &["jit", "check"]);
    assert!(checked.stdout.contains("910"), "{checked:?}");
    let here = recording.world.host.run(["jit", "check"]).stdout;
    assert!(!here.contains("910"), "{here}");
}

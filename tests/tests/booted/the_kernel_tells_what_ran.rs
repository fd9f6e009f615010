//! A caller that changes its arguments while they are read is recorded with what ran; a host whose kernel does not tell says so.

use std::collections::HashMap;

use e2e::authority::Request;
use e2e::booted::records::Records;
use e2e::booted::world::World;
use e2e::deadline::SOON;

/// Starts `witness NUMBER WORD` so many times, while a sibling thread and a process that shares the memory flip WORD.
const RACER: &str = r#"
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
static char *word;
static void flip_for_ever(void) {
    uint64_t harmless, dreadful;
    memcpy(&harmless, "harmless", 8);
    memcpy(&dreadful, "dreadful", 8);
    for (;;) {
        *(volatile uint64_t *)word = harmless;
        *(volatile uint64_t *)word = dreadful;
    }
}
static void *thread(void *unused) {
    flip_for_ever();
    return unused;
}
int main(int count, char **arguments) {
    int times = atoi(arguments[1]);
    word = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    strcpy(word, "harmless");
    pid_t flipper = fork();
    if (flipper == 0)
        flip_for_ever();
    for (int i = 1; i <= times; i++) {
        pid_t child = fork();
        if (child == 0) {
            pthread_t sibling;
            if (i % 2)
                pthread_create(&sibling, 0, thread, 0);
            char number[16];
            snprintf(number, sizeof number, "%d", i);
            execl("/usr/local/bin/witness", "witness", number, word, (char *)0);
            _exit(1);
        }
        waitpid(child, 0, 0);
    }
    if (flipper > 0)
        kill(flipper, SIGKILL);
    return count != 2;
}
"#;

/// Tells what it was started with.
const WITNESS: &str = r#"
#include <stdio.h>
int main(int count, char **arguments) {
    printf("%s %s\n", arguments[1], arguments[2]);
    return count != 3;
}
"#;

#[test]
fn of_500_racing_callers_500_are_recorded_with_what_ran() {
    let world = World::new();
    world.host.put_program("racer", RACER);
    world.host.put_program("witness", WITNESS);
    let client = world.client(&world.granted(&Request::default()));
    let said = client.exec("racer 500").ok().stdout;
    let ran: HashMap<&str, &str> = said.lines().filter_map(|line| line.split_once(' ')).collect();
    assert_eq!(ran.len(), 500, "{said}");

    let session = world.host.session_of(&client);
    let close = world.host.close_of(&session, SOON);
    let commands = Records::of(&world.host).commands(&session);
    let witnesses: Vec<_> = commands
        .iter()
        .filter(|command| command.argv.first().is_some_and(|word| word == "witness"))
        .collect();
    assert_eq!(witnesses.len(), 500);
    let mut flagged = 0;
    for witness in witnesses {
        assert_eq!(witness.source, "kernel", "{witness:#?}");
        assert_eq!(ran.get(witness.argv[1].as_str()), Some(&witness.argv[2].as_str()), "{witness:#?}");
        flagged += u64::from(witness.record["jit"]["differs"] == true);
    }
    assert_eq!(close["jit"]["differences"], flagged, "each lie is counted: {close}");
    println!("{flagged} of 500 lied at the gate");
    assert!(flagged > 0, "the racer races");
}

#[test]
fn a_host_without_the_kernels_copy_says_gate_or_refuses() {
    let world = World::new();
    // As a container or a hardened kernel without bpf(2).
    let lines = "[Service]\nSystemCallFilter=~bpf\nSystemCallErrorNumber=EPERM\n";
    world.host.edit_unit("jit-recorder.service", lines);
    let client = world.client(&world.granted(&Request::default()));
    drop(client.exec("/bin/echo one; /bin/echo two").ok());
    let session = world.host.session_of(&client);
    drop(world.host.close_of(&session, SOON));
    let commands = Records::of(&world.host).commands(&session);
    assert_eq!(commands.len(), 3, "{commands:#?}");
    assert!(commands.iter().all(|command| command.source == "gate"), "{commands:#?}");

    let config = world.host.read("/etc/jit/host.toml");
    world.host.put("/etc/jit/host.toml", format!("{config}require_kernel_copy = true\n"), 0o644);
    drop(world.host.run(["systemctl", "restart", "jit-recorder.service"]).ok());
    let refused = world.client(&world.granted(&Request::default())).exec("true");
    assert!(!refused.succeeded() && refused.refusals().len() == 1, "{refused:?}");
    drop(world.admin().exec("true").ok());
}

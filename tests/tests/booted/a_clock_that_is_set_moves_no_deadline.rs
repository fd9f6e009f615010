//! Setting the wall clock an hour forward ends no open session, and an hour back prolongs none.
//!
//! The machine has one wall clock, and these tests leave it alone: the recorder and the sweep get one of their own from
//! libfaketime, whose offset is read anew at every call. CLOCK_BOOTTIME, which deadlines follow, stays the kernel's.

use e2e::booted::world::World;

use crate::busy::{Busy, request};

const FAKE_CLOCK: &str = "\
[Service]
Environment=FAKETIME_TIMESTAMP_FILE=/etc/fake-clock FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1
";

fn set_clock(world: &World, offset: &str) {
    world.host.put("/etc/fake-clock", format!("{offset}\n"), 0o644);
}

#[test]
fn deadlines_follow_the_time_since_boot() {
    let world = World::new();
    set_clock(&world, "+0s");
    let library = world.host.script("ls /usr/lib/*/faketime/libfaketime.so.1", []).ok().stdout;
    let lines = format!("{FAKE_CLOCK}Environment=LD_PRELOAD={library}");
    world.host.edit_unit("jit-recorder.service", &lines);
    world.host.edit_unit("jit-sweep.service", &lines);

    let mut busy = Busy::open(&world, &request("30s"));
    set_clock(&world, "+3600s");
    drop(world.host.run(["systemctl", "start", "jit-sweep.service"]).ok());
    // The recorder does see the other clock: what it records now bears it.
    busy.shell.types("/bin/echo from-the-future\n");
    let record = world.host.record(e2e::deadline::SOON, "a command", |records| {
        records
            .commands(&busy.session)
            .into_iter()
            .find(|command| command.argv == ["/bin/echo", "from-the-future"])
    });
    let opened = world.host.record(e2e::deadline::SOON, "session.open", |records| {
        records.action("session.open").find(|open| open["jit"]["session"] == busy.session.as_str()).cloned()
    });
    let time = |record: &serde_json::Value| {
        let text = record["@timestamp"].as_str().unwrap_or_default();
        format!("{}Z", &text[..19]).parse::<grant::UnixTime>().expect("a time").secs()
    };
    assert!(time(&record.record) >= time(&opened) + 3600, "{opened} {}", record.record);
    assert!(!busy.processes().is_empty(), "an hour forward ends nothing");

    set_clock(&world, "-3600s");
    drop(world.host.run(["systemctl", "start", "jit-sweep.service"]).ok());
    let end = busy.wait_for_window_end();
    // An hour would be; how many milliseconds it takes is the other tests' and the benchmark's to say.
    let late = busy.gone_after(end, e2e::deadline::SOON, |busy| busy.processes().len());
    assert!(late <= e2e::deadline::SOON, "an hour back prolongs nothing: gone after {late:?}");
    busy.assert_client_is_cut_off();
    let close = world.host.close_of(&busy.session, e2e::deadline::SOON);
    assert_eq!(close["jit"]["reason"], "window_closed");
    let seconds = close["event"]["duration"].as_u64().map(|nanoseconds| nanoseconds / 1_000_000_000);
    assert!((1..300).contains(&seconds.unwrap_or(0)), "nor does it belie how long it was open: {close}");
}

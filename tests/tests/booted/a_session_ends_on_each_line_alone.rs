//! Three lines end a session at its window's end: process 1, the recorder, the sweep. Each does it with the other two
//! out of order, for a session that holds an open shell, detached processes, a fork loop and a forward.

use std::time::Duration;

use e2e::authority::Request;
use e2e::booted::world::World;
use e2e::deadline::SOON;

use crate::busy::{Busy, request};

/// Long enough to make the session busy on a slow machine.
const WINDOW: &str = "25s";

/// As [`request`], but process 1's limit, which can't be moved once a session is open, lies an hour later.
fn without_process_1() -> Request {
    let later = e2e::clock::now() + 3600;
    request(WINDOW).with("--extendable-to", &grant::UnixTime::from_secs(later).to_string())
}

/// A host whose recorder may be stopped for longer than process 1's watchdog would wait.
fn world() -> World {
    let world = World::new();
    world.host.edit_unit("jit-recorder.service", "[Service]\nWatchdogSec=0\n");
    world
}

fn stop_sweeping(world: &World) {
    drop(world.host.run(["systemctl", "stop", "jit-sweep.timer", "jit-sweep.service"]).ok());
}

fn signal_recorder(world: &World, signal: &str) {
    drop(world.host.run(["systemctl", "kill", "--signal", signal, "jit-recorder.service"]).ok());
}

#[test]
fn process_1_alone_ends_the_scope_within_3_seconds() {
    let world = world();
    stop_sweeping(&world);
    let mut busy = Busy::open(&world, &request(WINDOW));
    signal_recorder(&world, "STOP");
    let end = busy.wait_for_window_end();
    let late = busy.gone_after(end, Duration::from_secs(3), |busy| busy.in_scope());
    println!("process 1 ended the scope {late:?} after the window's end");
    assert!(late <= Duration::from_secs(3), "the scope was gone after {late:?}");
    busy.assert_client_is_cut_off();
    assert_eq!(busy.outside_scope(), 1, "what left the scope is not process 1's to end");

    // With the recorder back, the rest goes too, and the record is closed.
    signal_recorder(&world, "CONT");
    let close = world.host.close_of(&busy.session, SOON);
    assert_eq!(close["jit"]["reason"], "window_closed", "{close}");
    assert!(busy.processes().is_empty(), "{:#?}", busy.processes());
}

#[test]
fn the_recorder_alone_ends_all_of_it_within_a_second() {
    let world = world();
    stop_sweeping(&world);
    let mut busy = Busy::open(&world, &without_process_1());
    let end = busy.wait_for_window_end();
    let late = busy.gone_after(end, Duration::from_secs(1), |busy| busy.processes().len());
    println!("the recorder ended all of it {late:?} after the window's end");
    assert!(late <= Duration::from_secs(1), "all of it was gone after {late:?}");
    busy.assert_client_is_cut_off();
    assert!(
        busy.shell.screen().contains("this session is over: the window of your grant has closed"),
        "{}",
        busy.shell.screen()
    );
    let close = world.host.close_of(&busy.session, SOON);
    assert_eq!(close["jit"]["reason"], "window_closed", "{close}");
    assert_eq!(close["jit"]["proved"], true, "{close}");
    assert!(close["jit"]["lateness_ms"].as_u64().is_some_and(|late| late <= 1000), "{close}");
    assert!(close["jit"]["killed"].as_u64().is_some_and(|killed| killed >= 4), "{close}");
}

#[test]
fn the_sweep_alone_ends_all_of_it_within_31_seconds_while_the_recorder_hangs() {
    let world = world();
    let mut busy = Busy::open(&world, &without_process_1());
    signal_recorder(&world, "STOP");
    let end = busy.wait_for_window_end();
    let late = busy.gone_after(end, Duration::from_secs(31), |busy| busy.processes().len());
    println!("the sweep ended all of it {late:?} after the window's end");
    assert!(late <= Duration::from_secs(31), "all of it was gone after {late:?}");
    busy.assert_client_is_cut_off();

    signal_recorder(&world, "CONT");
    let close = world.host.close_of(&busy.session, SOON);
    assert_eq!(close["jit"]["reason"], "window_closed", "{close}");
}

#[test]
fn the_sweep_alone_ends_all_of_it_where_no_recorder_comes_back() {
    let world = World::new();
    let mut busy = Busy::open(&world, &without_process_1());
    // Gone for good, its listeners with it: nothing of the session can run, and nobody new gets in. At the second sweep
    // that misses it the session ends, at its deadline if that comes first.
    drop(world.host.run(["systemctl", "stop", "jit-recorder.socket", "jit-recorder.service"]).ok());
    let refused = world.client(&world.granted(&Request::default())).exec("true");
    assert!(!refused.succeeded() && refused.refusals().len() == 1, "{refused:?}");
    let end = busy.wait_for_window_end();
    let late = busy.gone_after(end, Duration::from_secs(31), |busy| busy.processes().len());
    println!("the sweep ended all of it {late:?} after the window's end, without any recorder");
    assert!(late <= Duration::from_secs(31), "all of it was gone after {late:?}");
    busy.assert_client_is_cut_off();

    drop(world.host.run(["systemctl", "start", "jit-recorder.socket", "jit-recorder.service"]).ok());
    let close = world.host.close_of(&busy.session, SOON);
    let reason = close["jit"]["reason"].as_str().unwrap_or_default();
    assert!(["window_closed", "recorder_lost"].contains(&reason), "{close}");
    drop(world.client(&world.granted(&Request::default())).exec("true").ok());
}

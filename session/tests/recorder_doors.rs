//! What `jit check` says of the recorder: none, one that is silent, one that answers.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![allow(dead_code, reason = "the host has more than this file asks of it")]

#[path = "host/lib.rs"]
mod host;

use host::Host;

/// The numbers of the recorder's area.
fn of_the_recorder(host: &Host) -> Vec<u64> {
    let (_, json) = host.findings();
    let numbers =
        json["findings"].as_array().unwrap().iter().map(|finding| finding["number"].as_u64().unwrap());
    numbers.filter(|number| matches!(number, 901..=903)).collect()
}

#[test]
fn a_host_without_a_recorder_is_told_so() {
    assert_eq!(of_the_recorder(&Host::new()), [901]);
}

#[test]
fn a_recorder_that_does_not_answer_is_an_open_door() {
    let host = Host::new();
    let text = std::fs::read_to_string(host.at("jit/host.toml")).unwrap();
    let socket = host.at("nobody.sock");
    host.write("jit/host.toml", &format!("{text}\n[recorder]\nsocket = \"{}\"\n", socket.display()));
    assert_eq!(of_the_recorder(&host), [902]);
    assert_eq!(host.check(&[]).code, 1);
}

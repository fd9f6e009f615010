//! What the log host keeps is what left the spool: every byte of it, under its own name.

use std::collections::BTreeSet;

use audit::Event;

use crate::keys::Keys;
use crate::origin::{Origin, one_of_each};
use crate::syslog::{Forwarder, HOST, LOG_HOST_NAME, LogHost, reserved_port};

#[test]
fn every_record_arrives_byte_for_byte_with_its_name() {
    let (keys, port) = (Keys::make(), reserved_port());
    let log_host = LogHost::start(&keys, LOG_HOST_NAME, port);
    let forwarder = Forwarder::start(&keys, port);
    let mut origin = Origin::new();
    origin.ship_to(&forwarder.socket());
    origin.internal("{\"gate\":{\"session\":\"S-7F3K9QAB\",\"seq\":1}}");
    origin.record(one_of_each());

    let frames = origin.frames();
    let arrived = log_host.wait_for(&frames, &forwarder.daemon);
    assert_eq!(arrived, frames, "in order, once, nothing else: the spool's own lines stay there");

    let mut events = BTreeSet::new();
    for (line, record) in arrived.iter().zip(origin.lines()) {
        let words: Vec<&str> = line.splitn(7, ' ').collect();
        let value: serde_json::Value = serde_json::from_str(record).expect("a record");
        assert_eq!((words[2], words[3]), (HOST, "pam-jit"), "{line}");
        assert_eq!(words[5], value["event"]["action"], "MSGID: {line}");
        assert_eq!(words[1], value["@timestamp"], "TIMESTAMP: {line}");
        assert!(line.ends_with(record.as_str()), "the record is the message: {line}");
        events.insert(words[5]);
    }
    assert_eq!(events, Event::ALL.map(Event::name).into());
    let longest = arrived.iter().map(String::len).max();
    assert!(longest > Some(5_000), "the long ones are among them: {longest:?}");
}

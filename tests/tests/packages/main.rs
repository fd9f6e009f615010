//! Promises of the packages: how they are built, what is in them, and what they do to a host, from installing to purging.
#![allow(clippy::expect_used, reason = "in a test a failed step ends the test with that sentence")]

#[path = "../shipping/keys.rs"]
mod keys;
mod quick_start;

mod a_confirmed_setup;
mod a_host_without_configuration_is_left_alone;
mod a_purge_destroys_no_records;
mod a_removal_leaves_the_records_alone;
mod an_edited_source_is_compiled;
mod an_upgrade_keeps_open_sessions;
mod the_module_goes_after_its_lines;
mod the_packages_are_sound;
mod the_pages_say_what_is_parsed;
mod the_quick_start;
mod the_same_sources_give_the_same_bytes;
mod the_shells_complete;
mod the_units_stay_closed;

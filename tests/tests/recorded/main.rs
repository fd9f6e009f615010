//! Recorded sessions on a private sshd, with the recorder in the foreground: everything that needs no process 1.

mod arguments_are_recorded_whole_and_safe;
mod every_command_is_recorded;
mod every_way_of_running_a_program_is_recorded;

//! Recorded sessions on a private sshd, with the recorder in the foreground: everything that needs no process 1.

mod every_command_is_recorded;

//! A server on loopback that says hello to each connection: what a forwarding reaches, or does not.

use std::io::Write;
use std::net::TcpListener;

/// What it says.
pub const HELLO: &str = "hello";

/// A listening server. It lives as long as the test program: there is nothing to end.
#[derive(Debug)]
pub struct Greeter {
    /// Its port, at 127.0.0.1.
    pub port: u16,
}

impl Greeter {
    /// Listens on a free port.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("binds a port");
        let port = listener.local_addr().expect("its address").port();
        std::thread::spawn(move || {
            for mut connection in listener.incoming().flatten() {
                drop(connection.write_all(HELLO.as_bytes()));
            }
        });
        Self { port }
    }
}

//! The log reader of a scratch host: a datagram socket, as a log daemon has, and what arrived there.

use std::os::fd::AsRawFd;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

#[derive(Debug, Default)]
struct Arrived {
    lines: Mutex<Vec<String>>,
    more: Condvar,
}

/// A bound socket and the lines that it has taken so far.
#[derive(Debug)]
pub struct LogSocket {
    socket: Arc<UnixDatagram>,
    arrived: Arc<Arrived>,
    reader: Option<std::thread::JoinHandle<()>>,
}

impl LogSocket {
    /// Binds at `path`, which may be longer than a socket address, and reads until dropped.
    ///
    /// # Panics
    /// When the socket can't be bound.
    #[must_use]
    pub fn bind(path: &Path) -> Self {
        let folder = path.parent().expect("a path with a folder");
        let name = path.file_name().expect("a path with a name");
        let folder = std::fs::File::open(folder).expect("opens the socket's folder");
        let short = Path::new("/proc/self/fd").join(folder.as_raw_fd().to_string()).join(name);
        let socket = Arc::new(UnixDatagram::bind(&short).expect("binds the log socket"));
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o666);
        std::fs::set_permissions(&short, mode).expect("opens the log socket to everybody");
        let arrived = Arc::new(Arrived::default());
        let reader = std::thread::spawn({
            let (socket, arrived) = (Arc::clone(&socket), Arc::clone(&arrived));
            move || read(&socket, &arrived)
        });
        Self { socket, arrived, reader: Some(reader) }
    }

    /// Everything that has arrived so far.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.arrived.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The first line after the first `seen` ones that `wanted` takes, arrived already or within `limit`.
    #[must_use]
    pub fn wait_for(&self, seen: usize, limit: Duration, wanted: impl Fn(&str) -> bool) -> Option<String> {
        let end = Instant::now() + limit;
        let mut lines = self.arrived.lines.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(line) = lines.iter().skip(seen).find(|line| wanted(line)) {
                return Some(line.clone());
            }
            let left = end.checked_duration_since(Instant::now())?;
            let (next, _) =
                self.arrived.more.wait_timeout(lines, left).unwrap_or_else(PoisonError::into_inner);
            lines = next;
        }
    }
}

impl Drop for LogSocket {
    fn drop(&mut self) {
        drop(self.socket.shutdown(std::net::Shutdown::Both));
        if let Some(reader) = self.reader.take() {
            drop(reader.join());
        }
    }
}

fn read(socket: &UnixDatagram, arrived: &Arrived) {
    let mut buffer = vec![0; 64 * 1024];
    // A shut down datagram socket reads as empty; an empty datagram is not a log line either.
    while let Ok(length @ 1..) = socket.recv(&mut buffer) {
        let line = String::from_utf8_lossy(&buffer[..length]).into_owned();
        arrived.lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        arrived.more.notify_all();
    }
}

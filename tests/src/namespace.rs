//! A private place for one scratch host: mount and process namespaces with their own `/etc`, `/usr`, `/home`, `/run`, `/tmp`, `/dev`.
//!
//! `/etc` and `/usr` are overlays in memory over the machine's own, so that files can be put where an administrator puts
//! them; the machine's are not touched. Process 1 of the namespace lives as long as its standard input: when the
//! harness lets go of it, even by SIGKILL, the kernel ends every process inside and the mounts are gone.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use crate::deadline::{self, SOON};
use crate::process::{clean, program};

/// Runs as process 1. `/dev` is private for `/dev/log`, `/var/log` for wtmp and lastlog. While it waits for its line to end, the shell
/// reaps whatever orphans are left to it.
const HOLDER: &str = r"
set -e
mount -t tmpfs -o mode=755 tmpfs /run
for place in etc usr; do
    mkdir -p /run/overlay/$place/upper /run/overlay/$place/work
    mount -t overlay overlay -o lowerdir=/$place,upperdir=/run/overlay/$place/upper,workdir=/run/overlay/$place/work /$place
done
mount -t tmpfs -o mode=755 tmpfs /home
mount -t tmpfs -o mode=1777 tmpfs /tmp
mount -t tmpfs -o mode=755 tmpfs /var/log
mkdir /run/sshd /run/dev /run/dev/pts
for device in null zero full random urandom tty; do
    touch /run/dev/$device
    mount --bind /dev/$device /run/dev/$device
done
mount --bind /dev/pts /run/dev/pts
ln -s pts/ptmx /run/dev/ptmx
ln -s /proc/self/fd /run/dev/fd
mount --rbind /run/dev /dev
echo ready
exec 3<&0
cat <&3 &
wait $!
";

/// Behind it where the processes are the machine's: nobody ends them with the namespace, so whoever is in it is killed.
const SWEEPER: &str = r#"
here=$(readlink /proc/$$/ns/mnt)
round=0
while [ $round -lt 100 ]; do
    found=
    for each in /proc/[0-9]*; do
        pid=${each#/proc/}
        if [ "$pid" != $$ ] && [ "$(readlink "$each/ns/mnt")" = "$here" ]; then
            kill -s KILL "$pid" && found=yes
        fi
    done 2>/dev/null
    [ -n "$found" ] || exit 0
    round=$((round + 1))
    sleep 0.01
done
"#;

/// The namespaces, held open by a child process.
#[derive(Debug)]
pub struct Namespace {
    holder: Child,
    line: Option<ChildStdin>,
}

impl Namespace {
    /// Makes the namespaces and waits until everything is mounted.
    ///
    /// # Panics
    /// When the kernel refuses: the tests need root with `CAP_SYS_ADMIN`.
    #[must_use]
    pub fn new() -> Self {
        Self::unshared(&["--pid", "--fork", "--kill-child", "--mount-proc"], HOLDER.to_owned())
    }

    /// The same without a process namespace: the audit subsystem speaks only to the machine's own.
    #[must_use]
    pub fn with_the_machines_processes() -> Self {
        Self::unshared(&[], format!("{HOLDER}{SWEEPER}"))
    }

    fn unshared(flags: &[&str], holder: String) -> Self {
        let mut command = clean(program("unshare", "util-linux"));
        command.args(["--mount", "--propagation", "private"]).args(flags);
        command
            .args(["sh", "-c", &holder])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut holder = command.spawn().expect("starts unshare");
        let line = holder.stdin.take();
        let mut first = String::new();
        if let Some(output) = holder.stdout.take() {
            BufReader::new(output).read_line(&mut first).expect("reads from the namespace's first process");
        }
        if first != "ready\n" {
            drop(holder.kill());
            let output = holder.wait_with_output().expect("waits for unshare");
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            panic!(
                "cannot make a scratch host (these tests run as root with CAP_SYS_ADMIN and overlayfs): {said}"
            );
        }
        Self { holder, line }
    }

    /// Where a path inside is seen from outside.
    ///
    /// # Panics
    /// When `inside` is not absolute.
    #[must_use]
    pub fn path(&self, inside: impl AsRef<Path>) -> PathBuf {
        let relative = inside.as_ref().strip_prefix("/").expect("an absolute path");
        PathBuf::from(format!("/proc/{}/root", self.holder.id())).join(relative)
    }

    /// Whether the process of this folder in `/proc` lives here.
    #[must_use]
    pub fn holds(&self, process: &Path) -> bool {
        let place = |process: &Path| std::fs::read_link(process.join("ns/mnt")).ok();
        place(process).is_some_and(|theirs| {
            Some(theirs) == place(&PathBuf::from(format!("/proc/{}", self.holder.id())))
        })
    }

    /// A command that runs inside, as root, with a clean environment.
    #[must_use]
    pub fn command(&self, inside: &str) -> Command {
        let pid = self.holder.id();
        let mut command = clean(program("nsenter", "util-linux"));
        command.arg(format!("--mount=/proc/{pid}/ns/mnt"));
        command.arg(format!("--pid=/proc/{pid}/ns/pid_for_children"));
        command.arg("--").arg(inside);
        command
    }
}

impl Default for Namespace {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        drop(self.line.take());
        let ended = deadline::poll(SOON, || self.holder.try_wait().ok().flatten());
        if ended.is_none() {
            drop(self.holder.kill());
            drop(self.holder.wait());
        }
    }
}

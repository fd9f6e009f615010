//! The place that a booted host lives in: mount, process, network and cgroup namespaces, held by one child process.
//!
//! Inside are the layer over the base folder (in memory), systemd-nspawn, and a virtual cable with the host's end in a network
//! namespace of its own and the other end in a bridge, where the clients are. Several places may share the bridge: each
//! machine keeps namespaces, address and boot of its own, and each cable can be pulled. Process 1 of the place lives as long as its standard input:
//! when the harness lets go of it, even by SIGKILL, the kernel ends everything inside, and mounts and networks are gone.
//! What is left is an empty cgroup, which this removes, or the next place made after a kill.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::deadline;
use crate::process::{clean, program, run};

/// The address of a host that is alone; others of its network are beside it in 10.217.0.0/16.
pub const HOST_ADDRESS: &str = "10.217.0.2";

/// How long a boot or a shutdown may take on a busy machine.
pub const BOOT: Duration = Duration::from_secs(90);

/// The first half runs before the cgroup namespace is made, so that its root is the place's own cgroup. A mount of our
/// own makes hybrid, pure and absent cgroup v2 look the same inside. Arguments: cgroup, the second half, its arguments.
const HOLDER: &str = r#"
set -e
# Sessions inside begin without the login id of whoever runs the tests.
echo 4294967295 2>/dev/null >/proc/self/loginuid || true
mount -t tmpfs -o mode=755 tmpfs /run
mkdir /run/cgroup
mount -t cgroup2 cgroup2 /run/cgroup
mkdir "/run/cgroup/$1"
echo 0 >"/run/cgroup/$1/cgroup.procs"
shift
recipe=$1
shift
exec unshare --cgroup sh -c "$recipe" holder "$@"
"#;

const REMOVE: &str = r#"
mount -t cgroup2 cgroup2 /run && cd /run || exit 1
for left in jit-booted-*; do
    pid=${left#jit-booted-} pid=${pid%-*}
    if [ "$left" = "$1" ] || [ ! -d "/proc/$pid" ]; then
        find "$left" -depth -type d -exec rmdir {} +
    fi
done
[ ! -d "$1" ]
"#;

/// Arguments: base folder, the machine's name, its address. Each line that the harness writes boots once; the exit code of systemd-nspawn tells that the host is off again.
const SECOND_HALF: &str = r#"
set -e
umount /run/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir -p /run/base /run/layer/upper /run/layer/work /run/root
mount --bind "$1" /run/base
mount -t overlay overlay -o lowerdir=/run/base,upperdir=/run/layer/upper,workdir=/run/layer/work /run/root
# The base folder's own name is db1.
[ "$2" = db1 ] || sed -i "s/db1/$2/" /run/root/etc/hostname /run/root/etc/hosts
if ! ip link show vendors >/dev/null 2>&1; then
    ip link set lo up
    ip link add vendors type bridge
    ip address add 10.217.0.1/16 dev vendors
    ip link set vendors up
    # Any number of clients, each with an address of its own.
    ip route add local 10.217.128.0/17 dev lo
fi
ip netns add host
ip link add "$2" type veth peer name host0 netns host
ip link set "$2" master vendors up
ip -n host address add "$3/16" dev host0
ip -n host link set lo up
ip -n host link set host0 up
echo ready
while read -r _; do
    (
        set +e
        # bpf: the kernel's copy of what runs. --keep-unit, --register=no: no systemd is needed outside.
        systemd-nspawn --quiet --directory=/run/root --boot --register=no --keep-unit --console=read-only \
            --machine="$2" --system-call-filter=bpf --capability=CAP_BPF,CAP_PERFMON \
            --network-namespace-path=/run/netns/host --resolv-conf=off --timezone=off \
            </dev/null >>/run/console 2>&1
        echo $? >/run/off.new
        mv /run/off.new /run/off
    ) &
done
"#;

/// The namespaces, held open by a child process.
#[derive(Debug)]
pub struct Place {
    holder: Child,
    line: Option<ChildStdin>,
    cgroup: String,
    name: String,
}

impl Place {
    /// Makes the namespaces of a machine with this name and address, `beside` another one in that one's network or in a
    /// network of its own; nothing is booted yet.
    ///
    /// # Panics
    /// When the kernel or a missing program refuses: it needs root with `CAP_SYS_ADMIN`, overlayfs and cgroup v2.
    #[must_use]
    pub fn new(base: &Path, name: &str, address: &str, beside: Option<&Self>) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let _present = (program("systemd-nspawn", "systemd-container"), program("ip", "iproute2"));
        let cgroup = format!("jit-booted-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        remove_cgroups(&cgroup);
        let unshare = program("unshare", "util-linux");
        let mut command = match beside {
            Some(other) => other.outside(&unshare),
            None => clean(unshare),
        };
        command.args(beside.is_none().then_some("--net"));
        command.args(["--mount", "--propagation", "private", "--pid", "--fork", "--kill-child"]);
        command.args(["--mount-proc", "sh", "-c", HOLDER, "holder", &cgroup, SECOND_HALF]);
        command.arg(base).args([name, address]);
        let errors = tempfile::tempfile().expect("a scratch file");
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        command.stderr(errors.try_clone().expect("duplicates a scratch file"));
        let mut holder = command.spawn().expect("starts unshare");
        let line = holder.stdin.take();
        let mut first = String::new();
        if let Some(output) = holder.stdout.take() {
            BufReader::new(output).read_line(&mut first).expect("reads from the place's first process");
        }
        let place = Self { holder, line, cgroup, name: name.to_owned() };
        assert!(
            first == "ready\n",
            "cannot make a place for a booted host (root with CAP_SYS_ADMIN, overlayfs, cgroup v2): {}",
            text_of(&errors)
        );
        place
    }

    /// Boots what lies in the layer, and gives the process id of its process 1 as seen from here.
    ///
    /// # Panics
    /// When it does not come up: with its console.
    pub fn boot(&mut self) -> u32 {
        assert!(self.leader().is_none(), "the host is on already");
        drop(std::fs::remove_file(self.own("off")));
        let line = self.line.as_mut().expect("the place's first process listens");
        line.write_all(b"boot\n").expect("writes to the place's first process");
        let leader =
            deadline::poll(BOOT, || self.leader().map(Some).or_else(|| self.is_off().then_some(None)));
        leader.flatten().unwrap_or_else(|| panic!("the host does not boot:\n{}", self.console()))
    }

    /// Whether systemd-nspawn has ended: the host is off.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.own("off").exists()
    }

    /// What the host's console said.
    #[must_use]
    pub fn console(&self) -> String {
        std::fs::read(self.own("console"))
            .map_or_else(|_| String::new(), |said| String::from_utf8_lossy(&said).into_owned())
    }

    /// A path inside the host's root folder, as the harness sees it. `/run`, `/tmp`, `/dev`, `/proc` and `/sys` are
    /// mounted by the host itself and are not here.
    #[must_use]
    pub fn layer(&self, inside: &str) -> PathBuf {
        self.own("root").join(inside.trim_start_matches('/'))
    }

    /// A command on the clients' end of the cable, with this machine's files and no other network.
    #[must_use]
    pub fn outside(&self, inside: &str) -> Command {
        let mut command = clean(program("nsenter", "util-linux"));
        command.arg(format!("--net=/proc/{}/ns/net", self.holder.id())).arg("--").arg(inside);
        command
    }

    /// Pulls the machine's cable, or plugs it in again.
    ///
    /// # Panics
    /// When `ip` refuses.
    pub fn plug(&self, state: &str) {
        let mut link = self.outside(&program("ip", "iproute2"));
        link.args(["link", "set", &self.name, state]);
        drop(run(link).ok());
    }

    fn own(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root/run/{name}", self.holder.id()))
    }

    /// The host's process 1: below the holder, named systemd, first in a process namespace two below ours.
    fn leader(&self) -> Option<u32> {
        let depth = process_numbers(self.holder.id())?.len();
        let mut below = vec![self.holder.id()];
        while let Some(pid) = below.pop() {
            let numbers = process_numbers(pid).unwrap_or_default();
            let first = numbers.len() == depth + 2 && numbers.last() == Some(&1);
            if first
                && std::fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name == "systemd\n")
            {
                return Some(pid);
            }
            if numbers.len() < depth + 2 {
                below.extend(children(pid));
            }
        }
        None
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(self.line.take());
        if deadline::poll(deadline::SOON, || self.holder.try_wait().ok().flatten()).is_none() {
            drop(self.holder.kill());
            drop(self.holder.wait());
        }
        // A process takes a moment to leave its cgroup after its death.
        deadline::poll(Duration::from_secs(5), || remove_cgroups(&self.cgroup).then_some(()));
    }
}

/// Removes this cgroup and those of harnesses that are dead; only empty ones can be. Says whether this one is gone.
fn remove_cgroups(own: &str) -> bool {
    let mut command = clean(program("unshare", "util-linux"));
    command.args(["--mount", "--propagation", "private", "sh", "-c", REMOVE, "remove", own]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// The process's numbers from our namespace down to its own (proc(5), `NSpid`).
fn process_numbers(pid: u32) -> Option<Vec<u32>> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let numbers = status.lines().find_map(|line| line.strip_prefix("NSpid:"))?;
    Some(numbers.split_ascii_whitespace().filter_map(|number| number.parse().ok()).collect())
}

fn children(pid: u32) -> Vec<u32> {
    let listed = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    listed.split_ascii_whitespace().filter_map(|number| number.parse().ok()).collect()
}

/// Everything in a scratch file.
pub(crate) fn text_of(file: &File) -> String {
    let length = file.metadata().map_or(0, |facts| facts.len());
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
    let read = file.read_at(&mut bytes, 0).unwrap_or(0);
    bytes.truncate(read);
    String::from_utf8_lossy(&bytes).into_owned()
}

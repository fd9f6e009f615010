//! The rules are locked (`auditctl -e 2`) while a recorder runs. The machine's own can't be locked in a test: nothing but a
//! boot unlocks them. So the kernel's part is played here, message by message, as kernel/audit.c answers.

use std::sync::{Arc, Mutex};

use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

use super::control::{ADD_RULE, DEL_RULE, ERROR, GET, HEAD, Line};
use super::*;

/// What the kernel has.
#[derive(Debug, Default)]
struct Kernel {
    enabled: u32,
    rules: Vec<Vec<u8>>,
    /// Every request's type, in order.
    asked: Vec<u16>,
    answer: Vec<u8>,
}

#[derive(Debug, Clone)]
struct Played(Arc<Mutex<Kernel>>);

impl Line for Played {
    fn send(&mut self, message: &[u8]) -> nix::Result<()> {
        let mut kernel = self.0.lock().unwrap();
        let kind = u16::from_ne_bytes([message[4], message[5]]);
        kernel.asked.push(kind);
        let rule = message[HEAD..].to_vec();
        let acknowledge = |errno: i32| (ERROR, [(-errno).to_ne_bytes(), [0; 4]].concat());
        let (answer, body) = match kind {
            GET => {
                // mask, enabled, failure, daemon, rate, backlog limit, lost, backlog
                let status = [0, kernel.enabled, 1, 1, 0, 8192, 0, 0];
                (GET, status.iter().flat_map(|number: &u32| number.to_ne_bytes()).collect())
            }
            ADD_RULE | DEL_RULE if kernel.enabled == LOCKED => acknowledge(libc::EPERM),
            ADD_RULE if kernel.rules.contains(&rule) => acknowledge(libc::EEXIST),
            ADD_RULE => {
                kernel.rules.push(rule);
                acknowledge(0)
            }
            DEL_RULE => {
                kernel.rules.retain(|there| *there != rule);
                acknowledge(0)
            }
            other => panic!("nobody asks for {other}"),
        };
        let length = u32::try_from(HEAD + body.len()).unwrap();
        let head = [&length.to_ne_bytes()[..], &answer.to_ne_bytes(), &[0; 2], &message[8..12], &[0; 4]];
        kernel.answer = [&head.concat()[..], &body].concat();
        Ok(())
    }

    fn receive(&mut self, buffer: &mut [u8]) -> nix::Result<Option<(u16, u32, usize)>> {
        let message = std::mem::take(&mut self.0.lock().unwrap().answer);
        buffer[..message.len()].copy_from_slice(&message);
        let sequence = u32::from_ne_bytes(message[8..12].try_into().unwrap());
        Ok(Some((u16::from_ne_bytes([message[4], message[5]]), sequence, message.len())))
    }
}

fn audit() -> (KernelAudit, Arc<Mutex<Kernel>>) {
    let kernel = Arc::new(Mutex::new(Kernel { enabled: 1, ..Kernel::default() }));
    let clerk = Clerk::with(Control::over(Box::new(Played(Arc::clone(&kernel))))).unwrap();
    let records = socket(AddressFamily::Unix, SockType::Datagram, SockFlag::SOCK_NONBLOCK, None).unwrap();
    let audit = KernelAudit::with(records, clerk, Owner::of(Path::new("/run/jit")), Vec::new(), 0);
    (audit, kernel)
}

fn rules(kernel: &Mutex<Kernel>) -> usize {
    kernel.lock().unwrap().rules.len()
}

#[test]
fn a_session_that_opens_after_the_lock_is_not_watched_and_that_is_said() {
    // The kernel's own record of it came, or it did not.
    for heard in [true, false] {
        let (mut audit, kernel) = audit();
        audit.watch(7).unwrap();
        assert!(audit.tells_of(7) && audit.tells_of_no_other().is_none());
        let before = rules(&kernel);

        kernel.lock().unwrap().enabled = LOCKED;
        if heard {
            let record = b" op=set audit_enabled=2 old=1 auid=1000 ses=3 res=1";
            let change = Change::read(&audit.owner, record);
            audit.changed(change);
        }
        audit.watch(8).unwrap();
        assert!(!audit.tells_of(8), "nothing will be told of it");
        assert!(audit.tells_of(7), "and of the other as before");
        assert!(audit.tells_of_no_other().is_some_and(|why| why.contains("auditctl -e 2")));
        let who = if heard { "uid 1000" } else { "somebody" };
        let told = audit.trouble().unwrap();
        assert!(told.starts_with(&format!("{who} locked audit's rules until the next boot")), "{told}");

        // Once is enough, for the log and for the kernel, which records each refused request.
        let asked = kernel.lock().unwrap().asked.len();
        audit.watch(9).unwrap();
        audit.forget(9);
        audit.look_after(9);
        assert_eq!((audit.trouble(), audit.tells_of(9), rules(&kernel)), (None, false, before));
        let kernel = kernel.lock().unwrap();
        assert!(kernel.asked[asked..].iter().all(|kind| *kind == GET), "{:?}", &kernel.asked[asked..]);
    }
}

#[test]
fn rules_that_were_removed_and_can_not_come_back_tell_of_nothing() {
    for heard in [true, false] {
        let (mut audit, kernel) = audit();
        audit.watch(7).unwrap();
        // auditctl -D; auditctl -e 2
        kernel.lock().unwrap().rules.clear();
        kernel.lock().unwrap().enabled = LOCKED;
        if heard {
            audit.changed(Change::Locked { by: "somebody".into() });
            drop(audit.trouble());
        }
        audit.changed(Change::Removed(7));
        assert!(!audit.tells_of(7), "nobody waits for what will not be told");
        let told: Vec<_> = std::iter::from_fn(|| audit.trouble()).collect();
        assert!(told.iter().any(|line| line.ends_with("they could not be put back")), "{told:?}");
    }
}

#[test]
fn a_rule_that_is_refused_for_another_reason_is_an_error_as_before() {
    let (mut audit, kernel) = audit();
    // No such thing as EPERM without a lock, but a container that takes the capability away.
    kernel.lock().unwrap().rules.clear();
    let refusing = Played(Arc::clone(&kernel));
    audit.clerk = Clerk::with(Control::over(Box::new(Refusing(refusing)))).unwrap();
    assert!(audit.watch(7).is_err());
    assert!(!audit.tells_of(7) && audit.tells_of_no_other().is_none());
    assert_eq!(audit.trouble(), None);
}

/// Says EPERM to rules, and is not locked.
#[derive(Debug)]
struct Refusing(Played);

impl Line for Refusing {
    fn send(&mut self, message: &[u8]) -> nix::Result<()> {
        let kind = u16::from_ne_bytes([message[4], message[5]]);
        if kind == ADD_RULE { Err(Errno::EPERM) } else { self.0.send(message) }
    }

    fn receive(&mut self, buffer: &mut [u8]) -> nix::Result<Option<(u16, u32, usize)>> {
        self.0.receive(buffer)
    }
}

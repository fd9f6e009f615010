//! A rule of the audit subsystem (`struct audit_rule_data`), and how ours are told from others by their key.
//!
//! A session has one rule for each system call interface: tell of every exec, with this audit session id, when it
//! returns. Ours stand behind an administrator's own, so that theirs, with their keys, go before.

use std::path::Path;

use std::os::unix::ffi::OsStrExt;

/// When a call returns.
const EXIT: u32 = 4;
const ALWAYS: u32 = 2;
const ARCH: u32 = 11;
const PARENT: u32 = 18;
const SESSION: u32 = 25;
const KEY: u32 = 210;
const EQUAL: u32 = 0x4000_0000;
/// Words of the mask of system calls, and slots for fields.
const WORDS: usize = 64;
/// Numbers before the key.
const NUMBERS: usize = 3 + 4 * WORDS + 1;
/// Bytes that a key may have (`AUDIT_MAX_KEY_LEN`), less our own words.
const FOLDER: usize = 200;

/// `AUDIT_ARCH_*` of each interface with its execve and execveat. x32 is not here: no mask has numbers that high.
#[cfg(target_arch = "x86_64")]
pub(super) const CALLS: [(u32, [u32; 2]); 2] = [(0xC000_003E, [59, 322]), (0x4000_0003, [11, 358])];
#[cfg(target_arch = "aarch64")]
pub(super) const CALLS: [(u32, [u32; 2]); 2] = [(0xC000_00B7, [221, 281]), (0x4000_0028, [11, 387])];

/// Whose rules these are: several recorders may share a kernel, each with a runtime folder of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Owner(Vec<u8>);

impl Owner {
    pub(super) fn of(runtime: &Path) -> Self {
        let folder = runtime.as_os_str().as_bytes();
        Self(folder[folder.len().saturating_sub(FOLDER)..].to_vec())
    }

    /// `jit:SESSION:FOLDER`; session 0 is the trial at the start.
    fn key(&self, session: u32) -> Vec<u8> {
        [b"jit:", session.to_string().as_bytes(), b":", &self.0].concat()
    }

    /// The session of a key of ours.
    pub(super) fn session(&self, key: &[u8]) -> Option<u32> {
        let rest = key.strip_prefix(b"jit:")?;
        let digits = rest.strip_suffix(&self.0[..])?.strip_suffix(b":")?;
        std::str::from_utf8(digits).ok()?.parse().ok()
    }
}

/// A rule, as the kernel takes and gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rule(Vec<u8>);

impl Rule {
    /// The rules for a session.
    pub(super) fn for_session(owner: &Owner, session: u32) -> impl Iterator<Item = Self> {
        Self::each(SESSION, session, owner.key(session))
    }

    /// The rules for the children of a process.
    pub(super) fn for_children(owner: &Owner, parent: u32) -> impl Iterator<Item = Self> {
        Self::each(PARENT, parent, owner.key(0))
    }

    fn each(field: u32, value: u32, key: Vec<u8>) -> impl Iterator<Item = Self> {
        CALLS.iter().map(move |(arch, calls)| Self::made(&[(ARCH, *arch), (field, value)], calls, &key))
    }

    fn made(fields: &[(u32, u32)], calls: &[u32], key: &[u8]) -> Self {
        let length = u32::try_from(key.len()).unwrap_or(0);
        let fields: Vec<_> = fields.iter().copied().chain([(KEY, length)]).collect();
        let mut mask = [0_u32; WORDS];
        for call in calls {
            mask[*call as usize / 32] |= 1 << (call % 32);
        }
        let column = |of: &dyn Fn(&(u32, u32)) -> u32| {
            let mut column = [0_u32; WORDS];
            column.iter_mut().zip(&fields).for_each(|(slot, field)| *slot = of(field));
            column
        };
        let mut numbers = vec![EXIT, ALWAYS, u32::try_from(fields.len()).unwrap_or(0)];
        numbers.extend(mask);
        numbers.extend(column(&|field| field.0));
        numbers.extend(column(&|field| field.1));
        numbers.extend(column(&|_| EQUAL));
        numbers.push(length);
        let mut bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_ne_bytes()).collect();
        bytes.extend_from_slice(key);
        Self(bytes)
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Its texts; of a rule of ours, its key.
    pub(super) fn key(&self) -> &[u8] {
        let Some((numbers, texts)) = self.0.split_at_checked(4 * NUMBERS) else { return &[] };
        let length = numbers.last_chunk().map_or(0, |length| u32::from_ne_bytes(*length) as usize);
        texts.get(..length).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_names_its_session_and_nobody_elses_is_ours() {
        let owner = Owner::of(Path::new("/run/jit"));
        let rule = Rule::for_session(&owner, 17).next().unwrap();
        assert_eq!(rule.key(), b"jit:17:/run/jit");
        assert_eq!(owner.session(rule.key()), Some(17));
        for other in
            [&b""[..], b"jit", b"jit:17:/run/other", b"jit::/run/jit", b"jit:x:/run/jit", b"jit:17/run/jit"]
        {
            assert_eq!(owner.session(other), None);
        }
        assert_eq!(owner.session(Rule::from_bytes(b"short").key()), None);
    }

    #[test]
    fn a_key_is_never_longer_than_the_kernel_takes() {
        let owner = Owner::of(Path::new(&"/long".repeat(100)));
        let rule = Rule::for_session(&owner, u32::MAX).next().unwrap();
        assert!(rule.key().len() <= 256);
        assert_eq!(owner.session(rule.key()), Some(u32::MAX));
    }
}

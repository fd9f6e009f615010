//! The key revocation list that stock sshd and `ssh-keygen -Q` read (OpenSSH's PROTOCOL.krl).
//!
//! Only what we need: one certificates section for each CA key, with serials and key ids. No
//! signature sections (OpenSSH dropped them). The order and the bytes depend on the contents alone,
//! so that the same ledger gives the same list.

use std::collections::BTreeSet;

const MAGIC: u64 = 0x5353_484b_524c_0a00; // "SSHKRL\n\0"
const FORMAT: u32 = 1;
const SECTION_CERTIFICATES: u8 = 1;
const SERIAL_LIST: u8 = 0x20;
const SERIAL_RANGE: u8 = 0x21;
const KEY_ID: u8 = 0x23;

/// What of one CA key's certificates is revoked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RevokedCertificates {
    /// The CA's public key, as an SSH blob.
    pub ca_key: Vec<u8>,
    /// Serials, none of them 0: OpenSSH takes 0 for "no serial".
    pub serials: BTreeSet<u64>,
    /// Key ids.
    pub key_ids: BTreeSet<String>,
}

/// A key revocation list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Krl {
    /// Grows with every change of the list.
    pub version: u64,
    /// When it was written, in seconds since the epoch.
    pub generated: u64,
    /// Shown by `ssh-keygen -Q -l`.
    pub comment: String,
    /// One section for each CA key.
    pub certificates: Vec<RevokedCertificates>,
}

impl Krl {
    /// The bytes of the list. A list that revokes nothing is a header alone, which sshd reads as such.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.extend(MAGIC.to_be_bytes());
        out.extend(FORMAT.to_be_bytes());
        out.extend(self.version.to_be_bytes());
        out.extend(self.generated.to_be_bytes());
        out.extend(0_u64.to_be_bytes()); // flags
        string(&mut out, b""); // reserved
        string(&mut out, self.comment.as_bytes());
        for revoked in &self.certificates {
            if !revoked.serials.is_empty() || !revoked.key_ids.is_empty() {
                out.push(SECTION_CERTIFICATES);
                string(&mut out, &revoked.section());
            }
        }
        out
    }
}

impl RevokedCertificates {
    fn section(&self) -> Vec<u8> {
        let mut out = Vec::new();
        string(&mut out, &self.ca_key);
        string(&mut out, b""); // reserved
        let mut single = Vec::new();
        for (first, last) in ranges(&self.serials) {
            // Two numbers take the same room as a list entry each or as one range.
            if last - first < 2 {
                (first..=last).for_each(|serial| single.extend(serial.to_be_bytes()));
            } else {
                out.push(SERIAL_RANGE);
                string(&mut out, &[first.to_be_bytes(), last.to_be_bytes()].concat());
            }
        }
        if !single.is_empty() {
            out.push(SERIAL_LIST);
            string(&mut out, &single);
        }
        if !self.key_ids.is_empty() {
            let mut ids = Vec::new();
            self.key_ids.iter().for_each(|id| string(&mut ids, id.as_bytes()));
            out.push(KEY_ID);
            string(&mut out, &ids);
        }
        out
    }
}

/// Runs of consecutive numbers.
fn ranges(serials: &BTreeSet<u64>) -> Vec<(u64, u64)> {
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for serial in serials.iter().copied().filter(|s| *s != 0) {
        match runs.last_mut() {
            Some((_, last)) if serial - *last == 1 => *last = serial,
            _ => runs.push((serial, serial)),
        }
    }
    runs
}

/// RFC 4251's string: a length and the bytes.
fn string(out: &mut Vec<u8>, bytes: &[u8]) {
    // Nothing here comes near 4 GiB: the ledger bounds every part.
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    out.extend(length.to_be_bytes());
    out.extend(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_revokes_nothing_is_a_header() {
        let bytes = Krl { version: 7, ..Krl::default() }.to_bytes();
        assert_eq!(&bytes[..8], b"SSHKRL\n\0");
        assert_eq!(bytes.len(), 8 + 4 + 8 + 8 + 8 + 4 + 4);
    }

    #[test]
    fn neighbours_become_ranges_and_zero_never_appears() {
        let serials = BTreeSet::from([0, 1, 2, 3, 7, 9, 10, u64::MAX]);
        assert_eq!(ranges(&serials), [(1, 3), (7, 7), (9, 10), (u64::MAX, u64::MAX)]);
    }
}

//! SSHSIG blobs (PROTOCOL.sshsig), written by hand.

use base64ct::{Base64, Encoding};
use sha2::{Digest as _, Sha256, Sha512};

use crate::support::soft_key::Key;
use crate::support::wire::Wire;

/// Everything that goes into an SSHSIG; [`SshSig::approval`] is what an approver's `ssh-keygen` makes.
#[derive(Clone, Copy)]
pub(crate) struct SshSig<'a> {
    pub(crate) version: u32,
    pub(crate) namespace: &'a str,
    pub(crate) reserved: &'a [u8],
    pub(crate) hash: &'a str,
}

impl SshSig<'_> {
    pub(crate) fn approval() -> Self {
        Self { version: 1, namespace: "grant@pam-jit", reserved: b"", hash: "sha512" }
    }

    pub(crate) fn by(self, key: &dyn Key, message: &[u8]) -> Vec<u8> {
        let digest = match self.hash {
            "sha256" => Sha256::digest(message).to_vec(),
            _ => Sha512::digest(message).to_vec(),
        };
        let signed = Wire::new().raw(b"SSHSIG").string(self.namespace).string(self.reserved);
        let signed = signed.string(self.hash).string(digest).done();
        let head = Wire::new().raw(b"SSHSIG").u32(self.version).string(key.blob());
        let head = head.string(self.namespace).string(self.reserved).string(self.hash);
        head.string(key.sign(&signed)).done()
    }
}

/// The approval of `document` by `key`.
pub(crate) fn approval(key: &dyn Key, document: &str) -> Vec<u8> {
    SshSig::approval().by(key, document.as_bytes())
}

/// The value of the extension `approvals@pam-jit`: lines of base64 in ascending order.
pub(crate) fn approvals_text(blobs: &[Vec<u8>]) -> String {
    let mut lines: Vec<_> = blobs.iter().map(|blob| Base64::encode_string(blob) + "\n").collect();
    lines.sort();
    lines.concat()
}

/// The file that `ssh-keygen -Y sign` writes.
pub(crate) fn armored(blob: &[u8]) -> String {
    let base64 = Base64::encode_string(blob);
    let lines: Vec<_> = base64.as_bytes().chunks(70).map(|line| str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN SSH SIGNATURE-----\n{}\n-----END SSH SIGNATURE-----\n", lines.join("\n"))
}

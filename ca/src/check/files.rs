//! The files of an authority: private, of one owner, who can work with them, and keys whose halves belong together.
//!
//! Whoever runs the check, it is the owner's rights that are looked at: root may do everything, and says what the owner
//! can't.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use grant::PublicKey;
use nix::errno::Errno;
use nix::unistd::{AccessFlags, Uid, User, access};
use ssh_key::PrivateKey;

use super::chain;
use crate::authority::{self, file};
use crate::finding::{self, Finding};
use crate::{durable, keys, limits, owner, public_key};

/// The package's own user, whose home the authority's directory is.
const USER: &str = "jit-ca";

/// Read and written by every command: the ledger, and what SQLite keeps beside it.
const LEDGER: [&str; 3] = [file::LEDGER, "ledger.db-wal", "ledger.db-shm"];

/// Looks at the directory of an authority, or of what is left of one.
pub(super) fn check(dir: &Path, is_authority: bool, findings: &mut Vec<Finding>) {
    check_modes(dir, is_authority, findings);
    if is_authority {
        check_owner(dir, findings);
    }
    for (private, public) in [(file::CA_KEY, file::CA_KEY_PUB), (file::TRUST_ROOT, file::TRUST_ROOT_PUB)] {
        let (private, public) = (dir.join(private), dir.join(public));
        if private.exists()
            && let Err(what) = check_pair(&private, &public)
        {
            findings.push(finding::TWO_KEYS.seen(what));
        }
    }
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let name = entry.file_name();
        if name.to_string_lossy().starts_with(".init-") {
            let path = entry.path();
            let what = format!("{} is left from an interrupted `ca init`", path.display());
            findings.push(finding::HALF_MADE.seen(what).mended_by(format!("rm -r {}", path.display())));
        }
    }
}

/// The private files; the directory only if it is one of ours, and not somebody's who mistyped.
fn check_modes(dir: &Path, is_authority: bool, findings: &mut Vec<Finding>) {
    let mut private = vec![(dir.to_owned(), "700")];
    private.retain(|_| is_authority);
    private.extend([file::CA_KEY, file::TRUST_ROOT].map(|name| (dir.join(name), "600")));
    private.extend(LEDGER.map(|name| (dir.join(name), "600")));
    for (path, mode) in private {
        if path.symlink_metadata().is_err() {
            continue; // what must be there, opening the authority finds
        }
        if let Err(error) = authority::expect_private(&path) {
            let mend = format!("chmod {mode} {}", path.display());
            findings.push(finding::NOT_PRIVATE.seen(error.to_string()).mended_by(mend));
        }
    }
}

/// Everything belongs to one user, who can read it, and write what has to be written.
fn check_owner(dir: &Path, findings: &mut Vec<Finding>) {
    let Some(of_dir) = owner::of(dir) else { return };
    let user = packaged(dir).unwrap_or(of_dir);
    let name = owner::name(user);
    let mut others = Vec::new();
    let mut unwritable = Vec::new();
    for path in all(dir) {
        let Ok(facts) = path.symlink_metadata() else { continue };
        let shown = path
            .file_name()
            .filter(|_| path != dir)
            .map_or("the folder itself".into(), |n| n.to_string_lossy());
        let of_file = Uid::from_raw(facts.uid());
        if of_file != user {
            others.push(format!("{shown} ({})", owner::name(of_file)));
        } else if let Some(finding) = unusable(dir, &path, facts.mode(), &name) {
            unwritable.push(finding);
        }
    }
    if !others.is_empty() {
        let what = format!("{} is {name}'s, and not all in it: {}", dir.display(), others.join(", "));
        findings.push(finding::FOREIGN.seen(what).mended_by(format!("chown -R {name}: {}", dir.display())));
    }
    findings.extend(unwritable);
}

/// The directory and its files.
fn all(dir: &Path) -> impl Iterator<Item = PathBuf> {
    let beside = LEDGER[1..].iter();
    std::iter::once(dir.to_owned()).chain(file::ALL.iter().chain(beside).map(move |name| dir.join(name)))
}

/// The package's user, where this is its home: a restored directory may be root's as a whole.
fn packaged(dir: &Path) -> Option<Uid> {
    let user = User::from_name(USER).ok().flatten()?;
    (user.dir.canonicalize().ok()? == dir.canonicalize().ok()?).then_some(user.uid)
}

/// Why the owner can't work with a file of its own.
fn unusable(dir: &Path, path: &Path, mode: u32, user: &str) -> Option<Finding> {
    let written = path == dir || LEDGER.iter().any(|name| path.ends_with(name));
    let needed = if path == dir {
        0o700
    } else if written {
        0o600
    } else {
        0o400
    };
    let shown = path.display();
    if mode & needed != needed {
        let what = format!(
            "{user} can't {} {shown} (mode {:04o})",
            if written { "write" } else { "read" },
            mode & 0o7777
        );
        let add = if path == dir {
            "rwx"
        } else if written {
            "rw"
        } else {
            "r"
        };
        return Some(finding::NOT_WRITABLE.seen(what).mended_by(format!("chmod u+{add} {shown}")));
    }
    if !written {
        return None;
    }
    // Root's rights too end at a file system that is read-only and at files that never change.
    match access(path, AccessFlags::W_OK) {
        Err(Errno::EROFS) => {
            let what = format!("{} is on a file system that is mounted read-only", dir.display());
            Some(
                finding::NOT_WRITABLE
                    .seen(what)
                    .mended_by("look why (findmnt, dmesg), and mount it for writing"),
            )
        }
        Err(errno) if Uid::effective().is_root() || owner::of(path) == Some(Uid::effective()) => {
            let what = format!("{shown} can't be written: {}", errno.desc());
            Some(finding::NOT_WRITABLE.seen(what).mended_by(format!("look why: lsattr -d {shown}")))
        }
        _ => None,
    }
}

/// The public half stands in clear in a private key file, so no passphrase is needed.
fn check_pair(private: &Path, public: &Path) -> Result<(), String> {
    let text =
        durable::read_secret(private, "private key", limits::PRIVATE_KEY).map_err(|e| e.to_string())?;
    let key = PrivateKey::from_openssh(text.as_bytes())
        .map_err(|_| keys::KeyError::NotPrivate(private.to_owned()).to_string())?;
    let beside = public_key::read(public).map_err(|e| chain(&e))?;
    let same = PublicKey::from_ssh(key.public_key().key_data().clone()).is_ok_and(|inside| inside == beside);
    if same {
        Ok(())
    } else {
        let (private, public) = (private.to_owned(), public.to_owned());
        Err(keys::KeyError::Mismatch { private, public }.to_string())
    }
}

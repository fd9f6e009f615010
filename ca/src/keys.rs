//! The CA key and other private keys: made, stored, opened.
//!
//! A private key file has mode 0600 or is refused. Passphrases and key text are wiped after use. The CA
//! key may live in an ssh-agent instead; the rest of the crate cannot tell the difference.

use std::path::{Path, PathBuf};

use signature::Signer;
use ssh_key::private::{Ed25519Keypair, Ed25519PrivateKey, KeypairData};
use ssh_key::public::KeyData;
use ssh_key::{Cipher, Kdf, LineEnding, PrivateKey, Signature};
use zeroize::{Zeroize, Zeroizing};

use crate::agent::{AgentError, AgentKey};
use crate::durable::{self, FileError};
use crate::limits;

/// Asks for the passphrase of the named key; called only when one is needed.
pub type AskPassphrase<'a> = dyn FnMut(&str) -> Result<Zeroizing<String>, PassphraseError> + 'a;

/// Why there is no passphrase.
#[derive(Debug, thiserror::Error)]
pub enum PassphraseError {
    /// Nobody can be asked.
    #[error("{0} is encrypted, and there is no terminal to ask for its passphrase on")]
    NoTerminal(String),
    /// The place it should come from does not give it.
    #[error("cannot read the passphrase from {place}")]
    Read {
        /// Which place, for example `file descriptor 3`.
        place: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is empty, too long, or not text.
    #[error("the passphrase from {place} {problem}")]
    Unfit {
        /// Which place.
        place: String,
        /// What is wrong.
        problem: String,
    },
    /// The two answers differ.
    #[error("the two passphrases differ")]
    Differ,
}

impl PassphraseError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoTerminal(_) => {
                Some("give it with --passphrase-fd N, or as the systemd credential ca-passphrase".to_owned())
            }
            Self::Read { source, .. } if source.raw_os_error() == Some(nix::libc::EBADF) => {
                Some("sudo hands over no descriptor above 2: --passphrase-fd 0, and the passphrase to its standard input".to_owned())
            }
            _ => None,
        }
    }
}

/// Why a private key cannot be made, stored or opened.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read or written, or others can read it.
    #[error(transparent)]
    File(#[from] FileError),
    /// There is no passphrase.
    #[error(transparent)]
    Passphrase(#[from] PassphraseError),
    /// Not a private key in OpenSSH's format.
    #[error("{} is not an OpenSSH private key", .0.display())]
    NotPrivate(PathBuf),
    /// A public key where a private one is needed.
    #[error("{} is a public key; a signature needs the private one", .0.display())]
    Public(PathBuf),
    /// The private half is in a FIDO device.
    #[error("{} is a FIDO key: only its device can sign", .0.display())]
    SecurityKey(PathBuf),
    /// Wrong passphrase, or a damaged file.
    #[error("the passphrase does not open {}", .0.display())]
    WrongPassphrase(PathBuf),
    /// An algorithm that this program does not sign with.
    #[error("{} is a {algorithm} key, which cannot sign here", path.display())]
    Algorithm {
        /// The file.
        path: PathBuf,
        /// Its algorithm.
        algorithm: String,
    },
    /// The private and the public half are not of one key.
    #[error("{} and {} are not of one key", private.display(), public.display())]
    Mismatch {
        /// The private key file.
        private: PathBuf,
        /// The public key file.
        public: PathBuf,
    },
    /// The key library or the random generator failed.
    #[error("cannot {step}: {problem}")]
    Crypto {
        /// What was being done.
        step: &'static str,
        /// What the library said.
        problem: String,
    },
}

impl KeyError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::File(error) => error.hint(),
            Self::Passphrase(passphrase) => passphrase.hint(),
            Self::Public(_) | Self::SecurityKey(_) => Some(
                "sign through an agent (--agent), or with `ssh-keygen -Y sign` and --signature".to_owned(),
            ),
            Self::NotPrivate(_) => {
                Some("convert it with ssh-keygen -p -f FILE, which writes OpenSSH's format".to_owned())
            }
            Self::Algorithm { .. } => Some("use ed25519, ecdsa-p256 or rsa of 3072 bits or more".to_owned()),
            _ => None,
        }
    }
}

fn crypto<E: std::fmt::Display>(step: &'static str) -> impl FnOnce(E) -> KeyError {
    move |e| KeyError::Crypto { step, problem: e.to_string() }
}

/// A new Ed25519 key from the kernel's random generator.
///
/// # Errors
/// [`KeyError::Crypto`].
pub fn generate(comment: &str) -> Result<PrivateKey, KeyError> {
    let mut seed = Zeroizing::new([0_u8; 32]);
    getrandom::fill(seed.as_mut_slice()).map_err(crypto("make a key"))?;
    let pair = Ed25519Keypair::from(Ed25519PrivateKey::from_bytes(&seed));
    PrivateKey::new(KeypairData::from(pair), comment).map_err(crypto("make a key"))
}

/// The text of a private key file, encrypted when there is a passphrase.
///
/// # Errors
/// [`KeyError::Crypto`].
pub fn to_file_text(key: &PrivateKey, passphrase: Option<&str>) -> Result<Zeroizing<String>, KeyError> {
    let Some(passphrase) = passphrase else {
        return key.to_openssh(LineEnding::LF).map_err(crypto("write a key"));
    };
    let mut random = [0_u8; 20];
    getrandom::fill(&mut random).map_err(crypto("encrypt a key"))?;
    let (salt, checkint) = random.split_at(16);
    let kdf = Kdf::Bcrypt { salt: salt.to_vec(), rounds: BCRYPT_ROUNDS };
    let checkint = u32::from_ne_bytes(checkint.try_into().unwrap_or_default());
    let sealed =
        key.encrypt_with(Cipher::Aes256Ctr, kdf, checkint, passphrase).map_err(crypto("encrypt a key"))?;
    random.zeroize();
    sealed.to_openssh(LineEnding::LF).map_err(crypto("write a key"))
}

/// OpenSSH 9.2 uses 16, newer ones 24.
const BCRYPT_ROUNDS: u32 = 24;

/// Opens a private key file; asks for its passphrase if it is encrypted.
///
/// # Errors
/// [`KeyError`].
pub fn open(path: &Path, ask: &mut AskPassphrase<'_>) -> Result<PrivateKey, KeyError> {
    let text = durable::read_secret(path, "private key", limits::PRIVATE_KEY);
    let text = match text {
        // A public key may be readable by all; say what it is rather than what its mode is.
        Err(FileError::Readable { .. }) if is_public(path) => return Err(KeyError::Public(path.to_owned())),
        other => other?,
    };
    if looks_public(&text) {
        return Err(KeyError::Public(path.to_owned()));
    }
    let key = PrivateKey::from_openssh(text.as_bytes()).map_err(|_| KeyError::NotPrivate(path.to_owned()))?;
    if is_security_key(key.public_key().key_data()) {
        return Err(KeyError::SecurityKey(path.to_owned()));
    }
    let key = if key.is_encrypted() {
        let passphrase = ask(&path.display().to_string())?;
        key.decrypt(passphrase.as_bytes()).map_err(|_| KeyError::WrongPassphrase(path.to_owned()))?
    } else {
        key
    };
    match key.key_data() {
        KeypairData::Ed25519(_) | KeypairData::Ecdsa(_) | KeypairData::Rsa(_) => Ok(key),
        _ => Err(KeyError::Algorithm { path: path.to_owned(), algorithm: key.algorithm().to_string() }),
    }
}

fn is_public(path: &Path) -> bool {
    durable::read_text(path, "key", limits::PRIVATE_KEY).is_ok_and(|text| looks_public(&text))
}

fn looks_public(text: &str) -> bool {
    ssh_key::PublicKey::from_openssh(text.trim()).is_ok()
}

fn is_security_key(key: &KeyData) -> bool {
    key.is_sk_ed25519() || key.is_sk_ecdsa_p256()
}

/// The CA key, wherever it lives.
#[derive(Debug)]
pub enum CaKey {
    /// Opened from its file.
    File(Box<PrivateKey>),
    /// In the ssh-agent.
    Agent(AgentKey),
}

impl CaKey {
    /// What the agent said when the last signature failed.
    #[must_use]
    pub fn take_failure(&self) -> Option<AgentError> {
        match self {
            Self::File(_) => None,
            Self::Agent(key) => key.take_failure(),
        }
    }
}

impl From<&CaKey> for KeyData {
    fn from(key: &CaKey) -> Self {
        match key {
            CaKey::File(key) => key.public_key().key_data().clone(),
            CaKey::Agent(key) => key.into(),
        }
    }
}

impl Signer<Signature> for CaKey {
    fn try_sign(&self, message: &[u8]) -> signature::Result<Signature> {
        match self {
            Self::File(key) => key.try_sign(message),
            Self::Agent(key) => key.try_sign(message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encrypted_key_opens_with_its_passphrase_and_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        let key = generate("test").unwrap();
        durable::create(&path, to_file_text(&key, Some("correct horse")).unwrap().as_bytes(), 0o600).unwrap();
        let opened = open(&path, &mut |_| Ok(Zeroizing::new("correct horse".to_owned()))).unwrap();
        assert_eq!(opened.public_key().key_data(), key.public_key().key_data());
        let wrong = open(&path, &mut |_| Ok(Zeroizing::new("wrong horse".to_owned())));
        assert!(matches!(wrong, Err(KeyError::WrongPassphrase(_))));
    }

    #[test]
    fn a_public_key_is_told_apart_from_a_private_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key.pub");
        let line = generate("test").unwrap().public_key().to_openssh().unwrap();
        durable::create(&path, line.as_bytes(), 0o644).unwrap();
        assert!(matches!(open(&path, &mut |_| unreachable!()), Err(KeyError::Public(_))));
    }
}

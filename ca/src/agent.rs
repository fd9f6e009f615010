//! A client of the ssh-agent protocol (draft-miller-ssh-agent): list the keys, sign with one.
//!
//! Any agent works, so that the CA key and approvers' keys can live in FIDO, PKCS#11 and TPM devices.
//! An agent's answer is foreign input: it is bounded before it is read, and a signature is checked
//! against the key before anybody gets it.

use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use signature::{Signer, Verifier};
use ssh_key::public::KeyData;
use ssh_key::{Algorithm, Signature};

use crate::limits;

const REQUEST_IDENTITIES: u8 = 11;
const IDENTITIES_ANSWER: u8 = 12;
const SIGN_REQUEST: u8 = 13;
const SIGN_RESPONSE: u8 = 14;
/// `SSH_AGENT_RSA_SHA2_512`: without it an agent would sign with SHA-1.
const RSA_SHA2_512: u32 = 4;

/// What can go wrong between us and an ssh-agent.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// `SSH_AUTH_SOCK` is not set.
    #[error("no ssh-agent: SSH_AUTH_SOCK is not set")]
    NoAgent,
    /// The socket does not answer.
    #[error("cannot talk to the ssh-agent at {}", path.display())]
    Socket {
        /// The agent's socket.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// An answer that does not follow the protocol.
    #[error("the ssh-agent's answer is not understood: {0}")]
    Answer(&'static str),
    /// The agent holds no such key.
    #[error("the ssh-agent does not hold the key {0}")]
    NoSuchKey(String),
    /// The agent said no: locked, confirmation denied, or not touched in time.
    #[error("the ssh-agent refused to sign with {0}")]
    Refused(String),
    /// A signature that does not verify.
    #[error("the ssh-agent's signature by {0} does not verify")]
    BadSignature(String),
}

impl AgentError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoAgent | Self::Socket { .. } => {
                "start one and load the key: eval $(ssh-agent); ssh-add FILE".to_owned()
            }
            Self::NoSuchKey(_) => "load it with ssh-add; `ssh-add -l` lists what is there".to_owned(),
            Self::Refused(_) => "is the agent locked, or does the key wait for a touch?".to_owned(),
            Self::Answer(_) | Self::BadSignature(_) => return None,
        })
    }
}

/// One connection to an ssh-agent.
#[derive(Debug)]
pub struct Agent {
    path: PathBuf,
    stream: UnixStream,
}

impl Agent {
    /// Connects to the agent that `SSH_AUTH_SOCK` names.
    ///
    /// # Errors
    /// [`AgentError::NoAgent`] or [`AgentError::Socket`].
    pub fn from_environment() -> Result<Self, AgentError> {
        let path = std::env::var_os("SSH_AUTH_SOCK").filter(|p| !p.is_empty()).ok_or(AgentError::NoAgent)?;
        Self::connect(Path::new(&path))
    }

    /// Connects to the agent at a socket.
    ///
    /// # Errors
    /// [`AgentError::Socket`].
    pub fn connect(path: &Path) -> Result<Self, AgentError> {
        let connect = || {
            let stream = UnixStream::connect(path)?;
            stream.set_read_timeout(Some(limits::AGENT_PATIENCE))?;
            stream.set_write_timeout(Some(limits::AGENT_PATIENCE))?;
            Ok(stream)
        };
        match connect() {
            Ok(stream) => Ok(Self { path: path.to_owned(), stream }),
            Err(source) => Err(AgentError::Socket { path: path.to_owned(), source }),
        }
    }

    /// The public keys that the agent holds, in its order. Key types that we do not know are left out.
    ///
    /// # Errors
    /// [`AgentError`].
    pub fn keys(&mut self) -> Result<Vec<KeyData>, AgentError> {
        let answer = self.ask(&[REQUEST_IDENTITIES])?;
        let mut rest = match answer.split_first() {
            Some((&IDENTITIES_ANSWER, rest)) => rest,
            _ => return Err(AgentError::Answer("no list of keys")),
        };
        let count = take_u32(&mut rest)?;
        if count > limits::AGENT_KEYS {
            return Err(AgentError::Answer("too many keys"));
        }
        let mut keys = Vec::new();
        for _ in 0..count {
            let blob = take_string(&mut rest)?;
            let _comment = take_string(&mut rest)?;
            // Certificates and unknown types stand in the same list; they are no plain keys.
            if let Ok(key) = ssh_key::PublicKey::from_bytes(blob) {
                keys.push(KeyData::from(key));
            }
        }
        Ok(keys)
    }

    /// A signature over `data` by `key`.
    ///
    /// # Errors
    /// [`AgentError`], also when the signature does not verify.
    pub fn sign(&mut self, key: &KeyData, data: &[u8]) -> Result<Signature, AgentError> {
        let name = || key.fingerprint(ssh_key::HashAlg::Sha256).to_string();
        let blob = ssh_key::PublicKey::from(key.clone())
            .to_bytes()
            .map_err(|_| AgentError::Answer("a key that has no wire form"))?;
        let flags = if matches!(key.algorithm(), Algorithm::Rsa { .. }) { RSA_SHA2_512 } else { 0 };
        let mut request = vec![SIGN_REQUEST];
        put_string(&mut request, &blob);
        put_string(&mut request, data);
        request.extend(flags.to_be_bytes());
        let answer = self.ask(&request)?;
        let mut rest = match answer.split_first() {
            Some((&SIGN_RESPONSE, rest)) => rest,
            _ if !self.keys()?.contains(key) => return Err(AgentError::NoSuchKey(name())),
            _ => return Err(AgentError::Refused(name())),
        };
        let signature = Signature::try_from(take_string(&mut rest)?)
            .map_err(|_| AgentError::Answer("not a signature"))?;
        key.verify(data, &signature).map_err(|_| AgentError::BadSignature(name()))?;
        Ok(signature)
    }

    fn ask(&mut self, request: &[u8]) -> Result<Vec<u8>, AgentError> {
        let path = self.path.clone();
        let socket = |source| AgentError::Socket { path: path.clone(), source };
        let mut framed = Vec::with_capacity(request.len() + 4);
        put_string(&mut framed, request);
        self.stream.write_all(&framed).map_err(socket)?;
        let mut length = [0_u8; 4];
        self.stream.read_exact(&mut length).map_err(socket)?;
        let length = u32::from_be_bytes(length) as usize;
        if length == 0 || length > limits::AGENT_ANSWER {
            return Err(AgentError::Answer("an impossible length"));
        }
        let mut answer = vec![0_u8; length];
        self.stream.read_exact(&mut answer).map_err(socket)?;
        Ok(answer)
    }
}

fn put_string(out: &mut Vec<u8>, bytes: &[u8]) {
    // Requests hold one key and one document or certificate: far below 4 GiB.
    out.extend(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend(bytes);
}

fn take_u32(rest: &mut &[u8]) -> Result<u32, AgentError> {
    let (number, after) = rest.split_first_chunk::<4>().ok_or(AgentError::Answer("it is cut short"))?;
    *rest = after;
    Ok(u32::from_be_bytes(*number))
}

fn take_string<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], AgentError> {
    let length = take_u32(rest)? as usize;
    let (bytes, after) = rest.split_at_checked(length).ok_or(AgentError::Answer("it is cut short"))?;
    *rest = after;
    Ok(bytes)
}

/// A key that lives in the agent of `SSH_AUTH_SOCK`; each signature asks the agent.
#[derive(Debug)]
pub struct AgentKey {
    public: KeyData,
    /// Why the last signature failed: `ssh-key` drops the source of a signer's error.
    failure: RefCell<Option<AgentError>>,
}

impl AgentKey {
    /// The agent's key with this public key. The agent is not asked yet.
    #[must_use]
    pub fn new(public: KeyData) -> Self {
        Self { public, failure: RefCell::new(None) }
    }

    /// Why the last signature failed.
    #[must_use]
    pub fn take_failure(&self) -> Option<AgentError> {
        self.failure.take()
    }
}

impl From<&AgentKey> for KeyData {
    fn from(key: &AgentKey) -> Self {
        key.public.clone()
    }
}

impl Signer<Signature> for AgentKey {
    fn try_sign(&self, message: &[u8]) -> signature::Result<Signature> {
        let signed = Agent::from_environment().and_then(|mut agent| agent.sign(&self.public, message));
        signed.map_err(|error| {
            self.failure.replace(Some(error));
            signature::Error::new()
        })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    /// An agent that gives one answer and hangs up.
    fn answering(answer: &'static [u8]) -> (tempfile::TempDir, Agent) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("agent");
        let listener = UnixListener::bind(&path).unwrap();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0_u8; 5];
            stream.read_exact(&mut request).unwrap();
            stream.write_all(answer).unwrap();
        });
        let agent = Agent::connect(&path).unwrap();
        (dir, agent)
    }

    #[test]
    fn an_agent_that_lies_about_lengths_is_not_believed() {
        for answer in [
            b"\xff\xff\xff\xff".as_slice(),
            b"\0\0\0\0",
            b"\0\0\0\x05\x0c\xff\xff\xff\xff",
            b"\0\0\0\x05\x0c\0\0\0\x01",
            b"\0\0\0\x09\x0c\0\0\0\x01\xff\xff\xff\xff",
            b"\0\0\0\x01\x05",
        ] {
            let (_dir, mut agent) = answering(answer);
            assert!(matches!(agent.keys(), Err(AgentError::Answer(_))), "{answer:?}");
        }
    }

    #[test]
    fn an_agent_that_hangs_up_is_an_error_with_its_path() {
        let (_dir, mut agent) = answering(b"\0\0\0\x09\x0c");
        assert!(matches!(agent.keys(), Err(AgentError::Socket { .. })));
    }
}

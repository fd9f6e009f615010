//! An authority: a directory with ca.toml, the CA key, the trust root and the ledger.
//!
//! Opening one believes nothing: the directory and its files must be writable by nobody else, the trust
//! root must be the one that ca.toml names, and the ledger must belong to it.

use std::path::{Path, PathBuf};

use grant::{PublicKey, Trust, UnixTime};
use nix::unistd::{Uid, User};

use crate::config::{Config, ConfigError, KeyPlace};
use crate::durable::{self, FileError};
use crate::keys::{self, AskPassphrase, CaKey, KeyError};
use crate::krl::Krl;
use crate::ledger::{Change, Ledger, approver, revocation};
use crate::sign::{self, Issued, Request};
use crate::{Error, agent, public_key};

/// The names of an authority's files in its directory.
pub mod file {
    /// What the authority is.
    pub const CONFIG: &str = "ca.toml";
    /// The CA key; absent when an ssh-agent holds it.
    pub const CA_KEY: &str = "ca_key";
    /// The CA's public key, for `TrustedUserCAKeys`.
    pub const CA_KEY_PUB: &str = "ca_key.pub";
    /// The trust root key; absent when it is kept elsewhere.
    pub const TRUST_ROOT: &str = "trust_root";
    /// The trust root's public key.
    pub const TRUST_ROOT_PUB: &str = "trust_root.pub";
    /// The ledger.
    pub const LEDGER: &str = "ledger.db";
    /// All of them, the one that makes an authority last.
    pub const ALL: [&str; 6] = [CA_KEY, CA_KEY_PUB, TRUST_ROOT, TRUST_ROOT_PUB, LEDGER, CONFIG];
}

/// An open authority.
#[derive(Debug)]
pub struct Authority {
    dir: PathBuf,
    config: Config,
    ca_public: PublicKey,
    ledger: Ledger,
    by_whom: Option<String>,
    ca_key: Option<CaKey>,
}

impl Authority {
    /// Opens the authority in a directory. The CA key stays closed until [`Authority::unlock`].
    ///
    /// # Errors
    /// [`Error`] when there is none, or something in it is not as it should be.
    pub fn open(dir: &Path) -> Result<Self, Error> {
        let path = |name: &str| dir.join(name);
        let config = Config::load(&path(file::CONFIG)).map_err(|e| missing(dir, e.into()))?;
        durable::only_ours(dir)?;
        let trust_root = trusted_key(&path(file::TRUST_ROOT_PUB))?;
        if trust_root.fingerprint() != config.authority {
            return Err(Error::Content {
                place: path(file::TRUST_ROOT_PUB).display().to_string(),
                problem: "is not the trust root that ca.toml names",
                hint: Some("restore both from a backup of one time".to_owned()),
            });
        }
        Ok(Self {
            ca_public: trusted_key(&path(file::CA_KEY_PUB))?,
            ledger: Ledger::open(&path(file::LEDGER), &config.authority)?,
            by_whom: None,
            ca_key: None,
            config,
            dir: dir.to_owned(),
        })
    }

    /// The directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What ca.toml says.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The CA's public key.
    #[must_use]
    pub fn ca_public(&self) -> &PublicKey {
        &self.ca_public
    }

    /// The ledger, to read from.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Begins a change of the ledger.
    ///
    /// # Errors
    /// [`crate::ledger::LedgerError::Busy`].
    pub fn change(&mut self, now: UnixTime) -> Result<Change<'_>, Error> {
        let by_whom = by_whom(&mut self.by_whom)?;
        Ok(self.ledger.change(now, by_whom)?)
    }

    /// Opens the CA key; asks for its passphrase if it has one.
    ///
    /// # Errors
    /// [`KeyError`] when it cannot be opened, or is not the one of `ca_key.pub`.
    pub fn unlock(&mut self, ask: &mut AskPassphrase<'_>) -> Result<(), Error> {
        if self.ca_key.is_none() {
            self.ca_key = Some(self.open_ca_key(ask)?);
        }
        Ok(())
    }

    fn open_ca_key(&self, ask: &mut AskPassphrase<'_>) -> Result<CaKey, Error> {
        if self.config.ca_key == KeyPlace::Agent {
            return Ok(CaKey::Agent(agent::AgentKey::new(self.ca_public.as_ssh().clone())));
        }
        let path = self.dir.join(file::CA_KEY);
        let key = keys::open(&path, ask)?;
        if key.public_key().key_data() != self.ca_public.as_ssh() {
            return Err(KeyError::Mismatch { private: path, public: self.dir.join(file::CA_KEY_PUB) }.into());
        }
        Ok(CaKey::File(Box::new(key)))
    }

    /// Checks a request without signing.
    ///
    /// # Errors
    /// [`crate::Refused`] when it would be refused now.
    pub fn check(&self, request: &Request, now: UnixTime) -> Result<(), Error> {
        sign::check(&self.ledger, request, now)
    }

    /// Signs a certificate; it stands in the ledger when this returns. The CA key must have been
    /// unlocked; a key without passphrase, or in an agent, is opened as needed.
    ///
    /// # Errors
    /// [`crate::Refused`] says which rule is not met.
    pub fn sign(&mut self, request: &Request, now: UnixTime) -> Result<Issued, Error> {
        let ca_key = match self.ca_key.take() {
            Some(key) => key,
            None => self.open_ca_key(&mut |name| Err(keys::PassphraseError::NoTerminal(name.to_owned())))?,
        };
        let issued = by_whom(&mut self.by_whom)
            .and_then(|by_whom| sign::sign(&mut self.ledger, &ca_key, request, now, by_whom));
        self.ca_key = Some(ca_key);
        issued
    }

    /// The key revocation list as of now.
    ///
    /// # Errors
    /// [`crate::ledger::LedgerError`].
    pub fn krl(&mut self, now: UnixTime) -> Result<Krl, Error> {
        revocation::krl(&*self.ledger.look()?, &self.ca_public, now)
    }

    /// The revoked list as of now.
    ///
    /// # Errors
    /// [`crate::ledger::LedgerError`].
    pub fn revoked(&mut self, now: UnixTime) -> Result<grant::Revoked, Error> {
        revocation::revoked(&*self.ledger.look()?, self.config.authority, now)
    }

    /// What a host would believe that has everything this authority knows.
    ///
    /// # Errors
    /// [`crate::ledger::LedgerError`].
    pub fn trust_of(
        &self,
        host: grant::HostName,
        roles: std::collections::BTreeSet<grant::RoleName>,
        now: UnixTime,
    ) -> Result<Trust, Error> {
        Ok(Trust {
            authority: self.config.authority,
            host,
            roles,
            ca_keys: vec![self.ca_public.clone()],
            approvers: grant::Approvers::parse(&approver::export(&self.ledger)?)?,
            minimum_approvals: 1,
            revoked: revocation::revoked(&self.ledger, self.config.authority, now)?,
            // As a host with a recorder; whether this one has one, the authority does not know.
            enforced: grant::Enforced { uses: true, sessions: true, extendable_to: true, sudo: true },
            maximum_age: None,
        })
    }
}

fn missing(dir: &Path, error: Error) -> Error {
    match error {
        Error::Config(ConfigError::File(file)) if file.is_missing() => Error::NoAuthority(dir.to_owned()),
        Error::Config(ConfigError::File(file)) if file.is_denied() => {
            Error::Denied { dir: dir.to_owned(), source: file }
        }
        other => other,
    }
}

fn trusted_key(path: &Path) -> Result<PublicKey, Error> {
    let text = durable::read_trusted(path, "public key", grant::limits::KEY_LINE)?;
    public_key::parse(&text, path)
}

/// The Unix user who runs this, for events: the name where there is one, else the number.
///
/// # Errors
/// [`Error::System`] when the user database cannot be asked.
pub fn whoami() -> Result<String, Error> {
    let uid = Uid::current();
    let user = User::from_uid(uid)
        .map_err(|e| Error::System { step: "look up the user", problem: e.to_string() })?;
    Ok(user.map_or_else(|| uid.to_string(), |user| user.name))
}

/// The user, looked up once and only for changes.
fn by_whom(known: &mut Option<String>) -> Result<&str, Error> {
    let name = match known.take() {
        Some(name) => name,
        None => whoami()?,
    };
    Ok(known.insert(name))
}

/// Is the file private, as a key or the ledger must be?
///
/// # Errors
/// [`FileError`] when it is not, or cannot be looked at.
pub fn expect_private(path: &Path) -> Result<(), FileError> {
    use std::os::unix::fs::MetadataExt;
    let facts = std::fs::metadata(path).map_err(|source| FileError::Io {
        step: "look at",
        path: path.to_owned(),
        source,
    })?;
    let mode = facts.mode() & 0o7777;
    if mode & 0o077 == 0 { Ok(()) } else { Err(FileError::Readable { path: path.to_owned(), mode }) }
}
